"""Incidents: when they happen, and what an app passes and fails for; the client library, used well and badly."""

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from fake_pacs.embedding import MockSectraServer
from fake_pacs.incidents.catalogue import INCIDENTS
from fake_pacs.incidents.users_edit import edited
from sectra_client import (
    RetryPolicy,
    SectraClient,
    SectraConflictError,
    SectraConnectionError,
    SectraRequestError,
    SectraTruncatedDownloadError,
)
from sectra_client.schemas import AdaptedResult, Result

RunPacs = Callable[..., MockSectraServer]

APP, SLIDE = "nuclei-counter", "demo-he-1"
PATIENT = RetryPolicy(first=0.1)
"""Long enough for a restart of half a second."""


def polygon(*points: tuple[float, float]) -> dict[str, Any]:
    return {"points": [{"x": x, "y": y} for x, y in points]}


def result(y: float = 0.2, **members: Any) -> dict[str, Any]:
    """A result with one triangle that reaches down to y."""
    content = {"style": None, "polygons": [polygon((0.1, 0.1), (0.2, 0.1), (0.2, y))]}
    data = {"context": None, "result": {"type": "primitive", "content": content}}
    known = {"slideId": SLIDE, "displayResult": "1", "displayProperties": {}, "applicationVersion": "1"}
    return {**known, "attachments": [], "data": data, **members}


def patches(tag: int = 0) -> dict[str, Any]:
    patch = {"tag": tag, "position": {"x": 0.1, "y": 0.1}, "sortKeyValue": 1}
    content = {
        "description": "cells",
        "polygons": [],
        "patches": [patch],
        "tags": ["yes", "no"],
        "patchSize": 100,
        "magnification": 20,
        "actions": [],
        "statuses": {"allowVerify": {}},
    }
    return result(data={"context": None, "result": {"type": "patchCollection", "content": content}})


@pytest.fixture
def server(run_pacs: RunPacs) -> MockSectraServer:
    return run_pacs()


def client_of(server: MockSectraServer) -> SectraClient:
    return SectraClient.from_credentials(server.url, APP, "dev", "dev", _allow_http=True, retry=PATIENT)


@pytest.fixture
def client(server: MockSectraServer) -> Any:
    with client_of(server) as own:
        yield own


@pytest.mark.parametrize("name", INCIDENTS)
def test_an_incident_that_had_no_occasion_is_not_exercised(server: MockSectraServer, name: str) -> None:
    with server.incident(name, count=1 if name == "notification-storm" else None) as incident:
        pass
    assert (incident.state, incident.verdict().outcome, incident.happened) == ("over", "not exercised", ())
    with pytest.raises(AssertionError, match=f"incident {name}: not exercised: "):
        incident.assert_passed()


def test_an_unknown_incident_is_an_error_with_the_name_that_was_meant(server: MockSectraServer) -> None:
    with pytest.raises(ValueError, match="no incident 'slide-rescan'; did you mean slide-rescanned"):
        server.incident("slide-rescan")


def test_beginning_it_anew_ends_the_former_one(server: MockSectraServer, client: SectraClient) -> None:
    first, second = server.incident("slide-rescanned"), server.incident("slide-rescanned")
    client.get_image_metadata(SLIDE)
    assert (first.state, second.state) == ("over", "happened")


def test_an_ended_incident_sees_nothing_any_more(server: MockSectraServer, client: SectraClient) -> None:
    incident = server.incident("slide-rescanned")
    incident.end()
    incident.end()
    client.get_image_metadata(SLIDE)
    assert incident.happened == ()


class TestDeadToken:
    def test_renewing_and_fetching_again_passes(
        self, server: MockSectraServer, client: SectraClient, tmp_path: Path
    ) -> None:
        with server.incident("token-dies-in-download") as incident:
            assert len(client.download_slide_files("demo-dicom_1", tmp_path)) == 5, "it does so by itself"
            client.create_results(APP, Result.model_validate(result(slideId="demo-dicom_1")))
        incident.assert_passed()
        assert "another token" in incident.verdict().text

    def test_stopping_passes(self, server: MockSectraServer, tmp_path: Path) -> None:
        incident = server.incident("token-dies-in-download")
        with SectraClient(server.url, "dev-token", True) as own, pytest.raises(SectraRequestError):
            own.download_slide_files("demo-dicom_1", tmp_path)
        incident.assert_passed()

    def test_when_it_is_over_the_token_is_taken_again(self, server: MockSectraServer) -> None:
        headers, told = {"Authorization": "Bearer dev-token"}, []
        for _ in range(2):
            with server.incident("token-dies-in-download") as incident:
                with pytest.raises(requests.exceptions.ChunkedEncodingError):
                    requests.get(f"{server.url}/slides/{SLIDE}/files", headers=headers, timeout=10)
                told.append(requests.get(f"{server.url}/info", headers=headers, timeout=10).status_code)
            incident.assert_passed()
            told.append(requests.get(f"{server.url}/info", headers=headers, timeout=10).status_code)
        assert told == [401, 200, 401, 200]

    def test_going_on_with_the_dead_token_fails(self, server: MockSectraServer, tmp_path: Path) -> None:
        with server.incident("token-dies-in-download") as incident, SectraClient(server.url, "dev-token", True) as own:
            for _ in range(4):
                with pytest.raises(SectraRequestError):
                    own.download_slide_files("demo-dicom_1", tmp_path)
        assert incident.verdict().outcome == "failed"
        assert "4 calls were refused with 401" in incident.verdict().text

    def test_a_result_on_half_a_file_fails(
        self, server: MockSectraServer, client: SectraClient, tmp_path: Path
    ) -> None:
        with server.incident("token-dies-in-download", slide_id="demo-dicom_1") as incident:
            client.download_slide_files(SLIDE, tmp_path / "other")
            no_retry = RetryPolicy(retries=0)
            with (
                SectraClient(server.url, "dev-token", True, retry=no_retry) as own,
                pytest.raises(SectraTruncatedDownloadError),
            ):
                own.download_slide_files("demo-dicom_1", tmp_path / "first")
            client.create_results(APP, Result.model_validate(result(slideId="demo-dicom_1")))
        assert "never got the whole files" in incident.verdict().text
        assert incident.verdict().outcome == "failed"


class TestRestart:
    def test_looking_before_writing_again_passes(self, server: MockSectraServer, client: SectraClient) -> None:
        with server.incident("restart-during-write", seconds=0.3) as incident:
            with pytest.raises(SectraConnectionError):
                client.create_results(APP, Result.model_validate(result()))
            assert len(client.get_all_results(SLIDE, APP)) == 1
        incident.assert_passed()
        assert "it looked" in incident.verdict().text

    def test_the_same_result_of_another_application_is_another_one(self, server: MockSectraServer) -> None:
        def store(application: str) -> None:
            url = f"{server.url}/applications/{application}/results"
            requests.post(url, json=result(), headers={"Authorization": "Bearer dev-token"}, timeout=10)

        with server.incident("restart-during-write", seconds=0.1) as incident:
            with pytest.raises(requests.ConnectionError):
                store(APP)
            time.sleep(0.3)
            store("tumor-finder")
        incident.assert_passed()

    def test_connections_are_refused_for_a_moment(self, server: MockSectraServer, client: SectraClient) -> None:
        with server.incident("restart-during-write", seconds=0.4):
            began = time.monotonic()
            with pytest.raises(SectraConnectionError):
                client.create_results(APP, Result.model_validate(result()))
            assert len(client.get_all_results(SLIDE, APP)) == 1
            assert time.monotonic() - began >= 0.3

    def test_writing_it_twice_fails(self, server: MockSectraServer, client: SectraClient) -> None:
        with server.incident("restart-during-write", seconds=0) as incident:
            with pytest.raises(SectraConnectionError):
                client.create_results(APP, Result.model_validate(result()))
            client.create_results(APP, Result.model_validate(result()))
        assert incident.verdict().outcome == "failed"
        assert "stored the same result twice" in incident.verdict().text

    def test_a_lost_update_that_is_sent_again_and_again_fails(
        self, server: MockSectraServer, client: SectraClient
    ) -> None:
        stored = client.create_results(APP, Result.model_validate(result()))
        changed = AdaptedResult.model_validate(stored.model_dump() | {"displayResult": "2"})
        with server.incident("restart-during-write", seconds=0) as incident:
            with pytest.raises(SectraConnectionError):
                client.update_results(APP, stored.id, changed)
            for count in range(5):
                outcomes = incident.verdict().outcome
                assert outcomes == ("passed" if count <= 3 else "failed")
                with pytest.raises(SectraConflictError):
                    client.update_results(APP, stored.id, changed)
        assert incident.verdict().outcome == "failed"

    def test_beside_other_tenants_only_the_tenant_s_own_requests_are_lost(
        self, server: MockSectraServer, client: SectraClient
    ) -> None:
        server.world.store.create_tenant("north", "north-token")
        with server.incident("restart-during-write", seconds=60) as incident:
            with pytest.raises(SectraConnectionError):
                client.create_results(APP, Result.model_validate(result()))
            no_retry = RetryPolicy(retries=0)
            with (
                SectraClient(server.url, "dev-token", True, retry=no_retry) as own,
                pytest.raises(SectraConnectionError),
            ):
                _ = own.version_info
            with SectraClient(server.url, "north-token", True, retry=no_retry) as other:
                assert other.version_info.apiVersion == "1.10"
            assert "requests are reset" in incident.happened[0]


class TestRescan:
    def test_metadata_tiles_and_files_change(
        self, server: MockSectraServer, client: SectraClient, tmp_path: Path
    ) -> None:
        before = client.get_image_metadata(SLIDE)
        with server.incident("slide-rescanned") as incident:
            assert client.get_image_metadata(SLIDE) == before, "the app has seen the old scan"
            after = client.get_image_metadata(SLIDE)
            assert after.imageSize.width < before.imageSize.width
            old, new = (m.imageSize.height / m.imageSize.width for m in (before, after))
            assert new < old * 0.65
            assert [path.name for path in client.download_slide_files(SLIDE, tmp_path)] == [
                f"{SLIDE}.tiff",
                f"{SLIDE}.json",
            ]
        assert client.get_image_metadata(SLIDE) == before, "what the incident changed is put back"
        assert incident.verdict().outcome == "passed"

    def test_what_fits_the_new_scan_passes(self, server: MockSectraServer, client: SectraClient) -> None:
        with server.incident("slide-rescanned") as incident:
            client.get_image_metadata(SLIDE)
            client.get_image_metadata(SLIDE)
            client.create_results(APP, Result.model_validate(result()))
        incident.assert_passed()

    def test_points_off_the_new_scan_fail(self, server: MockSectraServer, client: SectraClient) -> None:
        with server.incident("slide-rescanned") as incident:
            size = client.get_image_metadata(SLIDE).imageSize
            client.get_image_metadata(SLIDE)
            client.create_results(APP, Result.model_validate(result(y=size.height / size.width)))
        assert incident.verdict().outcome == "failed"
        assert "coordinates for the old size: /data/result/content" in incident.verdict().text

    def test_points_without_a_second_look_fail(self, server: MockSectraServer, client: SectraClient) -> None:
        with server.incident("slide-rescanned") as incident:
            client.get_image_metadata(SLIDE)
            client.create_results(APP, Result.model_validate(result()))
        assert incident.verdict().outcome == "failed"
        assert "without having fetched metadata or files" in incident.verdict().text

    def test_another_tenant_sees_the_old_scan(self, server: MockSectraServer, client: SectraClient) -> None:
        server.world.store.create_tenant("north", "north-token")
        with server.incident("slide-rescanned"), SectraClient(server.url, "north-token", True) as other:
            before = client.get_image_metadata(SLIDE)
            assert client.get_image_metadata(SLIDE) != before
            assert other.get_image_metadata(SLIDE).imageSize == before.imageSize


class TestUserEdits:
    def test_merging_passes(self, server: MockSectraServer, client: SectraClient) -> None:
        stored = client.create_results(APP, Result.model_validate(patches()))

        def change(current: AdaptedResult) -> None:
            current.displayResult = "2"

        with server.incident("user-edits-during-write") as incident:
            client.modify_result(APP, stored.id, change)
        incident.assert_passed()
        assert "with the user's edit in it" in incident.verdict().text
        assert incident.happened[0].startswith("the user moved a patch to the tag 'no'")

    def test_giving_up_passes(self, server: MockSectraServer, client: SectraClient) -> None:
        stored = client.create_results(APP, Result.model_validate(result()))
        with server.incident("user-edits-during-write") as incident, pytest.raises(SectraConflictError):
            client.update_results(APP, stored.id, AdaptedResult.model_validate(stored.model_dump()))
        incident.assert_passed()
        assert "let the user's edit stand" in incident.verdict().text

    @pytest.mark.parametrize("document", [result(), patches(), result(data={"context": None})])
    def test_overwriting_fails(self, server: MockSectraServer, client: SectraClient, document: dict[str, Any]) -> None:
        stored = client.create_results(APP, Result.model_validate(document))
        mine = AdaptedResult.model_validate(stored.model_dump())
        with server.incident("user-edits-during-write") as incident:
            with pytest.raises(SectraConflictError):
                client.update_results(APP, stored.id, mine)
            mine.versionId = client.get_result_by_result_id(APP, stored.id).versionId
            client.update_results(APP, stored.id, mine)
        assert incident.verdict().outcome == "failed"
        assert "the app overwrote the user's edit, though it had read it" in incident.verdict().text

    def test_a_server_that_takes_updates_without_version_shows_it(self, run_pacs: RunPacs) -> None:
        server = run_pacs(missing_version="accept")
        with client_of(server) as client, server.incident("user-edits-during-write") as incident:
            stored = client.create_results(APP, Result.model_validate(result()))
            body = {name: value for name, value in stored.model_dump(mode="json").items() if name != "versionId"}
            url = f"{server.url}/applications/{APP}/results/{stored.id}"
            answer = requests.put(url, json=body, headers={"Authorization": "Bearer dev-token"}, timeout=5)
            assert answer.status_code == 200
        assert "without having read it" in incident.verdict().text

    def test_knocking_again_and_again_fails(self, server: MockSectraServer, client: SectraClient) -> None:
        stored = client.create_results(APP, Result.model_validate(result()))
        with server.incident("user-edits-during-write") as incident:
            for _ in range(4):
                with pytest.raises(SectraConflictError):
                    client.update_results(APP, stored.id, AdaptedResult.model_validate(stored.model_dump()))
        assert incident.verdict().outcome == "failed"
        assert "it sent a stale update 4 times" in incident.verdict().text


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"data": None},
        {"data": {"context": None}},
        result(),
        result(data={"result": {"type": "primitive", "content": [{"polygons": None}, {"labels": []}]}}),
        result(data={"result": {"type": "primitive", "content": []}}),
        patches(),
        patches(tag=1),
    ],
)
def test_a_user_s_edit_is_seen_while_it_is_there(document: dict[str, Any]) -> None:
    before = copy.deepcopy(document)
    edit = edited(document)
    assert document == before, "what was stored stays as it is"
    assert edit.document != before
    assert edit.survives(edit.document)
    assert not edit.survives(before)
    assert not edit.survives({})


class TestStorm:
    @pytest.fixture
    def hook(self, server: MockSectraServer, make_hook: Any) -> Any:
        """A registered app with image notifications on."""
        hook = make_hook(server)
        (app,) = server.apps()
        server.world.store.put_app("default", replace(app, notifications=True))
        return hook

    def test_an_app_that_answers_each_notification_passes(self, server: MockSectraServer, hook: Any) -> None:
        with server.incident("notification-storm", count=100) as storm:
            storm.wait(30)
        storm.assert_passed()
        assert "all 100 notifications" in storm.verdict().text
        assert set(hook.paths) == {"/hook/imagenotification"}
        told = [invocation["slideId"] for invocation in hook.invocations]
        assert len(told) == 100
        assert {told.count(slide.id) for slide in server.world.hospital.slides} <= {14, 15}

    def test_one_that_fails_now_and_then_fails(
        self, server: MockSectraServer, hook: Any, http_answer: Callable[..., bytes]
    ) -> None:
        hook.answers = lambda _: http_answer(500) if len(hook.invocations) % 10 == 0 else {}
        with server.incident("notification-storm", slide_id=SLIDE, count=40) as storm:
            storm.wait(30)
        assert storm.verdict().outcome == "failed"
        assert "of 40 notifications went wrong, first delivery " in storm.verdict().text
        assert {invocation["slideId"] for invocation in hook.invocations} == {SLIDE}

    def test_it_can_be_ended_early(self, server: MockSectraServer, hook: Any) -> None:
        storm = server.incident("notification-storm", count=10_000)
        while not hook.invocations:
            storm.wait(0.01)
        storm.end()
        assert storm.verdict().outcome == "not exercised"
        assert len(hook.invocations) < 10_000

    @pytest.mark.parametrize("count", [0, 10_001])
    def test_too_many_or_none_is_an_error(self, server: MockSectraServer, count: int) -> None:
        with pytest.raises(ValueError, match=f"count: came {count}, expected 1 to 10000"):
            server.incident("notification-storm", count=count)
