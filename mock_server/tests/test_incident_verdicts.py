"""Verdicts of incidents: whom they blame for the points in a result, and from when on they are settled."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

from fake_pacs.embedding import MockSectraServer
from fake_pacs.incidents.catalogue import INCIDENTS

SLIDE, PLACE = "demo-he-1", "applications/tumor-finder/results"
FITS, OFF = 0.2, 0.75
"""How far down an area reaches: on the new scan, too, and on the old one only."""


@pytest.fixture
def server(run_pacs: Callable[..., MockSectraServer]) -> MockSectraServer:
    return run_pacs()


def ask(server: MockSectraServer, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": "Bearer dev-token"}
    answer = requests.request(method, f"{server.url}/{path}", json=body, headers=headers, timeout=10)
    answer.raise_for_status()
    return answer.json()


def area(y: float) -> dict[str, Any]:
    return {"points": [{"x": 0.1, "y": 0.1}, {"x": 0.2, "y": 0.1}, {"x": 0.2, "y": y}]}


def document(*areas: dict[str, Any]) -> dict[str, Any]:
    content = {"style": None, "polygons": list(areas)}
    data = {"context": None, "result": {"type": "primitive", "content": content}}
    return {"slideId": SLIDE, "displayResult": "1", "attachments": [], "data": data}


def rescan(server: MockSectraServer, looks: int = 2) -> Any:
    """The slide is scanned again after the first look at it."""
    incident = server.incident("slide-rescanned")
    for _ in range(looks):
        ask(server, "GET", f"slides/{SLIDE}/info")
    return incident


def update(server: MockSectraServer, stored: dict[str, Any], *areas: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = ask(server, "PUT", f"{PLACE}/{stored['id']}", stored | document(*areas))
    return changed


class TestWhoseThePointsAre:
    def test_an_app_that_keeps_a_user_s_area_and_adds_its_own_passes(self, server: MockSectraServer) -> None:
        stored = ask(server, "POST", PLACE, document(area(OFF)))
        incident = rescan(server)
        update(server, stored, area(OFF), area(FITS))
        assert str(incident.verdict()) == "passed: what it stored fits the new scan"

    def test_an_area_that_the_user_drew_after_the_new_scan_is_no_fault_of_the_app(
        self, server: MockSectraServer
    ) -> None:
        stored = ask(server, "POST", PLACE, document(area(FITS)))
        incident = rescan(server)
        drawn = server.world.store.update_result(
            "default",
            "tumor-finder",
            stored["id"],
            document(area(OFF)),
            [],
            expected_version=None,
            slide_id=SLIDE,
            version_id="users",
        )
        update(server, stored | {"versionId": drawn.version_id}, area(OFF), area(FITS - 0.05))
        assert incident.verdict().passed

    def test_points_that_it_adds_off_the_new_scan_fail_beside_those_it_keeps(self, server: MockSectraServer) -> None:
        stored = ask(server, "POST", PLACE, document(area(OFF)))
        incident = rescan(server)
        update(server, stored, area(OFF), area(OFF - 0.01))
        assert incident.verdict().outcome == "failed"
        assert "/data/result/content/polygons/1/points/2/y" in incident.verdict().text

    @pytest.mark.parametrize(("looks", "y"), [(2, OFF), (1, FITS)])
    def test_an_app_that_only_stores_what_stood_there_gave_no_occasion(
        self, server: MockSectraServer, looks: int, y: float
    ) -> None:
        stored = ask(server, "POST", PLACE, document(area(y)))
        incident = rescan(server, looks)
        update(server, stored, area(y))
        assert incident.verdict().outcome == "not exercised"
        assert "delete the result and let the app work again" in incident.verdict().text

    def test_what_it_stored_itself_meanwhile_excuses_nothing(self, server: MockSectraServer) -> None:
        incident = rescan(server)
        stored = ask(server, "POST", PLACE, document(area(OFF)))
        update(server, stored, area(OFF))
        assert incident.verdict().outcome == "failed"

    def test_an_update_of_a_result_that_isn_t_there_is_the_app_s_to_see(self, server: MockSectraServer) -> None:
        incident = rescan(server)
        with pytest.raises(requests.HTTPError, match="404"):
            update(server, {"id": 77, "versionId": "a"}, area(FITS))
        assert incident.verdict().outcome == "passed"


class TestSettled:
    @pytest.mark.parametrize("name", [name for name in INCIDENTS if name != "notification-storm"])
    def test_only_when_it_is_over_where_the_app_did_nothing(self, server: MockSectraServer, name: str) -> None:
        incident = server.incident(name)
        assert not incident.settled
        incident.end()
        assert incident.settled

    def test_a_failure_stands(self, server: MockSectraServer) -> None:
        incident = rescan(server)
        assert not incident.settled, "it may yet store something"
        ask(server, "POST", PLACE, document(area(OFF)))
        assert incident.settled
        answer = requests.get(
            urljoin(server.url, "/_fake_pacs/incidents/slide-rescanned"),
            headers={"X-Fake-Pacs-Control": server.control_token},
            timeout=10,
        )
        assert answer.json().get("settled") is True, answer.text

    def test_a_lost_edit_may_be_brought_back(self, server: MockSectraServer) -> None:
        stored = ask(server, "POST", PLACE, document(area(FITS)))
        incident = server.incident("user-edits-during-write")
        with pytest.raises(requests.HTTPError, match="409"):
            update(server, stored, area(FITS))
        edited = ask(server, "GET", f"{PLACE}/{stored['id']}")
        drawn = edited["data"]["result"]["content"]["polygons"][-1]
        overwritten = update(server, edited, area(FITS))
        assert (incident.verdict().outcome, incident.settled) == ("failed", False)
        update(server, overwritten, area(FITS), drawn)
        assert (incident.verdict().outcome, incident.settled) == ("passed", False)

    def test_knocking_again_and_again_can_t_be_made_good(self, server: MockSectraServer) -> None:
        stored = ask(server, "POST", PLACE, document(area(FITS)))
        incident = server.incident("user-edits-during-write")
        for _ in range(4):
            with pytest.raises(requests.HTTPError, match="409"):
                update(server, stored, area(FITS))
        assert (incident.verdict().outcome, incident.settled) == ("failed", True)

    def test_a_storm_is_when_all_are_answered(self, server: MockSectraServer) -> None:
        incident = server.incident("notification-storm", count=1)
        incident.wait(10)
        assert incident.settled
