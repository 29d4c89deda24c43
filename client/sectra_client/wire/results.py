"""What applications store."""

from sectra_client.schemas.results import (
    AdaptedResult,
    AttachmentState,
    Result,
    ResultResponse,
    UnknownResultContent,
)
from sectra_client.wire.messages import JSON, Call, Request, checked, reads, segment, whole


def create_result(app_id: str, result: Result) -> Call[ResultResponse]:
    """Stores a new result. Raises `ValueError` for a sort of result or attachment state that IA-API 1.10 doesn't
    have.
    """
    sent, body = checked(result)
    _refuse_unknown(sent)
    _refuse_doubled(sent)
    request = Request("createResult", "POST", _results(app_id), headers={"Content-Type": JSON}, body=body)
    return Call(request, reads(ResultResponse))


def get_result(app_id: str, result_id: int) -> Call[ResultResponse]:
    """A stored result."""
    path = f"{_results(app_id)}/{whole('result_id', result_id)}"
    return Call(Request("getResult", "GET", path), reads(ResultResponse))


def update_result(app_id: str, result_id: int, result: AdaptedResult | ResultResponse) -> Call[ResultResponse]:
    """Replaces a stored result; what the server said is sent back even where this client doesn't know it."""
    path = f"{_results(app_id)}/{whole('result_id', result_id)}"
    adapted = result.adapted() if isinstance(result, ResultResponse) else result
    sent, body = checked(adapted)
    _refuse_doubled(sent)
    request = Request("updateResult", "PUT", path, headers={"Content-Type": JSON}, body=body)
    return Call(request, reads(ResultResponse))


def list_results(slide_id: str, app_id: str) -> Call[list[ResultResponse]]:
    """The results of an application on a slide, oldest first."""
    path = f"{_results(app_id)}/slide/{segment('wsi_id', slide_id)}"
    return Call(Request("listResults", "GET", path), reads(list[ResultResponse]))


def _results(app_id: str) -> str:
    return f"/applications/{segment('app_id', app_id)}/results"


def _refuse_doubled(result: Result) -> None:
    """Names are unique in a result: the contract says so, and a server refuses what isn't."""
    names = [attachment.name for attachment in result.attachments]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"the attachment {twice[0]!r} is declared twice: declare each name once")


def _refuse_unknown(result: Result) -> None:
    if isinstance(result.data.result, UnknownResultContent):
        raise ValueError(f"data.result.type is {result.data.result.type!r}: known are primitive and patchCollection")
    for attachment in result.attachments:
        if attachment.state is not None and attachment.state not in tuple(AttachmentState):
            raise ValueError(
                f"the state of attachment {attachment.name!r} is {attachment.state!r}: leave it out, or 'new'"
            )
