"""Where secrets stand in a text: by the names of what holds them, through every layer of encoding."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SECRET_NAMES = """
    token accesstoken sessiontoken refreshtoken idtoken controltoken clientsecret secret assertion clientassertion
    password authorization proxyauthorization xfakepacscontrol
"""
SECRET_NAMES = frozenset(_SECRET_NAMES.split())
"""Names of members, parameters and headers that hold secrets, in lower case and without - and _."""

SCHEMES = ("bearer", "basic", "digest", "negotiate", "ntlm")
"""The HTTP authentication schemes that may be called by their names; any other word may be a secret."""

LAYERS = 4
"""A text is looked at as it is and with so many layers, less one, of percent-encoding and JSON escapes undone."""

_HEADERS = frozenset({"authorization", "proxyauthorization", "xfakepacscontrol"})
_STEMS = ("token", "secret", "assertion", "password", "authorization", "xfakepacscontrol", "bearer", "//")
_NAMED = re.compile(
    r"(?<![A-Za-z0-9_-])(?P<name>[A-Za-z_-][A-Za-z0-9_-]{4,60}+)(?P<quote>[\"'\]]*+)\s*+(?P<mark>[=:])\s*+"
)
_SHAPED = (
    re.compile(r"(?i:(?<![a-z0-9])bearer\s+(?!tokens?\b|realm=))(?P<value>[^\s\"'\\<>,&]+)"),
    re.compile(r"//(?:[^\s\"'\\<>/?#@:]*+:)?(?P<value>[^\s\"'\\<>/?#@]*+)@"),
)
"""A bearer token, wherever it was sent to; the password of a URL, or all that stands before its @."""

_CAME = re.compile(r"came (?=[\"'])")
_PLACEHOLDER = re.compile(r"<(?:redacted|token|control token)>")
_CONSTANT = re.compile(r"(?:null|true|false|None|True|False)\b")
_STRING = re.compile(r"\"[^\"\\]*+(?:\\.[^\"\\]*+)*+|'[^'\\]*+(?:\\.[^'\\]*+)*+", re.DOTALL)
_BARE = {"=": re.compile(r"[^&\s\"'\\]+"), ":": re.compile(r"[^&\s\"'\\,}\]]+")}
_HEADER_VALUE = re.compile(rf"(?i:(?:{'|'.join(SCHEMES)})\s+)?+(?!<)(?P<value>[^\r\n\"'\\]+)")
_BRACKETS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
_ESCAPE = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+|\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}"
    r"|\\x[0-9A-Fa-f]{2}|\\[\"'\\/bfnrt]"
)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Span:
    """From where to where a secret stands; `whole` where it is a JSON value that has no quotes of its own."""

    start: int
    end: int
    whole: bool = False


class Layer:
    """A text with some layers of encoding undone, that knows where each character stood."""

    def __init__(self, text: str, starts: list[int] | None = None) -> None:
        self.text = text
        self._starts = starts

    def at(self, span: Span) -> Span:
        """The same place in the text as it was."""
        return span if self._starts is None else Span(self._starts[span.start], self._starts[span.end])

    def decoded(self) -> "Layer | None":
        """The text with one more layer undone, None where there is none."""
        if "%" not in self.text and "\\" not in self.text:
            return None
        pieces: list[str] = []
        starts: list[int] = []
        done = 0
        own = range(len(self.text) + 1) if self._starts is None else self._starts
        for found in _ESCAPE.finditer(self.text):
            pieces.append(self.text[done : found.start()])
            starts.extend(own[done : found.start()])
            for character, offset in _meant(found.group()):
                pieces.append(character)
                starts.append(own[found.start() + offset])
            done = found.end()
        if not done:
            return None
        pieces.append(self.text[done:])
        starts.extend(own[done:])
        return Layer("".join(pieces), starts)


def layers(text: str) -> Iterator[Layer]:
    """The text as it is, then with one layer of percent-encoding and JSON escapes undone after the other."""
    layer: Layer | None = Layer(text)
    for _ in range(LAYERS):
        if layer is None:
            return
        yield layer
        layer = layer.decoded()


def is_secret_name(name: str) -> bool:
    """Whether what has that name is a secret; case, - and _ make no difference."""
    return name.lower().replace("-", "").replace("_", "") in SECRET_NAMES


def named_secrets(text: str) -> Iterator[Span]:
    """The values in a text that stand after the name of a secret, are bearer tokens or passwords of URLs.

    Works on queries, forms, JSON (also unfinished), headers and prose that quotes any of them.
    """
    if not _worth_a_look(text):
        return
    position = 0
    while found := _NAMED.search(text, position):
        position = found.end()
        span = _value(text, found) if is_secret_name(found["name"]) else None
        if span is not None:
            yield span
            position = max(position, span.end)
    for shape in _SHAPED:
        for found in shape.finditer(text):
            yield Span(*found.span("value"))


def _worth_a_look(text: str) -> bool:
    """Whether anything in the text can be found; nearly always not, so it has to be quick."""
    lowered = text.lower()
    if _has_stem(lowered):
        return True
    if "-" not in lowered and "_" not in lowered:
        return False
    return _has_stem(lowered.replace("-", "").replace("_", ""))


def _has_stem(text: str) -> bool:
    for stem in _STEMS:  # noqa: SIM110 - a generator takes twice as long
        if stem in text:
            return True
    return False


def _value(text: str, found: re.Match[str]) -> Span | None:
    """Where the value is whose name was found; None where nothing secret follows."""
    start, quoted = found.end(), bool(found["quote"])
    if _PLACEHOLDER.match(text, start):
        return None
    came = _CAME.match(text, start) if found["mark"] == ":" else None
    if string := _STRING.match(text, came.end() if came else start):
        return Span(string.start() + 1, string.end())
    header = found["name"].lower().replace("-", "").replace("_", "") in _HEADERS
    if found["mark"] == ":" and header and not quoted:
        return _span(_HEADER_VALUE.match(text, start), "value")
    if found["mark"] == ":" and not quoted:
        return None  # prose: "the token: unknown"
    if found["mark"] == ":" and text[start : start + 1] in ("{", "["):
        return Span(start, _closing(text, start), whole=True)
    if found["mark"] == ":" and _CONSTANT.match(text, start):
        return None
    span = _span(_BARE[found["mark"]].match(text, start), 0)
    return Span(span.start, span.end, whole=True) if span and found["mark"] == ":" else span


def _span(found: re.Match[str] | None, group: str | int) -> Span | None:
    return Span(*found.span(group)) if found else None


def _closing(text: str, start: int) -> int:
    """Where the JSON object or array that begins there ends; the end of the text where it doesn't."""
    depth = 0
    for found in _BRACKETS.finditer(text, start):
        token = found.group()
        depth += 1 if token in "[{" else -1 if token in "]}" else 0
        if depth == 0:
            return found.end()
    return len(text)


def _meant(escape: str) -> Iterator[tuple[str, int]]:
    """The characters that an escape stands for, each with the offset at which it begins."""
    kind = escape[1]
    if escape[0] == "%":
        yield from _percent_decoded(bytes.fromhex(escape.replace("%", "")))
    elif kind == "u" and len(escape) == 12:
        yield bytes.fromhex(escape[2:6] + escape[8:]).decode("utf-16-be"), 0
    elif kind in "ux":
        yield chr(int(escape[2:], 16)), 0
    else:
        yield _CONTROLS.get(kind, kind), 0


def _percent_decoded(raw: bytes) -> Iterator[tuple[str, int]]:
    """Each character of percent-encoded UTF-8, or, where it is none, each byte; three characters stood for a byte."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
        yield from zip(text, range(0, 3 * len(raw), 3), strict=True)
        return
    offset = 0
    for character in text:
        yield character, offset
        offset += 3 * len(character.encode())
