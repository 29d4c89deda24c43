"""Attachments of one result: declared, uploaded, replaced, dropped and declared again in any order."""

from typing import Any

from ia_api_contract.checks.results_asking import Document, create, put, read
from ia_api_contract.exchanges import Answer
from ia_api_contract.machines.walking import WRITERS, Step, explore
from ia_api_contract.outcomes import expect
from ia_api_contract.target import Target

VERBS = ("declare", "declare", "declare with a stale versionId", "upload", "upload", "upload", "read", "read a part")

NAMES = ("b c.csv", "ü")


class AttachmentsMachine:
    """One result with its attachments, and a dictionary from the names declared to bytes (None: not uploaded)."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.result = create(target)
        self.stale: Document | None = None
        self.contents: dict[str, bytes | None] = {}
        self.uploads = 0

    def take(self, step: Step) -> str:
        """Takes the step, then looks at every state and all bytes."""
        name = NAMES[step.which % len(NAMES)]
        words = {
            "declare": self._declare,
            "declare with a stale versionId": self._declare_stale,
            "upload": self._upload,
            "read": self._read,
            "read a part": self._read_part,
        }[step.verb](step, name)
        if words:
            self._look(words)
        return words

    def _declared(self, step: Step) -> list[str]:
        """Any of the names, in an order that changes."""
        chosen = [name for at, name in enumerate(NAMES) if (step.how + 1) >> at & 1]
        return chosen[::-1] if step.which % 2 else chosen

    def _declare(self, step: Step, _: str) -> str:
        names = self._declared(step)
        words = f"{WRITERS[step.who]} replaces the result and declares {names}"
        answer = self._replace(self.result, names)
        expect(answer.status // 100 == 2, f"{words}: {answer}; expected the stored result")
        self.stale, self.result = self.result, dict(answer.json)
        self.contents = {name: self.contents.get(name) for name in names}
        self._compare(self.result, words)
        return words

    def _declare_stale(self, step: Step, _: str) -> str:
        if self.stale is None:
            return ""
        names = self._declared(step)
        words = f"{WRITERS[step.who]} declares {names} with a stale versionId"
        answer = self._replace(self.stale, names)
        expect(answer.status == 409, f"{words}: {answer}; expected 409")
        return f"{words}: refused"

    def _upload(self, step: Step, name: str) -> str:
        self.uploads += 1
        content = f"upload {self.uploads} ".encode() * (step.how * 7 % 5)
        words = f"{WRITERS[step.who]} uploads {len(content)} bytes as {name!r}"
        where = self._where(name)
        answer = self.target.ask("putAttachment", body=content, media_type="application/octet-stream", **where)
        if name not in self.contents:
            expect(answer.status == 404, f"{words}, which isn't declared: {answer}; expected 404")
            return f"{words}, which isn't declared: refused"
        expect(answer.status // 100 == 2, f"{words}: {answer}; expected 200")
        self.contents[name] = content
        return words

    def _read(self, step: Step, name: str) -> str:
        words = f"{WRITERS[step.who]} reads {name!r}"
        self._compare_bytes(name, words)
        return words

    def _read_part(self, step: Step, name: str) -> str:
        content = self.contents.get(name)
        if not content:
            return ""
        first, last = sorted((step.how * 5 % len(content), (step.how * 11 + 3) % len(content)))
        words = f"{WRITERS[step.who]} reads bytes {first} to {last} of {name!r}"
        answer = self._get(name, {"Range": f"bytes={first}-{last}"})
        same = answer.status == 206 and answer.body == content[first : last + 1]
        expect(same, f"{words}: {answer}; expected 206 and {content[first : last + 1]!r}")
        return words

    def _look(self, words: str) -> None:
        self._compare(read(self.target, self.result["id"]), f"{words}; afterwards")
        for name in NAMES:
            self._compare_bytes(name, f"{words}; afterwards {name!r} read")

    def _compare(self, shown: Document, words: str) -> None:
        """Raises `Failed` unless names, states and versionId are as the oracle has them."""
        came = [(entry.get("name"), entry.get("state")) for entry in shown.get("attachments") or ()]
        expected = [(name, "new" if content is None else "stored") for name, content in self.contents.items()]
        expect(came == expected, f"{words}: the attachments are {came}; expected {expected}")
        last = self.result["versionId"]
        expect(shown.get("versionId") == last, f"{words}: the versionId isn't {last!r} any more")

    def _compare_bytes(self, name: str, words: str) -> None:
        answer, content = self._get(name), self.contents.get(name)
        if content is None:
            expect(answer.status == 404, f"{words}: {answer}; expected 404")
        else:
            same = answer.status == 200 and answer.body == content
            expect(same, f"{words}: {answer}; expected 200 and {content[:40]!r}")

    def _get(self, name: str, headers: dict[str, str] | None = None) -> Answer:
        return self.target.ask("getAttachment", headers=headers, **self._where(name))

    def _where(self, name: str) -> dict[str, Any]:
        return {"applicationId": self.target.application, "resultId": self.result["id"], "name": name}

    def _replace(self, result: Document, names: list[str]) -> Answer:
        return put(self.target, result["id"], {**result, "attachments": [{"name": name} for name in names]})


def any_order(target: Target) -> None:
    """States and bytes are as the oracle's after every step, refusals included."""
    explore(target, "machines.attachments", VERBS, lambda: AttachmentsMachine(target))
