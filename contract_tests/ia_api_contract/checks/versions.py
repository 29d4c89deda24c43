"""Versions: what a caller gets is what the version that it speaks has, on a server of that version or a newer one."""

from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import Any

from ia_api_contract.check import Check
from ia_api_contract.checks.versions_asking import can_ask, probe_of, probes
from ia_api_contract.exchanges import Answer
from ia_api_contract.outcomes import Skipped, expect
from ia_api_contract.target import Target
from ia_api_spec import NEWEST, OLDEST, VERSIONS, ApiVersion, Contract

FAR_AHEAD = ("99.0", "1.100", "2")
"""Versions that no server has."""

BEFORE = ("1.5", "1.6", "1.7.9", "1")
"""Versions older than the oldest that the contract describes; vendor examples send 1.5, hospital examples 1.6."""

MALFORMED = ("abc", "1.x", "1..9", "v1.9", "1.9-beta")


def reports_its_own(target: Target) -> None:
    """`/info` reports the server's own versions, whatever version is asked."""
    own = _info(target, None)
    for asked in ("1.8", str(target.version), "1.5", "99.0"):
        came = _info(target, asked)
        expect(came == own, f"/info answers {came} to a caller of {asked}, and {own} to one without a version")


def serves_its_operations(target: Target) -> None:
    """Every operation of the version is there."""
    for operation_id, ask in probes(target).items():
        if operation_id in target.contract.operations:
            answer = ask(str(target.version))
            there = answer.status not in (404, 405, 501)
            expect(there, f"{operation_id} is an operation of {target.version} and was answered with {answer}")


def lacks_newer_operations(target: Target) -> None:
    """Every operation that came after the caller's version is 404."""
    for version in _up_to(target.version):
        newer = sorted(_contract(NEWEST).operations.keys() - _contract(version).operations.keys())
        for operation_id in (name for name in newer if can_ask(target, name)):
            answer = probe_of(target, operation_id)(str(version))
            text = f"{operation_id} came after {version} and was answered with {answer} to a caller of {version}"
            expect(answer.status == 404, text + "; expected 404")


def lacks_newer_members(target: Target) -> None:
    """No member of slide info that came after the caller's version is shown."""
    for version in _up_to(target.version):
        newer = _members(NEWEST) - _members(version)
        shown = sorted(newer & _slide_info(target, str(version)).keys())
        expect(not shown, f"slide info shows {shown} to a caller of {version}, which came later")


def falls_back_to_own(target: Target) -> None:
    """A caller of a newer version is served in the server's own."""
    own = _own(target)
    for asked in (text for text in FAR_AHEAD if ApiVersion(text) > own):
        _expect_served_as(target, asked, str(own))


def serves_old_callers(target: Target) -> None:
    """A caller of a version before 1.8 is served in 1.8."""
    for asked in BEFORE:
        _expect_served_as(target, asked, str(OLDEST))


def refuses_malformed(target: Target) -> None:
    """A version that is none is refused with 400."""
    for asked in MALFORMED:
        answer = target.ask("getSlideInfo", slideId=target.slide, version=asked)
        expect(answer.status == 400, f"X-Sectra-ApiVersion: {asked} was answered with {answer}; expected 400")


def serves_its_own_without(target: Target) -> None:
    """Without the header the server serves its own version."""
    _expect_served_as(target, None, str(_own(target)))


def orders_by_number(target: Target) -> None:
    """1.10 is newer than 1.9: a caller of 1.10 gets all of 1.9, a caller of 1.9 nothing of 1.10."""
    own = _own(target)
    if own < ApiVersion("1.9"):
        raise Skipped(f"on a server of {own} the two orders don't differ")
    _expect_served_as(target, "1.10", str(min(own, ApiVersion("1.10"))))
    if own > ApiVersion("1.9"):
        later = _members(ApiVersion("1.10")) - _members(ApiVersion("1.9"))
        shown = sorted(later & _slide_info(target, "1.9").keys())
        expect(not shown, f"{own} was taken for older than 1.9: slide info shows {shown} to a caller of 1.9")


def answers_carry_versions(target: Target) -> None:
    """Both X-Sectra headers stand on every answer, with the server's own values."""
    for asked in (str(target.version), str(OLDEST), None):
        for answer in _good_answers(target, asked):
            _expect_headers(target, answer)


def errors_carry_versions(target: Target) -> None:
    """Both X-Sectra headers stand on errors, too."""
    answers = [
        target.ask("getSlideInfo", slideId="no-such-slide-of-ia-api-contract"),
        target.ask("getSlideInfo", slideId=target.slide, token=None),
        target.send("GET", "/no-such-path-of-ia-api-contract"),
    ]
    if not target.options.read_only:
        answers.append(target.ask("createResult", applicationId=target.application, json_body={}))
    for answer in answers:
        expect(answer.status >= 400, f"a request that can't be served was answered with {answer}")
        _expect_headers(target, answer)


def _up_to(version: ApiVersion) -> list[ApiVersion]:
    return [known for known in VERSIONS if known <= version]


@cache
def _contract(version: ApiVersion) -> Contract:
    return Contract.of("ia-api", version)


def _members(version: ApiVersion) -> set[str]:
    served = max((known for known in VERSIONS if known <= version), default=OLDEST)
    return set(_contract(served).schema("ImageMetadata").node["properties"])


def _info(target: Target, asked: str | None) -> Mapping[str, Any]:
    answer = target.ask("getInfo", version=asked)
    found: Any = answer.json
    texts = isinstance(found, dict) and all(isinstance(found.get(n), str) for n in ("apiVersion", "softwareVersion"))
    expect(answer.status == 200 and texts, f"/info was answered with {answer}; expected two versions")
    return {name: found[name] for name in ("apiVersion", "softwareVersion")}


def _own(target: Target) -> ApiVersion:
    text = _info(target, None)["apiVersion"]
    try:
        return ApiVersion(text)
    except ValueError:
        expect(False, f"/info reports the API version {text!r}; expected numbers separated by dots")
        raise


def _slide_info(target: Target, asked: str | None) -> Mapping[str, Any]:
    answer = target.ask("getSlideInfo", slideId=target.slide, version=asked)
    readable = answer.status == 200 and isinstance(answer.json, dict)
    expect(readable, f"slide info was answered with {answer} to a caller of {asked or 'no version'}")
    return dict(answer.json)


def _expect_served_as(target: Target, asked: str | None, expected: str) -> None:
    """Raises `Failed` unless a caller of the one version is served as a caller of the other is."""
    came, wanted = _slide_info(target, asked).keys(), _slide_info(target, expected).keys()
    who = f"a caller of {asked}" if asked else "a caller without a version"
    odd = sorted(came ^ wanted)
    expect(not odd, f"{who} is to be served as {expected}; slide info differs in {odd}")
    for operation_id in (name for name in ("getCaseImagesBySlide", "setQualityControl") if can_ask(target, name)):
        one, other = (probe_of(target, operation_id)(text) for text in (asked, expected))
        same = (one.status == 404) == (other.status == 404)
        expect(same, f"{who} is to be served as {expected}; {operation_id} was answered with {one}")


def _good_answers(target: Target, asked: str | None) -> Iterator[Answer]:
    yield target.ask("getInfo", version=asked)
    yield target.ask("getSlideInfo", slideId=target.slide, version=asked)
    yield target.ask("getSlideLabel", slideId=target.slide, version=asked)
    yield target.ask("listResults", applicationId=target.application, slideId=target.slide, version=asked)


def _expect_headers(target: Target, answer: Answer) -> None:
    own = _info(target, None)
    for name, member in (("X-Sectra-ApiVersion", "apiVersion"), ("X-Sectra-SoftwareVersion", "softwareVersion")):
        came = answer.headers.get(name.lower())
        text = f"an answer {answer.status} has {name}: {came}; expected the server's own {own[member]}"
        expect(came == own[member], text)


_version = partial(Check, needs=("versions.info-own",))

CHECKS = (
    Check(
        "versions.info-own",
        "/info reports the server's own versions, whatever version the caller speaks.",
        "getInfo 200",
        "Clients read it first and echo what it says.",
        reports_its_own,
        mandatory=True,
    ),
    _version(
        "versions.its-operations",
        "Every operation of the version is served.",
        "getInfo",
        "The version that a server reports is a promise.",
        serves_its_operations,
        mandatory=True,
    ),
    _version(
        "versions.newer-operations-404",
        "An operation that came after the caller's version is 404.",
        "getCaseImagesBySlide 404",
        "An app that is tested against a newer PACS must not find out at the customer's that it needs one.",
        lacks_newer_operations,
    ),
    _version(
        "versions.newer-members-absent",
        "A member that came after the caller's version isn't shown.",
        "getSlideInfo 200",
        "An app that is tested against a newer PACS must not find out at the customer's that it needs one.",
        lacks_newer_members,
    ),
    _version(
        "versions.newer-caller-falls-back",
        "A caller of a version that the server hasn't reached is served in the server's own.",
        "getInfo",
        "An app that knows more than the PACS still works with it.",
        falls_back_to_own,
    ),
    _version(
        "versions.older-caller-as-1.8",
        "A caller of a version before 1.8 is served as one of 1.8.",
        "getInfo",
        "Vendor examples send 1.5, hospital examples 1.6.",
        serves_old_callers,
    ),
    _version(
        "versions.malformed-400",
        "A version that is none is refused with 400.",
        "getSlideInfo 400",
        "Guessing a version would hide the mistake until the answer lacks something.",
        refuses_malformed,
    ),
    _version(
        "versions.own-without-header",
        "Without X-Sectra-ApiVersion the server serves its own version.",
        "getInfo",
        "The downloader and the viewer's backend send no version and use operations of 1.9.",
        serves_its_own_without,
    ),
    _version(
        "versions.numeric-order",
        "Versions are ordered by number: 1.10 is newer than 1.9.",
        "getInfo",
        "As text, 1.10 comes before 1.9, and everything new would be lost or everything would be shown.",
        orders_by_number,
    ),
    _version(
        "versions.headers-on-answers",
        "Answers carry X-Sectra-ApiVersion and X-Sectra-SoftwareVersion with the server's own values.",
        "getSlideInfo 200",
        "The community client reads the version off answers.",
        answers_carry_versions,
    ),
    _version(
        "versions.headers-on-errors",
        "Errors carry X-Sectra-ApiVersion and X-Sectra-SoftwareVersion, too.",
        "getSlideInfo 404",
        "A log of an error that says which server gave it.",
        errors_carry_versions,
    ),
)
