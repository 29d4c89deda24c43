"""Names from the wire."""

import ntpath
from collections.abc import Callable
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectra_client.filenames import UsedNames, announced_name, safe_name

NASTY = st.sampled_from(
    ["..", "/", "\\", "C:", ":", "\0", ".", " ", "CON", "nul", "~", "\u202e", "\ud800", "é", "e\u0301", "%2f"]
)
NAMES = (
    st.text(max_size=12)
    | st.lists(NASTY | st.text(max_size=3), max_size=6).map("".join)
    | st.text(min_size=150, max_size=300)
)


def is_reserved(name: str) -> bool:
    """Whether Windows keeps the name for itself; pathlib's own answer is deprecated from Python 3.13 on."""
    newer: Callable[[str], bool] | None = getattr(ntpath, "isreserved", None)
    return newer(name) if newer else PureWindowsPath(name).is_reserved()


@given(NAMES)
def test_a_safe_name_is_one_name_in_one_folder(name: str) -> None:
    safe = safe_name(name, "slide")
    for flavour in (PurePosixPath, PureWindowsPath):
        assert flavour(safe).parts == (safe,)
        assert flavour("out", safe).parent == flavour("out")
    assert not is_reserved(safe)
    assert 1 <= len(safe.encode()) <= 200
    assert not set(safe) & set('<>:"/\\|?*\0')
    assert safe == safe.strip(" ")
    assert not safe.endswith(".")
    assert safe_name(safe, "slide") == safe


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.svs", "a.svs"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("C:\\Windows\\a.svs", "a.svs"),
        ("C:a.svs", "a.svs"),
        ("\\\\server\\share\\a.svs", "a.svs"),
        ("a\0.svs", "a_.svs"),
        ("ab:stream", "ab_stream"),
        ("con.svs", "_con.svs"),
        ("COM1", "_COM1"),
        ("com¹.txt", "_com¹.txt"),
        ("name. . ", "name"),
        ("..", "slide"),
        ("", "slide"),
        ("dir/", "slide"),
        ("e\u0301.svs", "é.svs"),
        ("invoice\u202egpj.exe", "invoice_gpj.exe"),
        ("\ud800", "_"),
        ("snitt 1 (färg).svs", "snitt 1 (färg).svs"),
    ],
)
def test_names(name: str, safe: str) -> None:
    assert safe_name(name, "slide") == safe


def test_long_names_keep_their_extension() -> None:
    safe = safe_name("ä" * 300 + ".ome.tiff", "slide")
    assert safe.endswith("ä.tiff")
    assert len(safe.encode()) <= 200


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="a b.svs"', "a b.svs"),
        ("attachment; filename=a.svs", "a.svs"),
        ('attachment; filename="a;b\\".svs"; size=5', 'a;b".svs'),
        ("attachment; filename=\"plain.svs\"; filename*=UTF-8''sn%C3%A4tt.svs", "snätt.svs"),
        ("attachment; FILENAME*=iso-8859-1'sv'sn%E4tt.svs; filename=\"plain.svs\"", "snätt.svs"),
        ("attachment; filename=\"plain.svs\"; filename*=UTF-8''%FF", "plain.svs"),
        ("attachment; filename=\"plain.svs\"; filename*=EBCDIC''x", "plain.svs"),
        ('attachment; filename="snätt.svs"'.encode().decode("latin-1"), "snätt.svs"),
        ('attachment; filename="sn\xe4tt.svs"', "snätt.svs"),
        ('attachment; filename="C:\\dir\\a.svs"', "C:\\dir\\a.svs"),
        ('attachment; filename=""', None),
        ("attachment", None),
        ("", None),
    ],
)
def test_announced_names(disposition: str, name: str | None) -> None:
    assert announced_name(disposition) == name


@given(st.text(max_size=60))
def test_any_disposition_is_read(disposition: str) -> None:
    assert announced_name(disposition) is None or isinstance(announced_name(disposition), str)


def test_duplicates_are_numbered_whatever_their_case() -> None:
    names = UsedNames()
    given_names = ["a.ome.tiff", "A.ome.tiff", "a.ome.tiff", "a (2).ome.tiff", ".hidden", ".hidden"]
    unused = [names.unused(name) for name in given_names]
    assert unused == ["a.ome.tiff", "A (2).ome.tiff", "a (3).ome.tiff", "a (2) (2).ome.tiff", ".hidden", ".hidden (2)"]
