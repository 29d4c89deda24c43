"""File names from the wire, made safe: one name in one folder, on every operating system."""

import re
import unicodedata
from urllib.parse import unquote_to_bytes

MAX_BYTES = 200
"""File systems take 255 bytes: the rest is for a number behind duplicates and for the temporary name."""

_PARAMETER = re.compile(r""";\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"]*))""")
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')
_DRIVE = re.compile(r"[A-Za-z]:")
_DEVICES = re.compile(r"(CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|COM[0-9¹²³]|LPT[0-9¹²³]) *(\.|$)", re.IGNORECASE)
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def announced_name(disposition: str) -> str | None:
    """The file name that a `Content-Disposition` announces: `filename*` (RFC 8187) rather than `filename`; None for
    none.
    """
    found = {name.lower(): quoted or plain.strip() for name, quoted, plain in _PARAMETER.findall(disposition)}
    return _extended(found.get("filename*", "")) or _plain(found.get("filename", "")) or None


def _extended(value: str) -> str | None:
    """The name in `charset'language'percent-encoded`; None where it isn't in that form or in a charset of RFC 8187."""
    charset, _, rest = value.partition("'")
    if charset.lower() not in ("utf-8", "iso-8859-1"):
        return None
    try:
        return unquote_to_bytes(rest.partition("'")[2]).decode(charset)
    except UnicodeDecodeError:
        return None


def _plain(value: str) -> str:
    """Header text is latin-1 on the wire; where it is valid UTF-8, UTF-8 was meant."""
    name = re.sub(r'\\(["\\])', r"\1", value)
    try:
        return name.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return name


def safe_name(name: str, otherwise: str) -> str:
    """The last part of the name with everything replaced by `_` that some operating system refuses or reads otherwise.

    `otherwise` stands in for a name of which nothing is left. Idempotent; the answer is 1 to 200 bytes of UTF-8.
    """
    last = re.split(r"[/\\]", _DRIVE.sub("", name, count=1) if _DRIVE.match(name) else name)[-1]
    normal = unicodedata.normalize("NFC", last)
    clean = "".join(
        "_" if unicodedata.category(letter) in _HARMFUL else letter for letter in _FORBIDDEN.sub("_", normal)
    )
    stripped = clean.strip(" ").rstrip(". ")
    return _cut(f"_{stripped}" if _DEVICES.match(stripped) else stripped) or otherwise


def _cut(name: str) -> str:
    """At most so many bytes, the extension kept where there is one of at most 20."""
    if len(name.encode()) <= MAX_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    keep = dot + extension if stem and len(extension.encode()) <= 20 else ""
    head = (stem if keep else name).encode()[: MAX_BYTES - len(keep.encode())].decode("utf-8", "ignore")
    return head.rstrip(". ") + keep


class UsedNames:
    """The names of one folder: a second file of the same name gets ` (2)` before its extension.

    Names that differ only in case are the same on some systems, so they are here.
    """

    def __init__(self) -> None:
        self._used: set[str] = set()

    def unused(self, name: str) -> str:
        """The name itself, or the first numbered one that no earlier file has."""
        stem, dot, extension = name.partition(".") if not name.startswith(".") else (name, "", "")
        number, candidate = 1, name
        while candidate.casefold() in self._used:
            number += 1
            candidate = f"{stem} ({number}){dot}{extension}"
        self._used.add(candidate.casefold())
        return candidate
