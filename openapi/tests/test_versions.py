"""Versions order by component, and the effective one is what the facts page says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ia_api_spec import NEWEST, OLDEST, VERSIONS, ApiVersion, effective

texts = st.lists(st.integers(0, 999_999_999), min_size=1, max_size=5).map(lambda parts: ".".join(map(str, parts)))
versions = texts.map(ApiVersion)


def test_1_10_is_newer_than_1_9():
    assert ApiVersion("1.10") > ApiVersion("1.9") > ApiVersion("1.8.9") > ApiVersion("1.8")
    assert [str(version) for version in VERSIONS] == ["1.8", "1.9", "1.10"]
    assert (ApiVersion("1.8"), ApiVersion("1.10")) == (OLDEST, NEWEST)


@given(versions, versions, versions)
def test_versions_are_in_total_order(one: ApiVersion, two: ApiVersion, three: ApiVersion):
    assert (one < two) + (one == two) + (one > two) == 1
    low, middle, high = sorted((one, two, three))
    assert low <= middle <= high
    assert low <= high


@given(versions)
def test_trailing_zeros_do_not_count(version: ApiVersion):
    longer = ApiVersion(f"{version}.0")
    assert longer == version
    assert hash(longer) == hash(version)
    assert not longer > version


@given(texts)
def test_a_version_keeps_its_text(text: str):
    assert str(ApiVersion(text)) == text
    assert repr(ApiVersion(text)) == f"ApiVersion({text!r})"


@given(st.lists(st.integers(0, 99), min_size=1, max_size=3), st.lists(st.integers(1, 99), min_size=1, max_size=3))
def test_a_version_with_more_components_is_newer(parts: list[int], more: list[int]):
    assert ApiVersion(".".join(map(str, parts + more))) > ApiVersion(".".join(map(str, parts)))


MALFORMED = ["", " ", "1.", ".1", "1..2", "v1.9", "1.9 ", "1.9\n", "1,9", "-1", "1.-9", "١.٩", "1.9a", "1e3", "9" * 10]


@pytest.mark.parametrize("text", [*MALFORMED, 1.1, 1, None, b"1.9"])
def test_anything_else_is_refused_and_named(text: object):
    with pytest.raises(ValueError, match="is not an IA-API version: expected numbers separated by dots") as refused:
        ApiVersion(text)  # type: ignore[arg-type]
    assert repr(text) in str(refused.value)


def test_a_version_compares_with_versions_only():
    assert ApiVersion("1.9") != "1.9"
    with pytest.raises(TypeError):
        _ = ApiVersion("1.9") < "1.10"


@pytest.mark.parametrize(
    ("asked", "server", "served"),
    [
        (None, "1.10", "1.10"),  # no header: the server's own
        (None, "1.8", "1.8"),
        ("1.8", "1.10", "1.8"),  # a newer PACS falls back to the caller's version
        ("1.9", "1.10", "1.9"),
        ("1.10", "1.10", "1.10"),
        ("1.10", "1.9", "1.9"),  # newer than the server: the server's own
        ("2.0", "1.10", "1.10"),
        ("1.11", "1.8", "1.8"),
        ("1.5", "1.10", "1.8"),  # older than 1.8: 1.8 (vendor examples send 1.5, hospital examples 1.6)
        ("1.6", "1.10", "1.8"),
        ("0", "1.10", "1.8"),
        ("1.9.7", "1.10", "1.9"),
        ("1.10.0", "1.10", "1.10"),
    ],
)
def test_the_effective_version(asked: str | None, server: str, served: str):
    assert str(effective(ApiVersion(asked) if asked else None, ApiVersion(server))) == served


@given(st.none() | versions, versions)
def test_the_effective_version_is_described_and_never_above_the_server(asked: ApiVersion | None, server: ApiVersion):
    served = effective(asked, server)
    assert served in VERSIONS
    assert served <= max(server, OLDEST)
    assert asked is None or served <= max(asked, OLDEST)


@given(versions, versions, versions)
def test_the_effective_version_grows_with_what_is_asked(one: ApiVersion, two: ApiVersion, server: ApiVersion):
    assert effective(min(one, two), server) <= effective(max(one, two), server) <= effective(None, server)
