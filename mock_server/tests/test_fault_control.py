"""Faults, the clock and incidents over the control plane."""

from collections.abc import Callable
from typing import Any

import pytest

from fake_pacs.faults.documents import members_of
from fake_pacs.faults.effects import EFFECTS, ONLY_LATENCY
from ia_api_spec import Contract

MakePacs = Callable[..., Any]

WHOLE: list[dict[str, Any]] = [
    {"operationId": "getInfo", "kind": "status", "times": 1, "status": 503},
    {"operationId": "*", "kind": "status", "times": None, "after": 3, "status": 302, "headers": {"Location": "/x"}},
    {"operationId": "getInfo", "kind": "status", "times": 1, "status": 502, "body": "<p>", "mediaType": "text/html"},
    {"operationId": "createResult", "kind": "status", "times": 1, "status": 202, "carriedOut": True},
    {"operationId": "getInfo", "kind": "too-many-requests", "times": 2, "retryAfter": 5, "httpDate": True},
    {"operationId": "getTile", "kind": "latency", "times": None, "latency": {"seconds": 0.5, "seed": 3}},
    {
        "operationId": "getTile",
        "kind": "latency",
        "times": 9,
        "latency": {"seconds": 0.2, "distribution": "normal", "deviation": 0.1, "minimum": 0.1, "maximum": 1.0},
    },
    {"operationId": "createResult", "kind": "reset", "times": 1, "carriedOut": False},
    {"operationId": "getSlideFiles", "kind": "reset", "times": 1, "afterBytes": 10},
    {"operationId": "getSlideFiles", "kind": "truncate", "times": 1, "match": {"slideId": "demo-he-1"}},
    {"operationId": "getSlideFiles", "kind": "dribble", "times": 1, "bytesPerSecond": 1000},
    {"operationId": "getSlideFiles", "kind": "malformed-multipart", "times": 1, "damage": "torn"},
    {"operationId": "getSlideFiles", "kind": "wrong-length", "times": 1, "by": -3},
    {"operationId": "*", "kind": "expire-token", "times": 1, "afterCalls": 3},
    {
        "operationId": "getResult",
        "kind": "expire-token",
        "times": 1,
        "afterBytes": 3,
        "match": {"applicationId": "a", "resultId": 4},
    },
]


@pytest.mark.parametrize("fault", WHOLE, ids=lambda fault: fault["kind"])
def test_a_fault_is_put_in_and_told_as_it_was_asked(pacs: Any, fault: dict[str, Any]) -> None:
    answer = pacs.control("POST", "faults", json=fault)
    assert answer.status_code == 201, answer.data
    expected = {"number": 1, "fault": fault, "met": 0, "taken": 0, "left": fault["times"], "exchanges": []}
    assert answer.json == expected
    assert pacs.control("GET", "faults").json["faults"] == [expected]


def test_every_kind_is_asked_for_here_and_stands_in_the_contract() -> None:
    schema = Contract.of("fake-pacs").document["components"]["schemas"]["Fault"]
    kinds = {*EFFECTS, ONLY_LATENCY}
    assert set(schema["properties"]["kind"]["enum"]) == kinds == {fault["kind"] for fault in WHOLE}
    shared = {"operationId", "kind", "times", "after", "match", "latency"}
    assert set(schema["properties"]) - shared == {name for kind in kinds for name in members_of(kind)}


def test_what_a_fault_took_can_be_asked(pacs: Any) -> None:
    pacs.control("POST", "faults", json={"operationId": "getInfo", "kind": "status", "status": 503})
    assert [pacs.get("/info").status_code for _ in range(2)] == [503, 200]
    (record,) = pacs.control("GET", "faults").json["faults"]
    number = record["exchanges"][0]["exchange"]
    assert (record["met"], record["taken"], record["left"]) == (1, 1, 0)
    (entry,) = [entry for entry in pacs.control("GET", "journal").json["exchanges"] if entry["number"] == number]
    assert (entry["status"], entry["operationId"]) == (503, "getInfo")
    assert entry["faults"] == ["#1 status on getInfo (1x)"]


@pytest.mark.parametrize("number", ["0", "x", "1.5", "-1"])
def test_what_is_no_number_of_a_fault_is_400(pacs: Any, number: str) -> None:
    answer = pacs.ask("DELETE", f"/_fake_pacs/faults/{number}", {"X-Fake-Pacs-Control": "dev-control"})
    pacs.problem(answer, 400, "invalid-request")


def test_faults_are_taken_out_one_by_one_or_all(pacs: Any) -> None:
    for status in (500, 501, 502):
        pacs.control("POST", "faults", json={"operationId": "getInfo", "kind": "status", "status": status})
    assert pacs.control("DELETE", "faults/2").json == {"tenant": "default"}
    assert [record["number"] for record in pacs.control("GET", "faults").json["faults"]] == [1, 3]
    pacs.problem(pacs.control("DELETE", "faults/2"), 404, "unknown-fault")
    assert pacs.control("DELETE", "faults").json == {"tenant": "default"}
    assert pacs.control("GET", "faults").json["faults"] == []
    assert pacs.get("/info").status_code == 200


def test_a_reset_of_the_tenant_forgets_its_faults(pacs: Any) -> None:
    pacs.server.faults.status("*", 500, times=None)
    pacs.server.faults.expire_token(after_calls=0)
    incident = pacs.server.incident("slide-rescanned")
    pacs.control("POST", "reset")
    assert pacs.get("/info").status_code == 200
    assert pacs.control("GET", "faults").json["faults"] == []
    assert (incident.state, pacs.control("GET", "incidents").json["begun"]) == ("over", [])


def test_the_control_plane_is_never_touched(pacs: Any) -> None:
    pacs.server.faults.status("*", 500, times=None)
    pacs.server.faults.expire_token(after_calls=0)
    assert pacs.get("/info").status_code == 401
    assert pacs.control("GET", "faults").status_code == 200


def test_tenants_have_faults_of_their_own(pacs: Any) -> None:
    other = pacs.with_token(pacs.control("POST", "tenants").json["token"])
    other.control("POST", "faults", json={"operationId": "getInfo", "kind": "status", "status": 503, "times": None})
    assert (pacs.get("/info").status_code, other.get("/info").status_code) == (200, 503)
    assert pacs.control("GET", "faults").json["faults"] == []


@pytest.mark.parametrize(
    ("fault", "pointer", "expected"),
    [
        ({"operationId": "getInfoo", "kind": "status", "status": 500}, "/operationId", "did you mean getInfo"),
        ({"operationId": "getInfo", "kind": "status"}, "/status", "needs it"),
        ({"operationId": "getInfo", "kind": "status", "status": 600}, "/status", "599"),
        ({"operationId": "getInfo", "kind": "status", "status": 500, "by": 3}, "/by", "takes status, headers"),
        ({"operationId": "getInfo", "kind": "latency"}, "/latency", "how long"),
        ({"operationId": "getInfo", "kind": "latency", "latency": {}}, "/latency/seconds", "a number"),
        (
            {"operationId": "getInfo", "kind": "latency", "latency": {"distribution": "uniform", "seconds": 1}},
            "/latency/seconds",
            "nothing",
        ),
        (
            {"operationId": "getInfo", "kind": "latency", "latency": {"seconds": 1, "minimum": 3, "maximum": 2}},
            "/latency/minimum",
            "minimum <= maximum",
        ),
        ({"operationId": "getInfo", "kind": "truncate", "afterBytes": -1}, "/afterBytes", "0"),
        ({"operationId": "getInfo", "kind": "wrong-length", "by": 0}, "/by", "other than 0"),
        ({"operationId": "getInfo", "kind": "malformed-multipart", "damage": "torn"}, "/operationId", "getSlideFiles"),
        ({"operationId": "*", "kind": "expire-token"}, "/afterCalls", "either afterCalls or afterBytes"),
        ({"operationId": "*", "kind": "expire-token", "afterCalls": 1, "after": 1}, "/kind", "neither after nor"),
        ({"operationId": "getInfo", "kind": "status", "status": 204, "body": "x"}, "/body", "leave it out"),
        ({"operationId": "getInfo", "kind": "other"}, "/kind", "one of"),
        ({"operationId": "getInfo", "kind": "status", "status": 500, "headers": {"A b": "c"}}, "/headers", "ASCII"),
    ],
)
def test_a_wrong_fault_is_400_with_its_place(pacs: Any, fault: Any, pointer: str, expected: str) -> None:
    problem = pacs.problem(pacs.control("POST", "faults", json=fault), 400, "invalid-request")
    assert problem["violations"][0]["pointer"] == pointer
    assert expected in problem["violations"][0]["expected"]
    assert pacs.control("GET", "faults").json["faults"] == []


def test_the_clock_is_told_and_moved(pacs: Any) -> None:
    assert pacs.control("GET", "clock").json["offset"] == 0
    month = 30 * 86400
    moved = pacs.control("POST", "clock", json={"advance": month}).json
    assert moved["offset"] == month
    stands = pacs.control("POST", "clock", json={"set": "2027-01-01T00:00:00Z", "freeze": True}).json
    assert (stands["now"], stands["frozen"]) == ("2027-01-01T00:00:00.000+00:00", True)
    assert pacs.control("POST", "clock", json={"advance": 60}).json["now"] == "2027-01-01T00:01:00.000+00:00"
    assert pacs.control("POST", "clock", json={"freeze": False}).json["frozen"] is False
    back = pacs.control("POST", "clock", json={"reset": True}).json
    assert (back["offset"], back["frozen"]) == (0, False)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"advance": -1},
        {"advance": "1"},
        {"advance": 1e300},
        {"set": "2027-01-01T00:00:00"},
        {"set": "yesterday"},
        {"set": "2027-13-01T00:00:00Z"},
        {"freeze": 1},
        {"back": True},
        {"set": "2027-01-01T00:00:00Z", "advance": 1e15},
        {"set": "2027-01-01T00:00:00Z", "advance": 1e12, "freeze": True},
        {"reset": True, "set": "9999-01-01T00:00:00Z"},
    ],
)
def test_a_wrong_move_is_400_and_moves_nothing(pacs: Any, body: Any) -> None:
    pacs.problem(pacs.control("POST", "clock", json=body), 400, "invalid-request")
    assert pacs.control("GET", "clock").json["offset"] == 0


def test_beyond_the_last_year_there_is_no_time(pacs: Any) -> None:
    pacs.control("POST", "clock", json={"set": "8999-12-31T23:59:59Z", "freeze": True})
    pacs.control("POST", "faults", json={"operationId": "getInfo", "kind": "too-many-requests", "httpDate": True})
    assert pacs.get("/info").headers["Retry-After"] == "Wed, 01 Jan 9000 00:00:00 GMT"
    form, path = {"grant_type": "client_credentials"}, f"{pacs.base}/token?applicationId=tumor-finder"
    assert pacs.client.post(path, data=form, auth=("dev", "dev")).status_code == 200
    problem = pacs.problem(pacs.control("POST", "clock", json={"advance": 3600}), 400, "invalid-request")
    assert problem["violations"][0]["pointer"] == "/advance"


def test_tokens_expire_by_the_moved_clock(pacs: Any) -> None:
    form = {"grant_type": "client_credentials"}
    granted = pacs.client.post(f"{pacs.base}/token?applicationId=tumor-finder", data=form, auth=("dev", "dev")).json
    bound = pacs.with_token(granted["access_token"])
    pacs.control("POST", "clock", json={"advance": granted["expires_in"] - 60})
    assert bound.get("/info").status_code == 200
    pacs.control("POST", "clock", json={"advance": 61})
    bound.refused(401, "unauthenticated", "GET", "/info")


def test_incidents_are_listed_begun_asked_and_ended(pacs: Any) -> None:
    listed = pacs.control("GET", "incidents").json
    assert "slide-rescanned" in [kind["name"] for kind in listed["known"]]
    assert listed["begun"] == []
    begun = pacs.control("POST", "incidents/slide-rescanned", json={"slideId": "demo-he-1"})
    assert (begun.status_code, begun.json["state"], begun.json["verdict"]) == (201, "armed", "not exercised")
    pacs.get("/slides/demo-he-1/info")
    asked = pacs.control("GET", "incidents/slide-rescanned").json
    assert asked["state"] == "happened"
    assert asked["happened"][0].startswith("demo-he-1 was ")
    assert pacs.control("DELETE", "incidents/slide-rescanned").json["state"] == "over"
    answer = pacs.ask("GET", f"/_fake_pacs/incidents/{asked['name']}", {"X-Fake-Pacs-Control": "dev-control"})
    assert answer.json["state"] == "over"
    assert [incident["state"] for incident in pacs.control("GET", "incidents").json["begun"]] == ["over"]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_incident_is_404(pacs: Any, method: str) -> None:
    problem = pacs.problem(pacs.control(method, "incidents/earthquake"), 404, "unknown-incident")
    assert "slide-rescanned" in problem["hint"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_incident_that_was_not_begun_is_404(pacs: Any, method: str) -> None:
    problem = pacs.problem(pacs.control(method, "incidents/slide-rescanned"), 404, "unknown-incident")
    assert "POST" in problem["hint"]


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"slideId": "nowhere"}, 404, "unknown-slide"),
        ({"applicationId": "nobody"}, 404, "unknown-application"),
        ({"seconds": 61}, 400, "invalid-request"),
        ({"count": 0}, 400, "invalid-request"),
        ({"what": 1}, 400, "invalid-request"),
    ],
)
def test_an_incident_about_nothing_is_refused(pacs: Any, body: Any, status: int, kind: str) -> None:
    pacs.problem(pacs.control("POST", "incidents/restart-during-write", json=body), status, kind)
    assert pacs.control("GET", "incidents").json["begun"] == []
