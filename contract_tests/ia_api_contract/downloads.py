"""Downloads of slide files that need little memory, whatever their size."""

import hashlib
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from typing import BinaryIO
from urllib.parse import quote

import requests
from urllib3.exceptions import HTTPError

from ia_api_contract.exchanges import KEPT_BODY, Answer, Exchange
from ia_api_contract.framing import Bytes, Framing, boundary_of, taken_apart
from ia_api_contract.outcomes import Failed, Skipped
from ia_api_contract.target import TIMEOUT, Target

LARGEST = 2**30
"""Slides of more bytes aren't downloaded."""

HEAD = 64 * 1024
"""So many bytes are read where only the beginning matters."""

_PIECE = 2**20


@dataclass(frozen=True)
class Download:
    """What GET files answered for one slide: status, headers (names in lower case) and body, or its beginning.

    `trouble` says why the body ended early.
    """

    slide: str
    status: int
    headers: dict[str, str]
    body: Bytes
    trouble: str | None

    @property
    def content_type(self) -> str:
        """The content type, as it was spelled."""
        return self.headers.get("content-type", "")

    @property
    def is_multipart(self) -> bool:
        """Whether several files came, however the type is spelled."""
        return self.content_type.lower().startswith("multipart/")

    def framing(self) -> Framing:
        """The multipart body taken apart. Raises `Failed` where the content type names no boundary."""
        boundary = boundary_of(self.content_type)
        if boundary is None:
            raise Failed(f"the content type {self.content_type!r} of the files of {self.slide} names no boundary")
        return taken_apart(self.body, boundary)

    def digest(self) -> str:
        """SHA-256 of the whole body."""
        return hashlib.sha256(self.body).hexdigest()


@contextmanager
def download(target: Target, slide: str, limit: int | None = None, token: str | None = "") -> Iterator[Download]:
    """The files of a slide, in a temporary file while the block runs; with a `limit`, no more bytes than that.

    `token` is the target's unless given; None sends none.

    Raises `Failed` where no answer comes, `Skipped` for a slide above `LARGEST`.
    """
    url = f"{target.options.url}/slides/{quote(slide, safe='')}/files"
    headers = {"X-Sectra-ApiVersion": str(target.version), "Accept-Encoding": "identity"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token or target.options.token}"
    with tempfile.TemporaryFile() as file:
        began = time.monotonic()
        answer, trouble = _fetch(target, url, headers, file, limit)
        target.keep(Exchange("GET", url, headers, b"", answer, time.monotonic() - began, trouble))
        with _bytes_of(file) as body:
            yield Download(slide, answer.status, dict(answer.headers), body, trouble)


def _fetch(
    target: Target, url: str, headers: dict[str, str], file: BinaryIO, limit: int | None
) -> tuple[Answer, str | None]:
    with requests.Session() as session:
        session.trust_env = False
        try:
            response = session.get(
                url,
                headers=headers,
                stream=True,
                allow_redirects=False,
                timeout=TIMEOUT,
                verify=target.options.verify,
            )
        except requests.RequestException as error:
            raise Failed(f"GET {url} got no answer: {error}") from error
        with response:
            trouble = _save(response, file, limit)
            lowered = {name.lower(): value for name, value in response.headers.items()}
    file.flush()
    file.seek(0)
    return Answer(response.status_code, lowered, file.read(KEPT_BODY)), trouble


def _save(response: requests.Response, file: BinaryIO, limit: int | None) -> str | None:
    """Writes the body into the file; answers why it ended early, if it did."""
    seen = 0
    try:
        while limit is None or seen < limit:
            piece = response.raw.read(_PIECE if limit is None else min(limit - seen, _PIECE))
            if not piece:
                break
            seen += len(piece)
            if seen > LARGEST:
                raise Skipped(f"the files are more than {LARGEST} bytes: name a smaller slide with --slide-id")
            file.write(piece)
    except (HTTPError, OSError) as error:
        return f"the body ended early, after {file.tell()} bytes: {error}"
    return None


@contextmanager
def _bytes_of(file: BinaryIO) -> Iterator[Bytes]:
    if not file.seek(0, 2):
        yield b""
        return
    with mmap(file.fileno(), 0, access=ACCESS_READ) as body:
        yield body
