"""How cases.yaml is read: members, their rules, and errors that name file, line, place, what came and what to write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from fake_pacs.imaging.dicom_attributes import UID


class CatalogError(ValueError):
    """A description of slides is wrong: the text names the place, what came, what was expected and what to do."""


CASE_TEXTS = ("studyInstanceUid", "examId", "examCode", "examDescription", "examDateTime", "bodyPart", "stationName")
CASE_MEMBERS = {*CASE_TEXTS, "accessionNumber", "accessionNumberIssuer", "priority", "examFreeFields", "slides"}
SLIDE_TEXTS = ("staining", "block", "seriesInstanceUid", "lisSlideId")
SLIDE_MEMBERS = {*SLIDE_TEXTS, "id", "files", "image", "focalPlanes", "opticalPaths", "label", "micronsPerPixel"}
SLIDE_MEMBERS |= {"isStreamable", "notStreamableReason", "specimen"}
CASE_ATTRIBUTES = (*CASE_TEXTS, "accessionNumberIssuer")
SLIDE_ATTRIBUTES = (*SLIDE_TEXTS, "specimen")
"""What DICOM attributes can give where an entry leaves it out."""

_DEEPEST = 20
_IN_ADDRESSES = r"(?!\.\.?$)[^\s/?#%]+"
_RULES: Mapping[str, tuple[str, str]] = {
    "id": (_IN_ADDRESSES, "a text free of / ? # % and blanks, and neither . nor .."),
    "accessionNumber": (_IN_ADDRESSES, "a text free of / ? # % and blanks, and neither . nor .."),
    "accessionNumberIssuer": (r".*", 'a text ("" where there is none)'),
    "studyInstanceUid": (UID, "a DICOM UID such as 2.25.1234"),
    "seriesInstanceUid": (UID, "a DICOM UID such as 2.25.1234"),
    "examDateTime": (r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d\S*)?", 'a quoted time such as "2026-03-02T09:15:00"'),
    **dict.fromkeys(("staining", "block", "lisSlideId"), (r"[^/]+", "a text without / (apps make file names of it)")),
}


@dataclass(frozen=True)
class Entry:
    """One mapping of a cases.yaml: knows its place, and what is wrong with its members."""

    file: Path
    place: str
    node: yaml.Node
    members: Mapping[str, yaml.Node]

    @classmethod
    def of(cls, file: Path, place: str, node: yaml.Node | None, known: Iterable[str]) -> Entry:
        """The mapping at this node. Raises CatalogError for anything else, unknown members and members given twice."""
        if not isinstance(node, yaml.MappingNode):
            raise _wrong(file, place, node, f"a mapping of {_listed(known)}")
        members: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _wrong(file, place, key, f"the name of a member, of {_listed(known)}")
            if key.value in members:
                raise _wrong(file, place, key, f"each member once: {key.value!r} stands above already")
            if known and key.value not in known:
                raise _wrong(file, place, key, f"{_nearest(key.value, known)}one of {_listed(known)}")
            members[key.value] = value
        return cls(file, place, node, members)

    def text(self, name: str, default: str | None = None) -> str:
        """A text member that keeps its rule; the default where it is absent, else a CatalogError."""
        pattern, expected = _RULES.get(name, (r"(?s).+", "a text (numbers and words like yes in quotes)"))
        value = self._scalar(name, "str", expected, default)
        possible = name != "examDateTime" or _is_time(value)
        if value is not default and not (possible and re.fullmatch(pattern, value)):
            raise self.wrong(name, expected)
        return str(value)

    def number(self, name: str, default: float | None, *, whole: bool = False, above: float = -1e9) -> Any:
        """A number member, integer where it has to be whole, greater than `above`."""
        expected = ("an integer" if whole else "a number") + (f" greater than {above:g}" if above > -1e9 else "")
        value = self._scalar(name, "int" if whole else "int float", expected, default)
        if value is default:
            return default
        try:
            number = int(value) if whole else float(value)
        except ValueError:  # YAML knows sexagesimal and hexadecimal numbers
            raise self.wrong(name, expected) from None
        if not above < number < 1e9:
            raise self.wrong(name, expected)
        return number

    def flag(self, name: str, default: bool) -> bool:
        """A member that is true or false."""
        return str(self._scalar(name, "bool", "true or false", str(default))).lower() in ("true", "yes", "on")

    def gives(self, names: Iterable[str]) -> bool:
        """Whether the entry has all of these members."""
        return all(name in self.members for name in names)

    def is_null(self, name: str) -> bool:
        """Whether the member is there and null."""
        return name in self.members and self.members[name].tag.endswith(":null")

    def items(self, name: str, *, needed: bool = False) -> list[tuple[str, yaml.Node]]:
        """Place and node of each item of a list member; a needed one has at least one."""
        node = self.members.get(name)
        if node is None and not needed:
            return []
        if not isinstance(node, yaml.SequenceNode) or (needed and not node.value):
            raise self.wrong(name, f"a list{' of at least one' if needed else ''}")
        return [(f"{self.place}{name}[{index}]", item) for index, item in enumerate(node.value)]

    def entries(self, name: str, known: Iterable[str], *, needed: bool = False) -> list[Entry]:
        """The mappings in a list member."""
        items = self.items(name, needed=needed)
        return [Entry.of(self.file, f"{place}.", node, known) for place, node in items]

    def texts(self) -> dict[str, str]:
        """All members, which have to be texts."""
        return {name: text_at(self.file, self.place + name, node) for name, node in self.members.items()}

    def wrong(self, name: str, expected: str) -> CatalogError:
        """The error that this member is not as expected."""
        return _wrong(self.file, self.place + name, self.members.get(name), expected, self.node)

    def _scalar(self, name: str, kinds: str, expected: str, default: Any) -> Any:
        node = self.members.get(name)
        if node is None and default is not None:
            return default
        if not isinstance(node, yaml.ScalarNode) or node.tag.rpartition(":")[2] not in kinds.split():
            raise self.wrong(name, expected)
        return node.value


def _wrong(
    file: Path, place: str, node: yaml.Node | None, expected: str, parent: yaml.Node | None = None
) -> CatalogError:
    at = node or parent
    line = f":{at.start_mark.line + 1}" if at is not None else ""
    came = "nothing" if node is None else f"the {node.tag.rpartition(':')[2]} {str(node.value)[:80]!r}"
    if node is not None and not isinstance(node, yaml.ScalarNode):
        kind = "list" if isinstance(node, yaml.SequenceNode) else "mapping"
        came = f"a {kind}" if node.value else f"an empty {kind}"
    return CatalogError(f"{file}{line}: {place.strip('.') or 'the document'}: came {came}, expected {expected}")


def _listed(known: Iterable[str]) -> str:
    return ", ".join(sorted(known)) or "any texts"


def _nearest(name: str, known: Iterable[str]) -> str:
    """What was probably meant, to stand before what is expected; empty where nothing is near."""
    spelled = {one.lower(): one for one in known}
    near = get_close_matches(name.lower(), spelled, n=1)
    return f"{spelled[near[0]]!r}, perhaps: " if near else ""


def document_of(file: Path) -> Entry:
    """The whole of a cases.yaml. Raises CatalogError where it is no YAML."""
    try:
        if file.exists() and not file.is_file():
            raise CatalogError(f"{file}: is a pipe, a socket or a device, expected a file")
        text, loader = file.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        _refuse_deep(file, yaml.parse(text, Loader=loader))
        root = yaml.compose(text, Loader=loader)
    except OSError as error:
        raise CatalogError(f"{file}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CatalogError(f"{file}{_line_of(error, file)}: cannot be read as YAML: {_told(error)}") from error
    return Entry.of(file, "", root, {"cases"})


def _refuse_deep(file: Path, events: Iterable[yaml.Event]) -> None:
    """Raises CatalogError for what is nested so deeply that composing it would overflow the stack."""
    depth = 0
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            line = f":{event.start_mark.line + 1}" if event.start_mark else ""
            raise CatalogError(f"{file}{line}: nested more than {_DEEPEST} deep")


def _line_of(error: Exception, file: Path) -> str:
    """The line that YAML stumbled over, as it stands in errors; of characters it refuses, it tells the place only."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return f":{mark.line + 1}"
    position = getattr(error, "position", None)
    return "" if position is None else f":{1 + file.read_bytes().count(10, 0, position)}"


def _told(error: Exception) -> str:
    """What is wrong, in one line."""
    parts = (getattr(error, "context", None), getattr(error, "problem", None))
    return ", ".join(filter(None, parts)) or str(getattr(error, "reason", error))


def _is_time(text: str) -> bool:
    """Whether there is such a time: no 13th month, no 25th hour."""
    with suppress(ValueError):
        return bool(datetime.fromisoformat(text))
    return False


def path_at(file: Path, place: str, node: yaml.Node) -> str:
    """The path at this node. Raises CatalogError for anything else, and for an empty text: it would be the folder."""
    text = text_at(file, place, node)
    if not text:
        raise _wrong(file, place, node, "the name of a file or a folder")
    return text


def text_at(file: Path, place: str, node: yaml.Node) -> str:
    """The text at this node. Raises CatalogError for anything else."""
    if not isinstance(node, yaml.ScalarNode) or not node.tag.endswith(":str"):
        raise _wrong(file, place, node, "a text (put numbers and words like yes in quotes)")
    return str(node.value)
