"""Tokens: who gets one, what it opens, and until when."""

import base64
import time
from collections.abc import Iterator
from typing import Any

from ia_api_contract.asking import NOWHERE, expect_status, expect_to_fit, json_object
from ia_api_contract.check import Check
from ia_api_contract.downloads import HEAD, download
from ia_api_contract.exchanges import KEPT_BODY, Answer
from ia_api_contract.outcomes import Failed, Skipped, expect
from ia_api_contract.target import Target

FORM = "application/x-www-form-urlencoded"
GRANT = b"grant_type=client_credentials"

WAITED_FOR = 5
"""A token that lives for so many seconds is watched until it expires."""


# What opens nothing


def no_bearer(target: Target) -> None:
    """Without a token nothing is answered but 401."""
    for name, answer in _everything(target, None):
        expect_status(answer, 401, f"{name} without a token")


def unknown_bearer(target: Target) -> None:
    """A token that nobody gave out opens nothing."""
    for name, answer in _everything(target, "ia-api-contract-made-this-up"):
        expect_status(answer, 401, f"{name} with a token that nobody gave out")


def other_scheme(target: Target) -> None:
    """A valid token in another scheme than Bearer opens nothing."""
    headers = {"Authorization": f"Basic {target.options.token}"}
    answer = target.ask("getSlideInfo", slideId=target.slide, token=None, headers=headers)
    expect_status(answer, 401, "the target's token, sent as Basic,")


# Getting one


def issued(target: Target) -> None:
    """User and password are good for a token of three members."""
    answer = _asked(target)
    json_object(answer, "asking for a token")
    expect_status(answer, 200, "asking for a token")
    expect_to_fit(target, "createToken", answer)


def wrong_password(target: Target) -> None:
    """A wrong password is good for nothing."""
    answer = _asked(target, password="ia-api-contract-wrong")
    expect_status(answer, 401, "asking for a token with a wrong password")


def no_password(target: Target) -> None:
    """No user at all, and an unknown one, are good for nothing."""
    nobody = target.ask("createToken", applicationId=target.application, token=None, body=GRANT, media_type=FORM)
    expect_status(nobody, 401, "asking for a token without user and password")
    expect_status(_asked(target, user=NOWHERE), 401, "asking for a token as an unknown user")


def bearer_instead(target: Target) -> None:
    """A bearer token isn't good for another one."""
    answer = target.ask("createToken", applicationId=target.application, body=GRANT, media_type=FORM)
    expect_status(answer, 401, "asking for a token with a bearer token")


def unknown_application(target: Target) -> None:
    """For an application that isn't registered there is no token."""
    answer = _asked(target, application=NOWHERE)
    expect_status(answer, 404, "asking for a token of an application that isn't registered")


def wrong_grant(target: Target) -> None:
    """Another grant than client_credentials is refused."""
    answer = _asked(target, form=b"grant_type=password")
    expect_status(answer, 400, "asking for a token with another grant")


# Using one


def opens(target: Target) -> None:
    """A token opens slides and its own application's results."""
    token = _token(target)
    for answer in (_info_with(target, token), _results_with(target, token, target.application)):
        expect(answer.status == 200, f"a request with a new token was answered with {answer}; expected 200")


def older_live(target: Target) -> None:
    """A new token leaves the older ones alone."""
    older, newer = _token(target), _token(target)
    expect(older != newer, "two requests for a token gave the same one")
    answer = _info_with(target, older)
    expect(answer.status == 200, f"after a newer token was given out, the older got {answer}; expected 200")


def own_application_only(target: Target) -> None:
    """A token of one application doesn't open another's results."""
    others = [other for other in target.holdings.applications if other != target.application]
    if not others:
        raise Skipped("only one application is known")
    answer = _results_with(target, _token(target), others[0])
    expect_status(answer, 403, f"the results of {others[0]} with a token of {target.application}")


def expires(target: Target) -> None:
    """After `expires_in` seconds the token opens nothing."""
    answer = json_object(_asked(target), "asking for a token")
    token, lifetime = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(lifetime, int) or lifetime > WAITED_FOR:
        raise Skipped(
            f"tokens live for {lifetime} s: a token of at most {WAITED_FOR} s would be waited for; an emulator's clock "
            "isn't moved, as it is the clock of all its tenants, whose tokens would expire, too"
        )
    time.sleep(lifetime + 0.2)
    expect_status(_info_with(target, str(token)), 401, f"a token that lives for {lifetime} s, used after that,")


# Helpers


def _everything(target: Target, token: str | None) -> Iterator[tuple[str, Answer]]:
    """Every operation that needs a bearer token, asked for what is there."""
    asked: dict[str, dict[str, Any]] = {
        "getInfo": {},
        "getSlideInfo": {"slideId": target.slide},
        "getSlideLabel": {"slideId": target.slide},
        "getTile": {"slideId": target.slide, "level": 0, "x": 0, "y": 0, "z": "0", "ext": "jpg"},
        "getCaseImagesBySlide": {"slideId": target.slide},
        "getCaseImages": {"accessionNumber": NOWHERE},
        "getApplication": {"applicationId": target.application},
        "listResults": {"applicationId": target.application, "slideId": target.slide},
        "getResult": {"applicationId": target.application, "resultId": 1},
        "getAttachment": {"applicationId": target.application, "resultId": 1, "name": "a"},
    }
    for name, parameters in asked.items():
        if name in target.contract.operations:
            yield name, target.ask(name, token=token, **parameters)
    with download(target, target.slide, HEAD, token) as found:
        yield "getSlideFiles", Answer(found.status, found.headers, bytes(found.body[:KEPT_BODY]))
    if not target.options.read_only:
        body = target.result(displayResult="written without a token")
        created = target.ask("createResult", applicationId=target.application, json_body=body, token=token)
        yield "createResult", created


def _asked(
    target: Target,
    *,
    user: str | None = None,
    password: str | None = None,
    application: str | None = None,
    form: bytes = GRANT,
) -> Answer:
    """The answer to a request for a token. Raises `Skipped` where no user is known."""
    known = target.options
    if known.user is None or known.password is None:
        raise Skipped("no user is known: --user NAME:PASSWORD tells one")
    pair = f"{user or known.user}:{password or known.password}"
    return target.ask(
        "createToken",
        applicationId=application or target.application,
        token=None,
        headers={"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"},
        body=form,
        media_type=FORM,
    )


def _token(target: Target) -> str:
    answer = _asked(target)
    token = json_object(answer, "asking for a token").get("access_token")
    if not isinstance(token, str) or not token:
        raise Failed(f"the answer to a request for a token has no access_token: {sorted(answer.json)}")
    target.redactor.learn(token)
    return token


def _info_with(target: Target, token: str) -> Answer:
    return target.ask("getSlideInfo", slideId=target.slide, token=token)


def _results_with(target: Target, token: str, application: str) -> Answer:
    return target.ask("listResults", applicationId=application, slideId=target.slide, token=token)


CHECKS = (
    Check(
        "tokens.no-bearer-401",
        "Without a token, every operation is refused with 401.",
        "getSlideInfo 401",
        "One unguarded operation is an open door to patients' slides.",
        no_bearer,
        mandatory=True,
    ),
    Check(
        "tokens.unknown-bearer-401",
        "With a token that nobody gave out, every operation is refused with 401.",
        "getSlideInfo 401",
        "Callers renew their token on 401; any other answer leaves them without.",
        unknown_bearer,
        mandatory=True,
    ),
    Check(
        "tokens.other-scheme-401",
        "A valid token in another scheme than Bearer is refused with 401.",
        "getSlideInfo 401",
        "A server that looks for the token anywhere takes it from places where it leaks.",
        other_scheme,
    ),
    Check(
        "tokens.issued",
        "User and password are answered with 200, access_token, token_type Bearer and expires_in.",
        "createToken 200",
        "Callers read all three without looking whether they are there.",
        issued,
    ),
    Check(
        "tokens.wrong-password-401",
        "A wrong password is refused with 401.",
        "createToken 401",
        "Else anybody gets a token.",
        wrong_password,
    ),
    Check(
        "tokens.no-password-401",
        "No user and an unknown user are refused with 401.",
        "createToken 401",
        "Else anybody gets a token.",
        no_password,
    ),
    Check(
        "tokens.bearer-instead-401",
        "A bearer token in place of user and password is refused with 401.",
        "createToken 401",
        "A token that renews itself never expires.",
        bearer_instead,
    ),
    Check(
        "tokens.unknown-application-404",
        "A token for an application that isn't registered is refused with 404.",
        "createToken 404",
        "A misspelt id shows here, not in the first request that fails.",
        unknown_application,
    ),
    Check(
        "tokens.wrong-grant-400",
        "Another grant than client_credentials is refused with 400.",
        "createToken 400",
        "The form says what is asked for; a server that doesn't read it takes anything.",
        wrong_grant,
    ),
    Check(
        "tokens.opens",
        "A token opens slide info and its own application's results.",
        "createToken",
        "That is what it is for.",
        opens,
        needs=("tokens.issued",),
    ),
    Check(
        "tokens.older-live",
        "A new token does not revoke older ones.",
        "createToken",
        "Threads share an application's user: each would take the others' token away.",
        older_live,
        needs=("tokens.opens",),
    ),
    Check(
        "tokens.own-application-only",
        "A token of one application is refused with 403 at another's results.",
        "listResults 403",
        "One app's key must not open another's findings.",
        own_application_only,
        needs=("tokens.opens",),
    ),
    Check(
        "tokens.expires",
        "A token opens nothing after expires_in seconds: 401.",
        "getSlideInfo 401",
        "A token that was lost must die.",
        expires,
        needs=("tokens.issued",),
    ),
)
