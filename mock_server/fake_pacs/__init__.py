"""A fake PACS: an emulator of IA-API 1.8, 1.9 and 1.10, driven by the OpenAPI contract."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fake_pacs.embedding import MockSectraServer

__all__ = ["MockSectraServer"]


def __getattr__(name: str) -> Any:
    """Loads the emulator at first use: a command that only needs a part of the package doesn't wait for Flask."""
    if name == "MockSectraServer":
        from fake_pacs.embedding import MockSectraServer

        return MockSectraServer
    raise AttributeError(f"module 'fake_pacs' has no attribute {name!r}; it offers {', '.join(__all__)}")
