"""What can be told of a request that was refused, from as much of its head as arrived."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

_REQUEST_LINE = re.compile(
    r"(?P<method>[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}) (?P<target>[^\r\n]*?)(?: HTTP/[0-9.]*)?\r?(?:\n|$)"
)
_HEADER = re.compile(r"^(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*(?P<value>[^\r\n]*)", re.MULTILINE)


@dataclass(frozen=True)
class WireRefusal:
    """A request that the server refuses by itself with `status` and `detail`, and what is known of it.

    `method` and `target` are "" where the message didn't say. `answered` is the status that the application was about
    to answer with, None where it wasn't asked or had none.
    """

    status: int
    detail: str
    method: str = ""
    target: str = ""
    headers: Sequence[tuple[str, str]] = ()
    answered: int | None = None

    @property
    def path(self) -> str:
        """The path of the target, without query, not decoded; "" where it is unknown."""
        if self.target.startswith("/"):
            return self.target.partition("?")[0]
        try:
            return urlsplit(self.target).path
        except ValueError:
            return ""


def refusal_of(head: bytes, status: int, detail: str, answered: int | None) -> WireRefusal:
    """The refusal of the request whose head, or the beginning of it, is `head`."""
    text = re.split(rb"\r?\n\r?\n", head.lstrip(b"\r\n"), maxsplit=1)[0].decode("latin-1")
    line = _REQUEST_LINE.match(text)
    if line is None:
        return WireRefusal(status, detail, answered=answered)
    headers = [(found["name"], found["value"].strip()) for found in _HEADER.finditer(text, line.end())]
    return WireRefusal(status, detail, line["method"], line["target"], headers, answered)
