"""`MockSectraServer`: the interface of the facts page, in a thread."""

import http.client
import inspect
import json
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fake_pacs.certificates import self_signed
from fake_pacs.embedding import BrokenContractError, MockSectraServer
from fake_pacs.serving import Connection
from fake_pacs.views import AttributeView

MakePacs = Callable[..., Any]
AUTH = {"Authorization": "Bearer dev-token"}


def get(server: MockSectraServer, path: str) -> Any:
    client = http.client.HTTPConnection("localhost", server.port, timeout=5)
    try:
        client.request("GET", f"{server.url.partition(str(server.port))[2]}{path}", headers=AUTH)
        answer = client.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        client.close()


def test_the_signature_is_that_of_the_facts_page() -> None:
    parameters = inspect.signature(MockSectraServer).parameters
    assert list(parameters)[:5] == ["api_version", "software_version", "token", "slides", "slide_files"]
    defaults = [parameters[name].default for name in list(parameters)[:5]]
    assert defaults == ["1.10", "4.2.0.0", "dev-token", None, None]
    assert (parameters["applications"].default, parameters["invent"].default) == ((), False)
    run = inspect.signature(MockSectraServer.run).parameters
    assert (run["port"].default, run["host"].default) == (8001, "localhost")


def test_it_has_the_attributes_of_its_first_three_arguments() -> None:
    server = MockSectraServer("1.9", "4.1.0.1", "abc")
    assert (server.api_version, server.software_version, server.token) == ("1.9", "4.1.0.1", "abc")


def test_run_answers_at_once_and_gives_back_the_server_itself() -> None:
    server = MockSectraServer()
    with server.run(port=0) as running:
        assert running is server
        assert running.port > 0
        assert running.url == f"http://localhost:{running.port}/SectraPathologyServer/external/imageanalysis/v1"
        assert get(running, "/info") == (200, {"apiVersion": "1.10", "softwareVersion": "4.2.0.0"})
    with pytest.raises(RuntimeError, match="run\\(\\)"):
        _ = server.port


def test_the_context_alone_runs_it_on_a_free_port() -> None:
    with MockSectraServer() as server:
        assert get(server, "/info")[0] == 200


def test_it_stops_within_a_second_and_can_be_started_again_with_what_was_stored() -> None:
    server = MockSectraServer().run(port=0)
    client = http.client.HTTPConnection("localhost", server.port, timeout=5)
    path = f"{server.url.partition(str(server.port))[2]}/applications/nuclei-counter/results"
    sent = json.dumps({"slideId": "demo-he-1", "displayResult": "kept", "data": {}})
    client.request("POST", path, sent, {**AUTH, "Content-Type": "application/json"})
    assert client.getresponse().status == 201
    before = time.monotonic()
    server.stop()
    assert time.monotonic() - before < 1
    server.stop()
    client.close()
    server.start()
    assert get(server, "/applications/nuclei-counter/results/1")[1]["displayResult"] == "kept"
    server.stop()
    server.raise_for_errors()


def test_a_running_server_is_not_started_twice() -> None:
    with MockSectraServer().run(port=0) as server, pytest.raises(RuntimeError, match="stop it first"):
        server.start()


def test_servers_do_not_share_anything() -> None:
    with MockSectraServer().run(port=0) as one, MockSectraServer(token="other").run(port=0) as other:
        assert one.port != other.port
        assert get(one, "/info")[0] == 200
        assert get(other, "/info")[0] == 401


def test_given_slides_replace_the_demo_cases(make_pacs: MakePacs) -> None:
    pacs = make_pacs(
        slides={"mine": {"staining": {"displayName": "PAS"}, "imageSize": {"width": 5000, "height": 4000}}}
    )
    assert pacs.get("/slides/mine/info").json["staining"] == {"displayName": "PAS"}
    assert pacs.get("/slides/mine/info").json["imageSize"] == {"width": 5000, "height": 4000}
    pacs.refused(404, "unknown-slide", "GET", "/slides/demo-he-1/info")
    assert pacs.get("/applications/nuclei-counter").status_code == 200


def test_no_slides_given_is_no_demo_hospital(make_pacs: MakePacs) -> None:
    pacs = make_pacs(slides={})
    assert pacs.control("GET", "hospital").json["cases"] == []


def test_slides_and_files_of_one_id_are_one_slide(make_pacs: MakePacs, tmp_path: Path) -> None:
    file = tmp_path / "any.bin"
    file.write_bytes(b"any bytes")
    other = tmp_path / "other.bin"
    other.write_bytes(b"")
    pacs = make_pacs(slides={"a": {"bodyPart": "SKIN"}}, slide_files={"a": file, "b": [file, other]})
    assert pacs.get("/slides/a/info?scope=extended").json["bodyPart"] == "SKIN"
    assert pacs.get("/slides/a/files").data == b"any bytes"
    assert pacs.get("/slides/b/files").content_type.startswith("multipart/related")
    assert pacs.get("/slides/b/info").json["isStreamable"] is True


def test_metadata_of_a_given_slide_file_are_read_from_it(make_pacs: MakePacs, pacs: Any, tmp_path: Path) -> None:
    copy = tmp_path / "copy.svs"
    copy.write_bytes(pacs.get("/slides/demo-he-1/files").data)
    mine = make_pacs(slide_files={"mine": copy})
    expected = pacs.get("/slides/demo-he-1/info").json
    told = mine.get("/slides/mine/info").json
    assert [told[name] for name in ("imageSize", "micronsPerPixel")] == [
        expected[name] for name in ("imageSize", "micronsPerPixel")
    ]
    tile = "_files/9/0_0.jpg"
    assert mine.get(f"/images/mine{tile}").data == pacs.get(f"/images/demo-he-1{tile}").data


class Model:
    """Something that dumps itself like a pydantic model."""

    def __init__(self, **members: Any) -> None:
        self.members = members

    def model_dump(self, mode: str) -> dict[str, Any]:
        assert mode == "json"
        return self.members


def test_a_slide_may_be_added_as_mapping_or_model_and_replaced(pacs: Any) -> None:
    pacs.server.add_slide({"id": "new", "staining": {"displayName": "one"}})
    assert pacs.get("/slides/new/info").json["staining"]["displayName"] == "one"
    pacs.server.add_slide(Model(id="new", staining={"displayName": "two"}, qualityControl=None))
    assert pacs.get("/slides/new/info").json["staining"]["displayName"] == "two"
    for path in ("/slides/new/label", "/slides/new/files", "/images/new_files/10/0_0.jpg"):
        assert pacs.get(path).status_code == 200


@pytest.mark.parametrize(
    ("metadata", "place"),
    [
        ({"id": "a b"}, "/id"),
        ({"id": ""}, "id"),
        ({}, "id"),
        ({"id": 7}, "id"),
        ({"id": "a", "staining": "H&E"}, "/staining"),
        ({"id": "a", "staining": {}, "block": {}}, "/block/displayName"),
        ({"id": "a", "lisSlideId": "a/b"}, "/lisSlideId"),
        ({"id": "a", "accessionNumber": "a/b"}, "/accessionNumber"),
        ({"id": "a", "examFreeFields": [{"a": 1}]}, "/examFreeFields/0/a"),
        ({"id": "a", "imageSize": {"width": 0, "height": 1}}, "imageSize"),
        ({"id": "a", "micronsPerPixel": 0}, "/micronsPerPixel"),
        ({"id": "a", "micronsPerPixel": float("nan")}, "/micronsPerPixel"),
        ({"id": "a", "focalPlanes": [{"id": 0}]}, "focalPlanes"),
        ({"id": "a", "opticalPaths": []}, "/opticalPaths"),
        ({"id": "a", "bodyPart": "\ud800"}, "/bodyPart"),
        ({"id": "a", "examDateTime": datetime(2026, 1, 1, tzinfo=UTC)}, "/examDateTime"),
        ({"id": "a", "examDateTime": "yesterday"}, "/examDateTime"),
        ({"id": "a", "priority": "high"}, "/priority"),
    ],
)
def test_metadata_that_no_answer_could_carry_are_refused_with_their_place(pacs: Any, metadata: Any, place: str) -> None:
    before = pacs.server.world.hospital
    with pytest.raises(ValueError, match=place):
        pacs.server.add_slide(metadata)
    assert pacs.server.world.hospital is before
    if isinstance(metadata.get("id"), str) and metadata["id"]:
        with pytest.raises(ValueError, match=place):
            MockSectraServer(slides={str(metadata["id"]): metadata})


def test_files_may_be_given_to_a_known_slide_and_to_a_new_one(pacs: Any, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.bin", "two.bin")]
    for file in files:
        file.write_bytes(file.name.encode())
    pacs.server.add_slide_files("demo-he-1", files[0])
    assert pacs.get("/slides/demo-he-1/files").data == b"one.bin"
    assert pacs.get("/slides/demo-he-1/info?scope=extended").json["examCode"] == "KOLRES"
    assert pacs.get("/slides/demo-he-1/label").status_code == 200, "the picture stays"
    pacs.server.add_slide_files("new", files)
    assert b"two.bin" in pacs.get("/slides/new/files").data
    assert pacs.get("/slides/new/info").status_code == 200
    with pytest.raises(ValueError, match="does not exist"):
        pacs.server.add_slide_files("new", tmp_path / "missing.bin")


def test_results_can_be_read_past_http(pacs: Any) -> None:
    content = [{"labels": [{"location": {"x": 0.1, "y": 0.2}, "label": "a"}]}]
    first = pacs.create(data={"context": None, "result": {"type": "primitive", "content": content}})
    pacs.create(slideId="demo-tiff-1")
    (result,) = pacs.server.get_results("nuclei-counter", "demo-he-1")
    assert result.id == first["id"]
    assert result.versionId == first["versionId"]
    assert result.data.result.content[0].labels[0].location.y == 0.2
    assert result["displayResult"] == "2 nuclei"
    assert result.model_dump() == first
    assert pacs.server.get_results("tumor-finder", "demo-he-1") == []


def test_a_result_read_so_is_a_view_that_cannot_be_written(pacs: Any) -> None:
    pacs.create()
    (result,) = pacs.server.get_results("nuclei-counter", "demo-he-1")
    with pytest.raises(AttributeError, match="changed over the API"):
        result.displayResult = "x"
    with pytest.raises(AttributeError, match="displayResult"):
        _ = result.nothing
    assert result == AttributeView(result.model_dump())
    assert "displayResult" in list(result)


def test_another_reader_can_be_put_in(pacs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MockSectraServer, "read_result", staticmethod(lambda document: document["id"]))
    pacs.create()
    assert pacs.server.get_results("nuclei-counter", "demo-he-1") == [1]


def test_create_app_serves_the_same_world(pacs: Any) -> None:
    pacs.create()
    other = pacs.server.create_app().test_client()
    assert other.get(f"{pacs.base}/applications/nuclei-counter/results/1", headers=AUTH).json["id"] == 1


def test_it_serves_https_with_a_certificate(tmp_path: Path) -> None:
    with MockSectraServer(tls=self_signed(["localhost"], tmp_path)).run(port=0) as server:
        assert server.url.startswith(f"https://localhost:{server.port}/")


def test_a_state_file_outlives_the_server(pacs: Any, tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    for expected in (1, 2):
        server = MockSectraServer(state=state)
        client = server.create_app().test_client()
        path = f"{pacs.base}/applications/nuclei-counter/results"
        stored = client.post(path, json={"slideId": "demo-he-1", "displayResult": "", "data": {}}, headers=AUTH).json
        assert stored["id"] == expected
        server.world.store.close()


def test_many_threads_may_use_one_server(pacs: Any) -> None:
    def job() -> None:
        caller = pacs.with_token("dev-token")
        for _ in range(10):
            caller.create()

    threads = [threading.Thread(target=job) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    listed = pacs.get("/applications/nuclei-counter/results/slide/demo-he-1").json
    assert [stored["id"] for stored in listed] == list(range(1, 81))
    assert len({stored["versionId"] for stored in listed}) == 80


@pytest.mark.parametrize("option", [{"token": ""}, {"token": "a b"}, {"token": "ü"}, {"control_token": "a\nb"}])
def test_secrets_that_no_header_carries_are_refused(option: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="travels in a header"):
        MockSectraServer(**option)


@pytest.mark.parametrize("version", ["4.2\r\nX: y", "ü"])
def test_a_software_version_that_no_header_carries_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="travels in a header"):
        MockSectraServer(software_version=version)


@pytest.mark.parametrize("application", ["", "=x", "a/b", "a b", "a%"])
def test_an_application_id_that_no_url_carries_is_refused(application: str) -> None:
    with pytest.raises(ValueError, match="expected ID"):
        MockSectraServer(applications=[application])


def test_a_connection_that_fails_outside_any_answer_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Connection) -> bool:
        raise ZeroDivisionError("between two answers")

    monkeypatch.setattr(Connection, "_exchange", fail)
    server = MockSectraServer().run(port=0)
    with socket.create_connection(("localhost", server.port), timeout=5) as client:
        assert client.recv(1) == b""
    server.stop()  # which waits for the connection's thread
    with pytest.raises(BrokenContractError, match=r"a connection failed: (?s:.*)between two answers"):
        server.raise_for_errors()
