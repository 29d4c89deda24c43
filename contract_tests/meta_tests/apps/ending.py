"""Bad apps: cancelling, deleting, image notifications."""

import threading
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from example_app.work import NucleiCounter
from ia_api_contract.app_pacs import OTHER_SLIDE
from meta_tests.apps.bad_app import BadApp, answers, is_action, json_of, refused, refusing
from sectra_client import SectraClient, webhooks
from sectra_client.schemas import (
    CancelInvocation,
    CreateInvocation,
    DeleteInvocation,
    NewImageFilesInvocation,
    Result,
)

NOTIFICATION = ("POST", "/hook/imagenotification")


class _ForgetsNothing(NucleiCounter):
    """Fails on a cancel of what it never heard of."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: set[str] = set()

    def handle(self, invocation: Any) -> webhooks.WebhookAnswer:
        if isinstance(invocation, CancelInvocation) and invocation.cancellationToken not in self.heard:
            return webhooks.WebhookAnswer(500, {}, b"no such start")
        if isinstance(invocation, CreateInvocation):
            self.heard.add(invocation.cancellationToken)
        return super().handle(invocation)


def _one_at_a_time(app: WSGIApplication) -> WSGIApplication:
    turn = threading.Lock()

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with turn:
            return list(app(environ, start_response))

    return wrapped


class _NeverStops(NucleiCounter):
    def handle(self, invocation: Any) -> webhooks.WebhookAnswer:
        if isinstance(invocation, CancelInvocation):
            invocation = invocation.model_copy(update={"cancellationToken": "another"})
        return super().handle(invocation)


class _BringsBack(NucleiCounter):
    """Stores anew what the user removed."""

    def handle(self, invocation: Any) -> webhooks.WebhookAnswer:
        if isinstance(invocation, DeleteInvocation):
            members = invocation.input.model_dump(exclude={"id", "versionId"})
            with self.connect(invocation) as client:
                client.create_results(invocation.applicationId, Result.model_validate(members))
        return super().handle(invocation)


class _LooksFirst(NucleiCounter):
    """Reads what is removed, and fails where it is gone."""

    def handle(self, invocation: Any) -> webhooks.WebhookAnswer:
        if isinstance(invocation, DeleteInvocation):
            with self.connect(invocation) as client:
                client.get_result_by_result_id(invocation.applicationId, invocation.input.id)
        return super().handle(invocation)


class _OtherSlide(NucleiCounter):
    """Stores what it finds on a new slide for another one."""

    def welcome(self, client: SectraClient, invocation: NewImageFilesInvocation) -> None:
        super().welcome(client, invocation.model_copy(update={"slideId": OTHER_SLIDE}))


class _NotAgain(NucleiCounter):
    """Refuses a notification that it knows."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: set[str] = set()

    def handle(self, invocation: Any) -> webhooks.WebhookAnswer:
        if isinstance(invocation, NewImageFilesInvocation):
            if invocation.cancellationToken in self.heard:
                return webhooks.WebhookAnswer(409, {}, b"known")
            self.heard.add(invocation.cancellationToken)
        return super().handle(invocation)


class _EachTime(NucleiCounter):
    """Counts a slide as often as it is told of it."""

    def welcome(self, client: SectraClient, invocation: NewImageFilesInvocation) -> None:
        self.create(client, invocation)


APPS: tuple[BadApp, ...] = (
    BadApp("cancel-refused", "Knows no cancel.", "app.cancel-answered", incoming=refusing(404, is_action("cancel"))),
    BadApp("cancel-remembers", "Fails on an unknown cancel.", "app.cancel-unknown", counter=_ForgetsNothing),
    BadApp(
        "cancel-one-at-a-time",
        "Does one thing at a time.",
        "app.cancel-while-running",
        wrap=_one_at_a_time,
        timeout=4.0,
    ),
    BadApp("cancel-never-stops", "Stores what was cancelled.", "app.cancel-stops", counter=_NeverStops),
    BadApp("delete-refused", "Knows no deletion.", "app.delete-answered", incoming=refusing(404, is_action("delete"))),
    BadApp("delete-brings-back", "Stores anew what was removed.", "app.delete-stays", counter=_BringsBack),
    BadApp("delete-looks-first", "Fails where the result is gone.", "app.delete-gone", counter=_LooksFirst),
    BadApp(
        "notification-fails",
        "Fails when it is told of a slide.",
        "app.notification-answered",
        spoil=answers(*NOTIFICATION, lambda response: refused(500)),
    ),
    BadApp(
        "notification-talks",
        "Answers a notification with words.",
        "app.notification-empty",
        spoil=answers(*NOTIFICATION, json_of(lambda document: {"queued": True})),
    ),
    BadApp("notification-other-slide", "Stores for another slide.", "app.notification-slide", counter=_OtherSlide),
    BadApp("notification-not-again", "Refuses the second time.", "app.notification-twice", counter=_NotAgain),
    BadApp("notification-each-time", "Stores each time.", "app.notification-once", counter=_EachTime),
)
