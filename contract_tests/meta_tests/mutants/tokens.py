"""Mutants of tokens."""

from dataclasses import replace
from datetime import UTC, datetime
from wsgiref.types import WSGIEnvironment

from fake_pacs.calls import Call, Reply, json_reply
from fake_pacs.handlers import Handler
from fake_pacs.settings import DEFAULT_TENANT
from fake_pacs.store import Credential
from fake_pacs.world import World
from meta_tests.mutant import Mutant, Response
from meta_tests.spoiling import answered, instead, members, where

TOKEN = r"/token$"
GIVEN = b'{"access_token": "given-to-anybody", "token_type": "Bearer", "expires_in": 60}'


def short_lived(world: World) -> None:
    """Tokens live for a second: not wrong, and the only way to see them expire in a test."""
    world.settings = replace(world.settings, token_lifetime=1)


def _any_scheme(environ: WSGIEnvironment, response: Response) -> Response:
    is_dressed = environ.get("HTTP_AUTHORIZATION") == "Basic dev-token"
    return instead(200, b"{}")(response) if is_dressed and response.status == 401 else response


def _bearer_will_do(environ: WSGIEnvironment, response: Response) -> Response:
    has_bearer = environ.get("HTTP_AUTHORIZATION", "").startswith("Bearer") and environ["PATH_INFO"].endswith("/token")
    return instead(200, GIVEN)(response) if has_bearer else response


def _any_password(world: World) -> None:
    world.store.check_user = lambda name, password: DEFAULT_TENANT  # type: ignore[method-assign]


def _issued(call: Call, world: World, application: str | None) -> Reply:
    lifetime = world.settings.token_lifetime
    token = world.issue(Credential(call.caller.tenant, "issued", application=application), lifetime)
    return json_reply({"access_token": token, "token_type": "Bearer", "expires_in": lifetime})


def _unbound(call: Call, world: World, right: Handler) -> Reply:
    world.application(call.parameters["applicationId"], call.caller.tenant)
    return _issued(call, world, None)


def _unregistered(call: Call, world: World, right: Handler) -> Reply:
    return _issued(call, world, call.parameters["applicationId"])


def _revoking(call: Call, world: World, right: Handler) -> Reply:
    world.store.purge_expired(datetime(9000, 1, 1, tzinfo=UTC))
    return right(call, world)


def _undying(call: Call, world: World, right: Handler) -> Reply:
    reply = right(call, world)
    credential = Credential(call.caller.tenant, "issued", application=call.parameters["applicationId"])
    world.store.add_credential(reply.body["access_token"], credential)
    return reply


MUTANTS = (
    Mutant(
        "tokens-open-label",
        "Labels need no token.",
        ("tokens.no-bearer-401", "tokens.unknown-bearer-401"),
        why="An open operation is found from every side: without a token, with a wrong one, by its own schema.",
        spoil=where(r"/label$", instead(204), status=401),
    ),
    Mutant(
        "tokens-any-scheme",
        "A token is taken in any scheme.",
        ("tokens.other-scheme-401",),
        spoil=_any_scheme,
    ),
    Mutant(
        "tokens-no-lifetime",
        "The answer doesn't say when a token expires.",
        ("tokens.issued", "schema.createToken"),
        spoil=where(TOKEN, members(lambda token: {name: token[name] for name in ("access_token", "token_type")})),
    ),
    Mutant(
        "tokens-any-password",
        "User and password aren't checked.",
        ("tokens.wrong-password-401", "tokens.no-password-401"),
        prepare=_any_password,
    ),
    Mutant(
        "tokens-renew-themselves",
        "A bearer token is good for another one.",
        ("tokens.bearer-instead-401",),
        spoil=_bearer_will_do,
    ),
    Mutant(
        "tokens-of-unknown-applications",
        "There is a token for any application.",
        ("tokens.unknown-application-404",),
        handlers={"createToken": _unregistered},
    ),
    Mutant(
        "tokens-any-grant",
        "The form isn't read.",
        ("tokens.wrong-grant-400",),
        spoil=where(TOKEN, instead(200, GIVEN), status=400),
    ),
    Mutant(
        "tokens-useless",
        "The token that is given out isn't the one that is known.",
        ("tokens.opens",),
        handlers={"createToken": answered(lambda body, call, world: {**body, "access_token": "another"})},
    ),
    Mutant(
        "tokens-revoke-older",
        "A new token revokes the older ones.",
        ("tokens.older-live",),
        handlers={"createToken": _revoking},
    ),
    Mutant(
        "tokens-of-no-application",
        "A token opens every application's results.",
        ("tokens.own-application-only",),
        handlers={"createToken": _unbound},
    ),
    Mutant(
        "tokens-never-expire",
        "A token is good after expires_in.",
        ("tokens.expires",),
        handlers={"createToken": _undying},
        prepare=short_lived,
    ),
)
