"""Files: one as it is, several in one exact framing; names, lengths, equal on repetition."""

import re
from collections.abc import Iterator

from ia_api_contract.asking import NOWHERE, expect_status, slides
from ia_api_contract.check import Check
from ia_api_contract.downloads import HEAD, Download, download
from ia_api_contract.framing import names_of, trouble_with_name
from ia_api_contract.outcomes import Skipped, expect
from ia_api_contract.target import Target

_TYPE = re.compile(r"multipart/related;.*\bboundary=.+|application/octet-stream(;.*)?")


def answered(target: Target) -> None:
    """Every slide's files are answered with 200."""
    for found in _beginnings(target):
        expect(found.status == 200, f"the files of {found.slide} were answered with {found.status}; expected 200")


def content_type(target: Target) -> None:
    """The type is spelled as vendor code compares it."""
    for found in _beginnings(target):
        expect(
            _TYPE.fullmatch(found.content_type) is not None,
            f"the files of {found.slide} came as {found.content_type!r}; expected multipart/related; boundary=… "
            "or application/octet-stream, in lower case",
        )


def no_preamble(target: Target) -> None:
    """A multipart body begins with its first delimiter."""
    for found in _multiparts(target, HEAD):
        preamble = found.framing().preamble[:100]
        expect(preamble == b"", f"before the first delimiter of {found.slide} stands {preamble!r}")


def line_ends(target: Target) -> None:
    """All lines of the framing end in CRLF."""
    for found in _multiparts(target):
        bare = found.framing().bare
        expect(not bare, f"in the files of {found.slide}, lines don't end in CRLF: {', '.join(bare[:10])}")


def ends_exactly(target: Target) -> None:
    """The closing delimiter ends in CRLF, and nothing follows."""
    for found in _multiparts(target):
        tail = found.framing().tail
        where = f"the closing delimiter of {found.slide}"
        expect(tail is not None, f"{where} isn't there")
        expect(tail == b"\r\n", f"after {where} stands {tail!r:.200}; expected CRLF and nothing more")


def has_parts(target: Target) -> None:
    """A multipart body has at least one part, with bytes in it."""
    for found in _multiparts(target):
        parts = found.framing().parts
        expect(len(parts) > 0, f"the files of {found.slide} came as a multipart body without parts")


def part_names(target: Target) -> None:
    """Names in parts are spelled as vendor code reads them."""
    for found in _multiparts(target):
        for part in found.framing().parts:
            spelled = any(line.startswith("Content-Disposition: ") for line in part.lines)
            expect(spelled, f"a part of {found.slide} has no header that is spelled Content-Disposition: {part.lines}")
            trouble = trouble_with_name(part.header("Content-Disposition"))
            expect(trouble is None, f"in a part of {found.slide}, {trouble}")


def single_name(target: Target) -> None:
    """A single file has its name in the answer's header."""
    for found in _singles(target):
        trouble = trouble_with_name(found.headers.get("content-disposition"))
        expect(trouble is None, f"in the answer of {found.slide}, {trouble}")


def length(target: Target) -> None:
    """The answer announces its length, and has it."""
    for found in _whole(target):
        announced = found.headers.get("content-length")
        expect(announced is not None, f"the files of {found.slide} came without Content-Length")
        expect(found.trouble is None, f"of {found.slide}, {found.trouble}")
        expect(announced == str(len(found.body)), f"{found.slide} announced {announced} bytes, sent {len(found.body)}")


def same_again(target: Target) -> None:
    """Downloaded again, the same files in the same order; only the boundary may differ."""
    first, second = ({found.slide: _contents(found) for found in _whole(target)} for _ in range(2))
    changed = [slide for slide in first if first[slide] != second[slide]]
    expect(not changed, f"downloaded twice, the files of {', '.join(changed)} differ")


def unknown(target: Target) -> None:
    """The files of a slide that isn't there are 404."""
    expect_status(target.ask("getSlideFiles", slideId=NOWHERE), 404, "the files of a slide that nobody has")


def _beginnings(target: Target) -> Iterator[Download]:
    for slide in slides(target):
        with download(target, slide, HEAD) as found:
            yield found


def _whole(target: Target, limit: int | None = None) -> Iterator[Download]:
    """The downloads that were answered with 200. Raises `Skipped` where none was."""
    seen = False
    for slide in slides(target):
        with download(target, slide, limit) as found:
            if found.status == 200:
                seen = True
                yield found
    if not seen:
        raise Skipped("no files of any slide were answered with 200")


def _multiparts(target: Target, limit: int | None = None) -> Iterator[Download]:
    """The multipart answers that didn't break off: that is another check's. Raises `Skipped` where there is none."""
    seen = False
    for found in _whole(target, limit):
        if found.is_multipart and found.trouble is None:
            seen = True
            yield found
    if not seen:
        raise Skipped("no slide that was looked at has several files")


def _singles(target: Target) -> Iterator[Download]:
    """The answers of one file. Raises `Skipped` where no slide has one."""
    seen = False
    for found in _whole(target, HEAD):
        if not found.is_multipart:
            seen = True
            yield found
    if not seen:
        raise Skipped("every slide that was looked at came as multipart")


def _contents(found: Download) -> list[tuple[str, str]]:
    """Name and digest of every file."""
    if not found.is_multipart:
        return [(found.headers.get("content-disposition", ""), found.digest())]
    parts = found.framing().parts
    return list(zip(names_of(parts), (part.digest for part in parts), strict=True))


def _check(name: str, sentence: str, rationale: str, probe: object, address: str = "getSlideFiles 200") -> Check:
    assert callable(probe)
    needs = ("files.answered",) if name not in ("answered", "unknown-404") else ()
    return Check(f"files.{name}", sentence, address, rationale, probe, needs=needs, mandatory=name == "answered")


CHECKS = (
    _check(
        "answered",
        "The files of every slide that the target holds are answered with 200.",
        "Tiles aren't enough for apps that train or archive.",
        answered,
        "getSlideFiles",
    ),
    _check(
        "content-type",
        "Files come as multipart/related with boundary=, or as one application/octet-stream, in lower case.",
        "Vendor code compares the type letter by letter and reads anything else as one file.",
        content_type,
    ),
    _check(
        "no-preamble",
        "A multipart answer begins with its first delimiter.",
        "Vendor parsers take the first bytes for the delimiter.",
        no_preamble,
    ),
    _check(
        "line-ends",
        "Every line of the framing ends in CRLF: before and after delimiters, and in part headers.",
        "Vendor parsers fail with one byte more or less.",
        line_ends,
    ),
    _check(
        "ends-exactly",
        "A multipart answer ends with the closing delimiter and CRLF, and nothing follows.",
        "Vendor parsers fail with one CRLF more or less.",
        ends_exactly,
    ),
    _check(
        "has-parts",
        "A multipart answer has at least one part.",
        "A slide without files is no slide; a parser that finds none hangs or fails.",
        has_parts,
    ),
    _check(
        "part-names",
        'Every part has Content-Disposition: attachment; filename="name", the quoted ASCII name last, without ; in it.',
        "Vendor code takes all text after filename= for the name; others demand the quotes.",
        part_names,
    ),
    _check(
        "single-name",
        "A single file has its name in a Content-Disposition of the same spelling.",
        "Without a name an app can't tell what it downloaded.",
        single_name,
    ),
    _check(
        "length",
        "The answer has a Content-Length, and exactly so many bytes.",
        "Without it a download that broke off looks like a whole one.",
        length,
    ),
    _check(
        "same-again",
        "Downloaded again, a slide has the same files, byte for byte.",
        "A download that is resumed or repeated must fit to the first.",
        same_again,
    ),
    _check(
        "unknown-404",
        "The files of an unknown slide are refused with 404.",
        "An empty download would look like a slide.",
        unknown,
        "getSlideFiles 404",
    ),
)
