"""Bad apps: answers, and what the app asks the PACS."""

import json
from dataclasses import replace
from typing import Any

from example_app.work import NucleiCounter
from ia_api_contract.app_pacs import OTHER_SLIDE
from meta_tests.apps.bad_app import BadApp, Document, answers, ask, json_of, with_header
from meta_tests.mutant import Response
from sectra_client import SectraClient, webhooks
from sectra_client.schemas import CreateInvocation


class _Asks(NucleiCounter):
    """Asks the PACS something wrong when it has worked."""

    method, path = "GET", "/info"
    token: str | None = None
    document: Any = None

    def create(self, client: SectraClient, invocation: Any) -> Any:
        stored = super().create(client, invocation)
        ask(invocation, self.method, self.path.format(invocation), self.token, json=self.document)
        return stored


class _AsksInvalid(_Asks):
    method, path, document = "POST", "/applications/{0.applicationId}/results", {"slideId": 5}


class _AsksUnknown(_Asks):
    path = "/slides/{0.slideId}/annotations"


class _AsksForCase(_Asks):
    path = "/slides/{0.slideId}/request/images/info"


class _AsksOdd(_Asks):
    path = "/slides/{0.slideId}/info?colour=blue"


class _AsksWithOtherToken(_Asks):
    path, token = "/slides/{0.slideId}/info", "a-token-of-yesterday"


class _TellsToken(NucleiCounter):
    def handle(self, invocation: Any) -> webhooks.WebhookAnswer:
        answer = super().handle(invocation)
        if not isinstance(invocation, CreateInvocation):
            return answer
        told = {**json.loads(answer.body), "callbackInfo": invocation.callbackInfo.model_dump()}
        return replace(answer, body=json.dumps(told).encode())


class _ReadsWithFirstToken(NucleiCounter):
    """Looks at every slide with the token that came first."""

    first: SectraClient | None = None

    def create(self, client: SectraClient, invocation: Any) -> Any:
        self.first = self.first or self.connect(invocation)
        self.first.get_image_metadata(invocation.slideId)
        return super().create(client, invocation)


class _AnswersWith(NucleiCounter):
    """Answers starts with members that aren't true."""

    def __init__(self, **members: str) -> None:
        super().__init__()
        self._members = members

    def handle(self, invocation: Any) -> webhooks.WebhookAnswer:
        answer = super().handle(invocation)
        if not isinstance(invocation, CreateInvocation) or answer.status != 200 or len(answer.body) < 3:
            return answer
        return replace(answer, body=json.dumps({**json.loads(answer.body), **self._members}).encode())


def _other_words(document: Document) -> None:
    if "displayResult" in document:
        document["displayResult"] = "something else"


def _started_only(change: Any) -> Any:
    """Changes only the answers that are a fresh result."""

    def changed(document: Document) -> Document:
        made: Document = change(document) if "displayResult" in document else document
        return made

    return json_of(changed)


def _as_page(response: Response) -> Response:
    return with_header("Content-Type", "text/html")(response) if len(response.body) > 2 else response


POST = ("POST", "/hook")

APPS: tuple[BadApp, ...] = (
    BadApp(
        "answer-without-api-version",
        "Sends no X-Sectra-ApiVersion.",
        "app.answer-api-version",
        spoil=answers(*POST, with_header("X-Sectra-ApiVersion", None)),
    ),
    BadApp(
        "answer-without-software-version",
        "Sends no X-Sectra-SoftwareVersion.",
        "app.answer-software-version",
        spoil=answers(*POST, with_header("X-Sectra-SoftwareVersion", None)),
    ),
    BadApp(
        "answer-version-latest",
        "Calls its version “latest”.",
        "app.answer-version-wellformed",
        spoil=answers(*POST, with_header("X-Sectra-ApiVersion", "latest")),
        why="No PACS says “latest” of itself, either.",
    ),
    BadApp(
        "answer-own-version",
        "Sends a version of its own.",
        "app.answer-versions-forwarded",
        spoil=answers(*POST, with_header("X-Sectra-SoftwareVersion", "nuclei 3")),
    ),
    BadApp("answer-as-page", "Calls its JSON text/html.", "app.answer-media-type", spoil=answers(*POST, _as_page)),
    BadApp(
        "answer-status-ok",
        "Answers with a status of its own making.",
        "app.answer-form",
        spoil=answers(*POST, _started_only(lambda document: {"status": "ok"})),
        why="It is no stored result, either.",
    ),
    BadApp(
        "answer-other-words",
        "Answers something else than it stored.",
        "app.answer-same",
        spoil=answers(*POST, json_of(_other_words)),
    ),
    BadApp(
        "answer-made-up-version",
        "Answers a versionId of its own making.",
        "app.answer-true",
        counter=lambda: _AnswersWith(versionId="made-up"),
        why="A start that the PACS kept waiting claims it, too.",
    ),
    BadApp(
        "answer-other-slide",
        "Says that its result is about another slide.",
        "app.answer-slide",
        counter=lambda: _AnswersWith(slideId=OTHER_SLIDE),
        why="Two starts at once show it, too.",
    ),
    BadApp("requests-invalid", "Sends what the PACS refuses with 400.", "app.requests-valid", counter=_AsksInvalid),
    BadApp("requests-unknown", "Asks for an operation that there isn't.", "app.requests-known", counter=_AsksUnknown),
    BadApp(
        "requests-newer",
        "Asks a PACS of 1.8 for an operation of 1.9.",
        "app.requests-known",
        counter=_AsksForCase,
        version="1.8",
    ),
    BadApp("requests-odd", "Sends a parameter that nobody reads.", "app.requests-usual", counter=_AsksOdd),
    BadApp("requests-other-token", "Asks with another token.", "app.requests-allowed", counter=_AsksWithOtherToken),
    BadApp("token-told", "Tells the callback token.", "app.token-secret", counter=_TellsToken),
    BadApp("token-first", "Reads with the first token that it got.", "app.token-own", counter=_ReadsWithFirstToken),
)
