"""The control plane: health, the hospital, reset, the contract and its page, and the token that opens it."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from fake_pacs.app import create_app
from fake_pacs.handlers import CONTROL_HANDLERS
from fake_pacs.handlers.control import ASSETS
from fake_pacs.settings import Settings
from fake_pacs.sql_store import SqlStore
from fake_pacs.world import World
from ia_api_spec import Contract, snapshot

MakePacs = Callable[..., Any]

APPS = [("GET", "apps"), ("POST", "apps"), ("PATCH", "apps/{applicationId}"), ("DELETE", "apps/{applicationId}")]
ACTIONS = [
    ("POST", "actions"),
    ("GET", "deliveries"),
    ("POST", "deliveries/{number}/resend"),
    ("GET", "delivery-policy"),
    ("PUT", "delivery-policy"),
]
FAULTS = [
    ("GET", "faults"),
    ("POST", "faults"),
    ("DELETE", "faults"),
    ("DELETE", "faults/{number}"),
    ("GET", "clock"),
    ("POST", "clock"),
    ("GET", "incidents"),
    ("GET", "incidents/{name}"),
    ("POST", "incidents/{name}"),
    ("DELETE", "incidents/{name}"),
]
PROTECTED = [
    *APPS,
    *ACTIONS,
    *FAULTS,
    ("GET", "metrics"),
    ("GET", "snapshot"),
    ("PUT", "snapshot"),
    ("GET", "journal"),
    ("POST", "reset"),
    ("POST", "tenants"),
    ("DELETE", "tenants/{tenant}"),
    ("POST", "launches"),
    ("GET", "hospital"),
]
OPEN = ["live", "ready", "openapi.json", "api", "api/swagger-ui.css"]


def test_every_operation_of_the_control_plane_has_a_handler_and_stands_in_this_file() -> None:
    operations = Contract.of("fake-pacs").operations
    assert set(operations) == set(CONTROL_HANDLERS)
    paths = {operation.spellings[0].path.removeprefix("/_fake_pacs/") for operation in operations.values()}
    tested = {path for _, path in PROTECTED} | {path.replace("swagger-ui.css", "{asset}") for path in OPEN}
    assert paths == tested


@pytest.mark.parametrize("path", OPEN)
def test_health_and_documents_need_no_credentials(pacs: Any, path: str) -> None:
    assert pacs.client.get(f"/_fake_pacs/{path}").status_code == 200


@pytest.mark.parametrize(("method", "path"), PROTECTED)
@pytest.mark.parametrize("token", ["", "wrong", "dev-token", "DEV-CONTROL", "dév"])
def test_everything_else_needs_the_control_token(pacs: Any, method: str, path: str, token: str) -> None:
    headers = {"X-Fake-Pacs-Control": token} if token else {}
    answer = pacs.client.open(f"/_fake_pacs/{path}", method=method, headers=headers)
    pacs.problem(answer, 401, "unauthenticated")
    assert "X-Fake-Pacs-Control" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(("method", "path"), [pair for pair in PROTECTED if pair[1] != "hospital"])
def test_the_api_s_own_token_opens_nothing_here(pacs: Any, method: str, path: str) -> None:
    pacs.refused(401, "unauthenticated", method, f"/_fake_pacs/{path}")


def test_the_control_token_opens_nothing_of_the_api(pacs: Any) -> None:
    headers = {"X-Fake-Pacs-Control": "dev-control", "Authorization": ""}
    pacs.refused(401, "unauthenticated", "GET", "/info", headers)
    pacs.with_token("dev-control").refused(401, "unauthenticated", "GET", "/info")


def test_a_wrong_bearer_token_beside_the_control_token_is_refused(pacs: Any) -> None:
    answer = pacs.control("GET", "journal", headers={"Authorization": "Bearer wrong"})
    pacs.problem(answer, 401, "unauthenticated")


def test_the_control_token_alone_means_the_default_tenant(pacs: Any) -> None:
    answer = pacs.client.get("/_fake_pacs/hospital", headers={"X-Fake-Pacs-Control": "dev-control"})
    assert answer.json["tenant"] == "default"


def test_live_answers_before_seeding_and_ready_only_afterwards(pacs: Any) -> None:
    with SqlStore() as store:
        world = World(Settings(), pacs.server.world.hospital, store)
        client = create_app(world).test_client()
        assert client.get("/_fake_pacs/live").json == {"status": "live"}
        pacs.problem(client.get("/_fake_pacs/ready"), 503, "not-ready")
        pacs.problem(client.get(f"{pacs.base}/info"), 503, "not-ready")
        world.seed()
        assert client.get("/_fake_pacs/ready").json == {"status": "ready"}
        assert client.get(f"{pacs.base}/info", headers={"Authorization": "Bearer dev-token"}).status_code == 200


@pytest.mark.parametrize("by", ["control token", "bearer alone"])
def test_the_hospital_lists_cases_slides_and_applications(pacs: Any, by: str) -> None:
    answer = pacs.get("/_fake_pacs/hospital") if by == "bearer alone" else pacs.control("GET", "hospital")
    told = answer.json
    assert (told["tenant"], told["apiVersion"], told["softwareVersion"]) == ("default", "1.10", "4.2.0.0")
    cases = {(case["accessionNumber"], case["accessionNumberIssuer"]): case["slides"] for case in told["cases"]}
    assert {key: [slide["id"] for slide in slides] for key, slides in cases.items()} == {
        ("S26-1001", "LAB-NORTH"): ["demo-he-1", "demo-ihc-1"],
        ("S26-1001", "LAB-SOUTH"): ["demo-tiff-1", "demo-focus-1"],
        ("S26-1002", "LAB-NORTH"): ["demo-dicom_1", "demo-fluor-1", "demo-pattern-1"],
    }
    assert cases["S26-1002", "LAB-NORTH"][0] == {"id": "demo-dicom_1", "staining": "H&E", "block": "A1", "files": 5}
    assert [application["applicationId"] for application in told["applications"]] == [
        "nuclei-counter",
        "tumor-finder",
        "dpat-ia-api-external-viewer",
    ]


def test_a_token_bound_to_an_application_may_look_at_the_hospital_too(pacs: Any) -> None:
    form = {"grant_type": "client_credentials"}
    answer = pacs.client.post(f"{pacs.base}/token?applicationId=tumor-finder", data=form, auth=("dev", "dev"))
    assert pacs.with_token(answer.json["access_token"]).get("/_fake_pacs/hospital").status_code == 200


def test_the_hospital_shows_slides_added_meanwhile(pacs: Any) -> None:
    pacs.server.add_slide({"id": "late", "accessionNumber": "LATE-1"})
    cases = pacs.control("GET", "hospital").json["cases"]
    assert cases[-1]["accessionNumber"] == "LATE-1"
    assert cases[-1]["slides"][0]["id"] == "late"


def test_reset_puts_the_tenant_back_to_its_seeded_state(pacs: Any) -> None:
    before = pacs.get("/slides/demo-he-1/info").json["qualityControl"]
    pacs.create(attachments=[{"name": "a"}])
    pacs.put("/applications/nuclei-counter/results/1/attachments?name=a", data=b"x")
    state = {"applicationVersion": "1", "qualityControl": {**before, "status": "Rejected"}}
    assert pacs.put("/slides/demo-he-1/qualityControl", json=state).status_code == 200
    form = {"grant_type": "client_credentials"}
    issued = pacs.client.post(f"{pacs.base}/token?applicationId=tumor-finder", data=form, auth=("dev", "dev")).json

    assert pacs.control("POST", "reset").json == {"tenant": "default"}

    after = pacs.get("/slides/demo-he-1/info").json["qualityControl"]
    assert after["status"] == "NotSet"
    assert after["versionId"] != before["versionId"], "what was read before is stale"
    pacs.refused(404, "unknown-result", "GET", "/applications/nuclei-counter/results/1")
    pacs.with_token(issued["access_token"]).refused(401, "unauthenticated", "GET", "/info")
    again = pacs.client.post(f"{pacs.base}/token?applicationId=tumor-finder", data=form, auth=("dev", "dev"))
    assert again.status_code == 200, "its users stay"
    assert pacs.create()["id"] == 1


@pytest.mark.parametrize("version", ["1.8", "1.9", "1.10"])
def test_the_contract_is_served_in_every_version_with_this_server_s_address(pacs: Any, version: str) -> None:
    document = pacs.client.get(f"/_fake_pacs/openapi.json?version={version}", headers={"Host": "pacs:81"}).json
    expected = snapshot("ia-api", version)
    assert document["servers"][0]["url"] == f"http://pacs:81{pacs.base}"
    assert document["paths"] == expected["paths"]
    assert document["components"] == expected["components"]


@pytest.mark.parametrize(
    ("query", "title", "version"),
    [
        ("", "ia-api", "1.9"),
        ("?version=1.5", "ia-api", "1.8"),
        ("?version=2.0", "ia-api", "1.9"),
        ("?version=1.10", "ia-api", "1.9"),
        ("?document=ia-app&version=1.8", "ia-app", "1.8"),
        ("?document=fake-pacs", "fake-pacs", "1.9"),
    ],
)
def test_the_document_follows_the_rules_of_versions(make_pacs: MakePacs, query: str, title: str, version: str) -> None:
    document = make_pacs(api_version="1.9").client.get(f"/_fake_pacs/openapi.json{query}").json
    assert document["info"] == snapshot(title, version)["info"]
    if title == "fake-pacs":
        assert document["servers"][0]["url"] == "http://localhost"


@pytest.mark.parametrize("query", ["version=x", "version=", "version=1.", "document=other"])
def test_an_unknown_document_is_400(pacs: Any, query: str) -> None:
    pacs.refused(400, "invalid-request", "GET", f"/_fake_pacs/openapi.json?{query}")


def test_the_api_page_needs_no_internet(pacs: Any) -> None:
    answer = pacs.client.get("/_fake_pacs/api")
    assert answer.content_type.startswith("text/html")
    page = answer.get_data(as_text=True)
    assert "//" not in page, "no address of another host"
    links = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert sorted(links) == sorted(f"api/{name}" for name in ASSETS)
    assert "openapi.json?version=1.10" in page


@pytest.mark.parametrize("name", ASSETS)
def test_the_page_s_files_are_served_from_here(pacs: Any, name: str) -> None:
    answer = pacs.client.get(f"/_fake_pacs/api/{name}")
    assert answer.status_code == 200
    assert answer.content_type.startswith(ASSETS[name])
    assert len(answer.data) > 500


@pytest.mark.parametrize("name", ["nothing.js", "..", "..%2F..%2Fapp.py", "index.html", "swagger-ui.css%00", "%2e%2e"])
def test_no_other_file_is_served(pacs: Any, name: str) -> None:
    pacs.problem(pacs.client.get(f"/_fake_pacs/api/{name}"), 404, "unknown-path")


@pytest.mark.parametrize(("method", "path"), [*PROTECTED, *(("GET", path) for path in OPEN)])
def test_a_malformed_query_is_400_everywhere(pacs: Any, method: str, path: str) -> None:
    sent = {"data": b"{}", "content_type": "application/x-ndjson"} if path == "snapshot" else {"json": {}}
    answer = pacs.control(method, f"{path}?a=%zz", **sent)
    pacs.problem(answer, 400, "invalid-request")


@pytest.mark.parametrize("path", ["", "nothing", "live/", "/live", "tenants/a/b", "launches/1"])
def test_an_unknown_path_is_404(pacs: Any, path: str) -> None:
    pacs.problem(pacs.control("GET", path), 404, "unknown-path")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "live"), ("DELETE", "tenants"), ("PUT", "reset"), ("HEAD", "api")]
)
def test_another_method_is_405_with_allow(pacs: Any, method: str, path: str) -> None:
    answer = pacs.control(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] in ("GET", "POST")


def test_what_the_control_plane_answers_carries_no_version_of_the_api(pacs: Any) -> None:
    assert "X-Sectra-ApiVersion" not in pacs.control("GET", "live").headers
    assert "X-Sectra-ApiVersion" not in pacs.control("GET", "nothing").headers


def test_a_version_header_changes_nothing_here(pacs: Any) -> None:
    assert pacs.control("GET", "live", headers={"X-Sectra-ApiVersion": "nonsense"}).status_code == 200
