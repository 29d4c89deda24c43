"""`--record`: the exchanges with a target, without tokens and patients' data, and how they differ from the contract.

What is kept is the shape of what a PACS says: members that tell of a patient, free texts and ids are replaced by their
JSON type, and so are their values wherever else they occur.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ia_api_contract.differences import Difference, differences, summary
from ia_api_contract.exchanges import Exchange, Redactor
from ia_api_contract.locating import Located, Locator
from ia_api_spec import Contract

FREE_TEXT = frozenset({"displayResult", "displayProperties", "context", "label", "description", "blocks"})
"""Members in which an application or a person writes what they like."""

IDENTIFYING = ("slideId", "accessionNumber", "requestId", "accessionNumberIssuer", "accessionNumberIssuerId")
"""Parameters whose values are replaced, here and wherever else they occur."""

OF_A_SLIDE = frozenset({"staining", "block", "specimen", "imageSize"})
"""An object that has one of these members is a slide; its `id` is replaced, too."""

KEPT, KEPT_BYTES = 20, 256 * 1024
"""So many exchanges of an operation and status are kept, and bodies up to so many bytes."""

_IN_PATH = re.compile(r"(/(?:slides?|requests|images)/)[^/]+")
_FILE_NAME = re.compile(r'filename\*?=[^;]+|name="[^"]*"')


class Recorder:
    """Hears every exchange of a run; `write` makes one JSON file for each operation of it."""

    def __init__(self, contract: Contract, redactor: Redactor) -> None:
        self._locator, self._contract, self._redactor = Locator(contract), contract, redactor
        self._patient = Redactor()
        self._hidden = FREE_TEXT | set(IDENTIFYING) | set(_disclosed(contract.document))
        self._known = frozenset(_named(contract.document))
        self._kept: dict[str, list[tuple[Exchange, Located | None]]] = defaultdict(list)
        self._seen: Counter[tuple[str, int]] = Counter()
        self._differences: Counter[Difference] = Counter()

    def __call__(self, exchange: Exchange) -> None:
        """Hears of an exchange; those with an emulator's control plane are none with a PACS."""
        path = urlsplit(exchange.url).path
        if "/_fake_pacs" in path:
            return
        located = self._locator.locate(exchange.method, exchange.url, _base_path(path, self._contract))
        name, status = located.operation.id if located else "other", exchange.answer.status if exchange.answer else 0
        self._learn(exchange, located)
        if located and exchange.answer:
            told = differences(located.operation, self._contract, exchange.answer, self._hidden)
            self._differences.update(told)
        self._seen[name, status] += 1
        if self._seen[name, status] <= KEPT:
            self._kept[name].append((_small(exchange), located))

    def _learn(self, exchange: Exchange, located: Located | None) -> None:
        for name in IDENTIFYING:
            if located and name in located.parameters:
                self._patient.learn(located.parameters[name])
        for body in (exchange.body, exchange.answer.body if exchange.answer else b""):
            parsed = _parsed(body)
            for value in (*_values(parsed, self._hidden - FREE_TEXT), *_slide_ids(parsed)):
                self._patient.learn(value)

    def write(self, folder: Path) -> str:
        """Writes the files into the folder, and returns what to print: where they are and how the target differs.

        Raises `OSError` where the folder can't be written to.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name, exchanges in self._kept.items():
            shown = [self._shown(exchange, located) for exchange, located in exchanges]
            total = sum(count for (operation, _), count in self._seen.items() if operation == name)
            document = {"operationId": name, "exchanges": shown, "made": total}
            (folder / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8", newline="\n")
        told = summary({self._clean(found): count for found, count in self._differences.items()})
        (folder / "differences.txt").write_text(told, "utf-8", newline="\n")
        return f"{len(self._kept)} files with exchanges, redacted, are in {folder}.\n{told}"

    def _clean(self, found: Difference) -> Difference:
        return replace(found, text=self._text(found.text))

    def _text(self, text: str) -> str:
        return self._patient.text(self._redactor.text(text))

    def _shown(self, exchange: Exchange, located: Located | None) -> dict[str, Any]:
        request: dict[str, Any] = {"method": exchange.method}
        if located:
            hidden = {name: "<string>" for name in located.parameters if name in IDENTIFYING}
            parameters = {name: self._text(value) for name, value in located.parameters.items()} | hidden
            request |= {"path": located.spelling.path, "parameters": parameters}
        else:
            request["path"] = self._text(_IN_PATH.sub(r"\1<string>", urlsplit(exchange.url).path))
        request |= {"headers": self._headers(exchange.headers), "body": self._body(exchange.body)}
        answer = exchange.answer
        shown: dict[str, Any] = {"request": request, "answer": None, "seconds": round(exchange.seconds, 4)}
        if answer:
            headers = self._headers(answer.headers)
            shown["answer"] = {"status": answer.status, "headers": headers, "body": self._body(answer.body)}
        return shown

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {
            name: self._patient.text(_FILE_NAME.sub("filename=<string>", value))
            for name, value in self._redactor.headers(headers).items()
        }

    def _body(self, body: bytes) -> Any:
        """The body's JSON without what is hidden; its size where it is something else."""
        parsed = _parsed(body)
        if parsed is None:
            size = f"more than {KEPT_BYTES}" if len(body) > KEPT_BYTES else str(len(body))
            return f"<{size} bytes>" if body else None
        return json.loads(self._text(json.dumps(_redacted(parsed, self._hidden, self._known))))


def _base_path(path: str, contract: Contract) -> str:
    """The part of the path before the API, whose base need not be the usual one."""
    if contract.base_path and path.startswith(contract.base_path):
        return contract.base_path
    first = "|".join({spelling.path.split("/")[1] for op in contract.operations.values() for spelling in op.spellings})
    found = re.match(rf"(.*?)/(?:{first})(?:/|$)", path)
    return found.group(1) if found else ""


def _small(exchange: Exchange) -> Exchange:
    """The exchange with large bodies cut down to what says their size."""
    answer = exchange.answer
    if answer:
        exchange = replace(exchange, answer=replace(answer, body=answer.body[: KEPT_BYTES + 1]))
    return replace(exchange, body=exchange.body[: KEPT_BYTES + 1])


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body[:1] in (b"{", b"[") and len(body) <= KEPT_BYTES else None
    except (ValueError, RecursionError):
        return None


def _disclosed(node: Any) -> Iterator[str]:
    """The names of all members that are only shown to who asks for protected health information."""
    if isinstance(node, list):
        node = dict(enumerate(node))
    if not isinstance(node, dict):
        return
    for name, member in node.get("properties", {}).items() if isinstance(node.get("properties"), dict) else ():
        if isinstance(member, dict) and "phi" in member.get("x-disclosed-with", ()):
            yield name
    for child in node.values():
        yield from _disclosed(child)


def _named(node: Any) -> Iterator[str]:
    """The names of all members that the contract knows."""
    if isinstance(node, list):
        node = dict(enumerate(node))
    if not isinstance(node, dict):
        return
    if isinstance(node.get("properties"), dict):
        yield from node["properties"]
    for child in node.values():
        yield from _named(child)


def _values(node: Any, names: frozenset[str] | set[str], inside: bool = False) -> Iterator[str]:
    """The texts that stand in members of these names."""
    if isinstance(node, dict):
        for name, member in node.items():
            yield from _values(member, names, inside or name in names)
    elif isinstance(node, list):
        for member in node:
            yield from _values(member, names, inside)
    elif isinstance(node, str) and inside:
        yield node


def _slide_ids(node: Any) -> Iterator[str]:
    """The ids of all slides that are told of."""
    if isinstance(node, dict) and OF_A_SLIDE & node.keys() and isinstance(node.get("id"), str):
        yield node["id"]
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _slide_ids(child)


def _redacted(node: Any, hidden: Collection[str], known: Collection[str]) -> Any:
    """The value without what is hidden, and without what the contract doesn't know: who knows what that tells."""
    if isinstance(node, list):
        return [_redacted(member, hidden, known) for member in node]
    if not isinstance(node, dict):
        return node
    here = {*hidden, "id"} if OF_A_SLIDE & node.keys() else hidden
    return {
        name: _shape(member) if name in here or name not in known else _redacted(member, hidden, known)
        for name, member in node.items()
    }


def _shape(node: Any) -> Any:
    """The JSON types of a value in place of what it says; the names of its members may tell something, too."""
    if isinstance(node, dict):
        return {f"<name {number}>": _shape(member) for number, member in enumerate(node.values(), 1)}
    if isinstance(node, list):
        return [_shape(member) for member in node]
    if node is None or isinstance(node, bool):
        return node
    return "<string>" if isinstance(node, str) else "<number>"
