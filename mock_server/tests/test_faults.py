"""Faults from a client's side: what each kind does to an answer on the wire, and what stands in the table then."""

import http.client
import json
import re
import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from fake_pacs.embedding import Credential, MockSectraServer
from fake_pacs.faults.effects import DAMAGES
from fake_pacs.faults.latency import Latency
from fake_pacs.faults.multipart import EPILOGUE, PREAMBLE

RunPacs = Callable[..., MockSectraServer]

FILES = "/slides/demo-dicom_1/files"
RESULT = {"slideId": "demo-he-1", "displayResult": "2 nuclei", "data": {"context": None}}


class Answer:
    """What came of a request: status, headers, the bytes that came, and what broke off, if anything."""

    def __init__(
        self, server: MockSectraServer, path: str, method: str = "GET", body: Any = None, token: str = ""
    ) -> None:
        base = server.url.partition(str(server.port))[2]
        connection = http.client.HTTPConnection("localhost", server.port, timeout=10)
        headers = {"Authorization": f"Bearer {token or server.token}", "Content-Type": "application/json"}
        self.status, self.body, self.headers, self.broken = 0, b"", {}, ""
        try:
            connection.request(method, base + path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            self.status, self.headers = answer.status, dict(answer.headers)
            while piece := answer.read1(65536):
                self.body += piece
            if answer.length:
                self.broken = "short"
        except http.client.IncompleteRead as short:
            self.body, self.broken = self.body + short.partial, "short"
        except (ConnectionResetError, http.client.RemoteDisconnected) as error:
            self.broken = "closed" if isinstance(error, http.client.RemoteDisconnected) else "reset"
        finally:
            connection.close()

    @property
    def length(self) -> int:
        return int(self.headers["Content-Length"])


@pytest.fixture
def server(run_pacs: RunPacs) -> MockSectraServer:
    return run_pacs()


@pytest.fixture
def whole(server: MockSectraServer) -> Answer:
    """The files as they come without a fault."""
    return Answer(server, FILES)


@pytest.mark.parametrize("status", [200, 204, 302, 404, 418, 429, 500, 503, 599])
def test_any_status_is_answered_declared_or_not(server: MockSectraServer, status: int) -> None:
    server.faults.status("getInfo", status)
    answer = Answer(server, "/info")
    assert answer.status == status
    assert answer.headers["X-Sectra-ApiVersion"] == "1.10"
    if status >= 300 and status != 304:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert json.loads(answer.body)["type"] == "urn:ia-api-kit:problem:injected-fault"
        assert json.loads(answer.body)["status"] == status
    assert Answer(server, "/info").status == 200
    server.faults.assert_consumed()


def test_a_status_can_have_any_body_and_headers(server: MockSectraServer) -> None:
    server.faults.status("getInfo", 502, headers={"X-Proxy": "1"}, body="<h1>Gone</h1>", media_type="text/html")
    answer = Answer(server, "/info")
    assert (answer.status, answer.body, answer.headers["X-Proxy"]) == (502, b"<h1>Gone</h1>", "1")
    assert answer.headers["Content-Type"] == "text/html"


def test_what_is_refused_by_a_fault_is_not_carried_out_unless_told_so(server: MockSectraServer) -> None:
    server.faults.status("createResult", 503)
    server.faults.status("createResult", 500, carried_out=True)
    server.faults.status("createResult", 202, carried_out=True)
    write = "/applications/nuclei-counter/results"
    counts = []
    for expected in (503, 500, 202):
        answer = Answer(server, write, "POST", RESULT)
        assert answer.status == expected
        counts.append(len(server.get_results("nuclei-counter", "demo-he-1")))
    assert counts == [0, 1, 2]
    assert json.loads(answer.body)["id"] == 2, "a status in 2xx keeps the operation's own answer"


def test_faults_of_an_operation_are_consumed_in_order(server: MockSectraServer) -> None:
    server.faults.status("getInfo", 503, times=2)
    server.faults.too_many_requests("getInfo", 7)
    server.faults.status("*", 418, times=1)
    statuses = [Answer(server, "/info").status for _ in range(5)]
    assert statuses == [503, 503, 429, 418, 200]


def test_a_fault_lets_the_first_ones_through_and_later_ones_wait_their_turn(server: MockSectraServer) -> None:
    server.faults.status("getInfo", 503, after=2)
    server.faults.status("getInfo", 418)
    assert [Answer(server, "/info").status for _ in range(5)] == [200, 200, 503, 418, 200]


def test_a_fault_without_end_is_met_until_it_is_taken_out(server: MockSectraServer) -> None:
    record = server.faults.status("getInfo", 503, times=None)
    assert {Answer(server, "/info").status for _ in range(4)} == {503}
    assert server.faults.remove(record.number)
    assert not server.faults.remove(record.number)
    assert Answer(server, "/info").status == 200


def test_a_fault_meets_only_what_it_is_about(server: MockSectraServer) -> None:
    server.faults.status("getSlideInfo", 503, slide_id="demo-ihc-1")
    server.faults.status("createResult", 500, slide_id="demo-tiff-1")
    server.faults.status("getResult", 502, result_id=2, application_id="nuclei-counter")
    write = "/applications/nuclei-counter/results"
    assert Answer(server, "/slides/demo-he-1/info").status == 200
    assert Answer(server, "/slides/demo-ihc-1/info").status == 503
    assert [Answer(server, write, "POST", RESULT).status for _ in range(2)] == [201, 201]
    assert Answer(server, write, "POST", {**RESULT, "slideId": "demo-tiff-1"}).status == 500
    assert Answer(server, f"{write}/1").status == 200
    assert Answer(server, f"{write}/2").status == 502
    server.faults.assert_consumed()


def test_a_request_that_is_refused_anyway_consumes_no_fault(server: MockSectraServer) -> None:
    server.faults.status("createResult", 503)
    assert Answer(server, "/info", token="wrong").status == 401
    assert Answer(server, "/applications/nuclei-counter/results", "POST", {}).status == 400
    with pytest.raises(AssertionError, match=r"#1 status on createResult \(1x\): took 0 of 0 that met it"):
        server.faults.assert_consumed()


@pytest.mark.parametrize("seconds", [0, 1, 3600])
def test_429_says_when_to_come_again(server: MockSectraServer, seconds: int) -> None:
    server.faults.too_many_requests("getInfo", seconds)
    server.faults.too_many_requests("getInfo", seconds, http_date=True)
    server.clock.freeze()
    now = server.clock.now().replace(microsecond=0)
    in_seconds, dated = Answer(server, "/info"), Answer(server, "/info")
    assert (in_seconds.status, in_seconds.headers["Retry-After"]) == (429, str(seconds))
    assert (dated.status, dated.headers["Retry-After"][-4:]) == (429, " GMT")
    assert (parsedate_to_datetime(dated.headers["Retry-After"]) - now).total_seconds() == seconds


def test_a_reset_before_the_answer_loses_only_the_answer(server: MockSectraServer) -> None:
    server.faults.reset("createResult")
    assert Answer(server, "/applications/nuclei-counter/results", "POST", RESULT).broken == "reset"
    assert len(server.get_results("nuclei-counter", "demo-he-1")) == 1


def test_a_reset_that_loses_the_request_changes_nothing(server: MockSectraServer) -> None:
    server.faults.reset("createResult", carried_out=False)
    assert Answer(server, "/applications/nuclei-counter/results", "POST", RESULT).broken == "reset"
    assert server.get_results("nuclei-counter", "demo-he-1") == []


def test_a_reset_after_some_bytes_breaks_the_body_off(server: MockSectraServer, whole: Answer) -> None:
    server.faults.reset("getSlideFiles", after_bytes=1000)
    answer = Answer(server, FILES)
    assert (answer.status, answer.length, answer.broken) == (200, whole.length, "reset")
    assert len(answer.body) <= 1000


@pytest.mark.parametrize("after", [None, 0, 1, 5000])
def test_a_truncated_body_ends_in_an_orderly_close(server: MockSectraServer, whole: Answer, after: int | None) -> None:
    server.faults.truncate("getSlideFiles", after_bytes=after)
    answer = Answer(server, FILES)
    assert (answer.status, answer.length, answer.broken) == (200, whole.length, "short")
    assert len(answer.body) == (whole.length // 2 if after is None else after)
    assert Answer(server, FILES).broken == ""


def test_a_dribble_is_slow_and_right(server: MockSectraServer) -> None:
    whole = Answer(server, "/slides/demo-he-1/info")
    server.faults.dribble("getSlideInfo", bytes_per_second=len(whole.body) / 0.4)
    began = time.monotonic()
    answer = Answer(server, "/slides/demo-he-1/info")
    assert (answer.status, answer.body) == (200, whole.body)
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("by", [1, 100, -1, -100])
def test_a_wrong_length_is_declared_and_the_body_comes_whole(server: MockSectraServer, whole: Answer, by: int) -> None:
    server.faults.wrong_length("getSlideFiles", by)
    answer = Answer(server, FILES)
    assert answer.length == whole.length + by
    assert len(answer.body) == min(whole.length, whole.length + by)
    assert answer.broken == ("short" if by > 0 else "")


@pytest.mark.parametrize("damage", DAMAGES)
def test_malformed_multipart_keeps_http_and_breaks_its_framing(server: MockSectraServer, damage: Any) -> None:
    right = Answer(server, FILES)
    server.faults.malformed_multipart(damage)
    answer = Answer(server, FILES)
    assert (answer.status, answer.length, answer.broken) == (200, len(answer.body), "")
    boundary = re.search(r"boundary=(\S+)", answer.headers["Content-Type"])
    usual = re.match(rb"--(\S+)\r\n", answer.body.removeprefix(PREAMBLE))
    assert boundary is not None
    assert usual is not None
    end = b"\r\n--" + usual[1] + b"--\r\n"
    assert (boundary[1].encode() == usual[1]) == (damage != "wrong-boundary")
    assert answer.body.startswith(PREAMBLE) == (damage == "preamble")
    ends = {"missing-final-crlf": end[:-2], "epilogue": end + EPILOGUE, "no-closing-delimiter": b""}
    assert answer.body.endswith(ends.get(damage, end))
    assert end not in answer.body if damage in ("no-closing-delimiter", "missing-final-crlf") else end in answer.body
    expected = {"missing-final-crlf": -2, "epilogue": len(EPILOGUE), "preamble": len(PREAMBLE)}
    assert answer.length - right.length == expected.get(damage, -len(end) if damage == "no-closing-delimiter" else 0)


def test_a_single_file_is_answered_as_multipart_to_be_malformed(server: MockSectraServer) -> None:
    assert Answer(server, "/slides/demo-he-1/files").headers["Content-Type"] == "application/octet-stream"
    server.faults.malformed_multipart("epilogue")
    answer = Answer(server, "/slides/demo-he-1/files")
    assert answer.headers["Content-Type"].startswith("multipart/related; boundary=")
    assert answer.body.endswith(EPILOGUE)


def test_torn_delimiters_arrive_in_several_reads(server: MockSectraServer) -> None:
    server.faults.malformed_multipart("torn")
    pieces: list[bytes] = []
    connection = http.client.HTTPConnection("localhost", server.port, timeout=10)
    base = server.url.partition(str(server.port))[2]
    connection.request("GET", base + FILES, headers={"Authorization": "Bearer dev-token"})
    answer = connection.getresponse()
    while piece := answer.read1(10**6):
        pieces.append(piece)
    connection.close()
    assert not re.match(rb"--fakepacs[0-9a-f]{32}\r\n", pieces[0])
    assert len(pieces[-1]) == 3
    assert b"".join(pieces[-2:]) == b"--\r\n"[-5:] or len(pieces[-2]) == 2


def test_latency_holds_back_and_adds_to_other_effects(server: MockSectraServer) -> None:
    server.faults.status("getInfo", 503, latency=Latency(0.2))
    server.faults.slow("getInfo", 0.1, times=1)
    began = time.monotonic()
    assert Answer(server, "/info").status == 503
    assert time.monotonic() - began >= 0.2
    assert Answer(server, "/info").status == 200
    taken = [record.exchanges[0] for record in server.faults.records]
    assert [entry.seconds for entry in taken] == [0.2, 0.1]


def test_the_server_stops_within_a_second_whatever_waits(run_pacs: RunPacs) -> None:
    server = run_pacs()
    server.faults.slow("getInfo", 60)
    waiting = threading.Thread(target=Answer, args=(server, "/info"))
    waiting.start()
    while not server.faults.records[0].taken:
        time.sleep(0.01)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 1
    waiting.join(5)
    assert not waiting.is_alive()


def test_a_token_expires_after_some_calls_and_a_new_one_is_taken(server: MockSectraServer) -> None:
    server.faults.expire_token(after_calls=2)
    assert [Answer(server, "/info").status for _ in range(4)] == [200, 200, 401, 401]
    refused = Answer(server, "/info")
    assert "expired" in json.loads(refused.body)["detail"]
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    new = server.world.ids.token()
    server.world.store.add_credential(new, Credential("default", "issued"))
    assert [Answer(server, "/info", token=new).status for _ in range(4)] == [200] * 4, "one token was to expire"
    server.faults.clear()
    assert Answer(server, "/info").status == 200


def test_every_token_expires_where_that_was_asked(server: MockSectraServer) -> None:
    server.faults.expire_token(after_calls=1, times=None)
    for token in ("first", "second"):
        server.world.store.add_credential(token, Credential("default", "issued"))
        assert [Answer(server, "/info", token=token).status for _ in range(3)] == [200, 401, 401]


def test_a_token_expires_after_some_bytes(server: MockSectraServer) -> None:
    size = Answer(server, FILES).length
    server.faults.expire_token(after_bytes=size + 1)
    assert [Answer(server, FILES).status for _ in range(3)] == [200, 200, 401]


def test_the_table_and_the_journal_tell_which_exchange_was_touched(server: MockSectraServer) -> None:
    server.faults.status("getInfo", 503, after=1)
    for _ in range(3):
        Answer(server, "/info")
    journal = server.world.journal.read("default", with_strangers=True, operation_id=None, after=None, limit=None)
    assert [list(exchange.faults) for exchange in journal] == [[], ["#1 status on getInfo (1x)"], []]
    (record,) = server.faults.records
    assert (record.met, record.taken, record.left) == (2, 1, 0)
    assert [taken.exchange for taken in record.exchanges] == [journal[1].number]
    server.raise_for_errors()


def test_no_other_tenant_is_touched(server: MockSectraServer) -> None:
    server.world.store.create_tenant("north", "north-token")
    server.faults_of("north").status("*", 503, times=None)
    assert Answer(server, "/info").status == 200
    assert Answer(server, "/info", token="north-token").status == 503


def test_a_wire_fault_without_our_server_is_an_error_that_says_so(make_pacs: Callable[..., Any]) -> None:
    pacs = make_pacs(may_break=True)
    pacs.server.faults.reset("getInfo")
    assert pacs.get("/info").status_code == 500
    assert "needs the HTTP server of fake-pacs" in pacs.server.world.journal.our_errors[-1]


def test_operations_without_a_bearer_token_have_faults_too(pacs: Any) -> None:
    for operation in ("createToken", "getLaunchData"):
        pacs.server.faults.status(operation, 503)
    pacs.server.faults.expire_token(after_calls=0)
    form, path = {"grant_type": "client_credentials"}, f"{pacs.base}/token?applicationId=tumor-finder"
    statuses = [pacs.client.post(path, data=form, auth=("dev", "dev")).status_code for _ in range(2)]
    wanted = {"applicationId": "tumor-finder", "accessionNumber": "S26-1002"}
    launch = pacs.control("POST", "launches", json=wanted).json["launchDataUrl"].removeprefix("http://localhost")
    statuses += [pacs.client.get(launch).status_code for _ in range(2)]
    assert statuses == [503, 200, 503, 200]


@pytest.mark.parametrize("size", [10, 3 * 2**20])
def test_an_upload_that_a_fault_refuses_is_not_stored(server: MockSectraServer, size: int) -> None:
    write = "/applications/nuclei-counter/results"
    Answer(server, write, "POST", {**RESULT, "attachments": [{"name": "a", "state": "new"}]})
    server.faults.status("putAttachment", 503)
    url = f"{server.url}{write}/1/attachments?name=a"
    headers = {"Authorization": "Bearer dev-token", "Content-Type": "application/octet-stream"}
    answer = requests.put(url, data=bytes(size), headers=headers, timeout=10)
    assert answer.status_code == 503
    assert Answer(server, f"{write}/1/attachments?name=a").status == 404
    assert requests.put(url, data=bytes(size), headers=headers, timeout=10).status_code == 200


def test_a_refusal_of_the_operation_goes_out_spoilt_too(server: MockSectraServer) -> None:
    server.faults.reset("getSlideInfo", times=None)
    server.faults.truncate("getResult")
    assert Answer(server, "/slides/nowhere/info").broken == "reset"
    assert Answer(server, "/applications/nuclei-counter/results/9").broken == "short"


def test_an_answer_without_a_body_has_nothing_to_cut(server: MockSectraServer) -> None:
    for ask in (server.faults.truncate, server.faults.reset):
        ask("getSlideLabel", after_bytes=5)
    server.faults.wrong_length("getSlideLabel", 5)
    answers = [Answer(server, "/slides/demo-tiff-1/label") for _ in range(4)]
    assert [answer.status for answer in answers] == [204] * 4
    server.faults.assert_consumed()


def test_the_connection_goes_on_after_a_fault_that_keeps_http(server: MockSectraServer) -> None:
    server.faults.status("getInfo", 503)
    server.faults.dribble("getInfo", 1e6)
    server.faults.malformed_multipart("epilogue")
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer dev-token"
        statuses = [
            session.get(server.url + path, timeout=5).status_code for path in ("/info", "/info", FILES, "/info")
        ]
        manager = session.get_adapter("http://").poolmanager  # type: ignore[attr-defined]
        assert [manager.pools[key].num_connections for key in manager.pools.keys()] == [1]  # noqa: SIM118
    assert statuses == [503, 200, 200, 200]
