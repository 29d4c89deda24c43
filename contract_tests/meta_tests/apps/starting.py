"""Bad apps: starting."""

import threading
import time
from typing import Any

from example_app.work import NucleiCounter
from ia_api_contract.app_pacs import OTHER_SLIDE, SLIDE
from meta_tests.apps.bad_app import BadApp, Document, answers, is_action, json_of, refusing
from meta_tests.mutant import Response
from sectra_client import SectraClient, webhooks
from sectra_client.schemas import CreateInvocation, InputType

SAME_START = "A start on what it asks for is the start that the whole suite begins with."


class _StoresNothing(NucleiCounter):
    def create(self, client: SectraClient, invocation: Any) -> Any:
        client.get_image_metadata(invocation.slideId)


class _OtherSlide(NucleiCounter):
    def create(self, client: SectraClient, invocation: Any) -> Any:
        if isinstance(invocation, CreateInvocation) and invocation.slideId == SLIDE:
            invocation = invocation.model_copy(update={"slideId": OTHER_SLIDE})
        return super().create(client, invocation)


class _OneUser(NucleiCounter):
    """Refuses a start while another one is worked on."""

    def __init__(self) -> None:
        super().__init__()
        self._busy = threading.Lock()

    def handle(self, invocation: Any) -> webhooks.WebhookAnswer:
        if not isinstance(invocation, CreateInvocation):
            return super().handle(invocation)
        if not self._busy.acquire(blocking=False):
            return webhooks.WebhookAnswer(503, {}, b"busy")
        try:
            time.sleep(0.2)
            return super().handle(invocation)
        finally:
            self._busy.release()


def _given(sort: str) -> Any:
    return lambda document: document.get("action") == "create" and document.get("input", {}).get("type") == sort


def _without_context(document: Document) -> bool:
    return document.get("action") == "create" and "model" not in document.get("context", {"model": "none came"})


def _registers_context(document: Document) -> None:
    document["context"] = {"model": "nuclei-2"}


def _archive_is_create(document: Document) -> Document:
    return {**document, "action": "create"} if document.get("action") == "archive" else document


def _untagged(document: Document) -> bool:
    return _given("taggedPolygon")(document) and "tags" not in document["input"]["content"]


def _many(document: Document) -> bool:
    return _given("multiArea")(document) and len(document["input"]["content"]["polygons"]) > 1


APPS: tuple[BadApp, ...] = (
    BadApp(
        "create-fails", "Fails when it is started.", "app.create-answered", incoming=refusing(500, is_action("create"))
    ),
    BadApp(
        "create-redirects",
        "Sends the PACS to another page when it is started.",
        "app.create-answered",
        spoil=answers("POST", "/hook", lambda response: Response(302, {"Location": "/elsewhere"}, b"")),
    ),
    BadApp("create-stores-nothing", "Works, and stores nothing.", "app.create-stores", counter=_StoresNothing),
    BadApp(
        "create-other-slide",
        "Stores its result for another slide.",
        "app.create-slide",
        counter=_OtherSlide,
        why="Two starts at once show it, too.",
    ),
    BadApp(
        "create-no-whole-slide",
        "Asks for whole slides, and refuses them.",
        "app.create-whole-slide",
        incoming=refusing(400, _given("wholeSlide")),
        why=SAME_START,
    ),
    BadApp(
        "create-no-polygon",
        "Asks for a tagged polygon, and refuses it.",
        "app.create-tagged-polygon",
        asks_for=InputType.TAGGED_POLYGON,
        incoming=refusing(400, _given("taggedPolygon")),
        why=SAME_START,
    ),
    BadApp(
        "create-wants-tags",
        "Fails on a polygon without tags.",
        "app.create-untagged-polygon",
        asks_for=InputType.TAGGED_POLYGON,
        incoming=refusing(400, _untagged),
    ),
    BadApp(
        "create-one-area",
        "Asks for several areas, and takes one.",
        "app.create-multi-area",
        asks_for=InputType.MULTI_AREA,
        incoming=refusing(400, _many),
        why=SAME_START,
    ),
    BadApp(
        "create-only-its-input",
        "Fails on an input that it didn't ask for.",
        "app.create-other-input",
        incoming=refusing(500, _given("multiArea")),
    ),
    BadApp(
        "create-needs-context",
        "Fails without the context that it registered.",
        "app.create-empty-context",
        spoil=answers("GET", "/hook", json_of(_registers_context)),
        incoming=refusing(500, _without_context),
    ),
    BadApp(
        "create-strict",
        "Refuses members that it doesn't know.",
        "app.create-newer-members",
        incoming=refusing(400, lambda document: "cameLater" in document),
    ),
    BadApp(
        "create-careless",
        "Fails on what is no invocation.",
        "app.create-no-invocation",
        incoming=refusing(500, lambda document: "slideId" not in document),
    ),
    BadApp(
        "create-whatever",
        "Takes an action that it doesn't know for a start.",
        "app.create-unknown-action",
        incoming=_archive_is_create,
    ),
    BadApp("create-one-user", "Refuses a start while another one runs.", "app.create-parallel", counter=_OneUser),
)
