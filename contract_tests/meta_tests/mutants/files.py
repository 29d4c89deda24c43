"""Mutants of slide files."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from wsgiref.types import WSGIEnvironment

from fake_pacs.calls import Call, Reply
from fake_pacs.handlers import Handler
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.world import World
from meta_tests.mutant import Mutant, Response, Spoiler
from meta_tests.spoiling import instead, where

FILES = r"/files$"


def _body(change: Callable[[bytes, bytes], bytes]) -> Spoiler:
    """Changes the body of multipart answers; the change is given body and boundary."""

    def spoil(environ: WSGIEnvironment, response: Response) -> Response:
        found = re.search(r"boundary=(\S+)", response.headers.get("Content-Type", ""))
        return replace(response, body=change(response.body, found.group(1).encode())) if found else response

    return spoil


def _heads(pattern: bytes, replacement: bytes) -> Spoiler:
    return _body(lambda body, boundary: re.sub(pattern, replacement, body))


def _header(name: str, change: Callable[[str], str | None]) -> Spoiler:
    def changed(response: Response) -> Response:
        value = change(response.headers.get(name, ""))
        others = {other: given for other, given in response.headers.items() if other != name}
        return replace(response, headers=others if value is None else {**others, name: value})

    return where(FILES, changed)


def _shouted(value: str) -> str:
    return value.replace("multipart/related; boundary=", "Multipart/Related; Boundary=")


def _noisy(environ: WSGIEnvironment, response: Response) -> Response:
    if not environ["PATH_INFO"].endswith("/files") or response.status != 200:
        return response
    middle = len(response.body) // 2
    return replace(response, body=response.body[:middle] + os.urandom(8) + response.body[middle + 8 :])


def _streamed_only(call: Call, world: World, right: Handler) -> Reply:
    slide = world.slide(call.parameters["slideId"])
    if slide.not_streamable_reason:
        raise Refusal(Refusals.UNKNOWN_SLIDE, "There is nothing to stream.")
    return right(call, world)


MUTANTS = (
    Mutant(
        "files-streamable-only",
        "Slides without tiles have no files either.",
        ("files.answered",),
        handlers={"getSlideFiles": _streamed_only},
    ),
    Mutant(
        "files-type-in-capitals",
        "The content type is Multipart/Related; Boundary=….",
        ("files.content-type",),
        spoil=_header("Content-Type", _shouted),
    ),
    Mutant(
        "files-preamble",
        "A text stands before the first delimiter.",
        ("files.no-preamble",),
        spoil=_body(lambda body, boundary: b"This is a message of several parts.\r\n" + body),
    ),
    Mutant(
        "files-blank-line-first",
        "The body begins with CRLF, as RFC 2046 allows.",
        ("files.no-preamble",),
        spoil=_body(lambda body, boundary: b"\r\n" + body),
    ),
    Mutant(
        "files-bare-line-feeds",
        "Lines end in LF alone.",
        ("files.line-ends",),
        spoil=_body(lambda body, boundary: body.replace(b"\r\n--" + boundary + b"\r\n", b"\n--" + boundary + b"\n")),
    ),
    Mutant(
        "files-headers-with-line-feeds",
        "Part headers end in LF alone.",
        ("files.line-ends",),
        spoil=_heads(rb'(filename="[^"]+")\r\n\r\n', rb"\1\n\n"),
    ),
    Mutant(
        "files-epilogue",
        "A text follows the closing delimiter.",
        ("files.ends-exactly",),
        spoil=_body(lambda body, boundary: body + b"That was all.\r\n"),
    ),
    Mutant(
        "files-no-final-crlf",
        "Nothing follows the closing delimiter, not even CRLF.",
        ("files.ends-exactly",),
        spoil=_body(lambda body, boundary: body[:-2]),
    ),
    Mutant(
        "files-not-closed",
        "The closing delimiter is missing.",
        ("files.ends-exactly",),
        spoil=_body(lambda body, boundary: body[: -len(boundary) - 8]),
    ),
    Mutant(
        "files-no-parts",
        "A multipart answer has no parts.",
        ("files.has-parts",),
        spoil=_body(lambda body, boundary: b"--" + boundary + b"--\r\n"),
    ),
    Mutant(
        "files-names-unquoted",
        "File names in parts stand without quotes.",
        ("files.part-names",),
        spoil=_heads(rb'filename="([^"]+)"', rb"filename=\1"),
    ),
    Mutant(
        "files-extended-name-last",
        "filename* follows filename.",
        ("files.part-names",),
        spoil=_heads(rb'(filename="([^"]+)")', rb"\1; filename*=UTF-8''\2"),
    ),
    Mutant(
        "files-header-in-lower-case",
        "Parts spell content-disposition in lower case.",
        ("files.part-names",),
        spoil=_heads(rb"Content-Disposition: ", rb"content-disposition: "),
    ),
    Mutant(
        "files-single-nameless",
        "A single file has no name.",
        ("files.single-name",),
        spoil=_header("Content-Disposition", lambda value: None),
    ),
    Mutant(
        "files-length-too-large",
        "Content-Length announces more bytes than come.",
        ("files.length",),
        spoil=_header("Content-Length", lambda value: str(int(value) + 10)),
    ),
    Mutant(
        "files-differ",
        "Downloaded again, some bytes are others.",
        ("files.same-again",),
        spoil=_noisy,
    ),
    Mutant(
        "files-unknown-empty",
        "An unknown slide is answered with an empty file.",
        ("files.unknown-404",),
        spoil=where(FILES, instead(200, b"", "application/octet-stream"), status=404),
    ),
)
