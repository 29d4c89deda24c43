"""Mutants of launches."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from wsgiref.types import WSGIEnvironment

from flask import request

from fake_pacs.calls import Call, Reply
from fake_pacs.handlers import Handler
from fake_pacs.store import Credential
from fake_pacs.world import World
from meta_tests.mutant import Mutant, Response
from meta_tests.spoiling import asked, instead, members, where

DATA = r"/launchdata$"


def _calling_back(**given: str) -> Any:
    return where(DATA, members(lambda data: {**data, "callbackInfo": {**data["callbackInfo"], **given}}))


def _null_names(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "blocks": [{**block, "name": None} for block in data["blocks"]]}


def _one_slide_each(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "blocks": [{**block, "slides": block["slides"][:1]} for block in data["blocks"]]}


def _with_slash(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "callbackInfo": {**data["callbackInfo"], "url": data["callbackInfo"]["url"] + "/"}}


def _used_up(call: Call, world: World, right: Handler) -> Reply:
    reply = right(call, world)
    past = Credential(call.caller.tenant, "session", expires_at=datetime(2000, 1, 1, tzinfo=UTC))
    world.store.add_credential(call.parameters["sessionToken"], past)
    return reply


def _no_quirk(environ: WSGIEnvironment, response: Response) -> Response:
    return instead(401, b"{}")(response) if "?appId=" in environ["QUERY_STRING"] else response


def _session_as_bearer(world: World) -> None:
    known = world.store.credential

    def credential(secret: str) -> Credential | None:
        found = known(secret)
        is_session = found is not None and found.kind == "session" and not request.path.endswith("/launchdata")
        return replace(found, kind="issued") if found and is_session else found

    world.store.credential = credential  # type: ignore[method-assign]


MUTANTS = (
    Mutant(
        "launch-null-names",
        "The names of blocks are null.",
        ("launch.answered",),
        spoil=where(DATA, members(_null_names)),
    ),
    Mutant(
        "launch-one-slide-each",
        "Each block holds its first slide only.",
        ("launch.whole-case",),
        spoil=where(DATA, members(_one_slide_each)),
    ),
    Mutant(
        "launch-once",
        "A session token is used up by its first use.",
        ("launch.twice",),
        handlers={"getLaunchData": _used_up},
    ),
    Mutant(
        "launch-no-quirk",
        "?appId= behind the session token isn't understood.",
        ("launch.viewers-quirk",),
        spoil=_no_quirk,
    ),
    Mutant(
        "launch-any-application",
        "A session is good for any application.",
        ("launch.other-application-refused",),
        handlers={"getLaunchData": asked(lambda parameters, call: {"appId": call.caller.application})},
    ),
    Mutant(
        "launch-any-case",
        "A session is good for any case.",
        ("launch.other-case-refused",),
        handlers={"getLaunchData": asked(lambda parameters, call: {"requestId": call.caller.accession_number})},
    ),
    Mutant(
        "launch-any-session",
        "Any session token will do.",
        ("launch.unknown-session-401",),
        spoil=where(DATA, instead(200, b'{"blocks": []}'), status=401),
    ),
    Mutant(
        "launch-session-as-bearer",
        "A session token opens the API.",
        ("launch.session-is-no-bearer",),
        prepare=_session_as_bearer,
    ),
    Mutant(
        "launch-callback-useless",
        "The callback token is unknown to the API.",
        ("launch.callback-token-works",),
        spoil=_calling_back(token="unknown"),
    ),
    Mutant(
        "launch-callback-for-no-cookie",
        "The callback token has a semicolon in it.",
        ("launch.callback-token-cookie-safe", "launch.answered"),
        spoil=_calling_back(token="half;half"),
    ),
    Mutant(
        "launch-callback-slash",
        "The callback URL ends in a slash.",
        ("launch.callback-url", "launch.answered"),
        spoil=where(DATA, members(_with_slash)),
    ),
)
