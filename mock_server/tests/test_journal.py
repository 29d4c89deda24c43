"""The journal: bounded in count and bytes, secrets redacted, no slide bytes, what was used and what was odd."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from fake_pacs.journal import BODY_SHOWN, Exchange, Journal, redacted_body, redacted_query

MakePacs = Callable[..., Any]


def exchange(**members: Any) -> Exchange:
    known: dict[str, Any] = {"at": "", "tenant": "a", "method": "GET", "path": "/", "operation_id": "getInfo"}
    known |= {"spelling": None, "effective_version": None, "status": 200, "duration_ms": 1.0}
    return Exchange(**(known | members))


def read(journal: Journal, tenant: str = "a", **filters: Any) -> list[Exchange]:
    asked: dict[str, Any] = {"with_strangers": False, "operation_id": None, "after": None, "limit": None}
    return journal.read(tenant, **(asked | filters))


def test_an_exchange_tells_what_was_done_and_how_it_was_taken(pacs: Any) -> None:
    pacs.post("/hooks/nuclei-counter/results/", {"X-Sectra-ApiVersion": "1.8"}, json=pacs.result())
    (entry,) = pacs.control("GET", "journal").json["exchanges"]
    assert entry["number"] == 1
    assert entry["tenant"] == "default"
    assert (entry["method"], entry["path"]) == ("POST", f"{pacs.base}/hooks/nuclei-counter/results/")
    assert (entry["operationId"], entry["spelling"], entry["effectiveVersion"]) == ("createResult", "hooks", "1.8")
    assert entry["status"] == 201
    assert json.loads(entry["requestBody"]) == pacs.result()
    assert json.loads(entry["answerBody"])["id"] == 1
    assert entry["violations"] == entry["oddities"] == []
    assert entry["ourError"] is None
    assert entry["durationMs"] >= 0


def test_refusals_are_journalled_with_their_violations(pacs: Any) -> None:
    problem = pacs.refused(400, "invalid-request", "POST", "/applications/nuclei-counter/results", json={})
    entry = pacs.journal()[-1]
    assert entry["status"] == 400
    assert entry["violations"] == problem["violations"]
    assert entry["ourError"] is None


def test_the_journal_can_be_asked_for_an_operation_and_for_what_is_new(pacs: Any) -> None:
    for path in ("/info", "/slides/demo-he-1/info", "/info", "/info"):
        pacs.get(path)

    def numbers(query: str) -> list[int]:
        return [entry["number"] for entry in pacs.control("GET", f"journal?{query}").json["exchanges"]]

    assert numbers("operationId=getInfo") == [1, 3, 4]
    assert numbers("operationId=getInfo&after=1") == [3, 4]
    assert numbers("after=2&operationId=getInfo&limit=1") == [4]
    assert numbers("operationId=none") == []
    assert numbers(f"after={10**30}") == []
    assert numbers(f"operationId=getSlideInfo&limit={10**30}") == [2]


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "after=-1", "after=x", "limit=", "limit=1&limit=2"])
def test_a_wrong_filter_is_400(pacs: Any, query: str) -> None:
    pacs.problem(pacs.control("GET", f"journal?{query}"), 400, "invalid-request")


def test_it_is_bounded_in_count() -> None:
    journal = Journal(count=10)
    for number in range(25):
        journal.write(exchange(path=str(number)))
    assert [entry.path for entry in read(journal)] == [str(number) for number in range(15, 25)]
    assert [entry.number for entry in read(journal)] == list(range(16, 26))
    assert journal.forgotten == 15


def test_it_is_bounded_in_bytes() -> None:
    journal = Journal(count=1000, size=100_000)
    for number in range(100):
        journal.write(exchange(path=str(number), request_body="x" * 8000, answer_body="y" * 8000))
    held = read(journal)
    assert sum(len(entry.request_body or "") + len(entry.answer_body or "") for entry in held) <= 100_000
    assert held[-1].path == "99"
    assert journal.forgotten == 100 - len(held)


def test_one_exchange_is_kept_however_large_it_is() -> None:
    journal = Journal(size=10)
    journal.write(exchange(path="a"))
    journal.write(exchange(path="b"))
    assert [entry.path for entry in read(journal)] == ["b"]


def test_a_server_s_journal_stays_bounded(pacs: Any) -> None:
    for _ in range(3):
        pacs.post("/applications/nuclei-counter/results", json=pacs.result(displayResult="x" * 200_000))
    for entry in pacs.journal():
        assert len(entry["requestBody"]) < BODY_SHOWN + 20
        assert entry["requestBody"].endswith("(cut)")


def test_what_was_forgotten_is_counted(pacs: Any) -> None:
    assert pacs.control("GET", "journal").json["forgotten"] == 0


def test_reset_forgets_the_tenant_s_exchanges_but_not_our_errors() -> None:
    journal = Journal()
    journal.write(exchange(tenant="a", our_error="broken"))
    journal.write(exchange(tenant="b"))
    journal.forget("a")
    assert read(journal, "a") == []
    assert len(read(journal, "b")) == 1
    assert journal.our_errors == ["GET /: broken"]


def test_strangers_are_shown_only_where_asked_for() -> None:
    journal = Journal()
    journal.write(exchange(tenant=None))
    assert read(journal) == []
    assert len(read(journal, with_strangers=True)) == 1


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def test_no_secret_of_a_whole_round_trip_is_kept(pacs: Any) -> None:
    form, path = {"grant_type": "client_credentials", "password": "form-secret"}, "/token?applicationId=nuclei-counter"
    issued = pacs.post(path, basic("dev:dev"), data=form).json["access_token"]
    pacs.post(path, basic("dev:wrong-secret"), data=form)
    tenant = pacs.control("POST", "tenants").json
    wanted = {"applicationId": "nuclei-counter", "accessionNumber": "S26-1002"}
    launch = pacs.control("POST", "launches", json=wanted).json
    session = launch["sessionToken"]
    told = pacs.get(launch["launchDataUrl"].removeprefix(f"http://localhost{pacs.base}")).json
    pacs.get(f"/launchdata?requestId=S26-1002&sessionToken={session}?appId=nuclei-counter")
    pacs.get(f"/launchdata?requestId=S26-1002&session%54oken={session}&appId=nuclei-counter")
    pacs.get(f"/launchdata?sessionToken={session}&sessionToken=other&requestId=a&requestId=b")
    pacs.get(f"/nothing?access_token={issued}&SESSIONTOKEN={session}")
    pacs.get("/info", {"Authorization": issued})
    pacs.create(data={"context": {"callbackInfo": {"url": "u", "token": told["callbackInfo"]["token"]}}})
    pacs.post("/applications/nuclei-counter/results", data=f'{{"token": "{issued}', content_type="application/json")
    secrets = [issued, session, told["callbackInfo"]["token"], tenant["token"], tenant["password"]]
    secrets += ["form-secret", "wrong-secret", "dev-token", "dev-control", basic("dev:dev")["Authorization"][6:]]
    kept = json.dumps(pacs.journal())
    shown = pacs.control("GET", "journal").get_data(as_text=True)
    assert [secret for secret in secrets if secret in kept or secret in shown] == []
    assert "<redacted>" in kept


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/a?token=x", "/a?token=<redacted>"),
        ("/a?b=1&sessionToken=x?appId=y&c=2", "/a?b=1&sessionToken=<redacted>&c=2"),
        ("/a?SessionToken=x&password=y", "/a?SessionToken=<redacted>&password=<redacted>"),
        ("/a?%73essionToken=x", "/a?%73essionToken=<redacted>"),
        ("/a?tokens=x", "/a?tokens=x"),
        ("/token", "/token"),
    ],
)
def test_queries_are_redacted_by_name(path: str, kept: str) -> None:
    assert redacted_query(path) == kept


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (None, None),
        (b'{"token": "a\\"b", "x": 1}', '{"token": "<redacted>", "x": 1}'),
        (b'{"access_token":"abc","expires_in":1}', '{"access_token":"<redacted>","expires_in":1}'),
        (b"grant_type=a&password=b", "grant_type=a&password=<redacted>"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b'{"url": "http://x/y?a=1&sessionToken=abc&b=2"}', '{"url": "http://x/y?a=1&sessionToken=<redacted>&b=2"}'),
    ],
)
def test_bodies_are_redacted_and_text(body: bytes | None, kept: str | None) -> None:
    assert redacted_body(body) == kept


def test_a_secret_at_the_cut_is_redacted_too() -> None:
    body = b'{"a": "' + b"x" * (4 * BODY_SHOWN - 20) + b'", "token": "' + b"SECRET" * 50 + b'"}'
    assert "SECRET" not in (redacted_body(body) or "")
