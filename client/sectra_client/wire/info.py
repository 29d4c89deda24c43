"""The versions of the server."""

from sectra_client.schemas.info import ApplicationInfo
from sectra_client.wire.messages import Call, Request, reads


def get_info() -> Call[ApplicationInfo]:
    """What the server is."""
    return Call(Request("getInfo", "GET", "/info"), reads(ApplicationInfo))


def version_headers(versions: ApplicationInfo) -> dict[str, str]:
    """The two version headers with these values. Raises `ValueError` for what no header may have: control characters,
    above all line breaks, and what isn't latin-1.
    """
    headers = {"X-Sectra-ApiVersion": versions.apiVersion, "X-Sectra-SoftwareVersion": versions.softwareVersion}
    for name, value in headers.items():
        if not value.isprintable() or any(ord(character) > 0xFF for character in value):
            raise ValueError(f"{name} would be {value[:80]!r}: expected printable latin-1 text")
    return headers
