"""From text on the wire to values: parameters, forms, bodies, with all violations at once."""

import io
import json
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_pacs.reading import PIECE, Upload, media_type_of, read_form, read_json, read_parameters, read_whole
from fake_pacs.refusals import Refusal, Refusals
from ia_api_spec import MOST, Contract

CONTRACT = Contract.of("ia-api")


@dataclass
class Sent:
    """A request as the reading functions see it."""

    path_values: dict[str, str] = field(default_factory=dict)
    query_string: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str | None = None
    content_length: int | None = None
    stream: BinaryIO = field(default_factory=io.BytesIO)

    def header(self, name: str) -> str | None:
        return self.headers.get(name)


def read(operation: str, query: str = "", **path: str) -> Any:
    return read_parameters(CONTRACT.operations[operation], Sent(path, query))


def test_parameters_come_by_their_usual_names_with_defaults() -> None:
    readings = read("getSlideInfo", slideId="a")
    assert readings.values == {
        "slideId": "a",
        "scope": None,
        "includePHI": False,
        "X-Sectra-ApiVersion": None,
        "X-Sectra-SoftwareVersion": None,
    }
    assert readings.violations == readings.oddities == []


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("-7", -7), ("12345678901234567890", 12345678901234567890)])
def test_whole_numbers_are_read(text: str, value: int) -> None:
    assert read("getResult", applicationId="a", resultId=text).values["resultId"] == value


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_a_violation(text: str) -> None:
    readings = read("getTile", slideId="s", level=text, x="0", y="0", z="0", ext="jpg")
    if readings.violations:
        assert [violation.pointer for violation in readings.violations] == ["level"]
    else:
        assert readings.values["level"] == int(text)


@given(st.text(alphabet="abc=&%?+;#é\x00\udcff 0123456789ABCDEF", max_size=60))
def test_no_query_makes_it_fail(query: str) -> None:
    readings = read("getCaseImages", query.encode("utf-8", "replace").decode(), accessionNumber="a")
    assert all(violation.part == "query" for violation in readings.violations)


def test_a_parameter_sent_twice_must_agree_with_itself() -> None:
    assert read("getSlideInfo", "scope=extended&scope=extended", slideId="a").violations == []
    (violation,) = read("getSlideInfo", "includePHI=true&includePHI=false", slideId="a").violations
    assert (violation.part, violation.pointer, violation.expected) == ("query", "includePHI", "one value")


@pytest.mark.parametrize("query", ["%", "a=%", "a=%z", "includePHI=%2", "a=%G1&b=1"])
def test_a_malformed_escape_is_a_violation(query: str) -> None:
    (violation, *_) = read("getSlideInfo", query, slideId="a").violations
    assert "hex digits" in violation.expected


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("name=%ff", 'query name: came "%ff", expected percent-encoded UTF-8'),
        ("name=a&name=%ff", 'query name: came "%ff", expected percent-encoded UTF-8'),
        ("name=\udcff", 'query name: came "\\udcff", expected percent-encoded UTF-8'),
        ("name=a%2", 'query name: came "a%2", expected percent signs only before two hex digits'),
        ("name=a&%c3%28=1", 'query: came the name "%c3%28", expected percent-encoded UTF-8'),
        ("name=a&" * 1500, "query: came 1500 parameters, expected at most 1000 parameters"),
        ("name=a&name=b", "query name: came 2 values, expected one value"),
        ("", "query name: came nothing, expected a value: it is required"),
    ],
)
def test_what_cannot_be_read_of_a_query_is_named_once_and_plainly(query: str, said: str) -> None:
    readings = read("getAttachment", query, applicationId="a", resultId="1")
    assert [str(violation) for violation in readings.violations] == [said]


def test_one_bad_parameter_does_not_hide_the_others() -> None:
    readings = read("getSlideInfo", "a=%ff&includePHI=maybe&scope=extended&b=%zz", slideId="a")
    assert [violation.pointer for violation in readings.violations] == ["a", "b", "includePHI"]
    assert readings.values["scope"] == "extended"


def test_what_may_have_been_appended_to_something_unreadable_is_not_missed() -> None:
    readings = read("getLaunchData", "requestId=r&sessionToken=%ff?appId=a")
    assert [violation.pointer for violation in readings.violations] == ["sessionToken"]


def test_every_broken_parameter_is_named() -> None:
    readings = read("getTile", "channels=1&opticalPath=2&%", slideId="s", level="a", x="b", y="c", z="0", ext="")
    pointers = list(dict.fromkeys(violation.pointer for violation in readings.violations))
    assert pointers == ["", "level", "x", "y", "ext", "channels"]


def test_an_appended_parameter_is_taken_apart() -> None:
    readings = read("getLaunchData", "requestId=r&sessionToken=t?appId=a")
    assert (readings.values["sessionToken"], readings.values["appId"]) == ("t", "a")
    assert [oddity.name for oddity in readings.oddities] == ["appended-parameter"]
    twice = read("getLaunchData", "requestId=r&sessionToken=t?appId=a&appId=b")
    assert [violation.pointer for violation in twice.violations] == ["appId"]


def test_unknown_parameters_are_odd_and_the_closest_is_named() -> None:
    texts = {
        oddity.place: oddity.text for oddity in read("getSlideInfo", "Scope=x&incldePHI=1&zzz=", slideId="a").oddities
    }
    assert "was scope meant" in texts["Scope"]
    assert "was includePHI meant" in texts["incldePHI"]
    assert "meant" not in texts["zzz"]


@pytest.mark.parametrize(
    "kind",
    ["application/json", "APPLICATION/JSON", "application/json; charset=UTF-8", 'application/json;charset="utf8"'],
)
def test_the_media_type_is_compared_without_case_and_parameters(kind: str) -> None:
    assert media_type_of(CONTRACT.operations["createResult"], Sent(content_type=kind)) == "application/json"


@pytest.mark.parametrize(
    "kind",
    [None, "", "text/json", "application/json; charset=latin-1", "application/jsonx", "*/*", "json", ";", "a/b/c"],
)
def test_another_media_type_is_refused(kind: str | None) -> None:
    with pytest.raises(Refusal) as caught:
        media_type_of(CONTRACT.operations["createResult"], Sent(content_type=kind))
    assert caught.value.refused is Refusals.UNSUPPORTED_MEDIA_TYPE
    assert caught.value.violations[0].pointer == "Content-Type"


@pytest.mark.parametrize("declared", [None, 11])
@pytest.mark.parametrize("take", [read_whole, lambda message, limit: Upload(message, limit).read()])
def test_a_body_over_the_limit_is_refused_declared_or_not(declared: int | None, take: Any) -> None:
    message = Sent(stream=io.BytesIO(b"x" * 11), content_length=declared)
    with pytest.raises(Refusal) as caught:
        take(message, 10)
    assert caught.value.refused is Refusals.BODY_TOO_LARGE
    assert "10" in caught.value.detail


def test_a_body_at_the_limit_is_taken() -> None:
    assert read_whole(Sent(stream=io.BytesIO(b"x" * 10)), 10) == b"x" * 10
    assert Upload(Sent(stream=io.BytesIO(b"x" * 10)), 10).read() == b"x" * 10


def test_an_upload_is_read_when_it_is_asked_for_and_piece_by_piece() -> None:
    message = Sent(stream=io.BytesIO(bytes(3 * PIECE)), content_length=3 * PIECE)
    upload = Upload(message, 3 * PIECE)
    assert message.stream.tell() == 0
    assert upload.read(10) == bytes(10)
    assert message.stream.tell() == PIECE
    assert len(upload.read()) == 3 * PIECE - 10
    assert upload.read() == b""


def test_a_declared_length_over_the_limit_is_refused_before_anything_is_read() -> None:
    message = Sent(stream=io.BytesIO(b"x" * 11), content_length=11)
    with pytest.raises(Refusal, match="11 bytes; at most 10"):
        Upload(message, 10).read(1)
    assert message.stream.tell() == 0


def test_a_form_is_read_and_validated() -> None:
    schema = CONTRACT.operations["createToken"].bodies["application/x-www-form-urlencoded"]
    assert schema is not None
    assert read_form(schema, b"grant_type=client_credentials&a=%C3%BC") == (
        {"grant_type": "client_credentials", "a": "ü"},
        [],
    )
    _, violations = read_form(schema, b"a/b=1&a/b=2")
    assert [violation.pointer for violation in violations] == ["/a~1b", "/grant_type"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"grant_type=%ff", 'body /grant_type: came "%ff", expected percent-encoded UTF-8'),
        (b"grant_type=\xff", 'body /grant_type: came "\\udcff", expected percent-encoded UTF-8'),
        (
            b"a/b=%&grant_type=client_credentials",
            'body /a~1b: came "%", expected percent signs only before two hex digits',
        ),
        (b"a=1&" * 101, "body: came 101 members, expected at most 100 members"),
    ],
)
def test_what_cannot_be_read_of_a_form_is_named_once_and_plainly(raw: bytes, said: str) -> None:
    schema = CONTRACT.operations["createToken"].bodies["application/x-www-form-urlencoded"]
    assert schema is not None
    assert [str(violation) for violation in read_form(schema, raw)[1]] == [said]


def test_what_is_wrong_as_json_and_against_the_schema_is_named_together() -> None:
    schema = CONTRACT.schema("Result")
    raw = b'{"slideId": NaN, "displayResult": 5, "data": {"context": {"a": 1, "a": 2}, "b": "\\ud800"}}'
    _, violations = read_json(schema, raw)
    assert [violation.pointer for violation in violations] == [
        "/slideId",
        "/data/context/a",
        "/data/b",
        "/displayResult",
    ]


@pytest.mark.parametrize("raw", [b'{"slideId": "\\ud800"}', b'{"displayProperties": {"\\ud800": null}}'])
def test_a_lone_surrogate_reaches_no_validator(raw: bytes) -> None:
    _, violations = read_json(CONTRACT.schema("Result"), raw)
    assert len(violations) >= 3
    json.dumps([violation.as_json() for violation in violations], ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize(
    ("sent", "detail", "came"),
    [
        (Sent(), "Neither a body nor a Content-Type came.", "nothing"),
        (Sent(content_length=2), "The body came without a Content-Type.", "nothing"),
        (Sent(headers={"Transfer-Encoding": "chunked"}), "The body came without a Content-Type.", "nothing"),
        (Sent(content_type="a/b; c=d"), "The body came as 'a/b'.", "'a/b'"),
        (
            Sent(content_type="application/json;charset=koi8"),
            "The body came in the charset 'koi8'.",
            "the charset 'koi8'",
        ),
    ],
)
def test_a_media_type_is_refused_with_what_to_do(sent: Sent, detail: str, came: str) -> None:
    with pytest.raises(Refusal) as caught:
        media_type_of(CONTRACT.operations["createResult"], sent)
    assert (caught.value.detail, caught.value.violations[0].came) == (detail, came)
    assert "Send the body as application/json" in (caught.value.hint or "")


def test_a_body_of_nothing_but_mistakes_is_answered_in_proportion() -> None:
    raw = b'{"slideId": 1, "attachments": [' + b"NaN," * 200_000 + b"NaN]}"
    _, violations = read_json(CONTRACT.schema("Result"), raw)
    assert len(violations) == MOST + 1
    assert violations[-1].came == f"more than {MOST} violations"


def test_mistakes_of_both_kinds_are_bounded_together() -> None:
    numbers = b",".join([b"NaN"] * 600 + [b"7"] * 600)
    _, violations = read_json(CONTRACT.schema("Result"), b'{"attachments": [' + numbers + b"]}")
    assert len(violations) == MOST + 1
    assert violations[0].pointer == "/attachments/0"


def test_a_repeated_attachment_is_named_with_all_else() -> None:
    raw = b'{"slideId": 1, "displayResult": NaN, "data": {}, "attachments": [{"name": "a"}, {"name": "a"}]}'
    _, violations = read_json(CONTRACT.schema("Result"), raw)
    assert [violation.pointer for violation in violations] == ["/displayResult", "/slideId", "/attachments/1/name"]
