"""Files of several tries in one folder: what is there in the end is what the last answer said."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectra_client.folder import Folder

NAMES = st.sampled_from(["a", "b", "c.dcm"])
CONTENT = st.binary(max_size=4) | st.sampled_from([b"same", b"same and more", b"sameish"])
ANSWER = st.lists(st.tuples(NAMES, CONTENT), max_size=4)


class CutError(Exception):
    """The answer broke off."""


def arrive(folder: Folder, answer: list[tuple[str, bytes]], size: int, most: int | None) -> list[Path]:
    """The answer comes in pieces; after so many of them it breaks off."""
    folder.start()
    for name, content in answer:
        folder.begin(name)
        for place in range(0, len(content), size):
            if most == 0:
                raise CutError
            most = None if most is None else most - 1
            folder.write(content[place : place + size])
        folder.end()
    if most is not None:
        raise CutError
    return folder.finish()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@given(
    there=st.dictionaries(NAMES, CONTENT, max_size=3),
    cuts=st.lists(st.tuples(ANSWER, st.integers(0, 6)), max_size=3),
    last=ANSWER,
    size=st.integers(1, 5),
    keep=st.booleans(),
)
def test_whatever_was_there_and_came_before_the_last_answer_counts(
    there: dict[str, bytes], cuts: list[tuple[list[tuple[str, bytes]], int]], last: list[tuple[str, bytes]], size: int,
    keep: bool,
) -> None:  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for other, content in there.items():
            (place / other).write_bytes(content)
        with Folder(place, keep=keep) as folder:
            for answer, most in cuts:
                with pytest.raises(CutError):
                    arrive(folder, answer, size, most)
            paths = arrive(folder, last, size, None)
        assert [path.read_bytes() for path in paths] == [content for _, content in last]
        said = {path.name: content for path, (_, content) in zip(paths, last, strict=True)}
        found = contents(place)
        assert keep or found == there | said
        assert there.keys() | said.keys() <= found.keys()
        assert not [other for other in found if other.endswith(".part")]


@given(there=st.dictionaries(NAMES, CONTENT, max_size=3), answer=ANSWER, most=st.integers(0, 6), size=st.integers(1, 5))
def test_left_unfinished_it_is_as_it_was_but_for_what_is_kept(
    there: dict[str, bytes], answer: list[tuple[str, bytes]], most: int, size: int
) -> None:
    for keep in (False, True):
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            for other, content in there.items():
                (place / other).write_bytes(content)
            whole: list[Path] = []
            with pytest.raises(CutError), Folder(place, keep=keep, on_file=whole.append) as folder:
                arrive(folder, answer, size, most)
            said = dict(zip([path.name for path in whole], [content for _, content in answer], strict=False))
            assert contents(place) == (there | said if keep else there)
            assert keep or whole == []


def test_at_most_one_unfinished_file_is_on_disk(tmp_path: Path) -> None:
    with Folder(tmp_path) as folder:
        for _ in range(3):
            with pytest.raises(CutError):
                arrive(folder, [("a", b"12345678")], 1, 5)
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
