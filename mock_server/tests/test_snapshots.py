"""Snapshots: what a tenant holds goes into a file and comes back whole, or not at all."""

import base64
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fake_pacs import snapshots
from fake_pacs.calling.values import RegisteredApp
from fake_pacs.cli import main
from fake_pacs.embedding import MockSectraServer
from fake_pacs.snapshot_file import MEDIA_TYPE, SnapshotError
from fake_pacs.store import AttachmentEntry, ContentReplacedError

MakePacs = Callable[..., Any]
RESULTS = "/applications/nuclei-counter/results"
APP = RegisteredApp("finder", "http://localhost:9/", "Finder", "Maker", {"type": "wholeSlide"}, {"k": [1]}, True, True)
BYTES = bytes(range(256)) * 9000  # three lines of bytes


def filled(pacs: Any) -> Any:
    """A tenant with results, a deleted one, attachments with and without bytes, quality control, an app."""
    content = {"labels": [{"label": "\u2028 \n é 😀", "location": {"x": 0.5, "y": 1e-300}}]}
    data = {"context": {"z": 1, "a": None}, "result": {"type": "primitive", "content": content}}
    pacs.create(data=data, unknown={"b": 1, "a": [2**53]}, attachments=[{"name": "x/1", "more": 7}, {"name": "new"}])
    pacs.create()
    pacs.create("viewer" if pacs.server.world.hospital.application("viewer") else "nuclei-counter", displayResult="")
    pacs.server.world.store.delete_result("default", "nuclei-counter", 2)
    assert pacs.put(f"{RESULTS}/1/attachments?name=x/1", data=BYTES).status_code == 200
    state = pacs.get("/slides/demo-he-1/info").json["qualityControl"]
    sent = {"applicationVersion": "1", "qualityControl": {**state, "status": "Rejected"}}
    assert pacs.put("/slides/demo-he-1/qualityControl", json=sent).status_code == 200
    pacs.server.world.store.put_app("default", APP)
    return pacs


def seen(pacs: Any) -> Any:
    """Everything of a snapshot that callers can see."""
    listed = pacs.get(f"{RESULTS}/slide/demo-he-1").json
    info = pacs.get("/slides/demo-he-1/info").json
    attached = pacs.get(f"{RESULTS}/1/attachments?name=x/1")
    return json.dumps([listed, info]), attached.status_code, attached.data, pacs.server.world.store.apps("default")


def saved(pacs: Any) -> bytes:
    answer = pacs.control("GET", "snapshot")
    assert answer.status_code == 200, answer.data
    assert answer.content_type == MEDIA_TYPE
    assert answer.headers["Content-Disposition"] == 'attachment; filename="default.snapshot"'
    data: bytes = answer.data
    return data


def load(pacs: Any, file: bytes, media_type: str = MEDIA_TYPE) -> Any:
    return pacs.control("PUT", "snapshot", data=file, content_type=media_type)


def lines_of(file: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.splitlines()]


def as_file(records: list[Any]) -> bytes:
    """A file of these lines, with the right count in its end."""
    if isinstance(records[-1], dict) and records[-1].get("record") == "end":
        records = [*records[:-1], {"record": "end", "records": len(records) - 1}]
    texts = [record if isinstance(record, str) else json.dumps(record) for record in records]
    return "".join(f"{text}\n" for text in texts).encode()


def without_time(file: bytes) -> bytes:
    head, _, rest = file.partition(b"\n")
    return json.dumps({**json.loads(head), "savedAt": ""}).encode() + rest


def test_a_tenant_comes_back_as_it_was_on_another_server(make_pacs: MakePacs) -> None:
    here, there = filled(make_pacs()), make_pacs()
    there.create(displayResult="is replaced")
    answer = load(there, saved(here))
    assert answer.json == {
        "tenant": "default",
        "results": 2,
        "attachments": 1,
        "qualityControls": 1,
        "apps": 1,
        "notes": [],
    }
    assert seen(there) == seen(here)
    assert [item["state"] for item in there.get(f"{RESULTS}/1").json["attachments"]] == ["stored", "new"]
    assert without_time(saved(there)) == without_time(saved(here))


def test_ids_and_versions_go_on_after_a_load(make_pacs: MakePacs) -> None:
    here, there = filled(make_pacs()), make_pacs()
    first = here.get(f"{RESULTS}/1").json
    load(there, saved(here))
    assert there.create()["id"] == 4, "1 to 3 are used up, 2 was deleted"
    assert there.put(f"{RESULTS}/1", json=first).status_code == 200
    assert there.put(f"{RESULTS}/1", json=first).status_code == 409
    load(there, saved(here))
    assert there.create()["id"] == 5, "4 was used up by this tenant"


def test_a_seeded_server_makes_no_id_again_that_it_loaded(make_pacs: MakePacs) -> None:
    def versions(pacs: Any) -> list[str]:
        return [pacs.create()["versionId"] for _ in range(3)]

    here = make_pacs(seed=7)
    first = versions(here)
    file = saved(here)
    runs = []
    for _ in range(2):
        there = make_pacs(seed=7)
        assert load(there, file).status_code == 200
        runs.append(versions(there))
    assert runs[0] == runs[1], "still reproducible"
    assert not set(first) & set(runs[0])


def test_no_credential_is_in_the_file_and_none_is_touched(pacs: Any) -> None:
    wanted = {"applicationId": "nuclei-counter", "accessionNumber": "S26-1002"}
    launch = pacs.control("POST", "launches", json=wanted).json
    form = {"grant_type": "client_credentials"}
    path = f"{pacs.base}/token?applicationId=nuclei-counter"
    token = pacs.client.post(path, data=form, auth=("dev", "dev")).json["access_token"]
    file = saved(filled(pacs))
    for secret in (launch["sessionToken"], token, pacs.token, pacs.server.control_token):
        assert secret.encode() not in file
    assert load(pacs, file).status_code == 200
    assert pacs.with_token(token).get("/info").status_code == 200
    assert len(pacs.journal()) > 5


def test_a_snapshot_is_the_tenant_s_own(pacs: Any) -> None:
    made = pacs.control("POST", "tenants").json
    job = pacs.with_token(made["token"])
    filled(pacs)
    before = seen(pacs)
    file = saved(pacs)
    job.create()
    assert job.control("PUT", "snapshot", data=file, content_type=MEDIA_TYPE).json["tenant"] == made["tenant"]
    assert len(job.get(f"{RESULTS}/slide/demo-he-1").json) == 2
    assert job.control("POST", "reset").status_code == 200
    assert seen(pacs) == before


def test_what_this_server_lacks_is_noted(make_pacs: MakePacs) -> None:
    here, there = make_pacs(invent=True), make_pacs()
    here.create(slideId="S-9")
    here.create("another-app")
    notes = load(there, saved(here)).json["notes"]
    assert notes == [
        "the slide 'S-9' isn't in this hospital: its result can't be asked for",
        "the application 'another-app' isn't registered here: its result can't be asked for",
    ]


HEAD: dict[str, Any] = {"record": "snapshot", "version": 1}
END = {"record": "end", "records": 0}
COUNTER = {"record": "counter", "applicationId": "a", "lastResultId": 5}
RESULT = {"record": "result", "applicationId": "a", "id": 1, "versionId": "v", "result": {}}
RESULT["result"] = {"slideId": "demo-he-1", "displayResult": "", "data": {}}
WITH_BYTES = {**RESULT, "result": {**RESULT["result"], "attachments": [{"name": "x", "state": "stored"}]}}  # type: ignore[dict-item]
ATTACHMENT = {"record": "attachment", "applicationId": "a", "resultId": 1, "name": "x", "size": 3}
PIECE = {"record": "bytes", "base64": "UE5H"}
QUALITY = {"record": "qualityControl", "slideId": "demo-he-1", "status": "Rejected", "versionId": "q"}
FINDER = {
    "record": "app",
    "applicationId": "f",
    "url": "http://localhost:9/",
    "displayName": "F",
    "manufacturer": "M",
    "inputTemplate": {"type": "wholeSlide"},
    "context": {},
    "enabled": True,
    "notifications": False,
}
TAGGED = {"type": "taggedPolygon", "content": {"tags": ["x" * 65536]}}
WHOLE = [HEAD, COUNTER, FINDER, WITH_BYTES, ATTACHMENT, PIECE, QUALITY, END]
BAD = [
    ([HEAD], "line 2", "cut off"),
    ([HEAD, COUNTER, WITH_BYTES, ATTACHMENT], "line 5", "3 more bytes"),
    ([HEAD, COUNTER, WITH_BYTES, ATTACHMENT, END], "line 5", "3 more bytes"),
    ([HEAD, COUNTER, WITH_BYTES, ATTACHMENT, PIECE, PIECE, END], "line 6 /base64", "at most the 0 bytes"),
    ([HEAD, COUNTER, WITH_BYTES, END], "line 3 /result/attachments", "no attachment line"),
    ([HEAD, COUNTER, RESULT, ATTACHMENT, PIECE, END], "line 4 /name", "a result above declares"),
    ([HEAD, COUNTER, ATTACHMENT, PIECE, WITH_BYTES, END], "line 3 /name", "a result above declares"),
    ([*WHOLE[:6], ATTACHMENT, PIECE, END], "line 7 /name", "once"),
    ([HEAD, COUNTER, {**WITH_BYTES, "id": 6}, {**ATTACHMENT, "resultId": 6}, PIECE, END], "counter", "lastResultId"),
    ([HEAD, COUNTER, RESULT, RESULT, END], "line 4 /id", "no other result"),
    ([HEAD, COUNTER, COUNTER, END], "line 3 /applicationId", "no other counter"),
    ([HEAD, FINDER, FINDER, END], "line 3 /applicationId", "no other app"),
    ([HEAD, {**FINDER, "applicationId": "a/b\x1b"}, END], "line 2 /applicationId", "without /"),
    ([HEAD, {**FINDER, "url": "http://[9/"}, END], "line 2 /url", "http or https"),
    ([HEAD, {**FINDER, "url": "http://me:hunter2@a/"}, END], "line 2 /url", "without user"),
    ([HEAD, {**FINDER, "applicationId": "nuclei-counter"}, END], "line 2 /applicationId", "serve without that --app"),
    ([HEAD, FINDER, {**FINDER, "context": {"k": "é" * 32768}}, END], "line 3 /context", "at most 65,536"),
    ([HEAD, {**FINDER, "inputTemplate": TAGGED}, END], "line 2 /inputTemplate", "at most 65,536"),
    ([HEAD, {**FINDER, "manufacturer": "x" * 65535}, END], "line 2 /manufacturer", "65,537 bytes"),
    ([HEAD, QUALITY, QUALITY, END], "line 3 /slideId", "no other line"),
    ([HEAD, {**QUALITY, "status": "Good"}, END], "line 2 /status", "NotSet"),
    ([HEAD, HEAD, END], "line 2 /record", "once"),
    ([HEAD, {**END, "records": 1}, COUNTER], "line 3", "after the end"),
    ([HEAD, PIECE, END], "line 2 /base64", "at most the 0 bytes"),
    ([HEAD, {"record": "bytes", "base64": "UE5"}, END], "line 2 /base64", "4"),
    ([HEAD, {"record": "bytes", "base64": "A=AA"}, END], "line 2 /base64", "matches"),
    ([HEAD, {"record": "secret"}, END], "line 2 /record", "counter"),
    ([HEAD, {**COUNTER, "more": 1}, END], "line 2 /more", ""),
    ([HEAD, "no json", END], "line 2", "well-formed JSON"),
    ([HEAD, "", END], "line 2", "JSON"),
    ([HEAD, '{"record": NaN}', END], "line 2 /record", "a number"),
    ([HEAD, "[" * 200 + "]" * 200, END], "line 2", "levels"),
    ([HEAD, {**RESULT, "result": {**RESULT["result"], "id": 3}}, END], "line 2 /result/id", "beside"),  # type: ignore[dict-item]
    ([HEAD, {**RESULT, "result": {**RESULT["result"], "data": 3}}, END], "line 2 /result/data", "object"),  # type: ignore[dict-item]
    ([{**HEAD, "version": 0}, END], "line 1 /version", "1"),
    ([{**HEAD, "version": "2"}, END], "line 1 /version", "1"),
    ([{**HEAD, "version": True}, END], "line 1 /version", "1"),
    ([HEAD, '{"record": "end", "records": 7}'], "line 2 /records", "missing"),
]


def test_a_file_made_by_hand_loads(pacs: Any) -> None:
    answer = load(pacs, as_file(WHOLE))
    assert answer.status_code == 200, answer.data
    assert (answer.json["results"], answer.json["attachments"], answer.json["apps"]) == (1, 1, 1)
    assert load(pacs, as_file(WHOLE).replace(b"\n", b"\r\n")).status_code == 200


def test_as_much_context_as_a_registration_may_have_is_loaded(pacs: Any) -> None:
    context = {"k": "é" * ((65536 - len('{"k":""}')) // 2)}  # two bytes each, however its file spells them
    assert load(pacs, as_file([HEAD, {**FINDER, "context": context}, END])).status_code == 200
    assert pacs.control("PATCH", "apps/f", json={"context": context}).status_code == 200
    pacs.problem(pacs.control("PATCH", "apps/f", json={"context": {"k": context["k"] + "x"}}), 400, "invalid-request")
    assert load(pacs, saved(pacs)).json["apps"] == 1


@pytest.mark.parametrize(("records", "place", "expected"), BAD)
def test_a_bad_file_is_refused_whole_and_every_place_is_named(
    pacs: Any, records: list[Any], place: str, expected: str
) -> None:
    filled(pacs)
    before = seen(pacs)
    problem = pacs.problem(load(pacs, as_file(records)), 400, "invalid-request")
    places = [(found["pointer"], found["expected"] + found["came"]) for found in problem["violations"]]
    assert any(pointer == place and expected in text for pointer, text in places), places
    assert seen(pacs) == before


@pytest.mark.parametrize("file", [b"", b"\n", b"PK\3\4", b"[]\n", b'{"record":"result"}\n', b"\xff\xfe", b"{}\n" * 9])
def test_what_is_no_snapshot_says_so(pacs: Any, file: bytes) -> None:
    problem = pacs.problem(load(pacs, file), 400, "invalid-request")
    assert "no snapshot" in problem["detail"]


@pytest.mark.parametrize("version", [2, 10**30])
def test_a_newer_version_is_refused_as_such(pacs: Any, version: int) -> None:
    newer = [{**HEAD, "version": version}, {"record": "hologram"}, END]
    problem = pacs.problem(load(pacs, as_file(newer)), 400, "invalid-request")
    assert problem["detail"] == f"The snapshot has version {version} of the format; this fake-pacs reads version 1."
    assert "newer" in problem["hint"]


def test_of_very_many_bad_lines_the_first_are_named(pacs: Any) -> None:
    problem = pacs.problem(load(pacs, as_file([HEAD, *["x"] * 5000])), 400, "invalid-request")
    assert len(problem["violations"]) <= 100


def test_other_media_types_and_sizes_are_refused(make_pacs: MakePacs) -> None:
    pacs = make_pacs()
    pacs.problem(load(pacs, as_file(WHOLE), "application/json"), 415, "unsupported-media-type")
    pacs.refused(401, "unauthenticated", "GET", "/_fake_pacs/snapshot")


def test_an_attachment_that_is_replaced_meanwhile_is_read_again(pacs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(pacs).server.world.store
    read, times = store.read_attachment, iter([True, True, False])

    def replaced(entry: AttachmentEntry, start: int, stop: int) -> Any:
        if next(times):
            raise ContentReplacedError("replaced")
        return read(entry, start, stop)

    monkeypatch.setattr(store, "read_attachment", replaced)
    assert lines_of(saved(pacs))[-1]["record"] == "end"


def test_a_tenant_that_never_stands_still_is_503(pacs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def replaced(*_: Any) -> Any:
        raise ContentReplacedError("replaced")

    monkeypatch.setattr(filled(pacs).server.world.store, "read_attachment", replaced)
    pacs.problem(pacs.control("GET", "snapshot"), 503, "content-changing")


def test_an_attachment_is_never_held_in_memory(tmp_path: Path) -> None:
    size = 24 * 2**20
    piece = {"record": "bytes", "base64": base64.b64encode(bytes(2**20)).decode()}
    records = [HEAD, COUNTER, WITH_BYTES, {**ATTACHMENT, "size": size}, *[piece] * 24, END]
    (tmp_path / "big.snapshot").write_bytes(as_file(records))
    server = MockSectraServer(state=tmp_path / "state.sqlite")
    tracemalloc.start()
    try:
        server.load_snapshot(tmp_path / "big.snapshot")
        server.save_snapshot(tmp_path / "again.snapshot")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 * 2**20
    assert (tmp_path / "again.snapshot").stat().st_size > size


def test_embedded_servers_save_and_load(tmp_path: Path, make_pacs: MakePacs) -> None:
    here, there = filled(make_pacs()), make_pacs()
    path = tmp_path / "tenant.snapshot"
    here.server.save_snapshot(path)
    assert there.server.load_snapshot(path)["results"] == 2
    assert seen(there) == seen(here)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SnapshotError, match="cut off"):
        there.server.load_snapshot(path)


def test_a_file_that_can_t_be_written_whole_leaves_the_former_one(tmp_path: Path) -> None:
    path = tmp_path / "tenant.snapshot"
    path.write_text("former")

    def fail() -> None:
        with snapshots.new_file(path) as file:
            file.write(b"half")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        fail()
    assert [item.name for item in tmp_path.iterdir()] == ["tenant.snapshot"]
    assert path.read_text() == "former"


def run(server: MockSectraServer, *arguments: str) -> Any:
    return CliRunner().invoke(main, ["snapshot", *arguments, "--server", server.root_url])


def test_the_command_saves_and_loads(run_pacs: Callable[..., MockSectraServer], tmp_path: Path) -> None:
    here, there = run_pacs(), run_pacs()
    (tmp_path / "made.snapshot").write_bytes(as_file(WHOLE))
    path = tmp_path / "tenant.snapshot"
    assert run(here, "load", str(tmp_path / "made.snapshot")).output.splitlines() == [
        "the tenant default holds 1 result, 1 attachment, 1 quality control, 1 app",
        "note: the application 'a' isn't registered here: its result can't be asked for",
    ]
    done = run(here, "save", str(path))
    assert done.output == f"saved {path} ({path.stat().st_size:,} bytes)\n"
    assert run(there, "load", str(path)).exit_code == 0
    assert there.world.store.contents("default").results[0].id == 1


def test_a_dash_is_standard_output_and_input(
    run_pacs: Callable[..., MockSectraServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server = run_pacs()
    saved = run(server, "save", "-")
    assert [json.loads(line)["record"] for line in saved.stdout_bytes.splitlines()] == ["snapshot", "end"]
    at = ["snapshot", "load", "-", "--server", server.root_url]
    loaded = CliRunner().invoke(main, at, input=saved.stdout_bytes)
    assert (loaded.exit_code, "the tenant default holds 0 results" in loaded.output) == (0, True)
    assert CliRunner().invoke(main, at, input=b"junk").exit_code == 1
    assert [*tmp_path.iterdir()] == [], "no file is called -"


def test_the_command_says_what_is_wrong(run_pacs: Callable[..., MockSectraServer], tmp_path: Path) -> None:
    server, bad = run_pacs(), tmp_path / "bad.snapshot"
    bad.write_bytes(as_file([HEAD, {**QUALITY, "status": "Good"}, END]))
    done = run(server, "load", str(bad))
    assert done.exit_code == 1
    assert "line 2 /status: came" in done.output
    missing = run(server, "load", str(tmp_path / "none"))
    assert (missing.exit_code, "can't be read" in missing.output) == (1, True)
    nowhere = run(server, "save", str(tmp_path / "no" / "folder"))
    assert (nowhere.exit_code, "can't be written" in nowhere.output) == (1, True)
    wrong = run(server, "save", str(tmp_path / "x"), "--control-token", "nonsense")
    assert (wrong.exit_code, "control token is wrong" in wrong.output) == (1, True)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["bad.snapshot"]


def test_the_example_of_the_page_loads(pacs: Any) -> None:
    page = (Path(__file__).parents[2] / "docs" / "snapshots.md").read_text("utf-8")
    example = page.partition("```json\n")[2].partition("```")[0]
    assert {line["record"] for line in lines_of(example.encode())} == {line["record"] for line in WHOLE}
    answer = load(pacs, example.encode())
    assert answer.status_code == 200, answer.data
    assert pacs.get(f"{RESULTS}/7/attachments?name=heatmap.png").data == b"PNG"
