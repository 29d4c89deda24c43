"""The versions of a server."""

from sectra_client.schemas.base import WireModel


class ApplicationInfo(WireModel):
    """API and software version of one side of the interface."""

    apiVersion: str
    softwareVersion: str
