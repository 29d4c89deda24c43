"""Browser-launched applications: launch data for a session token, the viewer's quirk, the callback token."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fake_pacs.clock import ManualClock

MakePacs = Callable[..., Any]
VIEWER = "dpat-ia-api-external-viewer"
BASE = "/SectraPathologyServer/external/imageanalysis/v1"


def launch(pacs: Any, application: str = VIEWER, number: str = "S26-1002", issuer: str | None = None) -> dict[str, str]:
    wanted = {"applicationId": application, "accessionNumber": number}
    wanted |= {"accessionNumberIssuer": issuer} if issuer else {}
    answer = pacs.control("POST", "launches", json=wanted)
    assert answer.status_code == 201, answer.data
    made: dict[str, str] = answer.json
    return made


def data(pacs: Any, request: str, session: str, application: str) -> Any:
    path = f"/launchdata?requestId={request}&sessionToken={session}&appId={application}"
    return pacs.get(path, {"Authorization": ""})


def test_launch_data_name_the_callback_and_the_blocks_with_their_slides(pacs: Any) -> None:
    made = launch(pacs)
    answer = data(pacs, made["requestId"], made["sessionToken"], made["appId"])
    assert answer.status_code == 200
    told = answer.json
    assert told["callbackInfo"]["url"] == f"http://localhost{pacs.base}"
    assert told["blocks"] == [
        {"name": "A1", "slides": [{"id": "demo-dicom_1", "description": "H&E"}]},
        {"name": "A2", "slides": [{"id": "demo-fluor-1", "description": "IgG immunofluorescence"}]},
        {"name": "A3", "slides": [{"id": "demo-pattern-1", "description": "Test pattern"}]},
    ]


def test_a_block_lists_all_its_slides(pacs: Any) -> None:
    made = launch(pacs, number="S26-1001", issuer="LAB-NORTH")
    (block,) = data(pacs, "S26-1001", made["sessionToken"], VIEWER).json["blocks"]
    assert [slide["id"] for slide in block["slides"]] == ["demo-he-1", "demo-ihc-1"]


def test_the_launch_names_the_whole_address(pacs: Any) -> None:
    made = launch(pacs)
    address = urlsplit(made["launchDataUrl"])
    assert address.path == f"{pacs.base}/launchdata"
    assert parse_qs(address.query) == {name: [made[name]] for name in ("requestId", "sessionToken", "appId")}


def test_the_viewer_s_appended_app_id_is_understood_and_journalled(pacs: Any) -> None:
    made = launch(pacs)
    path = f"/launchdata?requestId={made['requestId']}&sessionToken={made['sessionToken']}?appId={VIEWER}"
    answer = pacs.get(path, {"Authorization": ""})
    assert answer.status_code == 200, answer.data
    assert answer.json["blocks"]
    assert pacs.oddities() == {"appended-parameter": "sessionToken"}
    both = pacs.get(f"{path}&appId={VIEWER}", {"Authorization": ""})
    assert both.status_code == 200


def test_a_session_token_may_be_used_more_than_once(pacs: Any) -> None:
    made = launch(pacs)
    answers = [data(pacs, made["requestId"], made["sessionToken"], VIEWER) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    tokens = [answer.json["callbackInfo"]["token"] for answer in answers]
    assert {pacs.with_token(token).get("/slides/demo-he-1/info").status_code for token in tokens} == {200}


def test_the_callback_token_fits_a_cookie_and_lives_for_hours(make_pacs: MakePacs) -> None:
    clock = ManualClock()
    pacs = make_pacs(clock=clock)
    made = launch(pacs)
    token = data(pacs, made["requestId"], made["sessionToken"], VIEWER).json["callbackInfo"]["token"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{22,4000}", token)
    clock.advance(8 * 3600)
    assert pacs.with_token(token).get("/info").status_code == 200
    clock.advance(24 * 3600)
    pacs.with_token(token).refused(401, "unauthenticated", "GET", "/info")


def test_the_callback_token_is_bound_to_the_application(pacs: Any) -> None:
    made = launch(pacs, "nuclei-counter")
    token = data(pacs, made["requestId"], made["sessionToken"], "nuclei-counter").json["callbackInfo"]["token"]
    caller = pacs.with_token(token)
    assert caller.create("nuclei-counter")["id"] == 1
    caller.refused(403, "forbidden", "POST", "/applications/tumor-finder/results", json=pacs.result())


def test_a_session_token_expires_by_the_injected_clock(make_pacs: MakePacs) -> None:
    clock = ManualClock()
    pacs = make_pacs(clock=clock)
    made = launch(pacs)
    clock.advance(48 * 3600)
    answer = data(pacs, made["requestId"], made["sessionToken"], VIEWER)
    assert "expired" in pacs.problem(answer, 401, "unauthenticated")["detail"]


@pytest.mark.parametrize("session", ["", "nonsense", "0" * 43, "dev-token", "%F0%9F%92%A9"])
def test_without_a_valid_session_token_it_is_401_with_a_challenge(pacs: Any, session: str) -> None:
    answer = data(pacs, "S26-1002", session, VIEWER)
    problem = pacs.problem(answer, 401, "unauthenticated")
    assert "sessionToken" in answer.headers["WWW-Authenticate"]
    assert "POST /_fake_pacs/launches" in problem["hint"]
    assert "--token" not in problem["hint"]


def test_a_missing_session_token_is_401_too(pacs: Any) -> None:
    answer = pacs.get(f"/launchdata?requestId=S26-1002&appId={VIEWER}", {"Authorization": ""})
    pacs.problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("sessionToken=one&sessionToken=two", "query sessionToken: came 2 values, expected one value"),
        ("sessionToken=one%ff", "percent-encoded UTF-8"),
        ("a=1&" * 1001 + "sessionToken=one", "query: came 1004 parameters, expected at most 1000 parameters"),
    ],
)
def test_a_session_token_that_cannot_be_read_is_not_called_missing(pacs: Any, sent: str, said: str) -> None:
    answer = pacs.get(f"/launchdata?requestId=S26-1002&appId={VIEWER}&{sent}")
    problem = pacs.problem(answer, 401, "unauthenticated")
    assert problem["detail"].startswith("The session token can't be read: ")
    assert said in problem["detail"]
    assert "one" not in problem["detail"].replace("expected one value", "")


@pytest.mark.parametrize(("request_id", "application"), [("S26-1001", VIEWER), ("S26-1002", "nuclei-counter")])
def test_a_session_opens_only_its_own_case_and_application(pacs: Any, request_id: str, application: str) -> None:
    made = launch(pacs)
    problem = pacs.problem(data(pacs, request_id, made["sessionToken"], application), 403, "forbidden")
    assert "one launch" in problem["hint"]


@pytest.mark.parametrize("missing", ["requestId", "appId"])
def test_a_missing_parameter_is_400(pacs: Any, missing: str) -> None:
    made = launch(pacs)
    query = "&".join(f"{name}={made[name]}" for name in ("requestId", "sessionToken", "appId") if name != missing)
    problem = pacs.problem(pacs.get(f"/launchdata?{query}"), 400, "invalid-request")
    assert problem["violations"][0]["pointer"] == missing


def test_a_case_that_is_gone_since_the_launch_is_404_and_no_500(pacs: Any, make_pacs: MakePacs) -> None:
    made = launch(pacs)
    pacs.server.world.replace_hospital(make_pacs(slides={"other": {}}).server.world.hospital)
    pacs.problem(data(pacs, made["requestId"], made["sessionToken"], VIEWER), 404, "unknown-case")


def test_the_callback_url_is_how_the_caller_reached_the_server_without_a_slash(pacs: Any) -> None:
    made = launch(pacs)
    path = f"{pacs.base}/launchdata?requestId={made['requestId']}&sessionToken={made['sessionToken']}&appId={VIEWER}"
    for host in ("pacs.example:8443", "[::1]:8001", "127.0.0.1", "xn--pcs-qla.example"):
        told = pacs.client.get(path, headers={"Host": host}).json
        assert told["callbackInfo"]["url"] == f"http://{host}{pacs.base}"


@pytest.mark.parametrize("public", ["https://pacs.example/", "https://pacs.example"])
def test_the_callback_url_is_the_public_one_where_it_was_told(make_pacs: MakePacs, public: str) -> None:
    pacs = make_pacs(public_url=public)
    made = launch(pacs)
    told = data(pacs, made["requestId"], made["sessionToken"], VIEWER).json
    assert told["callbackInfo"]["url"] == f"https://pacs.example{pacs.base}"
    assert made["launchDataUrl"].startswith(told["callbackInfo"]["url"] + "/launchdata?")


def test_a_public_url_may_already_hold_the_base_path(make_pacs: MakePacs) -> None:
    pacs = make_pacs(public_url=f"https://pacs.example{BASE}/")
    assert launch(pacs)["launchDataUrl"].startswith(f"https://pacs.example{pacs.base}/launchdata?")


@pytest.mark.parametrize(
    ("wanted", "status", "kind"),
    [
        ({"applicationId": "none", "accessionNumber": "S26-1002"}, 404, "unknown-application"),
        ({"applicationId": VIEWER, "accessionNumber": "none"}, 404, "unknown-case"),
        ({"applicationId": VIEWER, "accessionNumber": "S26-1001"}, 404, "unknown-case"),
        ({"applicationId": VIEWER}, 400, "invalid-request"),
        ({"applicationId": VIEWER, "accessionNumber": "S26-1002", "slide": "x"}, 400, "invalid-request"),
    ],
)
def test_a_launch_of_nothing_is_refused(pacs: Any, wanted: dict[str, str], status: int, kind: str) -> None:
    pacs.problem(pacs.control("POST", "launches", json=wanted), status, kind)
