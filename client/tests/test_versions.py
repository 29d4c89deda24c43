"""Versions order numerically, base URLs are what they are made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectra_client.addresses import base_url
from sectra_client.versions import components, is_older, spoken_with

VERSIONS = st.lists(st.integers(0, 99), min_size=1, max_size=4)


@given(VERSIONS, VERSIONS)
def test_versions_order_by_component(one: list[int], other: list[int]) -> None:
    width = max(len(one), len(other))
    padded = [part + [0] * (width - len(part)) for part in (one, other)]
    older = is_older(".".join(map(str, one)), ".".join(map(str, other)))
    assert older == (padded[0] < padded[1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.10", (1, 10)), ("1.9.0", (1, 9)), (" 1.10-beta", (1, 10)), ("v1", None), ("", None), ("0", (0,))],
)
def test_components(text: str, expected: tuple[int, ...] | None) -> None:
    assert components(text) == expected


def test_what_cannot_be_compared_is_older_than_nothing() -> None:
    assert not is_older("?", "1.9")
    assert spoken_with("?") is None
    assert spoken_with("1.10-beta") == "1.10"


@pytest.mark.parametrize(
    ("url", "allow_http", "base"),
    [
        ("https://pacs/x/", False, "https://pacs/x"),
        ("http://pacs:8001/x//", False, "https://pacs:8001/x"),
        ("http://pacs:8001/x", True, "http://pacs:8001/x"),
        (" pacs.example:8443/x ", False, "https://pacs.example:8443/x"),
        ("pacs", True, "https://pacs"),
        ("HTTP://pacs", True, "http://pacs"),
        ("http://[::1]:8001/x", True, "http://[::1]:8001/x"),
    ],
)
def test_base_urls(url: str, allow_http: bool, base: str) -> None:
    assert base_url(url, allow_http) == base


@pytest.mark.parametrize(
    "url",
    [
        "ftp://pacs/x",
        "https:///x",
        "",
        "https://pacs/x?a=b",
        "https://pacs/x#y",
        "https://me:secret@pacs/x",
        "https://[::1/x",
    ],
)
def test_what_is_no_base_url(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        base_url(url, True)
    assert "secret" not in str(caught.value)
