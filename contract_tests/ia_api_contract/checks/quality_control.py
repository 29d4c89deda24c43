"""Quality control: the state is always there, changes only with its last versionId, and shows what was set."""

from functools import partial
from typing import Any

from ia_api_contract.check import Check
from ia_api_contract.checks.results_asking import AT_ONCE, at_once, other_slide, unknown
from ia_api_contract.exchanges import Answer
from ia_api_contract.outcomes import expect
from ia_api_contract.target import Target


def always_there(target: Target) -> None:
    """Slide info holds status and versionId, together, without being asked for."""
    state = _state(target)
    expect(isinstance(state.get("status"), str), f"qualityControl has no status: {state}")
    expect(isinstance(state.get("versionId"), str) and state["versionId"] != "", f"versionId is no text: {state}")


def set_and_shown(target: Target) -> None:
    """What was set is what slide info shows afterwards."""
    for status in ("QualityOk", "Rejected", "NotSet"):
        answer = _set(target, status, _state(target)["versionId"])
        expect(answer.status // 100 == 2, f"setting {status} with the last versionId was answered with {answer}")
        shown = _state(target)["status"]
        expect(shown == status, f"{status} was set, slide info shows {shown}")


def empty_200(target: Target) -> None:
    """The answer is 200 with nothing in it: callers refuse 204."""
    answer = _set(target, "QualityOk", _state(target)["versionId"])
    expect((answer.status, answer.body) == (200, b""), f"expected 200 and an empty body, came {answer}")


def new_version(target: Target) -> None:
    """Every write changes the versionId."""
    before = _state(target)["versionId"]
    _set(target, "Rejected", before)
    after = _state(target)["versionId"]
    expect(after != before, f"the versionId is {before!r} before and after a write")


def stale_refused(target: Target) -> None:
    """A versionId that isn't the last one is refused with 409, and nothing changes."""
    stale = _state(target)["versionId"]
    _set(target, "QualityOk", stale)
    before = _state(target)
    answer = _set(target, "Rejected", stale)
    expect(answer.status == 409, f"a stale versionId was answered with {answer}; expected 409")
    after = _state(target)
    expect(after == before, f"the refused write changed the state from {before} to {after}")


def unknown_status_refused(target: Target) -> None:
    """A status outside the three is refused with 400, and nothing changes."""
    before = _state(target)
    answer = _set(target, "Perfect", before["versionId"])
    expect(answer.status == 400, f"the status 'Perfect' was answered with {answer}; expected 400")
    expect(_state(target) == before, "the refused write changed the state")


def missing_version_refused(target: Target) -> None:
    """A state without the versionId last read is refused with 400, and nothing changes."""
    before = _state(target)
    body = {"applicationVersion": "1.0", "qualityControl": {"status": _other_than(before["status"])}}
    answer = target.ask("setQualityControl", slideId=target.slide, json_body=body)
    expect(answer.status == 400, f"a state without versionId was answered with {answer}; expected 400")
    expect(_state(target) == before, "the refused write changed the state")


def unknown_slide(target: Target) -> None:
    """The state of a slide that isn't there can't be set: 404."""
    name = unknown("slide")
    answer = _set(target, "QualityOk", _state(target)["versionId"], name)
    expect(answer.status == 404, f"quality control of a slide that isn't there was answered with {answer}")


def of_one_slide(target: Target) -> None:
    """Setting the state of one slide leaves that of another as it is."""
    other = other_slide(target)
    before = _state(target, other)
    _set(target, _other_than(before["status"]), _state(target)["versionId"])
    after = _state(target, other)
    expect(after == before, f"setting the state of {target.slide} changed that of {other} from {before} to {after}")


def one_of_many_wins(target: Target) -> None:
    """Of eight writes at once that name the same versionId, exactly one is stored."""
    for _ in range(3):
        version = _state(target)["versionId"]
        statuses = ("QualityOk", "Rejected") * (AT_ONCE // 2)
        answers = at_once([partial(_set, target, status, version) for status in statuses])
        came = sorted(answer.status for answer in answers)
        won = [status for status, answer in zip(statuses, answers, strict=True) if answer.status // 100 == 2]
        expect(len(won) == 1, f"{AT_ONCE} writes at once with one versionId were answered with {came}")
        expect(came.count(409) == AT_ONCE - 1, f"the losers were answered with {came}; expected 409 for each")
        shown = _state(target)["status"]
        expect(shown == won[0], f"the winner set {won[0]}, slide info shows {shown}")


def _other_than(status: str) -> str:
    return "Rejected" if status == "QualityOk" else "QualityOk"


def _state(target: Target, slide: str | None = None) -> dict[str, Any]:
    answer = target.ask("getSlideInfo", slideId=slide or target.slide)
    state: Any = answer.json.get("qualityControl") if isinstance(answer.json, dict) else None
    expect(isinstance(state, dict), f"slide info shows no qualityControl: {answer}")
    return dict(state)


def _set(target: Target, status: str, version_id: str, slide: str | None = None) -> Answer:
    body = {"applicationVersion": "1.0", "qualityControl": {"status": status, "versionId": version_id}}
    return target.ask("setQualityControl", slideId=slide or target.slide, json_body=body)


_write = partial(Check, since="1.10", writes=True, needs=("quality-control.always-there",))

CHECKS = (
    Check(
        "quality-control.always-there",
        "On 1.10, slide info always holds the quality control state, both members of it.",
        "getSlideInfo 200",
        "An app reads the versionId from here before it writes; a slide that nobody judged has one, too.",
        always_there,
        since="1.10",
        mandatory=True,
    ),
    _write(
        "quality-control.set-and-shown",
        "A state that was set is the state that slide info shows.",
        "setQualityControl",
        "Quality control that nobody can see is none.",
        set_and_shown,
    ),
    _write(
        "quality-control.empty-200",
        "Setting the state is answered with exactly 200 and an empty body.",
        "setQualityControl 200",
        "Callers compare the status with 200 and refuse 204.",
        empty_200,
    ),
    _write(
        "quality-control.new-version",
        "Every write gives the state a new versionId.",
        "setQualityControl",
        "Without it, a second writer's stale versionId would pass for the last one.",
        new_version,
    ),
    _write(
        "quality-control.stale-refused",
        "A stale versionId is refused with 409, and nothing changes.",
        "setQualityControl 409",
        "Two apps judge one slide: the second must learn that the state isn't what it read.",
        stale_refused,
        needs=("quality-control.set-and-shown", "quality-control.new-version"),
    ),
    _write(
        "quality-control.unknown-status-refused",
        "A status that isn't one of NotSet, QualityOk and Rejected is refused with 400, and nothing changes.",
        "setQualityControl 400",
        "A misspelt verdict that is stored is a verdict that no workstation shows.",
        unknown_status_refused,
    ),
    _write(
        "quality-control.missing-version-refused",
        "A state without a versionId is refused with 400, and nothing changes.",
        "setQualityControl 400",
        "It could overwrite what somebody else decided.",
        missing_version_refused,
    ),
    _write(
        "quality-control.unknown-slide-404",
        "The state of a slide that isn't there can't be set: 404.",
        "setQualityControl 404",
        "A misspelt slide id must not judge anything.",
        unknown_slide,
    ),
    _write(
        "quality-control.per-slide",
        "Each slide has a state of its own.",
        "setQualityControl",
        "One slide of a case is out of focus, the others aren't.",
        of_one_slide,
        needs=("quality-control.set-and-shown",),
    ),
    _write(
        "quality-control.one-winner",
        "Of eight writes at once with the same versionId exactly one wins, the others get 409.",
        "setQualityControl 409",
        "A server that reads the version first and writes later loses one of two verdicts.",
        one_of_many_wins,
        needs=("quality-control.stale-refused",),
    ),
)
