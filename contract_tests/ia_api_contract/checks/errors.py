"""Errors: every refusal is a problem document with the right status, whatever address was asked for."""

import json
from collections.abc import Callable

from ia_api_contract.asking import NOWHERE, expect_status
from ia_api_contract.check import Check
from ia_api_contract.exchanges import Answer
from ia_api_contract.nasty import addresses, expect_no_500
from ia_api_contract.outcomes import Failed, expect
from ia_api_contract.target import Target

PROBLEM = "application/problem+json"
MADE_UP_TOKEN = "ia-api-contract-made-this-up"


# What a refusal looks like


def bad_request(target: Target) -> Answer:
    """A result without its required members."""
    return _post(target, b"{}")


def unauthenticated(target: Target) -> Answer:
    """A request with a token that nobody gave out."""
    return target.ask("getSlideInfo", slideId=target.slide, token=MADE_UP_TOKEN)


def not_found(target: Target) -> Answer:
    """A slide that isn't there."""
    return target.ask("getSlideInfo", slideId=NOWHERE)


def wrong_method(target: Target) -> Answer:
    """A known path with a method that it doesn't take."""
    return target.send("DELETE", "/info")


def conflict(target: Target) -> Answer:
    """A result sent back with a versionId that it never had."""
    stored = target.stored()
    body = {**stored, "versionId": "ia-api-contract-never-had"}
    return target.ask("updateResult", applicationId=target.application, resultId=stored["id"], json_body=body)


def wrong_media_type(target: Target) -> Answer:
    """A valid result that is called text."""
    return _post(target, json.dumps(target.result()).encode(), "text/plain")


def _is_problem(status: int, refused: Callable[[Target], Answer]) -> Callable[[Target], None]:
    """A probe: the refusal is `application/problem+json` with the members that the contract requires."""

    def probe(target: Target) -> None:
        answer = refused(target)
        if answer.status // 100 != 4:
            raise Failed(f"what should be refused with {status} was answered with {answer}")
        expect(answer.media_type == PROBLEM, f"the refusal {answer.status} came as {answer.media_type!r}: {answer}")
        found = target.contract.schema("Problem").violations(answer.json, "answer")
        expect(not found, f"the refusal is no problem document: {'; '.join(map(str, found[:5]))}")
        told = answer.json["status"]
        expect(told == answer.status, f"the refusal {answer.status} says in its body that it is {told}")

    return probe


def _has_status(status: int, refused: Callable[[Target], Answer]) -> Callable[[Target], None]:
    """A probe: the refusal has this status."""
    return lambda target: expect_status(refused(target), status, f"what is refused with {status}")


def challenge(target: Target) -> None:
    """401 says how to authenticate."""
    for answer in (unauthenticated(target), target.ask("getInfo", token=None)):
        expect("www-authenticate" in answer.headers, f"the refusal has no WWW-Authenticate: {answer}")


def allow(target: Target) -> None:
    """405 says which methods there are."""
    answer = wrong_method(target)
    methods = [method.strip() for method in answer.headers.get("allow", "").split(",")]
    expect("GET" in methods, f"the refusal of DELETE /info allows {methods}; expected GET among them")
    expect("DELETE" not in methods, f"the refusal of DELETE /info allows {methods}")


def token_not_echoed(target: Target) -> None:
    """A refused token doesn't stand in the refusal."""
    answer = unauthenticated(target)
    shown = answer.body + "".join(answer.headers.values()).encode()
    expect(MADE_UP_TOKEN.encode() not in shown, "the refused token stands in the refusal")


# Addresses


def wrong_path(target: Target) -> None:
    """A path that the contract doesn't know is 404."""
    for path in ("/nothing", "/slides", f"/slides/{target.slide}/nothing", f"/application/{target.application}"):
        expect_status(target.send("GET", path), 404, f"GET {path}, which is no operation,")


def no_redirect(target: Target) -> None:
    """No call is redirected."""
    application = f"/applications/{target.application}"
    results = f"{application}/results"
    for method, path in (
        ("GET", "/info"),
        ("GET", "/info/"),
        ("GET", ""),
        ("GET", "/"),
        ("GET", "//info"),
        ("GET", f"/slides/{target.slide}/info"),
        ("GET", f"/slides/{target.slide}/info/"),
        ("GET", "/Info"),
        ("GET", application),
        ("GET", f"{application}/"),
        ("GET", f"{results}/slide/{target.slide}"),
        ("GET", f"{results}/slide/{target.slide}/"),
        ("GET", f"{results}//slide/{target.slide}"),
        ("POST", results),
        ("POST", f"{results}/"),
        ("POST", f"{results}//"),
    ):
        headers = {"Content-Type": "application/json"} if method == "POST" else {}
        answer = target.send(method, path, headers=headers, body=b"{}" if method == "POST" else None)
        expect(answer.status // 100 != 3, f"{method} {path} was redirected: {answer.status}")


def no_500_for_addresses(target: Target) -> None:
    """No path, query or header makes a 5xx."""
    expect_no_500(target, addresses(target))


def _post(target: Target, body: bytes, media_type: str = "application/json") -> Answer:
    return target.ask("createResult", applicationId=target.application, body=body, media_type=media_type)


REFUSALS = {
    400: (bad_request, "createResult 400"),
    401: (unauthenticated, "getSlideInfo 401"),
    404: (not_found, "getSlideInfo 404"),
    405: (wrong_method, "getInfo"),
    409: (conflict, "updateResult 409"),
    415: (wrong_media_type, "createResult 415"),
}

PROBLEMS = tuple(
    Check(
        f"errors.problem-{status}",
        f"A refusal with {status} is application/problem+json, with type, title, the status and detail.",
        address,
        "Callers show the text as it is: a page of HTML tells nobody anything.",
        _is_problem(status, refused),
        writes=status in (400, 409, 415),
        needs=("slides.answered", "applications.answered") if status == 409 else (),
    )
    for status, (refused, address) in REFUSALS.items()
)


def _status_check(
    name: str, status: int, refused: Callable[[Target], Answer], address: str, sentence: str, rationale: str
) -> Check:
    writes = address.startswith("createResult")
    return Check(f"errors.{name}", sentence, address, rationale, _has_status(status, refused), writes=writes)


STATUSES = (
    _status_check(
        "wrong-method-405",
        405,
        wrong_method,
        "getInfo",
        "A known path with another method is refused with 405.",
        "404 would say that the path is wrong.",
    ),
    _status_check(
        "wrong-media-type-415",
        415,
        wrong_media_type,
        "createResult 415",
        "A body of another media type is refused with 415.",
        "A form that is read as JSON, or the other way round, is stored as nonsense.",
    ),
)

CHECKS = (
    *PROBLEMS,
    *STATUSES,
    Check(
        "errors.challenge",
        "A 401 has WWW-Authenticate.",
        "getSlideInfo 401",
        "HTTP demands it, and clients learn from it what to send.",
        challenge,
    ),
    Check(
        "errors.allow",
        "A 405 names the methods that there are in Allow.",
        "getInfo",
        "HTTP demands it.",
        allow,
        needs=("errors.wrong-method-405",),
    ),
    Check(
        "errors.token-not-echoed",
        "A refused token doesn't stand in the refusal.",
        "getSlideInfo 401",
        "It may be a good one of another system, and errors end in logs.",
        token_not_echoed,
    ),
    Check(
        "errors.wrong-path-404",
        "A path that the contract doesn't know is refused with 404.",
        "getSlideInfo 404",
        "A wrong address must not look like an empty answer.",
        wrong_path,
    ),
    Check(
        "errors.no-redirect",
        "No API call is redirected.",
        "getInfo",
        "Some callers follow no redirect, others repeat a POST as GET.",
        no_redirect,
        writes=True,
    ),
    Check(
        "errors.no-500-for-addresses",
        "No path, query or header makes the server fail.",
        "getInfo",
        "What one caller can break with an address, every caller suffers from.",
        no_500_for_addresses,
    ),
)
