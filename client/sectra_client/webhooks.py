"""For apps: what the PACS sent, as a model; and the answer to it, in whatever web framework.

invocation = webhooks.parse_invocation(request_body)
with webhooks.client_for(invocation) as client:
    stored = client.create_results(invocation.applicationId, result)
    answer = webhooks.answer(client, stored)
return answer.body, answer.status, answer.headers
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

import sectra_client._own_files  # noqa: F401 - says so where the files are another package's
from sectra_client.client import SectraClient
from sectra_client.schemas.info import ApplicationInfo
from sectra_client.schemas.invocation import Invocation, InvocationBase, NewImageFilesInvocation
from sectra_client.schemas.registration import Registration
from sectra_client.schemas.results import AttachmentState, Result
from sectra_client.utils.errors import SectraInvocationError
from sectra_client.wire.info import version_headers
from sectra_client.wire.messages import JSON, explained, json_body

Body = bytes | str | Mapping[str, Any]


@dataclass(frozen=True)
class WebhookAnswer:
    """An HTTP answer as plain values."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def parse_invocation(body: Body) -> Invocation:
    """What the user did, by `action`: create, modify, cancel, delete or newImageFiles.

    The body is the request's bytes, its text, or the parsed object. Raises `SectraInvocationError`, a `ValueError`,
    naming every place that isn't as it should be: answer 400 then.
    """
    invocation: Invocation = _parsed(Invocation, body)
    return invocation


def parse_image_notification(body: Body) -> NewImageFilesInvocation:
    """What came to `/imagenotification`; `action` and `input` may be missing there. Raises `SectraInvocationError`."""
    invocation: NewImageFilesInvocation = _parsed(NewImageFilesInvocation, body)
    return invocation


def client_for(invocation: InvocationBase, *, _allow_http: bool = False, **options: Any) -> SectraClient:
    """A client that calls the PACS back as the invocation says; `options` are those of `SectraClient`."""
    callback = invocation.callbackInfo
    return SectraClient(callback.url, callback.token, _allow_http, **options)


def answer(client: SectraClient, result: Result | None = None) -> WebhookAnswer:
    """The answer to an invocation, with the client's `response_headers`: the stored result, or `{}` where there is
    none. Raises `SectraUnreadableAnswerError` where the server's versions can't be headers, `ValueError` for a result
    that wasn't stored: answer with what `create_results` or `update_results` returned.
    """
    body = b"{}" if result is None else _stored(result)
    return _json_answer(body, client.response_headers)


def registration_answer(registration: Registration, versions: ApplicationInfo) -> WebhookAnswer:
    """The answer to the administrator's GET; `versions` are the app's own."""
    return _json_answer(json_body(registration), version_headers(versions))


def info_answer(versions: ApplicationInfo) -> WebhookAnswer:
    """The answer to `GET /info`; `versions` are the app's own. Raises `ValueError` for an empty API version."""
    if not versions.apiVersion:
        raise ValueError("apiVersion is empty: expected the version of IA-API that the app speaks, such as 1.10")
    return _json_answer(json_body(versions), version_headers(versions))


def refusal(error: SectraInvocationError) -> WebhookAnswer:
    """The answer 400 to what is no invocation."""
    return WebhookAnswer(400, {"Content-Type": "text/plain; charset=utf-8"}, str(error).encode("utf-8", "replace"))


def _json_answer(body: bytes, versions: Mapping[str, str]) -> WebhookAnswer:
    return WebhookAnswer(200, {"Content-Type": JSON, **versions}, body)


def _stored(result: Result) -> bytes:
    """The result with all members that a stored one has. Raises `ValueError` for what no PACS stored."""
    document = json.loads(json_body(result))
    for name, empty in (("applicationVersion", ""), ("displayProperties", {}), ("attachments", []), ("data", {})):
        document[name] = empty if document.get(name) is None else document[name]
    for attachment in document["attachments"]:
        attachment.setdefault("state", AttachmentState.NEW)  # the PACS decides, whatever the app says
    if not isinstance(document.get("id"), int) or document["id"] < 1 or not document.get("versionId"):
        raise ValueError(
            "an app answers with a stored result, which has an id and a versionId: "
            "answer with what create_results or update_results returned"
        )
    return json.dumps(document, allow_nan=False).encode("ascii")


def _parsed(kind: Any, body: Body) -> Any:
    try:
        if isinstance(body, Mapping):
            return _adapter(kind).validate_python(dict(body))
        return _adapter(kind).validate_json(body)
    except ValidationError as error:
        places = "; ".join(explained(error))
        raise SectraInvocationError(f"this is no invocation that IA-API 1.10 has: {places}") from None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
