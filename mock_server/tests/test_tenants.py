"""Tenants: parallel jobs on one server never see each other."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

MakePacs = Callable[..., Any]
RESULTS = "/applications/nuclei-counter/results"


def fresh(pacs: Any, **wanted: str) -> tuple[Any, dict[str, str]]:
    """A caller of a new tenant, and what the tenant was made with."""
    answer = pacs.control("POST", "tenants", **({"json": wanted} if wanted else {}))
    assert answer.status_code == 201, answer.data
    made = answer.json
    return pacs.with_token(made["token"]), made


def test_one_call_makes_a_seeded_tenant_with_token_user_and_password(pacs: Any) -> None:
    caller, made = fresh(pacs)
    assert set(made) == {"tenant", "token", "user", "password", "url"}
    assert made["url"] == f"http://localhost{pacs.base}"
    assert caller.get("/_fake_pacs/hospital").json["tenant"] == made["tenant"]
    assert caller.get("/slides/demo-he-1/info").status_code == 200
    form, path = {"grant_type": "client_credentials"}, f"{pacs.base}/token?applicationId=nuclei-counter"
    issued = pacs.client.post(path, data=form, auth=(made["user"], made["password"])).json
    assert pacs.with_token(issued["access_token"]).get("/_fake_pacs/hospital").json["tenant"] == made["tenant"]


def test_a_tenant_may_be_named(pacs: Any) -> None:
    assert fresh(pacs, tenant="job-17")[1]["tenant"] == "job-17"


@pytest.mark.parametrize("name", ["job-17", "default", "dev"])
def test_a_name_that_is_taken_is_409_and_leaves_nothing_behind(pacs: Any, name: str) -> None:
    fresh(pacs, tenant="job-17")
    before = pacs.server.world.store.tenants()
    pacs.problem(pacs.control("POST", "tenants", json={"tenant": name}), 409, "name-taken")
    assert pacs.server.world.store.tenants() == before
    assert pacs.get("/info").status_code == 200


@pytest.mark.parametrize(
    "sent", [{"tenant": ""}, {"tenant": "a b"}, {"tenant": 1}, {"tenant": "a" * 65}, {"name": "a"}, []]
)
def test_a_name_that_cannot_be_is_400(pacs: Any, sent: Any) -> None:
    pacs.problem(pacs.control("POST", "tenants", json=sent), 400, "invalid-request")
    assert pacs.server.world.store.tenants() == ["default"]


def test_results_and_their_ids_are_the_tenant_s_own(pacs: Any) -> None:
    north, _ = fresh(pacs)
    south, _ = fresh(pacs)
    assert [caller.create()["id"] for caller in (north, north, south, pacs)] == [1, 2, 1, 1]
    south.refused(404, "unknown-result", "GET", f"{RESULTS}/2")
    assert len(north.get(f"{RESULTS}/slide/demo-he-1").json) == 2
    assert len(pacs.get(f"{RESULTS}/slide/demo-he-1").json) == 1


def test_attachments_are_the_tenant_s_own(pacs: Any) -> None:
    north, _ = fresh(pacs)
    for caller, content in ((north, b"north"), (pacs, b"default")):
        caller.create(attachments=[{"name": "a"}])
        assert caller.put(f"{RESULTS}/1/attachments?name=a", data=content).status_code == 200
    assert north.get(f"{RESULTS}/1/attachments?name=a").data == b"north"
    assert pacs.get(f"{RESULTS}/1/attachments?name=a").data == b"default"


def test_quality_control_is_the_tenant_s_own(pacs: Any) -> None:
    north, _ = fresh(pacs)
    states = [caller.get("/slides/demo-he-1/info").json["qualityControl"] for caller in (north, pacs)]
    assert states[0]["versionId"] != states[1]["versionId"]
    sent = {"applicationVersion": "1", "qualityControl": {"status": "Rejected", "versionId": states[0]["versionId"]}}
    pacs.refused(409, "stale-version", "PUT", "/slides/demo-he-1/qualityControl", json=sent)
    assert north.put("/slides/demo-he-1/qualityControl", json=sent).status_code == 200
    assert pacs.get("/slides/demo-he-1/info").json["qualityControl"] == states[1]


def test_a_launch_belongs_to_the_tenant_that_made_it(pacs: Any) -> None:
    north, made = fresh(pacs)
    wanted = {"applicationId": "nuclei-counter", "accessionNumber": "S26-1002"}
    launch = north.control("POST", "launches", json=wanted).json
    address = launch["launchDataUrl"].removeprefix("http://localhost")
    token = pacs.client.get(address).json["callbackInfo"]["token"]
    assert pacs.with_token(token).get("/_fake_pacs/hospital").json["tenant"] == made["tenant"]


def test_reset_touches_no_other_tenant(pacs: Any) -> None:
    north, made = fresh(pacs)
    north.create()
    pacs.create()
    assert north.control("POST", "reset").json == {"tenant": made["tenant"]}
    north.refused(404, "unknown-result", "GET", f"{RESULTS}/1")
    assert pacs.get(f"{RESULTS}/1").status_code == 200
    pacs.control("POST", "reset")
    assert north.get("/info").status_code == 200, "a tenant's own token stays"


def test_a_removed_tenant_opens_nothing_and_its_name_is_free(pacs: Any) -> None:
    north, _ = fresh(pacs, tenant="job-17")
    north.create()
    pacs.create()
    name = "job-17"
    assert pacs.control("DELETE", f"tenants/{name}").status_code == 204
    north.refused(401, "unauthenticated", "GET", f"{RESULTS}/1")
    pacs.problem(pacs.control("DELETE", "tenants/job-17"), 404, "unknown-tenant")
    assert pacs.server.world.store.tenants() == ["default"]
    again, _ = fresh(pacs, tenant="job-17")
    again.refused(404, "unknown-result", "GET", f"{RESULTS}/1")
    assert again.control("GET", "journal").json["exchanges"][0]["status"] == 404, "the former journal is gone"
    assert pacs.get(f"{RESULTS}/1").status_code == 200


def test_the_default_tenant_can_t_be_removed(pacs: Any) -> None:
    before = pacs.everything()
    problem = pacs.problem(pacs.control("DELETE", "tenants/default"), 409, "default-tenant")
    assert "reset" in problem["hint"]
    assert pacs.everything() == before


def test_a_tenant_that_goes_while_it_is_served_is_no_error_of_ours(pacs: Any) -> None:
    north, _ = fresh(pacs)
    store = pacs.server.world.store
    update, store.create_result = (
        store.create_result,
        lambda *given, **named: store.remove_tenant(given[0]) or update(*given, **named),
    )
    north.refused(401, "unauthenticated", "POST", RESULTS, json=pacs.result())


def test_the_journal_shows_a_tenant_only_its_own_exchanges(pacs: Any) -> None:
    north, _ = fresh(pacs)
    north.get("/slides/demo-he-1/label")
    north.get("/application/nuclei-counter/results/1")
    north.ask("DELETE", "/info")
    pacs.get("/slides/demo-he-1/info")
    pacs.get("/nothing")
    pacs.get("/nothing", {"Authorization": ""})
    own = north.control("GET", "journal").json["exchanges"]
    assert [(entry["operationId"], entry["status"]) for entry in own] == [
        ("getSlideLabel", 200),
        (None, 404),
        (None, 405),
    ]
    seen = pacs.control("GET", "journal").json["exchanges"]
    assert {entry["tenant"] for entry in seen} == {"default", None}
    assert [entry["path"].removeprefix(pacs.base) for entry in seen if entry["tenant"] is None] == ["/nothing"]
    assert "getSlideInfo" in [entry["operationId"] for entry in seen]


def test_parallel_jobs_do_not_see_each_other(pacs: Any) -> None:
    def job(number: int) -> list[int]:
        caller, _ = fresh(pacs, tenant=f"job-{number}")
        for index in range(10):
            assert caller.create(displayResult=f"{number}/{index}")["id"] == index + 1
        listed = caller.get(f"{RESULTS}/slide/demo-he-1").json
        assert [stored["displayResult"] for stored in listed] == [f"{number}/{index}" for index in range(10)]
        return [stored["id"] for stored in listed]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(job, range(8))) == [list(range(1, 11))] * 8


def test_of_tenants_that_are_gone_no_faults_are_kept(pacs: Any) -> None:
    for number in range(3):
        made = pacs.control("POST", "tenants", json={"tenant": f"gone-{number}"}).json
        assert pacs.control("POST", "reset", headers={"Authorization": f"Bearer {made['token']}"}).status_code == 200
        assert pacs.control("DELETE", f"tenants/gone-{number}").status_code == 204
    assert pacs.server.world.faults._tenants.keys().isdisjoint({"gone-0", "gone-1", "gone-2"})
