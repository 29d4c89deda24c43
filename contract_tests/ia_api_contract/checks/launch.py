"""Launches: a browser-launched app learns its case, with a session token in place of a bearer token."""

import json
import re
from typing import Any

from ia_api_contract.asking import NOWHERE, expect_status, expect_to_fit, json_object
from ia_api_contract.check import Check
from ia_api_contract.exchanges import Answer
from ia_api_contract.outcomes import Skipped, expect
from ia_api_contract.target import Target

_COOKIE_SAFE = re.compile(r"[!#-+\--:<-\[\]-~]{1,4095}")

Launch = dict[str, str]
"""`requestId`, `sessionToken` and `appId` of a launch: what the browser is sent with."""


def answered(target: Target) -> None:
    """A launch is answered with the case, as the contract says."""
    answer = _data(target, _launched(target))
    json_object(answer, "the data of a launch")
    expect_status(answer, 200, "the data of a launch")
    expect_to_fit(target, "getLaunchData", answer)


def whole_case(target: Target) -> None:
    """The blocks hold every slide of the case, once."""
    case = next((case for case in target.holdings.cases if case.slides), None)
    if case is None:
        raise Skipped("no case whose slides are known")
    blocks = json_object(_data(target, _launched(target)), "the data of a launch").get("blocks")
    listed = [_member(slide, "id") for block in _items(blocks) for slide in _items(_member(block, "slides"))]
    expect(sorted(map(str, listed)) == sorted(case.slides), f"the blocks hold {listed}, the case {case.slides}")


def twice(target: Target) -> None:
    """The session token works a second time."""
    launch = _launched(target)
    for time in ("first", "second"):
        answer = _data(target, launch)
        expect(answer.status == 200, f"used for the {time} time, the session token got {answer}; expected 200")


def viewers_quirk(target: Target) -> None:
    """`sessionToken=<t>?appId=<id>`, as the vendor's viewer sends it, works."""
    launch = _launched(target)
    path = f"/launchdata?requestId={launch['requestId']}&sessionToken={launch['sessionToken']}?appId={launch['appId']}"
    answer = target.send("GET", path, token=None)
    expect(answer.status == 200, f"with ?appId= appended to the session token came {answer}; expected 200")


def other_application(target: Target) -> None:
    """A session is for one application."""
    launch = _launched(target)
    others = [other for other in target.holdings.applications if other != launch["appId"]]
    answer = _data(target, {**launch, "appId": others[0] if others else NOWHERE})
    expect(answer.status in (401, 403), f"for another application, a session was answered with {answer}; expected 403")


def other_case(target: Target) -> None:
    """A session is for one case."""
    answer = _data(target, {**_launched(target), "requestId": NOWHERE})
    expect(answer.status in (401, 403), f"for another case, a session was answered with {answer}; expected 403")


def unknown_session(target: Target) -> None:
    """A session that nobody opened is 401; a bearer token is none."""
    launch = _launched(target)
    for token in ("ia-api-contract-made-this-up", target.options.token):
        answer = _data(target, {**launch, "sessionToken": token})
        expect_status(answer, 401, "launch data with a session token that nobody gave out")


def no_bearer(target: Target) -> None:
    """A session token isn't good for the API."""
    token = _launched(target)["sessionToken"]
    answer = target.ask("getSlideInfo", slideId=target.slide, token=token)
    expect_status(answer, 401, "slide info with a session token as bearer token")


def callback_token(target: Target) -> None:
    """The callback token opens the API."""
    answer = target.ask("getSlideInfo", slideId=target.slide, token=_callback(target)["token"])
    expect(answer.status == 200, f"slide info with a callback token was answered with {answer}; expected 200")


def cookie_safe(target: Target) -> None:
    """The callback token fits into a cookie."""
    token = _callback(target)["token"]
    expect(_COOKIE_SAFE.fullmatch(token) is not None, "the callback token has characters that no cookie takes")
    expect(len(token) < 4096, f"the callback token has {len(token)} characters; a cookie takes less than 4096")


def callback_url(target: Target) -> None:
    """The callback URL is the base URL, without a slash at its end."""
    url = _callback(target)["url"]
    expect(url.startswith(("http://", "https://")), f"the callback URL {url!r} is no address")
    expect(not url.endswith("/"), f"the callback URL {url!r} ends in a slash")


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _launched(target: Target) -> Launch:
    """A launch on the first case that is known, by an emulator's control plane. Raises `Skipped` without one."""
    case = next(iter(target.holdings.cases), None)
    if target.options.control_token is None or case is None:
        raise Skipped("a launch can only be made on an emulator, with --control-token")
    body: dict[str, Any] = {"applicationId": target.application, "accessionNumber": case.accession_number}
    if case.issuer is not None:
        body["accessionNumberIssuer"] = case.issuer
    headers = {
        "X-Fake-Pacs-Control": target.options.control_token,
        "Authorization": f"Bearer {target.options.token}",
        "Content-Type": "application/json",
    }
    answer = target.root("POST", "/_fake_pacs/launches", headers, json.dumps(body).encode())
    launch = answer.json
    if answer.status == 404 or not isinstance(launch, dict) or "sessionToken" not in launch:
        raise Skipped(f"no launch can be made here: the control plane answered {answer.status}")
    target.redactor.learn(str(launch["sessionToken"]))
    return {name: str(launch[name]) for name in ("requestId", "sessionToken", "appId")}


def _data(target: Target, launch: Launch) -> Answer:
    query: dict[str, Any] = {**launch}
    return target.ask("getLaunchData", token=None, **query)


def _callback(target: Target) -> dict[str, str]:
    members = json_object(_data(target, _launched(target)), "the data of a launch")
    found = members.get("callbackInfo")
    right = isinstance(found, dict) and all(isinstance(found.get(name), str) for name in ("url", "token"))
    expect(right, f"the data of a launch have no callbackInfo with url and token: {sorted(members)}")
    callback: dict[str, str] = members["callbackInfo"]
    target.redactor.learn(callback["token"])
    return callback


def _check(name: str, sentence: str, rationale: str, probe: Any, address: str = "getLaunchData") -> Check:
    needs = () if name == "answered" else ("launch.answered",)
    return Check(f"launch.{name}", sentence, address, rationale, probe, needs=needs)


CHECKS = (
    _check(
        "answered",
        "The data of a launch are answered with 200: callbackInfo and blocks, all texts, none null.",
        "The viewer reads every member without looking whether it is there.",
        answered,
        "getLaunchData 200",
    ),
    _check(
        "whole-case",
        "The blocks of a launch hold every slide of the case, each once.",
        "What isn't in the blocks can't be opened in the viewer.",
        whole_case,
    ),
    _check(
        "twice",
        "A session token may be used more than once.",
        "The viewer launches twice in development, and browsers reload.",
        twice,
    ),
    _check(
        "viewers-quirk",
        "A session token with ?appId=<id> appended is understood.",
        "The vendor's viewer appends it to an address that has a query already.",
        viewers_quirk,
    ),
    _check(
        "other-application-refused",
        "A session is refused to another application.",
        "A link that was passed on must not open another app's session.",
        other_application,
        "getLaunchData 403",
    ),
    _check(
        "other-case-refused",
        "A session is refused for another case.",
        "A changed number in the address must not open another patient.",
        other_case,
        "getLaunchData 403",
    ),
    _check(
        "unknown-session-401",
        "A session token that nobody gave out is refused with 401.",
        "The session token is the only credential of a launch.",
        unknown_session,
        "getLaunchData 401",
    ),
    _check(
        "session-is-no-bearer",
        "A session token is refused as a bearer token.",
        "It stands in addresses, which end in logs.",
        no_bearer,
        "getSlideInfo 401",
    ),
    _check(
        "callback-token-works",
        "The callback token of a launch opens the API.",
        "The app has no other.",
        callback_token,
    ),
    _check(
        "callback-token-cookie-safe",
        "The callback token has cookie-safe characters only, and less than 4096.",
        "The viewer keeps it in a cookie.",
        cookie_safe,
        "getLaunchData 200",
    ),
    _check(
        "callback-url",
        "callbackInfo.url is the base URL without a slash at its end.",
        "Callers append /path blindly.",
        callback_url,
        "getLaunchData 200",
    ),
)
