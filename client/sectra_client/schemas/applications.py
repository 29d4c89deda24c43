"""Applications that are registered with the PACS."""

from sectra_client.schemas.base import SparseModel


class Application(SparseModel):
    """A registered application; `context` is its own data, a JSON object as text."""

    applicationId: str
    displayName: str
    manufacturer: str
    context: str | None = None
