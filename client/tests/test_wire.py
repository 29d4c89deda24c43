"""Requests and answers as the contract has them: every operation, every declared refusal, answers that make no
sense.
"""

import json
import re
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ia_api_spec import Contract
from sectra_client import (
    SectraClient,
    SectraConflictError,
    SectraForbiddenError,
    SectraInvalidRequestError,
    SectraNoLabelError,
    SectraNotFoundError,
    SectraRequestError,
    SectraUnauthorisedError,
    SectraUnavailableError,
    SectraUnreadableAnswerError,
)
from sectra_client.operations import METHODS
from sectra_client.schemas import AdaptedResult, ImageMetadata, QualityControl, Result, ResultResponse
from sectra_client.wire import applications, attachments, cases, files, info, launch, slides, tiles, tokens
from sectra_client.wire import quality_control as wire_quality_control
from sectra_client.wire import results as wire_results
from sectra_client.wire.messages import Answer, Request, reads, refusal, segment

RESULT = Result(slideId="s", displayResult="x")
VERDICT = QualityControl(applicationVersion="1", qualityControl={"status": "QualityOk", "versionId": "1"})
REQUESTS: list[Request] = [
    info.get_info().request,
    slides.get_metadata("s_1", True, True).request,
    slides.get_label("s_1").request,
    files.get_files("s_1"),
    tiles.get_tile("s_1", 3, 1, 2, None, None, "jpg").request,
    tiles.get_tile("s_1", 3, 1, 2, "0", "DAPI", "png").request,
    cases.get_by_accession("S26-1", True, "LAB").request,
    cases.get_by_slide("s_1", True, "LAB").request,
    wire_quality_control.set_quality_control("s_1", VERDICT).request,
    applications.get_application("app").request,
    wire_results.create_result("app", RESULT).request,
    wire_results.get_result("app", 7).request,
    wire_results.update_result("app", 7, AdaptedResult(slideId="s", displayResult="x", versionId="v")).request,
    wire_results.list_results("s_1", "app").request,
    attachments.download("app", 7, "a.png"),
    attachments.get_range("app", 7, "a.png", 2, 5).request,
    attachments.put("app", 7, "a.png", b"bytes").request,
    tokens.create_token("app", "user", "password").request,
    launch.get_launch_data("S26-1", "session", "app").request,
]
DECLARED = {
    400: SectraInvalidRequestError,
    401: SectraUnauthorisedError,
    403: SectraForbiddenError,
    404: SectraNotFoundError,
    409: SectraConflictError,
    413: SectraInvalidRequestError,
    415: SectraInvalidRequestError,
    416: SectraInvalidRequestError,
    503: SectraUnavailableError,
}


def spelt(path: str) -> re.Pattern[str]:
    """A path of the document as a pattern for paths."""
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: f"{request.method} {request.path}")
def test_a_request_is_an_operation_of_the_contract(request_: Request, contract: Contract) -> None:
    operation = contract.operations[request_.operation]
    assert operation.method == request_.method
    assert any(spelt(spelling.path).fullmatch(request_.path) for spelling in operation.spellings)
    parameters = {parameter.name: parameter for parameter in operation.parameters if parameter.location == "query"}
    assert set(request_.query) <= set(parameters)
    assert {name for name, parameter in parameters.items() if parameter.required} <= set(request_.query)
    assert request_.since == operation.node.get("x-introduced-in")
    assert ("bearer" in operation.security) == request_.authorised
    if operation.body_required:
        assert request_.headers["Content-Type"] in operation.bodies


def test_every_operation_has_a_request_and_one_method(contract: Contract) -> None:
    assert {request.operation for request in REQUESTS} == set(contract.operations) == set(METHODS)
    assert len(set(METHODS.values())) == len(METHODS)
    assert all(hasattr(SectraClient, method) for method in METHODS.values())


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: text not in (".", "..")))
def test_any_id_is_one_path_segment(value: str) -> None:
    encoded = segment("slide_id", value)
    assert unquote(encoded) == value
    assert re.fullmatch(r"[A-Za-z0-9_.~%-]+", encoded)


@pytest.mark.parametrize("wrong", ["", ".", "..", None, 5])
def test_what_cannot_be_a_segment_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="slide_id is "):
        slides.get_label(wrong)


@pytest.mark.parametrize("wrong", [True, "1", 1.0, None])
def test_numbers_in_paths_are_numbers(wrong: Any) -> None:
    with pytest.raises(ValueError, match="result_id is "):
        wire_results.get_result("app", wrong)


DECLARED_ANSWERS = [
    (operation.id, status)
    for operation in Contract.of("ia-api").operations.values()
    for status in operation.answers
    if status >= 300
]


@pytest.mark.parametrize(("operation", "status"), DECLARED_ANSWERS)
def test_every_declared_refusal_is_an_error_of_its_own(operation: str, status: int) -> None:
    problem = {"type": "urn:x", "title": "T", "status": status, "detail": "This is wrong."}
    problem["violations"] = [{"in": "body", "pointer": "/a", "came": "1", "expected": "text", "hint": "quote it"}]
    error = refusal(Answer(status, {"content-type": "application/problem+json"}, json.dumps(problem).encode(), "/x"))
    assert type(error) is DECLARED[status]
    assert (error.status_code, error.path) == (status, "/x")
    assert error.problem is not None
    assert error.problem.violations[0].part == "body"
    assert str(error) == (
        f"Request /x has failed with status code {status}: This is wrong.\n- body /a: came 1, expected text (quote it)"
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (418, "SectraRequestError"),
        (500, "SectraServerError"),
        (302, "SectraRedirectError"),
        (100, "SectraRequestError"),
    ],
)
def test_undeclared_statuses_are_errors_too(status: int, kind: str) -> None:
    error = refusal(Answer(status, {}, b"<html>", "/x"))
    assert type(error).__name__ == kind
    assert isinstance(error, SectraRequestError)
    assert error.problem is None


def test_an_answer_that_makes_no_sense_says_where() -> None:
    answer = Answer(
        200, {"content-type": "application/json"}, b'[{"id": "1", "versionId": 5}]', "/applications/a/results"
    )
    with pytest.raises(SectraUnreadableAnswerError) as caught:
        reads(list[ResultResponse])(answer)
    said = str(caught.value)
    assert "/applications/a/results (status 200, application/json, 29 bytes)" in said
    assert "/0/id: a whole number is needed, came '1'" in said
    assert "/0/versionId: Input should be a valid string, came 5" in said


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff", b"[" * 100_000, b"null", b'"' + b"9" * 5000 + b'"', b"9" * 5000]
)
def test_any_other_body_is_an_unreadable_answer(body: bytes) -> None:
    with pytest.raises(SectraUnreadableAnswerError):
        reads(ImageMetadata)(Answer(200, {}, body, "/slides/s/info"))


def test_secrets_of_an_unreadable_answer_are_not_shown() -> None:
    body = b'{"access_token": 123456789, "token_type": "Bearer", "expires_in": "soon"}'
    with pytest.raises(SectraUnreadableAnswerError) as caught:
        tokens.create_token("a", "u", "p").read(Answer(200, {}, body, "/token"))
    assert "123456789" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_secrets_of_requests_are_not_in_reprs() -> None:
    token = tokens.create_token("a", "user", "hidden-password").request
    launched = launch.get_launch_data("S1", "hidden-session", "a").request
    assert "hidden" not in repr(token) + repr(launched)
    assert "Basic" not in repr(token)


def test_labels_and_tiles() -> None:
    label = slides.get_label("s")
    assert label.read(Answer(200, {}, b"jpeg", "/l")).image == b"jpeg"
    assert label.read(Answer(200, {"content-type": "image/jpeg"}, b"jpeg", "/l")).image == b"jpeg"
    with pytest.raises(SectraUnreadableAnswerError, match="an image was expected"):
        label.read(Answer(200, {"content-type": "text/html; charset=utf-8"}, b"<html>", "/l"))
    with pytest.raises(SectraNoLabelError, match="slide s has no label"):
        label.read(Answer(204, {}, b"", "/l"))
    tile = tiles.get_tile("s", 0, 0, 0, None, None, "jpg")
    assert tile.read(Answer(200, {"content-type": "image/jpeg; q=1"}, b"jpeg", "/t")).mediaType == "image/jpeg"
    with pytest.raises(SectraUnreadableAnswerError, match="an image was expected"):
        tile.read(Answer(200, {"content-type": "text/html"}, b"<html>", "/t"))


def test_ranges_are_read_whether_or_not_the_server_honours_them() -> None:
    call = attachments.get_range("a", 1, "n", 2, 5)
    assert call.request.headers["Range"] == "bytes=2-4"
    assert call.read(Answer(206, {"content-range": "bytes 2-4/9"}, b"cde", "/a")) == b"cde"
    assert call.read(Answer(200, {}, b"abcdefghi", "/a")) == b"cde"
    with pytest.raises(SectraUnreadableAnswerError, match="Content-Range 'bytes 0-2/9'"):
        call.read(Answer(206, {"content-range": "bytes 0-2/9"}, b"abc", "/a"))
    with pytest.raises(ValueError, match="0 <= start < end"):
        attachments.get_range("a", 1, "n", 5, 5)


@pytest.mark.parametrize(
    ("end", "said", "body"),
    [
        (None, "bytes 2-8/9", b"cdefghi"),
        (5, "Bytes 2-4/9 ", b"cde"),
        (20, "bytes 2-8/9", b"cdefghi"),  # the end lies beyond: what there is
    ],
)
def test_a_part_is_what_was_asked_for_as_far_as_there_is_so_much(end: int | None, said: str, body: bytes) -> None:
    read = attachments.get_range("a", 1, "n", 2, end).read
    assert read(Answer(206, {"content-range": said}, body, "/a")) == body


@pytest.mark.parametrize(
    ("end", "said", "body"),
    [
        (None, "bytes 2-4/9", b"cde"),  # less than there is
        (5, "bytes 2-3/9", b"cd"),
        (5, "bytes 2-4/9", b"cd"),  # not what it says
        (5, "bytes 2-4/9", b"cdef"),
        (5, "bytes 3-4/9", b"cde"),
        (5, "bytes 2-4/3", b"cde"),
        (5, "bytes 2-4/*", b"cde"),
        (5, "bytes */9", b"cde"),
        (5, "chars 2-4/9", b"cde"),
        (5, "", b"cde"),
        (5, f"bytes 2-4/{'9' * 19}", b"cde"),
    ],
)
def test_another_part_than_asked_for_is_unreadable(end: int | None, said: str, body: bytes) -> None:
    read = attachments.get_range("a", 1, "n", 2, end).read
    with pytest.raises(SectraUnreadableAnswerError, match="asked for bytes=2-"):
        read(Answer(206, {"content-range": said}, body, "/a"))


@pytest.mark.parametrize("status", [201, 204, 206])
def test_the_whole_attachment_comes_with_status_200(status: int) -> None:
    with pytest.raises(SectraUnreadableAnswerError, match="asked for the whole attachment"):
        attachments.get_range("a", 1, "n", 0, None).read(Answer(status, {}, b"abc", "/a"))


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 4), (5, 5), (-2, None), (0, 0)])
def test_an_empty_part_is_not_asked_for(start: int, end: int | None) -> None:
    with pytest.raises(ValueError, match="0 <= start < end"):
        attachments.get_range("a", 1, "n", start, end)


@pytest.mark.parametrize(
    "part", [{"data": {"result": {"type": "heatmap"}}}, {"attachments": [{"name": "a", "state": "lost"}]}]
)
def test_what_no_server_knows_is_not_stored_anew(part: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"heatmap|lost"):
        wire_results.create_result("app", Result(slideId="s", displayResult="x", **part))
