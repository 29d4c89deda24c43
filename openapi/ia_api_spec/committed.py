"""The narrowed documents as committed files, so that a review shows what each version looks like.

Servers read these: JSON parses in a millisecond, YAML does not. `snapshots.py` makes them from the YAML sources.
"""

import json
from functools import cache
from pathlib import Path

from ia_api_spec.tree import Document
from ia_api_spec.versions import ApiVersion

FOLDER = Path(__file__).parent / "snapshots"


def file_name(name: str, version: ApiVersion) -> str:
    """The snapshot's file name: `ia-api-1.9.json`; the control plane has one for all versions."""
    return f"{name}.json" if name == "fake-pacs" else f"{name}-{version}.json"


@cache
def text(name: str, version: ApiVersion) -> str:
    """The committed snapshot as JSON text. Raises `FileNotFoundError` for what was never made."""
    return (FOLDER / file_name(name, version)).read_text("utf-8")


def snapshot(name: str, version: str | ApiVersion) -> Document:
    """The document of that name in that version, read from its committed snapshot: the caller's own copy."""
    wanted = version if isinstance(version, ApiVersion) else ApiVersion(version)
    document: Document = json.loads(text(name, wanted))
    return document
