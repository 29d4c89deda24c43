"""Quality control: always there on 1.10, set with the versionId last read, refused with a stale one."""

from collections.abc import Callable
from typing import Any

import pytest

import demo_hospital

MakePacs = Callable[..., Any]
PATH = "/slides/demo-he-1/qualityControl"


def state(pacs: Any, slide: str = "demo-he-1") -> dict[str, str]:
    told: dict[str, str] = pacs.get(f"/slides/{slide}/info").json["qualityControl"]
    return told


def body(status: str, version: str) -> dict[str, Any]:
    return {"applicationVersion": "1.0.0", "qualityControl": {"status": status, "versionId": version}}


def test_from_the_start_every_slide_is_not_set_with_a_version(pacs: Any) -> None:
    states = [state(pacs, slide.id) for slide in pacs.server.world.hospital.slides]
    assert {told["status"] for told in states} == {"NotSet"}
    assert len({told["versionId"] for told in states}) == len(states)
    assert all(isinstance(told["versionId"], str) and told["versionId"] for told in states)


@pytest.mark.parametrize("status", ["QualityOk", "Rejected", "NotSet"])
def test_setting_it_is_200_with_an_empty_body_and_gives_it_a_new_version(pacs: Any, status: str) -> None:
    before = state(pacs)
    answer = pacs.put(PATH, json=body(status, before["versionId"]))
    assert answer.status_code == 200
    assert answer.data == b""
    after = state(pacs)
    assert after["status"] == status
    assert after["versionId"] != before["versionId"]
    assert state(pacs, "demo-tiff-1")["status"] == "NotSet"


def test_the_example_of_the_demo_hospital_is_taken(pacs: Any) -> None:
    sent = demo_hospital.example("quality_control")
    sent["qualityControl"]["versionId"] = state(pacs)["versionId"]
    assert pacs.put(PATH, json=sent).status_code == 200


def test_a_stale_version_is_409_and_nothing_changes(pacs: Any) -> None:
    first = state(pacs)
    assert pacs.put(PATH, json=body("QualityOk", first["versionId"])).status_code == 200
    second = state(pacs)
    for stale in (first["versionId"], "made-up", second["versionId"].upper() + "0"):
        problem = pacs.refused(409, "stale-version", "PUT", PATH, json=body("Rejected", stale))
        assert "Read the slide's info again" in problem["hint"]
        assert state(pacs) == second


@pytest.mark.parametrize(
    ("sent", "pointers"),
    [
        ({}, ["/applicationVersion", "/qualityControl"]),
        ({"applicationVersion": "1", "qualityControl": {}}, ["/qualityControl/status", "/qualityControl/versionId"]),
        ({"applicationVersion": 1, "qualityControl": None}, ["/applicationVersion", "/qualityControl"]),
        (body("Good", "x"), ["/qualityControl/status"]),
        (body("qualityOk", "x"), ["/qualityControl/status"]),
        (body("QualityOk", ""), ["/qualityControl/versionId"]),
        ([], [""]),
    ],
)
def test_what_the_schema_refuses_is_400_with_every_place(pacs: Any, sent: Any, pointers: list[str]) -> None:
    before = pacs.everything()
    problem = pacs.refused(400, "invalid-request", "PUT", PATH, json=sent)
    assert sorted(violation["pointer"] for violation in problem["violations"]) == pointers
    assert pacs.everything() == before


def test_an_unknown_slide_is_404(pacs: Any) -> None:
    pacs.refused(404, "unknown-slide", "PUT", "/slides/none/qualityControl", json=body("QualityOk", "x"))


def test_an_older_version_neither_sets_nor_shows_it(make_pacs: MakePacs) -> None:
    pacs = make_pacs(api_version="1.9")
    pacs.refused(404, "unknown-path", "PUT", PATH, json=body("QualityOk", "x"))
    assert "qualityControl" not in pacs.get("/slides/demo-he-1/info?scope=extended&includePHI=true").json


def test_what_a_caller_of_1_10_set_is_kept_while_others_speak_1_8(pacs: Any) -> None:
    assert pacs.put(PATH, json=body("Rejected", state(pacs)["versionId"])).status_code == 200
    assert "qualityControl" not in pacs.get("/slides/demo-he-1/info", {"X-Sectra-ApiVersion": "1.8"}).json
    assert state(pacs)["status"] == "Rejected"


def test_metadata_given_with_a_state_do_not_set_it(make_pacs: MakePacs) -> None:
    pacs = make_pacs(slides={"a": {"qualityControl": {"status": "Rejected", "versionId": "7"}}})
    assert state(pacs, "a")["status"] == "NotSet"


def test_unknown_members_are_no_error(pacs: Any) -> None:
    sent = {**body("QualityOk", state(pacs)["versionId"]), "comment": "fine"}
    assert pacs.put(PATH, json=sent).status_code == 200
