"""What the journal keeps of an exchange without its secrets: those that it carried, those it issued, those so named."""

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from urllib.parse import unquote, unquote_plus

from fake_pacs.calls import Oddity
from fake_pacs.refusals import Refusal
from fake_pacs.secret_text import SCHEMES, Span, is_secret_name, layers, named_secrets
from ia_api_spec import Violation

REDACTED = "<redacted>"

BODY_SHOWN = 8192
"""So many characters of a body are kept."""

_HEAD = 4 * BODY_SHOWN
"""So many characters are redacted of a body, more than are kept: what is cut off may hold the end of a secret."""

_UNWRAPPED = 2**18
"""So many characters of a body are searched for secrets with encoded names; the rest for those in plain text."""

_MOST, _MOST_PLACES, _LONGEST = 64, 2000, 2**16
"""Of an exchange with more secrets, or longer ones, nothing that its caller wrote is kept, and nothing of a text that
holds secrets in more places: that bounds the work."""

_PAIRS = 1000
"""So many members of a query or a form are looked at: those with more are refused unread."""

_LONGEST_NAME = 1000
"""So long may the name of a secret be, percent-encoded."""

_MOST_VALUES = 10_000
"""Of an exchange with more values named as secrets, the same ones or others, nothing is kept, either."""

_NEEDLE = 6
"""So many characters of a secret, from its start, are recognised, however much of the rest was cut off. A shorter one
is a secret only where it stands alone: the password `user` would blacken half of every text."""

_SHORTEST = 4
"""What is shorter than this, such as `dev`, is redacted only by the name of what holds it."""

_VALUE = re.compile(r"[\"'\[{\-0-9]")
"""How what came begins where it is shown; our own words for it, such as `nothing`, begin otherwise."""

_BETWEEN = re.compile("[?&;]")
_JSON_STRING = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(\s*:)?')


class Redactor:
    """Takes the secrets of one request and its answer out of everything that is told about them.

    `headers` and `target` are the request's, as they came. The secrets are the credentials in the headers, passwords
    in URLs, and every value in target and bodies that stands after a name for secrets, at any depth and through up
    to three layers of encoding. Each is replaced wherever it occurs, in whole or cut off, encoded or not.
    """

    def __init__(
        self,
        headers: Iterable[tuple[str, str]],
        target: str,
        request_body: bytes | None = None,
        answer_body: bytes | None = None,
    ) -> None:
        found = {secret for name, value in headers for secret in _of_header(name, value)}
        candidates = chain(_of_text(target), _of_pairs(target.partition("?")[2]))
        if request_body:
            sent = request_body.decode("utf-8", "replace").replace("\0", "")
            candidates = chain(candidates, _of_text(sent), _of_pairs(sent))
        if answer_body:
            told = answer_body[:_HEAD].decode("utf-8", "replace")
            candidates = chain(candidates, _of_text(told, nested=False))
        count = 0
        for count, secret in enumerate(candidates, start=1):
            found.add(secret)
            if len(found) > _MOST or count > _MOST_VALUES:
                break
        self._too_many = len(found) > _MOST or count > _MOST_VALUES or max(map(len, found), default=0) > _LONGEST
        self._secrets = [] if self._too_many else _with_variants(found)

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self._too_many:
            return REDACTED
        spans = list(islice(self._spans(text), _MOST_PLACES + 1))
        if len(spans) > _MOST_PLACES:
            return REDACTED
        return _blackened(text, spans) if spans else text

    def _spans(self, text: str) -> Iterator[Span]:
        for layer in layers(text):
            yield from map(layer.at, named_secrets(layer.text))
            for secret in self._secrets:
                yield from map(layer.at, _occurrences(layer.text, secret))

    def body(self, raw: bytes | None) -> str | None:
        """A body as the journal keeps it: text, without secrets, cut."""
        if raw is None:
            return None
        shown = self.text(raw[:_HEAD].decode("utf-8", "replace").replace("\0", ""))
        return shown if len(shown) <= BODY_SHOWN and len(raw) <= _HEAD else f"{shown[:BODY_SHOWN]}… (cut)"

    def refusal(self, refusal: Refusal) -> Refusal:
        """The refusal without secrets: an answer may be kept by whoever asked."""
        hint = self.text(refusal.hint) if refusal.hint else refusal.hint
        violations = self.violations(refusal.violations)
        return replace(refusal, detail=self.text(refusal.detail), hint=hint, violations=violations)

    def violations(self, violations: Sequence[Violation]) -> tuple[Violation, ...]:
        """The violations without secrets."""
        return tuple(self._violation(violation) for violation in violations)

    def _violation(self, violation: Violation) -> Violation:
        named = any(is_secret_name(step) for step in violation.pointer.split("/"))
        return Violation(
            violation.part,
            self.text(violation.pointer),
            REDACTED if named and _VALUE.match(violation.came) else self.text(violation.came),
            self.text(violation.expected),
            self.text(violation.hint) if violation.hint else violation.hint,
        )

    def oddities(self, oddities: Sequence[Oddity]) -> tuple[Oddity, ...]:
        """The oddities without secrets."""
        return tuple(Oddity(odd.name, self.text(odd.place), self.text(odd.text)) for odd in oddities)


def _of_header(name: str, value: str) -> Iterator[str]:
    """The secrets of a header: a credential in any, the user information of Host, all of those that are secret."""
    scheme, _, rest = value.strip().partition(" ")
    known = scheme.lower() in SCHEMES
    if known or is_secret_name(name):
        secret = rest if known else value
        yield from (secret, *re.split(r"[\s,=\"]+", secret))
    if scheme.lower() == "basic":
        yield from _of_basic(rest.strip())
    if name.lower() == "host":
        user, at, _ = value.rpartition("@")
        yield from (user, user.partition(":")[2]) if at else ()
    yield from _of_text(value)


def _of_basic(encoded: str) -> Iterator[str]:
    """User and password together, and the password."""
    try:
        pair = base64.b64decode(encoded, validate=True).decode("utf-8", "replace")
    except ValueError:
        return
    yield from (pair, pair.partition(":")[2])


def _of_text(text: str, *, nested: bool = True) -> Iterator[str]:
    """The secrets of a text by their names; `nested` takes those in the objects and arrays so named, too."""
    for layer in layers(text[:_UNWRAPPED]):
        yield from _in_spans(layer.text, nested)
    if len(text) > _UNWRAPPED:
        yield from _in_spans(text, nested)


def _in_spans(text: str, nested: bool) -> Iterator[str]:
    for span in named_secrets(text):
        value = text[span.start : span.end]
        if value[:1] not in ("{", "["):
            yield value
        elif nested:
            yield from (text for text, colon in _JSON_STRING.findall(value) if not colon)


def _of_pairs(text: str) -> Iterator[str]:
    """The secrets of a query or a form, each to its `&`, whatever characters are in it."""
    for pair in text.split("&", _PAIRS)[:_PAIRS]:
        name, _, value = pair.partition("=")
        if len(name) < _LONGEST_NAME and is_secret_name(unquote_plus(name)):
            yield value


def _with_variants(secrets: set[str]) -> list[str]:
    """The secrets as they came and decoded, up to twice, and the parts that other marks divide; the longest first."""
    found = set()
    for secret in secrets:
        if REDACTED in secret:
            continue
        once = unquote(secret)
        for text in (secret, once, unquote(once), unquote_plus(secret)):
            found.add(text.strip())
            found.update(part for part in _BETWEEN.split(text) if "=" not in part.rstrip("="))
    return sorted((secret for secret in found if len(secret) >= _SHORTEST), key=len, reverse=True)


def _occurrences(text: str, secret: str) -> Iterator[Span]:
    """Where the secret stands in the text: its beginning at least, or, a short one, alone."""
    needle = secret[:_NEEDLE]
    start = text.find(needle)
    while start >= 0:
        end = start + len(needle)
        while end < len(text) and end - start < len(secret) and text[end] == secret[end - start]:
            end += 1
        if len(secret) >= _NEEDLE or _alone(text, start, end):
            yield Span(start, end)
        start = text.find(needle, end)


def _alone(text: str, start: int, end: int) -> bool:
    neighbours = text[start - 1 : start] + text[end : end + 1] if start else text[end : end + 1]
    return not any(character.isalnum() or character == "_" for character in neighbours)


def _blackened(text: str, spans: list[Span]) -> str:
    """The text with everything in the spans replaced, those that touch by one mark."""
    pieces, done = [], 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if span.start >= done and span.end > span.start:
            pieces += [text[done : span.start], f'"{REDACTED}"' if span.whole else REDACTED]
        done = max(done, span.end)
    return "".join([*pieces, text[done:]])
