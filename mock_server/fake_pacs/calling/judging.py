"""What is wrong with an app's answer to an invocation: every finding, from values alone."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fake_pacs.calling.invocations import is_press
from fake_pacs.calling.values import AppAnswer, Finding, Level
from fake_pacs.strict_json import all_wrong, harmless, parse
from ia_api_spec import ApiVersion, Contract, Schema, shown

CODES: Mapping[str, str] = {
    "answer.unreachable": "Nothing came back: nobody listens, the connection was cut, or it was no HTTP.",
    "answer.address-refused": "The URL leads where no app is called: link-local, or a cloud's metadata service.",
    "answer.too-slow": "The answer was not complete within the deadline.",
    "answer.too-large": "The answer is larger than any that is read.",
    "answer.truncated": "The answer broke off before its announced end.",
    "answer.redirect": "The app answered with a redirect, which no PACS follows.",
    "answer.encoded": "The body is compressed, though nobody asked for that.",
    "answer.status": "The status isn't 200: a `must`, but a `should` for another 2xx.",
    "answer.version-header-missing": "X-Sectra-ApiVersion or X-Sectra-SoftwareVersion is missing.",
    "answer.version-header-malformed": "X-Sectra-ApiVersion is no version.",
    "answer.media-type": "The body is JSON and says it is something else.",
    "answer.not-json": "The body is no JSON: HTML, text, or malformed.",
    "answer.body": "The body breaks the contract; one finding for each place.",
    "answer.result-not-stored": "The result that it answers with has no id, or one that isn't stored.",
    "answer.result-of-other-app": "The result that it answers with is another app's.",
    "answer.result-of-other-slide": "The result that it answers with belongs to another slide.",
    "answer.version-untrue": "The versionId is not that of the stored result.",
    "answer.result-differs": "The result isn't what is stored under its id and versionId.",
}
"""Every code that `judge` gives, and what it means. Stable: waivers and expected results name them."""

_VERSION_HEADERS = ("X-Sectra-ApiVersion", "X-Sectra-SoftwareVersion")
_BEGINNING = 200
_COMPARED = ("displayResult", "displayProperties", "data")


@dataclass(frozen=True)
class Holdings:
    """What the PACS has stored, as far as an answer can be compared with it.

    `own` is the invoked app's result of that id as the API answers it, None where there is none; `owner` names another
    app that stored a result of that id and versionId. `over` gives the versionIds that this result of the app had
    while it worked, and that others replaced or removed: to tell of one of them is no lie.
    """

    own: Callable[[int], Mapping[str, Any] | None]
    owner: Callable[[int, str], str | None]
    over: Callable[[int], Collection[str]] = lambda _: ()


def judge(
    invocation: Mapping[str, Any], answer: AppAnswer, *, app_contract: Contract, holdings: Holdings, deadline: float
) -> tuple[Finding, ...]:
    """Everything that is wrong with an app's answer: headers, status, body, time, and what it says was stored.

    An empty body, `{}` and `[]` are fine, and a button's press may be answered with the changed input unstored (V).
    """
    return tuple(_findings(invocation, answer, app_contract, holdings, deadline))


def version_header_findings(answer: AppAnswer) -> Iterator[Finding]:
    """What is wrong with the two version headers, which every answer has to carry (S)."""
    for name in _VERSION_HEADERS:
        if not answer.headers.get(name.lower(), "").strip():
            yield _must("answer.version-header-missing", "the header is missing: answers carry both versions", name)
    sent = answer.headers.get("x-sectra-apiversion", "").strip()
    if sent and not _is_version(sent):
        text = f"came {shown(sent)}, expected numbers separated by dots, such as 1.10"
        yield _must("answer.version-header-malformed", text, _VERSION_HEADERS[0])


def _findings(
    invocation: Mapping[str, Any], answer: AppAnswer, contract: Contract, holdings: Holdings, deadline: float
) -> Iterator[Finding]:
    if answer.trouble:
        yield _must(f"answer.{answer.trouble_kind or 'unreachable'}", answer.trouble)
        return
    if answer.seconds > deadline:
        yield _must("answer.too-slow", f"the answer took {answer.seconds:.1f} s; the deadline is {deadline:g} s")
    status = answer.status or 0
    if status != 200:
        yield _of_status(status, answer.body)
        if status // 100 != 2:
            return
    yield from version_header_findings(answer)
    operation = "notifyImage" if invocation.get("action") == "newImageFiles" else "invoke"
    schema = contract.operations[operation].answers[200].content["application/json"]
    if answer.body.strip() and schema is not None:
        yield from _of_body(invocation, answer, schema, holdings)


def _of_status(status: int, body: bytes) -> Finding:
    level: Level = "should" if status // 100 == 2 else "must"
    said = f"; it said {_beginning(body)}" if body.strip() else ""
    return Finding("answer.status", level, f"came {status}, expected 200{said}")


def _of_body(invocation: Mapping[str, Any], answer: AppAnswer, schema: Schema, holdings: Holdings) -> Iterator[Finding]:
    value, doubts = parse(answer.body)
    kind = answer.headers.get("content-type", "")
    if any(doubt.pointer == "" for doubt in doubts):
        sent = f"sent as {kind}" if kind else "sent without a Content-Type"
        yield _must("answer.not-json", f"{doubts[0].came}; it was {sent}: {_beginning(answer.body)}")
        return
    if kind.partition(";")[0].strip().lower() != "application/json":
        came = shown(kind) if kind else "nothing"
        yield Finding("answer.media-type", "should", f"came {came}, expected application/json", "Content-Type")
    violations = all_wrong(doubts, schema.violations(harmless(value) if doubts else value, "answer"))
    unstored = isinstance(value, dict) and value and "id" not in value and invocation.get("action") != "newImageFiles"
    if unstored:
        text = "the result has no id: store it, then answer with what the PACS answered"
        yield _must("answer.result-not-stored", text, "/id")
    for violation in violations:
        if not (unstored and violation.pointer in ("/id", "/versionId")):
            yield _must("answer.body", f"came {violation.came}, expected {violation.expected}", violation.pointer)
    if isinstance(value, dict) and _names_a_result(value):
        yield from _of_result(invocation, value, holdings)


def _names_a_result(value: dict[str, Any]) -> bool:
    number, version = value.get("id"), value.get("versionId")
    if not isinstance(number, int) or isinstance(number, bool) or not isinstance(version, str):
        return False
    return number > 0


def _of_result(invocation: Mapping[str, Any], result: dict[str, Any], holdings: Holdings) -> Iterator[Finding]:
    """What isn't true of the result that an app answers with. Ids count per app: the versionId tells whose it is."""
    number, version, app = result["id"], result["versionId"], invocation.get("applicationId")
    stored = holdings.own(number)
    if stored is None or stored["versionId"] != version:
        if version in holdings.over(number):
            return
        owner = holdings.owner(number, version)
        if owner is not None:
            text = f"the result {number} with that versionId is {owner!r}'s, the invocation was for {app!r}"
            yield _must("answer.result-of-other-app", text, "/id")
            return
    if stored is None:
        yield _must("answer.result-not-stored", f"{app!r} has no result {number}: store it before answering", "/id")
        return
    yield from _of_slide(invocation, result, stored)
    if stored["versionId"] != version:
        text = f"came {shown(version)}; the result {number} is stored with {shown(stored['versionId'])}"
        yield _must("answer.version-untrue", text, "/versionId")
    elif not is_press(invocation):
        for name in _COMPARED:
            if name in result and result[name] != stored[name]:
                text = f"what is stored as result {number} is another: answer with what the PACS answered"
                yield Finding("answer.result-differs", "should", text, f"/{name}")


def _of_slide(invocation: Mapping[str, Any], result: dict[str, Any], stored: Mapping[str, Any]) -> Iterator[Finding]:
    asked = invocation.get("slideId")
    for said, whose in ((stored["slideId"], "is stored for"), (result.get("slideId", asked), "says it belongs to")):
        if said != asked:
            text = f"the result {result['id']} {whose} the slide {shown(said)}, the invocation was about {shown(asked)}"
            yield _must("answer.result-of-other-slide", text, "/slideId")
            return


def _must(code: str, text: str, place: str = "") -> Finding:
    return Finding(code, "must", text, place)


def _is_version(text: str) -> bool:
    try:
        ApiVersion(text)
    except ValueError:
        return False
    return True


def _beginning(body: bytes) -> str:
    """The first characters of a body, on one line."""
    text = " ".join(body[: 4 * _BEGINNING].decode("utf-8", "replace").split())
    return shown(text[:_BEGINNING])
