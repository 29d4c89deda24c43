"""Requests and answers as the suite keeps them: enough to reproduce a failure, never a secret."""

import base64
import html
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from urllib.parse import quote

KEPT_BODY = 4096
"""So many bytes of a body are shown in reports."""

REDACTED = "<redacted>"
SHORTEST_SECRET = 4
DEEPEST = 100
"""JSON that is nested more deeply is none that the contract knows."""
SECRET_MEMBERS = re.compile(rb'"(?:access_token|sessionToken|token|password)"\s*:\s*"([^"\\]+)"')
SECRET_HEADERS = frozenset({"authorization", "x-fake-pacs-control", "cookie", "set-cookie"})


@dataclass(frozen=True)
class Answer:
    """What the target answered: status, headers (names in lower case), the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; empty where there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def json(self) -> Any:
        """The body as JSON, None where it is none."""
        try:
            return _speakable(json.loads(self.body))
        except (ValueError, RecursionError):
            return None

    def __str__(self) -> str:
        try:
            whole = self.body.decode("utf-8")
            shown = whole if len(whole) <= 300 else f"{whole[:300]}…"
        except UnicodeDecodeError:
            shown = f"({len(self.body)} bytes)"
        return f"{self.status} {self.media_type} {shown}".strip()


Asker = Literal["suite", "pacs", "app"]
"""Who sent a request: the suite to a server; in app mode the PACS to the app, and the app to the PACS."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, with secrets as they were sent; `Redactor` takes them out before it is shown."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    answer: Answer | None
    seconds: float
    trouble: str | None = None
    by: Asker = "suite"


class Redactor:
    """Replaces every secret of a run wherever it occurs: in headers, URLs, bodies and texts."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def learn(self, secret: str | None) -> None:
        """Makes a text a secret; short ones would hide half the report and are left."""
        if secret and len(secret) >= SHORTEST_SECRET:
            self._secrets |= set(_spellings(secret))

    def learn_user(self, name: str | None, password: str | None) -> None:
        """Makes a password a secret, and what HTTP Basic makes of it."""
        self.learn(password)
        if name and password:
            self.learn(base64.b64encode(f"{name}:{password}".encode()).decode())

    def learn_from(self, answer: Answer) -> None:
        """Makes the tokens that an answer gives out secrets."""
        if answer.media_type.endswith("json"):
            for found in SECRET_MEMBERS.findall(answer.body):
                self.learn(found.decode("utf-8", "replace"))

    def text(self, text: str) -> str:
        """The text without any secret, the longest first, and without what no file or terminal can hold."""
        text = text.encode("utf-8", "replace").decode()
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return "…".join(map(self._without_beginning, text.split("…"))) if "…" in text else text

    def _without_beginning(self, piece: str) -> str:
        """The text that was cut off there, without the secret whose beginning it ends with."""
        for secret in self._secrets:
            for kept in range(min(len(secret) - 1, len(piece)), SHORTEST_SECRET - 1, -1):
                if piece.endswith(secret[:kept]):
                    return piece[:-kept] + REDACTED
        return piece

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers, credentials replaced whole."""
        return {
            name: REDACTED if name.lower() in SECRET_HEADERS else self.text(value) for name, value in headers.items()
        }

    def body(self, body: bytes) -> str:
        """The body as text, cut, or its size where it isn't text."""
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return f"({len(body)} bytes)"
        shown = self.text(text)
        return shown if len(shown) <= KEPT_BODY else f"{shown[:KEPT_BODY]}… ({len(body)} bytes)"

    def curl(self, exchange: Exchange) -> str:
        """The request as a curl line; the token stands as `$TOKEN`."""
        words = ["curl", "-i", "-X", exchange.method, shlex.quote(self.text(exchange.url))]
        for name, value in exchange.headers.items():
            if name.lower() == "authorization" and value.startswith("Bearer "):
                words += ["-H", '"Authorization: Bearer $TOKEN"']
            elif name.lower() not in ("user-agent", "accept-encoding", "accept", "connection", "content-length"):
                words += ["-H", shlex.quote(f"{name}: {self.headers({name: value})[name]}")]
        if exchange.body:
            words += ["--data-binary", shlex.quote(self.body(exchange.body))]
        return " ".join(words)


def _spellings(secret: str) -> Iterator[str]:
    """The secret, and how it looks in a URL, in JSON and in HTML."""
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret)[1:-1].replace("/", "\\/")
    yield html.escape(secret)


def _speakable(parsed: Any) -> Any:
    """The JSON value without lone surrogates, which JSON can spell and no text can hold.

    Raises `RecursionError` for one that is nested too deeply for anybody to look into.
    """
    level = [parsed]
    for _ in range(DEEPEST):
        inner = [list(node.values()) if isinstance(node, dict) else node for node in level]
        level = [node for nodes in inner if isinstance(nodes, list) for node in nodes if isinstance(node, dict | list)]
        if not level:
            break
    else:
        raise RecursionError(f"JSON nested more than {DEEPEST} deep")
    try:
        json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.loads(json.dumps(parsed, ensure_ascii=False).encode("utf-8", "replace"))
    return parsed
