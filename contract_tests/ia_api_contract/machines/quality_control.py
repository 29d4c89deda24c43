"""Two writers on the quality control of two slides: each sends the last versionId it was told, older or wrong ones."""

from dataclasses import dataclass, field

from ia_api_contract.asking import slide_info
from ia_api_contract.machines.walking import WRITERS, Step, explore
from ia_api_contract.outcomes import expect
from ia_api_contract.target import Target

VERBS = ("look", "set", "set", "set")

STATUSES = ("QualityOk", "Rejected", "NotSet")
SENT = ("the versionId it was told", "the first versionId", "the versionId before the last", "an invented versionId")


@dataclass
class Judged:
    """A slide's state as the oracle has it: status, every versionId since the walk began, what each writer was told."""

    status: str
    versions: list[str]
    told: dict[int, str] = field(default_factory=dict)


class QualityControlMachine:
    """The states of up to two slides and the dictionary that they have to be like."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.slides: dict[str, Judged] = {}
        for slide in target.holdings.slides[:2]:
            status, version = self._shown(slide)
            self.slides[slide] = Judged(status, [version])

    def take(self, step: Step) -> str:
        """Takes the step, then looks at every slide; a version that a write made is learnt by looking."""
        slide = list(self.slides)[step.which % len(self.slides)]
        words = {"look": self._look, "set": self._set}[step.verb](step, slide)
        for name, judged in self.slides.items():
            came = self._shown(name)
            expected = (judged.status, judged.versions[-1])
            expect(came == expected, f"{words}; afterwards {name} is {came}; expected {expected}")
        return words

    def _look(self, step: Step, slide: str) -> str:
        self.slides[slide].told[step.who] = self._shown(slide)[1]
        return f"{WRITERS[step.who]} looks at {slide}"

    def _set(self, step: Step, slide: str) -> str:
        judged, status = self.slides[slide], STATUSES[step.how % 3]
        how = (*SENT[:1] * 3, *SENT[1:2] * 2, *SENT[2:])[(step.which // 2 + step.how) % 7]
        sent = self._version(judged, step.who, how)
        words = f"{WRITERS[step.who]} sets {slide} to {status} with {how}"
        body = {"applicationVersion": "1.0", "qualityControl": {"status": status, "versionId": sent}}
        answer = self.target.ask("setQualityControl", slideId=slide, json_body=body)
        if sent != judged.versions[-1]:
            expect(answer.status == 409, f"{words}: {answer}; expected 409")
            return f"{words}: refused"
        expect(answer.status // 100 == 2, f"{words}: {answer}; expected 200")
        version = self._shown(slide)[1]
        expect(version not in judged.versions, f"{words}: it got the versionId {version!r}, which it had before")
        judged.status = status
        judged.versions.append(version)
        return f"{words}: accepted"

    def _version(self, judged: Judged, who: int, how: str) -> str:
        """What the writer sends; one that was told nothing yet sends the first versionId."""
        known = {SENT[1]: judged.versions[0], SENT[2]: judged.versions[-2:][0], SENT[3]: "invented"}
        return known.get(how, judged.told.get(who, judged.versions[0]))

    def _shown(self, slide: str) -> tuple[str, str]:
        state = slide_info(self.target, slide).get("qualityControl")
        whole = isinstance(state, dict) and "status" in state and "versionId" in state
        expect(whole, f"slide info of {slide} shows the quality control {state}")
        assert isinstance(state, dict)
        return state["status"], state["versionId"]


def two_writers(target: Target) -> None:
    """The states are as the oracle's after every step of two writers, refusals included."""
    explore(target, "machines.quality-control", VERBS, lambda: QualityControlMachine(target))
