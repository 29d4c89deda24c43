"""The tree of errors."""

import inspect
import pickle
import re

import pytest

import sectra_client
from sectra_client.utils import errors
from sectra_client.utils.errors import SectraError, SectraRequestError

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, SectraError)]


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"([│├└─ ]*)(Sectra\w+)", line):
            drawn.append((len(found[1]) // 4, found[2]))
    path: list[str] = []
    for depth, name in drawn:
        path[depth:] = [name]
        if depth:
            assert path[depth - 1] in [base.__name__ for base in getattr(errors, name).__bases__]
    assert sorted(name for _, name in drawn) == sorted(kind.__name__ for kind in CLASSES)


def test_every_error_is_exported_and_says_what_it_means() -> None:
    for kind in CLASSES:
        assert getattr(sectra_client, kind.__name__) is kind
        assert kind.__doc__


def test_an_error_of_the_reference_has_its_arguments_by_position() -> None:
    error = SectraRequestError(418, "teapot", "/tea")
    assert (error.status_code, error.text, error.path, error.problem) == (418, "teapot", "/tea", None)
    assert str(error) == "Request /tea has failed with status code 418: teapot"


@pytest.mark.parametrize(
    "error",
    [
        SectraRequestError.of(409, '{"title": "T", "detail": "D"}', "/p", {"retry-after": "5"}),
        errors.SectraVersionError("setQualityControl", "1.10", "1.9"),
        errors.SectraUncertainWriteError("PUT /x: reset"),
    ],
)
def test_errors_travel_between_processes(error: SectraError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)


def test_long_answers_are_cut_in_messages_only() -> None:
    error = SectraRequestError(500, "x" * 5000, "/p")
    assert len(str(error)) < 1200
    assert len(error.text) == 5000


PROBLEM = {"content-type": "application/problem+json; charset=utf-8"}


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}, PROBLEM])
@pytest.mark.parametrize("text", ['{"error": "slide locked"}', "{}", '{"detail": ""}', '["locked"]', "locked"])
def test_what_the_server_said_is_shown_even_where_it_is_no_problem_document(text: str, headers: dict[str, str]) -> None:
    error = SectraRequestError.of(404, text, "/p", headers)
    assert str(error) == f"Request /p has failed with status code 404: {text}"
    assert (error.problem is not None) == (headers == PROBLEM and text.startswith("{"))


def test_a_problem_document_is_told_by_its_detail_where_its_content_type_does_not() -> None:
    error = SectraRequestError.of(404, '{"detail": "no slide s"}', "/p", {"content-type": "application/json"})
    assert error.problem is not None
    assert str(error).endswith(": no slide s")


def test_builtin_kin() -> None:
    assert issubclass(errors.SectraConnectionError, ConnectionError)
    assert issubclass(errors.SectraTimeoutError, TimeoutError)
    assert issubclass(errors.SectraInvocationError, ValueError)
    assert not issubclass(errors.SectraRequestError, ConnectionError)


def test_a_redirect_shows_where_to_but_no_query() -> None:
    error = SectraRequestError.of(302, "", "/p", {"location": "https://other.example/x?sessionToken=hidden#y"})
    assert isinstance(error, errors.SectraRedirectError)
    assert error.location == "https://other.example/x"
    assert "hidden" not in str(error)


def test_when_to_come_back() -> None:
    error = SectraRequestError.of(503, "", "/p", {"retry-after": "7"})
    assert isinstance(error, errors.SectraUnavailableError)
    assert error.retry_after == 7
