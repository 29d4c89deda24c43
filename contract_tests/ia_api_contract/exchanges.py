"""Requests and answers as the suite keeps them: enough to reproduce a failure, never a secret."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

KEPT_BODY = 4096
"""So many bytes of a body are shown in reports."""

REDACTED = "<redacted>"
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
            return json.loads(self.body)
        except ValueError:
            return None

    def __str__(self) -> str:
        try:
            shown = self.body.decode("utf-8")[:300]
        except UnicodeDecodeError:
            shown = f"({len(self.body)} bytes)"
        return f"{self.status} {self.media_type} {shown}".strip()


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


class Redactor:
    """Replaces every secret of a run wherever it occurs: in headers, URLs, bodies and texts."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def learn(self, secret: str | None) -> None:
        """Makes a text a secret; short ones would hide half the report and are left."""
        if secret and len(secret) >= 4:
            self._secrets.add(secret)

    def learn_from(self, answer: Answer) -> None:
        """Makes the tokens that an answer gives out secrets."""
        if answer.media_type.endswith("json"):
            for found in SECRET_MEMBERS.findall(answer.body):
                self.learn(found.decode("utf-8", "replace"))

    def text(self, text: str) -> str:
        """The text without any secret, the longest first."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return text

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
