"""JSON from strangers: what Python's parser lets through and others choke on is named and refused."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_pacs.strict_json import MAX_DEPTH, MAX_DIGITS, _surely_shallow, _too_deep, harmless, parse
from ia_api_spec import MOST

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def places(raw: bytes | str) -> list[str]:
    value, violations = parse(raw if isinstance(raw, bytes) else raw.encode("utf-8"))
    assert violations, value
    assert all(violation.part == "body" for violation in violations)
    return [violation.pointer for violation in violations]


@pytest.mark.parametrize(
    "text", ["{}", "[]", '"a"', "1", "null", "true", " { } ", '{"a": [1, 2.5, -0.0, 1e300, 12345678901234567890]}']
)
def test_what_json_allows_is_read_as_it_is(text: str) -> None:
    assert parse(text.encode()) == (json.loads(text), [])


@given(JSON_VALUES)
def test_whatever_can_be_written_is_read_back_equal(value: Any) -> None:
    try:
        raw = json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raw = json.dumps(value).encode("ascii")
    read, violations = parse(raw)
    assert violations or json.dumps(read) == json.dumps(value)
    assert not (violations and "\\ud" not in json.dumps(value)), "only lone surrogates are refused here"


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:\\u0d8 eE+-.NaInfty1', max_size=200).map(str.encode))
def test_no_bytes_make_it_fail(raw: bytes) -> None:
    value, violations = parse(raw)
    if not violations:
        assert json.loads(raw.decode("utf-8-sig")) == value


@pytest.mark.parametrize(
    "raw", ["{", "[1,]", "{'a': 1}", "nul", '{"a" 1}', "1 2", '"a', "[1}", "\ufeff", "01", "+1", '"\t"']
)
def test_malformed_json_is_named_with_line_and_column(raw: str) -> None:
    value, (violation,) = parse(raw.encode("utf-8"))
    assert value is None
    assert violation.pointer == ""
    assert "line 1" in violation.came


@pytest.mark.parametrize(
    "raw", [b"\xff", b'{"a": "\xe4"}', b'"\xed\xa0\x80"', b"\xff\xfe{\x00}\x00", "{}".encode("utf-16")]
)
def test_invalid_utf_8_is_named_with_its_offset(raw: bytes) -> None:
    value, (violation,) = parse(raw)
    assert value is None
    assert "offset" in violation.came
    assert violation.expected == "JSON in UTF-8"


def test_an_empty_body_is_called_empty() -> None:
    (violation,) = parse(b"")[1]
    assert str(violation) == "body: came nothing: the body is empty, expected JSON"


@pytest.mark.parametrize("item", ["NaN", '"\\ud800"', '{"a": 1, "a": 2}', "1e999"])
def test_a_thousand_are_named_and_the_rest_is_told(item: str) -> None:
    exactly = ",".join([item] * MOST)
    assert len(places(f"[{exactly}]")) == MOST
    assert places(f"[{exactly},{item}]")[-2:] == [places(f"[{exactly}]")[-1], ""]


def test_long_names_do_not_make_the_answer_long() -> None:
    found = places('{"' + "n" * 500_000 + '": [' + "NaN," * 500 + "NaN]}")
    assert sum(map(len, found)) < 4 * 500_000


def test_a_byte_order_mark_is_no_error() -> None:
    assert parse(b'\xef\xbb\xbf{"a": 1}') == ({"a": 1}, [])


@pytest.mark.parametrize(
    ("text", "pointers"),
    [
        ("NaN", [""]),
        ('{"a": NaN, "b": [Infinity, -Infinity]}', ["/a", "/b/0", "/b/1"]),
        ('{"a": 1e999, "b": -1e999, "c": 1.0e308}', ["/a", "/b"]),
        ('{"a": ' + "9" * 309 + "}", ["/a"]),
        ('{"a": ' + "9" * 5000 + ', "b": -' + "1" * (MAX_DIGITS + 1) + "}", ["/a", "/b"]),
        ('{"a": "\\ud800", "b": "\\udc00x"}', ["/a", "/b"]),
        ('{"\\ud800": 1, "a/b~c": NaN}', ["/\\ud800", "/a~1b~0c"]),
        ('{"a": 1, "a": 2, "b": {"c": 1, "c": 1}}', ["/a", "/b/c"]),
        ('[{"a": 1, "a": 2}, NaN]', ["/0/a", "/1"]),
    ],
)
def test_every_doubtful_place_is_named(text: str, pointers: list[str]) -> None:
    assert places(text) == pointers


def test_a_surrogate_pair_is_a_character() -> None:
    assert parse(b'"\\ud83d\\udd2c"') == ("🔬", [])


def test_what_came_is_shown_short() -> None:
    _, (violation,) = parse(b"[" + b"9" * 100_000 + b"]")
    assert len(violation.came) < 300


@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_nesting_is_bounded_before_it_is_parsed(brackets: str) -> None:
    opening, closing = ("[", "]") if brackets == "[]" else ('{"a":', "}")

    def nested(depth: int) -> str:
        return opening * depth + "1" + closing * depth

    assert parse(nested(MAX_DEPTH).encode())[1] == []
    for depth in (MAX_DEPTH + 1, 5_000, 100_000):
        assert places(nested(depth)) == [""]


def test_brackets_in_strings_do_not_nest() -> None:
    text = json.dumps({"a": "[{" * 5000, "b": '\\"[[['})
    assert parse(text.encode()) == (json.loads(text), [])


def test_an_unterminated_string_of_brackets_is_refused_quickly() -> None:
    assert places('["' + "[" * 100_000) == [""]
    assert places('["' + '\\"[' * 100_000) == [""]


def test_a_refused_value_is_made_harmless_for_validators() -> None:
    value, violations = parse(b'{"a": NaN, "\\ud800": ["\\ud800", 1e999], "b": 1}')
    assert violations
    made = harmless(value)
    assert type(made["a"]) is str
    assert made["\\ud800"][0] == "?"
    assert made["b"] == 1
    json.dumps(made, ensure_ascii=False).encode("utf-8")


@given(
    st.sampled_from(["", "-"]),
    st.integers(1, 420),
    st.integers(0, 420),
    st.sampled_from(["", "e", "E", "e+", "E+", "e-"]),
    st.integers(0, 1200),
)
def test_a_number_is_a_finite_one_or_refused_however_it_is_written(
    sign: str, digits: int, decimals: int, mark: str, exponent: int
) -> None:
    text = sign + "7" * digits + ("." + "3" * decimals if decimals else "") + (f"{mark}{exponent}" if mark else "")
    value, violations = parse(f'{{"a": [{text}]}}'.encode())
    assert bool(violations) == (not math.isfinite(float(text)) or (digits > MAX_DIGITS and text.isdigit()))
    if not violations:
        assert value == {"a": [json.loads(text)]}


@given(
    st.lists(st.sampled_from(["[", "]", "{", "}", '"', "\\", '""', '"]"', '"\\""', "[]"]), max_size=40),
    st.integers(1, 12),
)
def test_the_quick_look_at_brackets_never_passes_what_nests_too_deeply(pieces: list[str], most: int) -> None:
    text = "".join(pieces)
    if _surely_shallow(text.encode(), most):
        assert not _too_deep(text, most)


@pytest.mark.parametrize("most", range(1, 60))
@pytest.mark.parametrize("pair", ["[]", "{}", "[{}]", "{[]}"])
def test_the_quick_look_counts_a_level_of_each_kind(pair: str, most: int) -> None:
    half = len(pair) // 2
    for times in (most // half, most // half + 1):
        text = pair[:half] * times + pair[half:] * times
        assert not (_surely_shallow(text.encode(), most) and _too_deep(text, most))


def test_the_quick_look_gives_up_where_it_would_take_long() -> None:
    usual = b'{"a":[' + b'{"x":1,"y":[{"z":{"u":[]}}]},' * 50_000 + b"1]}"
    assert _surely_shallow(usual, MAX_DEPTH)
    assert not _surely_shallow(b"[" + b"[[[[[[[[[[[[[[1]]]]]]]]]]]]]]," * 10_000 + b"1]", MAX_DEPTH)


@pytest.mark.parametrize("depth", [1, 20, 21, MAX_DEPTH, MAX_DEPTH + 1, 100_000])
@pytest.mark.parametrize("inside", ["", '"]"', '"\\""', '"[[["'])
def test_nesting_is_counted_outside_strings(depth: int, inside: str) -> None:
    _, violations = parse(("[" * depth + inside + "]" * depth).encode())
    assert [violation.pointer for violation in violations] == ([""] if depth > MAX_DEPTH else [])
