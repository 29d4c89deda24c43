"""Two writers on results: each sends the last versionId that it was told, older or wrong ones."""

from dataclasses import dataclass, field
from typing import Any

from ia_api_contract.checks.results_asking import Document, create, difference, listed, mark, put, read
from ia_api_contract.exchanges import Answer
from ia_api_contract.machines.walking import WRITERS, Step, explore
from ia_api_contract.outcomes import Failed, expect
from ia_api_contract.target import Target

VERBS = ("store", *["read"] * 3, *["replace"] * 6, "list")

MOST = 2
"""So many results in one walk."""

SENT = ("the versionId it was told", "the first versionId", "the versionId before the last", "an invented versionId")
WRONG = ("another slideId", "the id of another result")


@dataclass
class Known:
    """One result as the oracle has it: the document, every versionId that it had, and what each writer was told."""

    id: Any
    document: Document
    versions: list[str]
    told: dict[int, str] = field(default_factory=dict)


class ResultsMachine:
    """Stored results and the dictionaries that they have to be like."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.results: list[Known] = []

    def take(self, step: Step) -> str:
        """Takes the step, then looks at every result."""
        words = {"store": self._store, "read": self._read, "replace": self._replace, "list": self._list}[step.verb](
            step
        )
        for number, known in enumerate(self.results, 1):
            self._compare(read(self.target, known.id), known, f"{words}; afterwards result {number}")
        return words

    def _store(self, step: Step) -> str:
        if len(self.results) == MOST:
            return ""
        document = self._document(step)
        stored = create(self.target, document)
        known = Known(stored["id"], document, [stored["versionId"]], {step.who: stored["versionId"]})
        self.results.append(known)
        words = f"{WRITERS[step.who]} stores result {len(self.results)}"
        expect(all(known is one or known.id != one.id for one in self.results), f"{words}: it has the id of another")
        self._compare(stored, known, words)
        return words

    def _read(self, step: Step) -> str:
        if not self.results:
            return ""
        number, known = self._chosen(step)
        words = f"{WRITERS[step.who]} reads result {number}"
        shown = read(self.target, known.id)
        self._compare(shown, known, words)
        known.told[step.who] = shown["versionId"]
        return words

    def _list(self, step: Step) -> str:
        if not self.results:
            return ""
        words = f"{WRITERS[step.who]} lists the slide's results"
        mine = {known.id: known for known in self.results}
        shown = [entry for entry in listed(self.target) if entry.get("id") in mine]
        ids = [entry["id"] for entry in shown]
        expect(ids == list(mine), f"{words}: they are {ids}; expected {list(mine)}")
        for entry in shown:
            self._compare(entry, mine[entry["id"]], f"{words}; result {entry['id']}")
        return words

    def _replace(self, step: Step) -> str:
        if not self.results:
            return ""
        number, known = self._chosen(step)
        how = (*SENT[:1] * 6, *SENT[1:2] * 2, *SENT[2:], *WRONG)[step.how]
        document = {**self._document(step), "versionId": self._version(known, step.who, how)}
        words = f"{WRITERS[step.who]} replaces result {number} with {how}"
        if how in WRONG and not self._break(document, known, how):
            return ""
        accepted = document["versionId"] == known.versions[-1] and how not in WRONG
        answer = put(self.target, known.id, document)
        if not accepted:
            expect(answer.status == 409, f"{words}: {answer}; expected 409")
            return f"{words}: refused"
        self._accept(answer, known, step, document, words)
        return f"{words}: accepted"

    def _accept(self, answer: Answer, known: Known, step: Step, document: Document, words: str) -> None:
        whole = isinstance(answer.json, dict) and "versionId" in answer.json
        expect(answer.status // 100 == 2 and whole, f"{words}: {answer}; expected the stored result")
        version = answer.json["versionId"]
        expect(version not in known.versions, f"{words}: it got the versionId {version!r}, which it had before")
        known.document = {name: value for name, value in document.items() if name != "versionId"}
        known.versions.append(version)
        known.told[step.who] = version
        self._compare(answer.json, known, words)

    def _chosen(self, step: Step) -> tuple[int, Known]:
        at = step.which % len(self.results)
        return at + 1, self.results[at]

    def _version(self, known: Known, who: int, how: str) -> str:
        """What the writer sends; one that was told nothing yet sends the first versionId."""
        if how == SENT[0]:
            return known.told.get(who, known.versions[0])
        return {SENT[1]: known.versions[0], SENT[2]: known.versions[-2:][0], SENT[3]: "invented"}.get(
            how, known.versions[-1]
        )

    def _break(self, document: Document, known: Known, how: str) -> bool:
        """Makes the document name another slide or result; answers whether there is one."""
        others = [one.id for one in self.results if one is not known]
        slides = self.target.holdings.slides[1:]
        if how == WRONG[0] and slides:
            document["slideId"] = slides[0]
            return True
        if how == WRONG[1] and others:
            document["id"] = others[0]
            return True
        return False

    def _document(self, step: Step) -> Document:
        """A document of its own, with and without the members that may be left out."""
        document = self.target.result(displayResult=mark(), data={"context": {"step": step.how}})
        if step.which % 2:
            del document["displayProperties"]
        return {**document, "resultVersion": step.how} if step.how % 2 else document

    def _compare(self, shown: Document, known: Known, words: str) -> None:
        """Raises `Failed` unless the result is shown as the oracle has it."""
        filled = {"displayProperties": {}, "resultVersion": None, **known.document}
        expected = {**filled, "id": known.id, "versionId": known.versions[-1]}
        came = {name: shown.get(name) for name in expected}
        if text := difference(expected, came):
            raise Failed(f"{words}: {text}")


def two_writers(target: Target) -> None:
    """Results are as the oracle's after every step of two writers, refusals included."""
    explore(target, "machines.results", VERBS, lambda: ResultsMachine(target))
