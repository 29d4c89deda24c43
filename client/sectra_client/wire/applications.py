"""Registered applications."""

from sectra_client.schemas.applications import Application
from sectra_client.wire.messages import Call, Request, reads, segment


def get_application(app_id: str) -> Call[Application]:
    """The application of that id."""
    return Call(Request("getApplication", "GET", f"/applications/{segment('app_id', app_id)}"), reads(Application))
