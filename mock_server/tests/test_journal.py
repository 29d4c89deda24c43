"""The journal: bounded in count and bytes for each tenant, what was used and what was odd, whose it was."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fake_pacs.journal import Exchange, Journal
from fake_pacs.recording import Wire, record
from fake_pacs.redaction import BODY_SHOWN, Redactor
from ia_api_spec import Violation

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


def forgotten(journal: Journal, tenant: str = "a", *, with_strangers: bool = False) -> int:
    return journal.forgotten(tenant, with_strangers=with_strangers)


def test_it_is_bounded_in_count() -> None:
    journal = Journal(count=10)
    for number in range(25):
        journal.write(exchange(path=str(number)))
    assert [entry.path for entry in read(journal)] == [str(number) for number in range(15, 25)]
    assert [entry.number for entry in read(journal)] == list(range(16, 26))
    assert forgotten(journal) == 15


def test_it_is_bounded_in_bytes() -> None:
    journal = Journal(count=1000, size=100_000)
    for number in range(100):
        journal.write(exchange(path=str(number), request_body="x" * 8000, answer_body="y" * 8000))
    held = read(journal)
    assert sum(len(entry.request_body or "") + len(entry.answer_body or "") for entry in held) <= 100_000
    assert held[-1].path == "99"
    assert forgotten(journal) == 100 - len(held)


def test_a_busy_tenant_pushes_out_nobody_else_s_exchanges() -> None:
    journal = Journal(count=10)
    journal.write(exchange(tenant="quiet", path="first"))
    for number in range(50):
        journal.write(exchange(tenant="busy", path=str(number)))
        journal.write(exchange(tenant=None, path=str(number)))
    assert [entry.path for entry in read(journal, "quiet")] == ["first"]
    assert (forgotten(journal, "quiet"), forgotten(journal, "busy")) == (0, 40)
    assert forgotten(journal, "default") == 0
    assert forgotten(journal, "default", with_strangers=True) == 40


def test_all_together_are_bounded_and_the_fullest_forgets_first() -> None:
    journal = Journal(size=100_000, total=150_000)
    for tenant in ("a", "b"):
        for number in range(3):
            journal.write(exchange(tenant=tenant, path=str(number), request_body="x" * 8000))
    for number in range(100):
        journal.write(exchange(tenant="c", path=str(number), request_body="x" * 8000))
    for number in range(12):
        journal.write(exchange(tenant="d", path=str(number), request_body="x" * 8000))
    held = {tenant: read(journal, tenant) for tenant in "abcd"}
    assert sum(len(entry.request_body or "") for entries in held.values() for entry in entries) <= 150_000
    assert (len(held["a"]), len(held["b"])) == (3, 3)
    assert (held["c"][-1].path, held["d"][-1].path) == ("99", "11")
    assert (forgotten(journal, "a"), forgotten(journal, "b")) == (0, 0)
    assert forgotten(journal, "c") == 100 - len(held["c"])


def test_numbers_are_the_tenant_s_own_and_strangers_count_with_the_default_tenant() -> None:
    journal = Journal()
    for tenant in ("north", "default", None, "north", None, "default"):
        journal.write(exchange(tenant=tenant))
    assert [entry.number for entry in read(journal, "north")] == [1, 2]
    seen = read(journal, "default", with_strangers=True)
    assert [(entry.number, entry.tenant) for entry in seen] == [(1, "default"), (2, None), (3, None), (4, "default")]
    assert [entry.number for entry in read(journal, "default", with_strangers=True, after=1, limit=2)] == [3, 4]


def test_numbers_go_on_after_a_reset_and_what_was_forgotten_is_counted_anew() -> None:
    journal = Journal(count=2)
    for _ in range(3):
        journal.write(exchange())
    journal.forget("a")
    assert forgotten(journal) == 0
    journal.write(exchange())
    assert [entry.number for entry in read(journal)] == [4]


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


def test_a_reset_with_strangers_drops_theirs_too() -> None:
    journal = Journal()
    for tenant in ("default", None, "a"):
        journal.write(exchange(tenant=tenant))
    journal.forget("default", with_strangers=True)
    assert read(journal, "default", with_strangers=True) == []
    assert len(read(journal, "a")) == 1


def test_reset_of_the_default_tenant_forgets_the_exchanges_of_unknown_callers(pacs: Any) -> None:
    pacs.get("/nothing", {"Authorization": ""})
    pacs.control("POST", "reset")
    assert [entry["operationId"] for entry in pacs.journal()] == ["resetTenant"]


def test_reset_of_another_tenant_leaves_them(pacs: Any) -> None:
    north = pacs.with_token(pacs.control("POST", "tenants").json["token"])
    pacs.get("/nothing", {"Authorization": ""})
    north.control("POST", "reset")
    assert pacs.journal()[-1]["path"] == f"{pacs.base}/nothing"


@pytest.mark.parametrize("named_by", ["bearer", "basic", "wrong password", "session", "appended to a session"])
def test_what_failed_before_the_caller_was_known_is_whose_credentials_it_names(pacs: Any, named_by: str) -> None:
    made = pacs.control("POST", "tenants").json
    north = pacs.with_token(made["token"])
    wanted = {"applicationId": "nuclei-counter", "accessionNumber": "S26-1002"}
    session = north.control("POST", "launches", json=wanted).json["sessionToken"]
    path, sent = {
        "bearer": ("/nothing", f"Bearer {made['token']}"),
        "basic": ("/nothing", basic(f"{made['user']}:{made['password']}")["Authorization"]),
        "wrong password": ("/token?applicationId=nuclei-counter", basic(f"{made['user']}:x")["Authorization"]),
        "session": (f"/launchdata?requestId=%zz&sessionToken={session}", ""),
        "appended to a session": (f"/launchdata?sessionToken={session}?appId=a&requestId=b&requestId=c", ""),
    }[named_by]
    before = len(pacs.journal())
    answer = pacs.ask("POST" if path.startswith("/token") else "GET", path, {"Authorization": sent})
    assert answer.status_code in (400, 401, 403, 404, 415)
    assert len(pacs.journal()) == before
    seen = north.control("GET", "journal").json["exchanges"][-1]
    assert (seen["status"], seen["tenant"]) == (answer.status_code, made["tenant"])


@pytest.mark.parametrize("sent", ["Basic", "Basic %%%", "Basic é", "Basic bm9ib2R5", "Bearer", "Bearer é", "x", ""])
def test_credentials_that_name_nobody_are_a_stranger_s(pacs: Any, sent: str) -> None:
    pacs.get("/nothing", {"Authorization": sent})
    assert pacs.journal()[-1]["tenant"] is None


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


def test_what_is_made_later_is_weighed_when_it_is_made() -> None:
    journal = Journal(size=20_000)
    for number in range(3):
        journal.write(exchange(path=str(number)), lambda known: replace(known, request_body="x" * 8000), held=100)
    assert forgotten(journal) == 0
    assert len(read(journal)) == 3, "who has asked gets all of them"
    assert forgotten(journal) == 1
    assert [entry.path for entry in read(journal)] == ["1", "2"]
    journal.forget("a")
    journal.write(exchange(path="new", request_body="x" * 15_000))
    assert [entry.path for entry in read(journal)] == ["new"]
    assert journal._bytes == journal._shelves["a"].bytes > 15_000


@pytest.mark.parametrize("happens", ["forgotten", "amended", "pushed out", "read by another"])
def test_what_happens_while_an_exchange_is_made_fit_to_be_shown_leaves_the_count_of_bytes_right(happens: str) -> None:
    journal = Journal(count=2)
    calls: list[int] = []

    def later(known: Exchange) -> Exchange:
        calls.append(known.number)
        if len(calls) == 1:
            if happens == "forgotten":
                journal.forget("a")
            elif happens == "amended":
                journal.amend(replace(known, path="amended", our_error="broke"))
            elif happens == "pushed out":
                journal.write(exchange(path="second"))
                journal.write(exchange(path="third"))
            else:
                assert [entry.path for entry in read(journal)] == ["shown"]
        return replace(known, path="shown", answer_body="z" * 5000)

    journal.write(exchange(path="first"), later, held=3000)
    assert [entry.path for entry in read(journal)] == ["shown"]
    left = {
        "forgotten": [],
        "amended": ["amended"],
        "pushed out": ["second", "third"],
        "read by another": ["shown"],
    }
    assert [entry.path for entry in read(journal)] == left[happens]
    known = journal._shelves.get("a")
    held = [entry.weight for entry in known.exchanges] if known else []
    assert journal._bytes == sum(held)
    assert not held or 5000 < sum(held) < 6500 or happens in ("amended", "pushed out")
    assert calls == ([1, 1] if happens == "read by another" else [1])


@pytest.mark.parametrize("later", [True, False])
def test_an_exchange_that_can_t_be_redacted_is_withheld_and_costs_no_other_one(
    pacs: Any, monkeypatch: pytest.MonkeyPatch, later: bool
) -> None:
    journal, real = pacs.server.world.journal, Redactor.body

    def broken(hide: Redactor, raw: bytes | None) -> str | None:
        if raw == b"broken":
            raise RuntimeError(raw.decode() + wires[0].target)
        return real(hide, raw)

    monkeypatch.setattr(Redactor, "body", broken)
    odd = {"violations": (Violation("body", "/s3cret-token", "came", "expected"),)}
    wires = [Wire([], "/?s3cret-token", body) for body in (b"fine", b"broken", b"fine too")]
    for wire in wires:
        record(pacs.server.world, exchange(tenant="default", path=wire.target, **({} if later else odd)), wire)
    try:
        first, withheld, last = read(journal, "default")
        assert (first.request_body, last.request_body) == ("fine", "fine too")
        assert {withheld.method, withheld.path, withheld.request_body} == {"<redacted>"}
        assert withheld.violations == ()
        assert (withheld.operation_id, withheld.status) == ("getInfo", 200)
        assert read(journal, "default")[1] == withheld
        (error,) = journal.our_errors
        assert "redaction failed: RuntimeError" in error
        assert "in broken" in error
        assert "s3cret" not in f"{withheld}{error}"
    finally:
        journal._our_errors.clear()


@pytest.mark.parametrize(
    ("method", "headers"),
    [("GET", [(f"n{number}", "v") for number in range(1000)]), ("M" * 60_000, [("Host", "here")])],
)
def test_what_would_hold_on_to_much_is_made_fit_to_be_shown_at_once(
    pacs: Any, method: str, headers: list[tuple[str, str]]
) -> None:
    world = pacs.server.world
    before = world.journal._bytes
    for _ in range(20):
        record(world, exchange(tenant="default", method=method), Wire(headers, "/"))
    assert world.journal._bytes - before < 20_000
    assert all(entry.later is None for entry in world.journal._shelves["default"].exchanges)
    assert {len(entry.method) for entry in read(world.journal, "default")} <= {3, 20}


def test_of_an_exchange_nothing_is_told_by_its_representation() -> None:
    wire = Wire([("Authorization", "Bearer s3cret-token")], "/?token=s3cret-token", b'{"password": "s3cret-token"}')
    assert "s3cret" not in repr(wire)
