"""`MockSectraServer`, handed on from `fake_pacs` under the import path of the community package."""

from typing import Any

from sectra_client.schemas.results import ResultResponse

try:
    from fake_pacs.embedding import MockSectraServer as _EmbeddedServer
except ModuleNotFoundError as error:
    raise ImportError(f"MockSectraServer needs the emulator: pip install 'ia-api-kit[server]' ({error})") from error


class MockSectraServer(_EmbeddedServer):
    """The fake PACS inside a test, whose `get_results` returns this client's models."""

    @staticmethod
    def read_result(document: dict[str, Any]) -> ResultResponse:
        """The stored result as a model."""
        return ResultResponse.model_validate(document)

    def get_results(self, app_id: str, slide_id: str) -> list[ResultResponse]:
        """The results that an application stored on a slide, ordered by id, read past HTTP."""
        return super().get_results(app_id, slide_id)


__all__ = ["MockSectraServer"]
