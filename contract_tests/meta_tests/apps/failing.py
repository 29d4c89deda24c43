"""Bad apps: what they do when the PACS fails."""

import json
from collections.abc import Callable
from typing import Any

from example_app.work import NucleiCounter
from meta_tests.apps.bad_app import BadApp
from sectra_client import SectraClient, SectraError, webhooks
from sectra_client.retries import RetryPolicy
from sectra_client.schemas import CreateInvocation
from sectra_client.schemas.invocation import InvocationBase
from sectra_client.utils.errors import (
    SectraConnectionError,
    SectraServerError,
    SectraUnauthorisedError,
    SectraUnavailableError,
    SectraUncertainWriteError,
)

CLAIM = {"id": 1, "versionId": "made-up", "slideId": "made-up", "displayResult": "0 nuclei", "data": {}}


class _Claims(NucleiCounter):
    """Claims a result where the PACS fails in a certain way."""

    def __init__(self, error: type[SectraError]) -> None:
        super().__init__()
        self._error = error

    def handle(self, invocation: Any) -> webhooks.WebhookAnswer:
        try:
            return super().handle(invocation)
        except self._error:
            return webhooks.WebhookAnswer(200, {"Content-Type": "application/json"}, json.dumps(CLAIM).encode())


class _Sulks(NucleiCounter):
    """Refuses one start after the PACS failed in a certain way."""

    def __init__(self, error: type[SectraError]) -> None:
        super().__init__()
        self._error, self._sulking = error, False

    def handle(self, invocation: Any) -> webhooks.WebhookAnswer:
        if self._sulking:
            self._sulking = False
            return webhooks.WebhookAnswer(500, {}, b"no")
        try:
            return super().handle(invocation)
        except self._error:
            self._sulking = True
            raise


class _TriesAgain(NucleiCounter):
    """Does all of it again at once where the PACS fails in a certain way."""

    def __init__(self, error: type[SectraError], times: int, connect: Callable[..., SectraClient]) -> None:
        super().__init__()
        self._error, self._times, self._connect = error, times, connect

    def connect(self, invocation: InvocationBase) -> SectraClient:
        return self._connect(invocation)

    def create(self, client: SectraClient, invocation: Any) -> Any:
        for _ in range(self._times if isinstance(invocation, CreateInvocation) else 0):
            try:
                return super().create(client, invocation)
            except self._error:
                continue
        return super().create(client, invocation)


class _Impatient(NucleiCounter):
    """Waits for an answer no longer than 0.6 seconds."""

    def connect(self, invocation: InvocationBase) -> SectraClient:
        return webhooks.client_for(invocation, _allow_http=True, timeout=(3.0, 0.6), retry=RetryPolicy(retries=1))


def _hasty(invocation: InvocationBase) -> SectraClient:
    return webhooks.client_for(invocation, _allow_http=True, retry=RetryPolicy(retries=0, patience=0.0))


APPS: tuple[BadApp, ...] = (
    BadApp(
        "trouble-claims-on-503",
        "Claims a result while the PACS answers 503.",
        "app.trouble-unavailable",
        counter=lambda: _Claims(SectraUnavailableError),
    ),
    BadApp(
        "trouble-claims-when-cut",
        "Claims a result when connections break.",
        "app.trouble-broken-off",
        counter=lambda: _Claims(SectraConnectionError),
        why="The connection may break just when the result was stored: what it claims then isn't what is stored.",
    ),
    BadApp(
        "trouble-claims-on-500",
        "Claims a result that the PACS couldn't store.",
        "app.trouble-writes-fail",
        counter=lambda: _Claims(SectraServerError),
    ),
    BadApp(
        "trouble-sulks",
        "Refuses a start after the PACS had failed.",
        "app.trouble-recovers",
        counter=lambda: _Sulks(SectraUnavailableError),
    ),
    BadApp(
        "trouble-impatient",
        "Waits for no answer longer than 0.6 s.",
        "app.trouble-slow",
        counter=_Impatient,
    ),
    BadApp(
        "trouble-hasty",
        "Comes back at once.",
        "app.trouble-retry-after",
        counter=lambda: _TriesAgain(SectraUnavailableError, 3, _hasty),
    ),
    BadApp(
        "trouble-stores-twice",
        "Stores again what may have been stored.",
        "app.trouble-stored-once",
        counter=lambda: _TriesAgain(SectraUncertainWriteError, 1, _hasty),
    ),
    BadApp(
        "token-claims",
        "Claims a result when its token has expired.",
        "app.token-expired",
        counter=lambda: _Claims(SectraUnauthorisedError),
    ),
    BadApp(
        "token-hammers",
        "Tries an expired token over and over.",
        "app.token-not-hammered",
        counter=lambda: _TriesAgain(SectraUnauthorisedError, 15, _hasty),
    ),
    BadApp(
        "token-sulks",
        "Refuses a start after a token had expired.",
        "app.token-apart",
        counter=lambda: _Sulks(SectraUnauthorisedError),
    ),
)
