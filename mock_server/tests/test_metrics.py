"""Metrics: what the server has done, by operation and status, never by path or tenant."""

import threading
from collections.abc import Callable
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fake_pacs.embedding import MockSectraServer, Reply
from fake_pacs.handlers import CONTROL_HANDLERS, HANDLERS
from fake_pacs.refusals import Refusals
from fake_pacs.world import contract
from ia_api_spec import NEWEST

RESULTS = "/applications/nuclei-counter/results"
Samples = dict[tuple[str, ...], float]


def samples(pacs: Any) -> Samples:
    """Each sample's value by its name and label values."""
    answer = pacs.control("GET", "metrics")
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    families = text_string_to_metric_families(answer.get_data(as_text=True))
    return {(it.name, *it.labels.values()): it.value for family in families for it in family.samples}


def test_requests_bytes_refusals_and_tokens_are_counted(pacs: Any) -> None:
    stored = pacs.create(attachments=[{"name": "a"}])
    pacs.put(f"{RESULTS}/1/attachments?name=a", data=b"x" * 1000)
    got = pacs.get(f"{RESULTS}/1/attachments?name=a")
    pacs.refused(409, "stale-version", "PUT", f"{RESULTS}/1", json={**stored, "versionId": "x"})
    pacs.refused(400, "invalid-request", "POST", RESULTS, json={})
    pacs.client.get("/no/such/path")
    form = {"grant_type": "client_credentials"}
    pacs.client.post(f"{pacs.base}/token?applicationId=nuclei-counter", data=form, auth=("dev", "dev"))
    found = samples(pacs)
    assert found["fake_pacs_requests_total", "createResult", "201"] == 1
    assert found["fake_pacs_requests_total", "createResult", "400"] == 1
    assert found["fake_pacs_requests_total", "none", "404"] == 1
    assert found["fake_pacs_request_duration_seconds_count", "createResult"] == 2
    assert found["fake_pacs_request_body_bytes_total", "putAttachment"] == 1000
    assert found["fake_pacs_answer_body_bytes_total", "getAttachment"] == len(got.data) == 1000
    assert found["fake_pacs_refusals_total", "stale-version"] == 1
    assert found["fake_pacs_refusals_total", "invalid-request"] == 1
    assert found["fake_pacs_contract_breaks_total", "caller"] == 1
    assert ("fake_pacs_contract_breaks_total", "server") not in found
    assert found["fake_pacs_tokens_issued_total", "issued"] == 1
    assert not [name for name in found if name[0].endswith("_created")]


def test_an_answer_of_ours_that_breaks_the_contract_counts_as_ours(make_pacs: Callable[..., Any]) -> None:
    from fake_pacs.app import create_app

    pacs = make_pacs(may_break=True)

    def wrong(call: Any, world: Any) -> Reply:
        return Reply(body={}, media_type="application/json")

    app = create_app(pacs.server.world, {**HANDLERS, "getInfo": wrong})
    app.test_client().get(f"{pacs.base}/info", headers={"Authorization": f"Bearer {pacs.token}"})
    assert samples(pacs)["fake_pacs_contract_breaks_total", "server"] == 1


def test_calls_of_apps_are_counted(make_pacs: Callable[..., Any], make_hook: Any, http_answer: Any) -> None:
    pacs = make_pacs(public_url="http://pacs.example")
    hook = make_hook(pacs.server)
    station = pacs.server.workstation()
    assert station.start(hook.id, "demo-he-1").ok
    hook.answers = lambda _: http_answer(503)
    station.start(hook.id, "demo-he-1")
    pacs.server.world.store.put_app("default", replace(pacs.server.apps()[0], url="http://localhost:1/gone"))
    station.start(hook.id, "demo-he-1")
    found = samples(pacs)
    assert found["fake_pacs_app_calls_total", "getRegistration", "200"] == 1
    assert found["fake_pacs_app_calls_total", "getAppInfo", "200"] == 1
    assert [found["fake_pacs_app_calls_total", "invoke", status] for status in ("200", "503", "none")] == [1, 1, 1]
    assert found["fake_pacs_app_call_duration_seconds_count", "invoke"] == 3
    assert found["fake_pacs_app_findings_total", "answer.status"] == 1
    assert found["fake_pacs_app_findings_total", "answer.unreachable"] == 1


def test_what_fell_out_of_the_journal_is_counted_and_never_counted_back(pacs: Any) -> None:
    pacs.server.world.journal._count = 5
    for _ in range(8):
        pacs.get("/info")
    assert samples(pacs)["fake_pacs_journal_forgotten_total",] == 3
    pacs.control("POST", "reset")
    assert samples(pacs)["fake_pacs_journal_forgotten_total",] >= 3


def test_labels_are_bounded_whatever_callers_send(pacs: Any) -> None:
    for number in range(30):
        pacs.get(f"/slides/s{number}/info")
        pacs.client.get(f"/path/{number}")
        pacs.ask(f"METHOD{number}", "/info")
        made = pacs.control("POST", "tenants").json
        pacs.with_token(made["token"]).get("/info")
    known = {*HANDLERS, *CONTROL_HANDLERS, "none"}
    problems = {kind.value.name for kind in Refusals}
    for name, *labels in samples(pacs):
        if name == "fake_pacs_refusals_total":
            assert labels[0] in problems
        elif name.startswith("fake_pacs_request") and labels:
            assert known & set(labels), labels
    assert len(samples(pacs)) < 200


def test_two_servers_in_a_process_count_for_themselves(make_pacs: Callable[..., Any]) -> None:
    one, other = make_pacs(), make_pacs()
    one.get("/info")
    assert ("fake_pacs_requests_total", "getInfo", "200") in samples(one)
    assert ("fake_pacs_requests_total", "getInfo", "200") not in samples(other)


def test_a_request_is_in_flight_until_its_answer_is_out(run_pacs: Callable[..., MockSectraServer]) -> None:
    server = run_pacs()
    metrics = server.world.metrics
    base = contract("ia-api", NEWEST).base_path
    client = HTTPConnection("localhost", server.port, timeout=10)
    headers = {"Authorization": f"Bearer {server.token}"}
    for path in ("/info", "/slides/demo-dicom_1/files", "/nothing", "/slides/demo-he-1/label"):
        client.request("GET", base + path, headers=headers)
        client.getresponse().read()
    client.request("GET", base + "/slides/demo-dicom_1/files", headers=headers)
    client.getresponse().read(10)
    client.close()
    idle = threading.Event()
    for _ in range(100):
        if metrics.tally().in_flight == 0:
            break
        idle.wait(0.05)
    assert metrics.tally().in_flight == 0


@pytest.mark.parametrize(
    ("name", "scheme", "status"),
    [
        ("Authorization", "Bearer {control}", 200),
        ("Authorization", "bearer {control}", 200),
        ("X-Fake-Pacs-Control", "{control}", 200),
        ("Authorization", "Bearer {token}", 401),
        ("Authorization", "Basic {control}", 401),
        ("Authorization", "Bearer ümlaut", 401),
        ("X-Fake-Pacs-Control", "{token}", 401),
        ("X-Nothing", "", 401),
    ],
)
def test_the_control_token_opens_them_as_a_bearer_token_too(pacs: Any, name: str, scheme: str, status: int) -> None:
    value = scheme.format(control=pacs.server.control_token, token=pacs.token)
    answer = pacs.client.get("/_fake_pacs/metrics", headers={name: value.encode().decode("latin-1")})
    assert answer.status_code == status
    if status == 401:
        assert "Bearer" in answer.headers["WWW-Authenticate"] or "ControlToken" in answer.headers["WWW-Authenticate"]


def test_the_control_token_as_a_bearer_token_opens_nothing_else(pacs: Any) -> None:
    pacs.with_token(pacs.server.control_token).refused(401, "unauthenticated", "GET", "/_fake_pacs/journal")
    pacs.with_token(pacs.server.control_token).refused(401, "unauthenticated", "GET", "/info")
