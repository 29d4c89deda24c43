"""Credentials: the development token, tokens from /token, and 401 with WWW-Authenticate in every other case."""

import base64
import hmac
import re
from collections.abc import Callable
from typing import Any

import pytest

from fake_pacs.clock import ManualClock

MakePacs = Callable[..., Any]

FORM = {"grant_type": "client_credentials"}
UNKNOWN = "0" * 43


def basic(name: str = "dev", password: str = "dev") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def issue(pacs: Any, application: str = "nuclei-counter", **user: str) -> dict[str, Any]:
    answer = pacs.post(f"/token?applicationId={application}", basic(**user), data=FORM)
    assert answer.status_code == 200, answer.data
    issued: dict[str, Any] = answer.json
    return issued


def test_a_token_is_a_bearer_token_that_lives_whole_seconds(pacs: Any) -> None:
    issued = issue(pacs)
    assert set(issued) == {"access_token", "token_type", "expires_in"}
    assert issued["token_type"] == "Bearer"
    assert type(issued["expires_in"]) is int
    assert issued["expires_in"] > 120  # callers renew min(60, expires_in / 2) s before
    assert re.fullmatch(r"[A-Za-z0-9_-]{32,4000}", issued["access_token"])
    assert pacs.with_token(issued["access_token"]).get("/info").status_code == 200


def test_a_new_token_does_not_revoke_older_ones(pacs: Any) -> None:
    tokens = [issue(pacs)["access_token"] for _ in range(3)]
    assert len(set(tokens)) == 3
    assert {pacs.with_token(token).get("/info").status_code for token in tokens} == {200}


def test_a_token_expires_by_the_injected_clock(make_pacs: MakePacs) -> None:
    clock = ManualClock()
    pacs = make_pacs(clock=clock)
    issued = issue(pacs)
    caller = pacs.with_token(issued["access_token"])
    clock.advance(issued["expires_in"] - 1)
    assert caller.get("/info").status_code == 200
    clock.advance(1)
    problem = caller.refused(401, "unauthenticated", "GET", "/info")
    assert "expired" in problem["detail"]
    assert "/token" in problem["hint"]
    assert pacs.get("/info").status_code == 200, "the development token never expires"


def test_a_token_is_bound_to_its_application(pacs: Any) -> None:
    mine = pacs.with_token(issue(pacs)["access_token"])
    result = mine.create()
    pacs.create("tumor-finder")
    path = "/applications/tumor-finder"
    for method, tail in [
        ("GET", ""),
        ("GET", "/results/1"),
        ("GET", "/results/slide/demo-he-1"),
        ("POST", "/results"),
        ("PUT", "/results/1"),
        ("GET", "/results/1/attachments?name=a"),
        ("PUT", "/results/1/attachments?name=a"),
    ]:
        problem = mine.refused(403, "forbidden", method, path + tail, json=pacs.result())
        assert "nuclei-counter" in problem["detail"]
        assert "tumor-finder" in problem["hint"]
    mine.refused(403, "forbidden", "POST", "/hooks/tumor-finder/results/", json=pacs.result())
    assert mine.get(f"/applications/nuclei-counter/results/{result['id']}").status_code == 200
    assert mine.get("/slides/demo-he-1/info").status_code == 200
    assert len(pacs.get(f"{path}/results/slide/demo-he-1").json) == 1


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_unregistered_application_is_no_secret_that_403_would_keep(pacs: Any, method: str) -> None:
    mine = pacs.with_token(issue(pacs)["access_token"])
    mine.refused(403, "forbidden", method, "/applications/nothing/results/1", json=pacs.result())
    pacs.refused(404, "unknown-application", method, "/applications/nothing/results/1", json=pacs.result())


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {UNKNOWN}",
        "Bearer DEV-TOKEN",
        "Bearer dev-token x",
        "Basic ZGV2OmRldg==",
        "Digest x",
        "dev-token",
        "Bearer dev\xffken",
        "Bearer dev-token, Bearer dev-token",
        "Bearer  ",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/info"), ("POST", "/applications/nuclei-counter/results"), ("GET", "/slides/x/files")]
)
def test_without_a_valid_token_it_is_401_with_a_challenge(
    pacs: Any, authorization: str, method: str, path: str
) -> None:
    answer = pacs.ask(method, path, {"Authorization": authorization}, json={})
    pacs.problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert "dev-token" not in answer.get_data(as_text=True)


def test_the_scheme_s_name_is_compared_without_case(pacs: Any) -> None:
    assert pacs.get("/info", {"Authorization": "bearer dev-token"}).status_code == 200
    assert pacs.get("/info", {"Authorization": "BEARER dev-token"}).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer dev-token",
        "Basic",
        "Basic !!!",
        "Basic /////w==",
        basic("dev", "wrong")["Authorization"],
        basic("nobody")["Authorization"],
        basic("dev", "")["Authorization"],
        "Basic " + base64.b64encode(b"dev").decode(),
        basic("dév", "dev")["Authorization"],
        basic("dev", "d" * 5000)["Authorization"],
    ],
)
def test_without_user_and_password_there_is_no_token(pacs: Any, authorization: str) -> None:
    answer = pacs.post("/token?applicationId=nuclei-counter", {"Authorization": authorization}, data=FORM)
    pacs.problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_users_are_those_that_the_server_was_told(make_pacs: MakePacs) -> None:
    pacs = make_pacs(users=[("ann", "a:b ü"), ("bob", "b")])
    assert issue(pacs, name="ann", password="a:b ü")["token_type"] == "Bearer"
    assert issue(pacs, name="bob", password="b")["token_type"] == "Bearer"
    assert pacs.post("/token?applicationId=nuclei-counter", basic(), data=FORM).status_code == 401


def test_a_token_for_an_unknown_application_is_404(pacs: Any) -> None:
    pacs.refused(404, "unknown-application", "POST", "/token?applicationId=none", basic(), data=FORM)


@pytest.mark.parametrize(
    ("path", "form", "places"),
    [
        ("/token", FORM, [("query", "applicationId")]),
        ("/token?applicationId=", FORM, [("query", "applicationId")]),
        ("/token?applicationId=nuclei-counter", {"grant_type": "password"}, [("body", "/grant_type")]),
        ("/token?applicationId=nuclei-counter", {"x": "y"}, [("body", "/grant_type")]),
        ("/token?applicationId=nuclei-counter", "grant_type=a&grant_type=b", [("body", "/grant_type")] * 2),
        ("/token?applicationId=nuclei-counter", b"grant_type=\xff", [("body", "/grant_type")]),
        ("/token", "a=b", [("query", "applicationId"), ("body", "/grant_type")]),
    ],
)
def test_a_wrong_request_for_a_token_is_400_with_every_place(
    pacs: Any, path: str, form: Any, places: list[tuple[str, str]]
) -> None:
    kind = {"content_type": "application/x-www-form-urlencoded"}
    problem = pacs.refused(400, "invalid-request", "POST", path, basic(), data=form, **kind)
    assert [(violation["in"], violation["pointer"]) for violation in problem["violations"]] == places


def test_the_form_must_be_a_form(pacs: Any) -> None:
    path = "/token?applicationId=nuclei-counter"
    pacs.refused(415, "unsupported-media-type", "POST", path, basic(), json=FORM)
    charset = "application/x-www-form-urlencoded; charset=utf-8"
    data = "grant_type=client_credentials"
    assert pacs.post(path, basic(), data=data, content_type=charset).status_code == 200


def test_a_session_token_is_no_bearer_token_and_a_bearer_token_no_session_token(pacs: Any) -> None:
    wanted = {"applicationId": "nuclei-counter", "accessionNumber": "S26-1002"}
    session = pacs.control("POST", "launches", json=wanted).json["sessionToken"]
    pacs.with_token(session).refused(401, "unauthenticated", "GET", "/info")
    for token in ("dev-token", issue(pacs)["access_token"]):
        path = f"/launchdata?requestId=S26-1002&sessionToken={token}&appId=nuclei-counter"
        answer = pacs.get(path)
        pacs.problem(answer, 401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"]


def test_secrets_are_compared_in_constant_time(pacs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[Any, Any]] = []
    real = hmac.compare_digest

    def spy(one: Any, other: Any) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    assert pacs.get("/info").status_code == 200
    bearer = len(compared)
    assert pacs.control("GET", "journal").status_code == 200
    control = len(compared)
    issue(pacs)
    assert 0 < bearer < control < len(compared)
    assert not any("dev-token" in pair for pair in compared), "the store keeps digests, not tokens"


def test_credentials_come_before_the_rest_of_the_request(pacs: Any) -> None:
    answer = pacs.post("/applications/none/results", {"Authorization": "", "Content-Type": "text/plain"}, data=b"\xff")
    pacs.problem(answer, 401, "unauthenticated")
