"""Who calls: bearer tokens, user and password, session tokens and the control token, judged by the injected clock."""

import base64
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from fake_pacs.calls import Caller
from fake_pacs.reading import Message, Readings
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.secret_text import SCHEMES
from fake_pacs.settings import DEFAULT_TENANT
from fake_pacs.store import Credential, CredentialKind
from fake_pacs.world import World
from ia_api_spec import Operation

CONTROL_HEADER = "X-Fake-Pacs-Control"
REALM = "fake-pacs"

_SIGN_IN = "Use the server's --token, or one from POST /token."
_LAUNCH = "Make a launch: POST /_fake_pacs/launches answers with a session token."

MOST_PARAMETERS = 100
"""So many parameters of a refused request are searched for a session token."""

_BETWEEN_PARAMETERS = re.compile(r"[?&;]")

ANYBODY = Caller(DEFAULT_TENANT)
"""The caller of operations that need no credentials."""


def identify(operation: Operation, message: Message, readings: Readings, world: World) -> Caller:
    """The caller, by the first of the operation's security schemes whose credentials were sent.

    Refused: UNAUTHENTICATED (with `WWW-Authenticate`) for missing, unknown, expired and unfit credentials; FORBIDDEN
    where they are bound to another application.
    """
    if not operation.security:
        return ANYBODY
    refusals = []
    for scheme in operation.security:
        try:
            caller = _SCHEMES[scheme](message, readings, world)
        except Refusal as refusal:
            refusals.append(refusal)
            continue
        _check_application(caller, readings.values)
        return caller
    sent = "bearer" in operation.security and message.header("Authorization") and not message.header(CONTROL_HEADER)
    raise refusals[operation.security.index("bearer") if sent else 0]


def tenant_of(authorization: str | None, target: str, world: World) -> str | None:
    """Whom the credentials of a request name, valid or not, None where nobody: for the journal, it opens nothing.

    Looked at are a bearer token, the user of HTTP Basic whatever the password, and session tokens in the target.
    """
    scheme, _, rest = (authorization or "").strip().partition(" ")
    user, secrets = None, []
    if scheme.lower() == "basic":
        user = _user_of(rest)
    elif scheme.lower() == "bearer":
        secrets.append(rest.strip())
    pairs = [pair.partition("=") for pair in _BETWEEN_PARAMETERS.split(target)[1:MOST_PARAMETERS]]
    secrets += [unquote_plus(value) for name, _, value in pairs if unquote_plus(name) == "sessionToken"]
    found = [world.store.credential(secret) for secret in secrets if secret.isascii()]
    named = [credential.tenant for credential in found if credential]
    return (world.store.tenant_of_user(user) if user else None) or (named[0] if named else None)


def _user_of(encoded: str) -> str | None:
    """The user that HTTP Basic names, None where it can't be read."""
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")[0]
    except ValueError:
        return None


def _check_application(caller: Caller, parameters: Mapping[str, Any]) -> None:
    asked = parameters.get("applicationId")
    if caller.application is not None and asked is not None and asked != caller.application:
        raise Refusal(
            Refusals.FORBIDDEN,
            f"The token was issued for the application {caller.application!r}, the request is about {asked!r}.",
            hint=f"Ask POST /token?applicationId={asked} for a token of that application.",
        )


def _bearer(message: Message, readings: Readings, world: World) -> Caller:
    challenge = f'Bearer realm="{REALM}"'
    header = message.header("Authorization")
    if header is None:
        raise _unauthenticated("No Authorization header came.", challenge, "Send Authorization: Bearer <token>.")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        came = "The Authorization header is one word."  # perhaps a token: it is not repeated
        known = f"the scheme {scheme.capitalize()}" if scheme.lower() in SCHEMES else "another scheme"
        came = f"The Authorization header has {known}." if token else came
        raise _unauthenticated(came, challenge, "Send Authorization: Bearer <token>.")
    kinds: tuple[CredentialKind, ...] = ("development", "issued", "callback")
    return _caller(_valid(token.strip(), kinds, world, f'{challenge}, error="invalid_token"', _SIGN_IN))


def _session(message: Message, readings: Readings, world: World) -> Caller:
    token = readings.values.get("sessionToken")
    if not isinstance(token, str) or not token:
        hint = _LAUNCH if "sessionToken" in readings.values else "Send the session token of one launch, once."
        raise _unauthenticated(_no_session_token(readings), _session_challenge(), hint)
    return _caller(_valid(token, ("session",), world, _session_challenge(), _LAUNCH))


def _no_session_token(readings: Readings) -> str:
    """Why there is no session token to look at: none came, or none that can be read."""
    if "sessionToken" in readings.values:
        return "No sessionToken came in the query."
    found = [str(violation) for violation in readings.violations if violation.pointer in ("sessionToken", "")]
    return f"The session token can't be read: {'; '.join(found)}."


def _session_challenge() -> str:
    """No HTTP scheme exists for a token in the query; the challenge names the parameter."""
    return f'SessionToken realm="{REALM}", parameter="sessionToken"'


def _basic(message: Message, readings: Readings, world: World) -> Caller:
    challenge = f'Basic realm="{REALM}", charset="UTF-8"'
    hint = "Send HTTP Basic with a user that the server knows: --user NAME:PASSWORD."
    scheme, _, encoded = (message.header("Authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        raise _unauthenticated("No user and password came.", challenge, hint)
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except ValueError:
        raise _unauthenticated("The Basic credentials aren't Base64 of UTF-8.", challenge, hint) from None
    tenant = world.store.check_user(name, password) if colon else None
    if tenant is None:
        raise _unauthenticated("The user is unknown or the password is wrong.", challenge, hint)
    return Caller(tenant)


def _control(message: Message, readings: Readings, world: World) -> Caller:
    challenge = f'ControlToken realm="{REALM}", header="{CONTROL_HEADER}"'
    sent = message.header(CONTROL_HEADER)
    if sent is None or not hmac.compare_digest(sent.encode(), world.settings.control_token.encode()):
        what = f"No {CONTROL_HEADER} header came." if sent is None else "The control token is wrong."
        hint = f"Send {CONTROL_HEADER}: <control token>; the server was started with it (--control-token)."
        raise _unauthenticated(what, challenge, hint)
    return _bearer(message, readings, world) if message.header("Authorization") else ANYBODY


def _scrape(message: Message, readings: Readings, world: World) -> Caller:
    """The control token as a bearer token."""
    challenge = f'Bearer realm="{REALM}"'
    scheme, _, sent = (message.header("Authorization") or "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(sent.strip().encode(), world.settings.control_token.encode()):
        return ANYBODY
    hint = "Send Authorization: Bearer <control token>."
    raise _unauthenticated("The control token didn't come as a bearer token.", challenge, hint)


_SCHEMES: Mapping[str, Callable[[Message, Readings, World], Caller]] = {
    "bearer": _bearer,
    "basic": _basic,
    "session": _session,
    "control": _control,
    "scrape": _scrape,
}


def _valid(token: str, kinds: tuple[CredentialKind, ...], world: World, challenge: str, hint: str) -> Credential:
    credential = world.store.credential(token) if token.isascii() else None
    if credential is None or credential.kind not in kinds:
        raise _unauthenticated("The token is unknown.", challenge, hint)
    if credential.expires_at is not None and credential.expires_at <= world.clock.now():
        expired = f"The token expired at {credential.expires_at.isoformat(timespec='seconds')}."
        raise _unauthenticated(expired, challenge, hint)
    return credential


def _caller(credential: Credential) -> Caller:
    return Caller(credential.tenant, credential.application, credential.accession, credential.issuer)


def _unauthenticated(detail: str, challenge: str, hint: str) -> Refusal:
    return Refusal(Refusals.UNAUTHENTICATED, detail, hint=hint, headers={"WWW-Authenticate": challenge})
