"""JSON from strangers: everything that Python's parser lets through and others choke on is named and refused."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

from ia_api_spec import Violation, as_step, at_most, shown
from ia_api_spec.violations import SHOWN

MAX_DEPTH = 100
"""Deepest nesting that is taken (assumed): results nest 9 levels deep."""

MAX_DIGITS = 400
"""Longest integer that is taken: beyond 309 digits no JSON reader that uses doubles can hold it."""

_BETWEEN_BRACKETS = re.compile(r'(?:[^"\[{\]}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"?)++', re.DOTALL)
"""Strings and all else but brackets; possessive, so that an unterminated string costs one pass and no more."""

_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}

_ALL_BUT_BRACKETS = bytes(sorted(set(range(256)) - set(b'[]{}"\\')))
"""Quotes and backslashes stay, too: they tell whether a bracket stands in a string."""

_SHAPE = bytes.maketrans(b"123456789E", b"000000000e")
_LONG_DIGITS, _LONG_EXPONENT = b"0" * 200, b"e000"
"""What a number that no double holds has, once its digits are all alike: so many of them, or so long an exponent."""

_PASSES = 20
"""Each pass takes the innermost brackets away, one level or two; results nest 9 levels deep."""

_FEW = 10_000
"""More brackets than these get another pass only where the last one took a tenth of them: else passes add up."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class _Doubtful(str):
    """Stands in the parsed value where something came that can't be kept: its text is what came."""

    __slots__ = ("expected",)
    expected: str


class _Hooks:
    """The parser's hooks, which notice what can't be kept."""

    def __init__(self) -> None:
        self.doubts = 0

    def constant(self, name: str) -> _Doubtful:
        return self._doubtful(name, "a number: JSON has no such constant")

    def float(self, digits: str) -> Any:
        number = float(digits)
        return number if math.isfinite(number) else self._doubtful(digits, "a number that a double can hold")

    def integer(self, digits: str) -> Any:
        if len(digits) <= MAX_DIGITS and math.isfinite(float(digits)):
            return int(digits)
        return self._doubtful(digits, "a number that a double can hold")

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            for name in [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]:
                members[name] = self._doubtful(f"the member {shown(name)} more than once", "each member once")
        return members

    def _doubtful(self, came: str, expected: str) -> _Doubtful:
        self.doubts += 1
        doubtful = _Doubtful(came if len(came) <= SHOWN else f"{came[:SHOWN]}… ({len(came)} characters)")
        doubtful.expected = expected
        return doubtful


def parse(raw: bytes, max_depth: int = MAX_DEPTH) -> tuple[Any, list[Violation]]:
    """The JSON value of a body, and all that is wrong with it; a violation at pointer "" means that nobody can use it.

    Refused beside malformed JSON: invalid UTF-8, `NaN` and infinities, numbers that no double holds, lone surrogates,
    members that come twice, and nesting deeper than `max_depth`. Bounded as by `at_most`.
    """
    if not raw:
        return None, [Violation("body", "", "nothing: the body is empty", "JSON")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        came = f"byte 0x{raw[error.start]:02x} at offset {error.start}"
        return None, [Violation("body", "", came, "JSON in UTF-8")]
    if not _surely_shallow(raw, max_depth) and _too_deep(text, max_depth):
        return None, [Violation("body", "", f"nesting deeper than {max_depth}", f"at most {max_depth} levels")]
    hooks = _Hooks()
    checked = _may_overflow(raw)
    try:
        value = json.loads(
            text,
            parse_constant=hooks.constant,
            parse_float=hooks.float if checked else None,
            parse_int=hooks.integer if checked else None,
            object_pairs_hook=hooks.object,
        )
    except json.JSONDecodeError as error:
        came = f"{error.msg.removesuffix(' at')} at line {error.lineno}, column {error.colno}"
        return None, [Violation("body", "", came, "well-formed JSON")]
    return value, at_most(_doubts(value, ""), "body") if hooks.doubts or _SURROGATE.search(text) else []


def harmless(value: Any) -> Any:
    """A refused value in a form that a validator takes, so that all else that is wrong with it can be named too."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [harmless(item) for item in value]
    if isinstance(value, dict):
        return {name.encode("utf-8", "backslashreplace").decode(): harmless(member) for name, member in value.items()}
    return value


def all_wrong(doubts: Sequence[Violation], broken: Iterable[Violation]) -> list[Violation]:
    """The doubts, then how the rest breaks a schema: what stands in for a doubtful value says nothing of its own."""
    named = {doubt.pointer for doubt in doubts}
    return [*doubts, *(violation for violation in broken if violation.pointer not in named)]


def _may_overflow(raw: bytes) -> bool:
    """Whether a number may be one that no double holds; a hook for each number takes as long as all of the parsing."""
    shape = raw.translate(_SHAPE, b"+")
    return _LONG_DIGITS in shape or _LONG_EXPONENT in shape


def _surely_shallow(raw: bytes, max_depth: int) -> bool:
    """Whether brackets surely don't nest too deeply, by passes that are each quick; what isn't plain is left open.

    Plain means that no string has a bracket or a backslash in it: then each string leaves two quotes side by side.
    """
    brackets = raw.translate(None, _ALL_BUT_BRACKETS).replace(b'""', b"")
    if b'"' in brackets or b"\\" in brackets:
        return False
    for _ in range(min(max_depth // 2, _PASSES)):
        if not brackets:
            return True
        before = len(brackets)
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(brackets) > max(_FEW, before * 9 // 10):
            return False
    return not brackets


def _too_deep(text: str, max_depth: int) -> bool:
    """Whether brackets outside strings nest too deeply; decided before parsing, which would recurse."""
    if text.count("[") + text.count("{") <= max_depth:
        return False
    brackets = _BETWEEN_BRACKETS.sub("", text)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > max_depth


def _doubts(value: Any, pointer: str) -> Iterator[Violation]:
    if isinstance(value, _Doubtful):
        yield Violation("body", pointer, str(value), value.expected)
    elif isinstance(value, str) and not _encodes(value):
        yield Violation("body", pointer, shown(value), "text without lone surrogates")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _doubts(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for name, member in value.items():
            step = as_step(name)
            if not _encodes(name):
                yield Violation("body", f"{pointer}/{step}", shown(name), "a name without lone surrogates")
            yield from _doubts(member, f"{pointer}/{step}")


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
