"""No error shows a credential, wherever and however the server repeats it."""

import base64
import json
import pickle
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from sectra_client import RetryPolicy, SectraClient, SectraError, SectraRequestError, get_launch_data
from sectra_client.redaction import redacted
from sectra_client.wire.messages import Answer

TOKEN = "qzqz/Tok+12=="
PASSWORD = "hush wörd/\"9'"
BASIC = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
SESSION = "my-session/42+x"
APP = "/applications/app"
FORMS: list[Callable[[str], str]] = [
    str,
    quote,
    quote_plus,
    lambda text: quote(text, safe=""),
    lambda text: re.sub("%..", lambda found: found[0].lower(), quote(text, safe="")),
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: re.sub("....", lambda found: f"\\u{found[0]}", text.encode("utf-16-be").hex().upper()),
]


def shown(error: BaseException) -> str:
    """All that somebody could log of an error."""
    kept = [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))]
    return "\n".join([*kept, repr(pickle.loads(pickle.dumps(error)))])


def failure(call: Callable[[], object]) -> SectraError:
    with pytest.raises(SectraError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", [TOKEN, PASSWORD, BASIC, SESSION, "😀 key"])
def test_every_form_of_a_secret_is_taken_out_of_body_and_headers(form: Callable[[str], str], secret: str) -> None:
    repeated = form(secret)
    header = f"a {repeated} b".encode().decode("latin-1")
    answer = Answer(401, {"www-authenticate": header}, f"a {repeated} b \xff".encode(), "/p")
    cleaned = redacted(answer, ["", secret])
    assert cleaned.body == "a [secret] b \xff".encode()
    assert cleaned.headers == {"www-authenticate": "a [secret] b"}


def test_what_is_no_secret_stays() -> None:
    answer = Answer(401, {"date": "today \xfc"}, b"\xff\x00 body", "/p")
    assert redacted(answer, [TOKEN]) == redacted(answer, []) == answer


@pytest.mark.parametrize("status", [302, 403, 404, 500])
def test_a_token_repeated_by_a_refusal(pacs: Any, policy: RetryPolicy, status: int) -> None:
    pacs.on(
        APP,
        pacs.answer(
            {"detail": f"no {TOKEN}"},
            status,
            WWW_Authenticate=f'Bearer error="{TOKEN}"',
            Location=f"/x?sessionToken={quote(TOKEN, safe='')}",
        ),
    )
    with SectraClient(pacs.url, TOKEN, True, retry=policy) as client:
        error = failure(lambda: client.get_application("app"))
    assert isinstance(error, SectraRequestError)
    assert error.headers["www-authenticate"] == 'Bearer error="[secret]"'
    assert "qzqz" not in shown(error)


@pytest.mark.parametrize(
    "body",
    [
        f"Bearer {TOKEN}",
        {"applicationId": TOKEN, "displayName": [TOKEN], "manufacturer": 5},
        {"applicationId": "a", "displayName": "b", "manufacturer": "c", "context": {"x": "y" * 70 + TOKEN}},
        [f"{'x' * 70}{TOKEN}"],
    ],
)
def test_a_token_repeated_by_an_answer_that_makes_no_sense(pacs: Any, policy: RetryPolicy, body: object) -> None:
    pacs.on(APP, pacs.answer(body))
    with SectraClient(pacs.url, TOKEN, True, retry=policy) as client:
        error = failure(lambda: client.get_application("app"))
    assert "qzqz" not in shown(error)


def own(pacs: Any, policy: RetryPolicy) -> SectraClient:
    return SectraClient.from_credentials(pacs.url, "app", "user", PASSWORD, _allow_http=True, timeout=2, retry=policy)


def test_credentials_repeated_by_the_refusal_of_a_token(pacs: Any, policy: RetryPolicy) -> None:
    pacs.on("/token", pacs.answer({"detail": f"bad: Basic {BASIC}, user {PASSWORD}"}, 401, X_Seen=f"Basic {BASIC}"))
    error = failure(lambda: own(pacs, policy).version_info)
    assert error.status_code == 401  # type: ignore[attr-defined]
    assert "user [secret]" in str(error)
    assert "hush" not in shown(error)
    assert BASIC not in shown(error)


@pytest.mark.parametrize(
    "body",
    [
        "freshly",
        ["freshly"],
        {"accessToken": "freshly", "token_type": "Bearer", "expires_in": 60},
        {"access_token": "Bearer", "token_type": "x", "expires_in": "freshly"},
        {"access_token": "freshly", "token_type": 5, "expires_in": None},
        {"access_token": "freshly two", "token_type": "Bearer", "expires_in": 60},
    ],
)
def test_a_misplaced_new_token(pacs: Any, policy: RetryPolicy, body: object) -> None:
    pacs.on("/token", pacs.answer(body))
    error = failure(lambda: own(pacs, policy).version_info)
    assert "/token" in str(error)
    assert "freshly" not in shown(error)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"detail": f"no session {SESSION}"}),
        (200, SESSION),
        (200, {"callbackInfo": "freshly", "blocks": SESSION}),
        (200, {"callbackInfo": {"url": 5, "token": "freshly"}, "blocks": "freshly"}),
    ],
)
def test_a_session_token_repeated(pacs: Any, policy: RetryPolicy, status: int, body: object) -> None:
    pacs.on("/launchdata", pacs.answer(body, status, Location=f"/launchdata?sessionToken={quote(SESSION, safe='')}"))
    error = failure(lambda: get_launch_data(pacs.url, "S1", SESSION, "app", _allow_http=True, retry=policy))
    assert "my-session" not in shown(error)
    assert "freshly" not in shown(error)


def test_both_tokens_are_hidden_after_a_renewal(pacs: Any, policy: RetryPolicy) -> None:
    grants = [{"access_token": token, "token_type": "Bearer", "expires_in": 3600} for token in ("FIRST1", "SECOND2")]
    pacs.on("/token", *[pacs.answer(grant) for grant in grants])
    pacs.on(APP, pacs.answer({"detail": "revoked"}, 401), pacs.answer({"detail": "FIRST1, then SECOND2"}, 401))
    error = failure(lambda: own(pacs, policy).get_application("app"))
    assert "[secret], then [secret]" in str(error)
    assert not {"FIRST1", "SECOND2"} & set(shown(error).replace(",", " ").split())


FILES = "/slides/s/files"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": f"multipart/related; type={TOKEN}"},
        {"Content_Type": f'multipart/related; boundary="{TOKEN}\x01"'},
        {"Content_Encoding": TOKEN},
        {"Content_Type": "multipart/related; boundary=B"},
        {"length": 999},
    ],
)
def test_a_token_repeated_by_a_download(
    pacs: Any, policy: RetryPolicy, tmp_path: Path, headers: dict[str, Any]
) -> None:
    pacs.on(FILES, [pacs.answer(f"--B\r\n{TOKEN}\r\n\r\n".encode(), **headers), "close"])
    with SectraClient(pacs.url, TOKEN, True, retry=policy) as client:
        error = failure(lambda: client.download_slide_files("s", tmp_path))
    assert "qzqz" not in shown(error)
    assert error.__cause__ is error.__context__ is None


def test_both_tokens_are_hidden_in_a_download_after_a_renewal(pacs: Any, policy: RetryPolicy, tmp_path: Path) -> None:
    grants = [{"access_token": token, "token_type": "Bearer", "expires_in": 3600} for token in ("FIRST1", "SECOND2")]
    pacs.on("/token", *[pacs.answer(grant) for grant in grants])
    pacs.on(FILES, pacs.answer({}, 401), pacs.answer(b"x", Content_Encoding="FIRST1, SECOND2"))
    error = failure(lambda: own(pacs, policy).download_slide_files("s", tmp_path))
    assert "Content-Encoding '[secret], [secret]'" in str(error)
