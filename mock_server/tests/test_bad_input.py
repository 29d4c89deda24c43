"""Bad input: whatever a caller sends, a problem that says all that is wrong, and nothing changes."""

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from fake_pacs.embedding import MockSectraServer
from fake_pacs.settings import Settings
from fake_pacs.world import World
from ia_api_spec import MOST

MakePacs = Callable[..., Any]

RESULTS = "/applications/nuclei-counter/results"
GOOD = '{"slideId":"demo-he-1","displayResult":"a","data":{"context":%s}}'
JSON = {"Content-Type": "application/json"}


def body(context: str) -> bytes:
    return (GOOD % context).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    ("raw", "pointers"),
    [
        (b"", [""]),
        (b"{", [""]),
        (b"null", [""]),
        (b"[]", [""]),
        (b'"text"', [""]),
        (body('{"a":NaN,"b":[Infinity,-Infinity]}'), ["/data/context/a", "/data/context/b/0", "/data/context/b/1"]),
        (body('{"a":1e999}'), ["/data/context/a"]),
        (body('{"a":' + "9" * 5000 + "}"), ["/data/context/a"]),
        (body("[" * 5000 + "]" * 5000), [""]),
        (body('{"a":' * 101 + "1" + "}" * 101), [""]),
        (body('{"a":"\\ud800"}'), ["/data/context/a"]),
        (body('{"\\udfff":1}'), ["/data/context/\\udfff"]),
        (body('{"a":1,"a":2}'), ["/data/context/a"]),
        (GOOD.replace("demo-he-1", "\\ud800").encode() % b"null", ["/slideId"]),
        (b'{"slideId":"demo-he-1","slideId":"demo-he-1","displayResult":"a","data":{}}', ["/slideId"]),
        (body('{"a":"\ud800"}'), [""]),
        (body("{}").replace(b'"a"', b'"\xff"'), [""]),
        (body("{}").decode().encode("utf-16"), [""]),
        (b'{"slideId":1,"displayResult":NaN}', ["/data", "/displayResult", "/slideId"]),
        (b'{"slideId":{},"displayResult":[],"data":"x"}', ["/data", "/displayResult", "/slideId"]),
    ],
)
def test_a_body_that_cannot_be_kept_is_400_with_every_place(pacs: Any, raw: bytes, pointers: list[str]) -> None:
    pacs.create()
    before = pacs.everything()
    for method, path in (("POST", RESULTS), ("PUT", f"{RESULTS}/1")):
        problem = pacs.refused(400, "invalid-request", method, path, JSON, data=raw)
        assert sorted(violation["pointer"] for violation in problem["violations"]) == pointers
        assert {violation["in"] for violation in problem["violations"]} == {"body"}
    assert pacs.everything() == before


def test_a_byte_order_mark_is_taken(pacs: Any) -> None:
    assert pacs.post(RESULTS, JSON, data=b"\xef\xbb\xbf" + body("null")).status_code == 201


def test_parameters_and_body_are_refused_together(pacs: Any) -> None:
    problem = pacs.refused(400, "invalid-request", "PUT", f"{RESULTS}/x?a=%zz", JSON, data=b'{"slideId":1}')
    places = {(violation["in"], violation["pointer"]) for violation in problem["violations"]}
    assert {("query", "a"), ("path", "resultId"), ("body", "/slideId"), ("body", "/data")} <= places


@pytest.mark.parametrize(
    "kind",
    [
        *(None, "", "text/plain", "application/xml", "application/json; charset=utf-16", "multipart/form-data"),
        *("application/", "application/json-patch+json", "\xff", "application/x-www-form-urlencoded"),
    ],
)
def test_another_media_type_is_415(pacs: Any, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    for method, path in (("POST", RESULTS), ("PUT", f"{RESULTS}/1"), ("PUT", "/slides/demo-he-1/qualityControl")):
        problem = pacs.refused(415, "unsupported-media-type", method, path, headers, data=body("null"))
        assert problem["violations"][0]["pointer"] == "Content-Type"
        assert "application/json" in problem["hint"]
        assert "application/json" in problem["violations"][0]["expected"]
    assert pacs.get(f"{RESULTS}/slide/demo-he-1").json == []


@pytest.fixture
def small(pacs: Any) -> Any:
    """A server that takes 10,000 bytes of JSON."""
    world = World(Settings(json_limit=10_000), pacs.server.world.hospital, pacs.server.world.store)
    world.seed()
    pacs.server.world = world
    return pacs.with_token("dev-token")


def test_a_body_over_the_limit_is_413_and_stores_nothing(small: Any) -> None:
    assert small.post(RESULTS, JSON, data=body("null")).status_code == 201
    problem = small.refused(413, "body-too-large", "POST", RESULTS, JSON, data=body(json.dumps({"a": "x" * 10_000})))
    assert "10000" in problem["detail"]
    assert len(small.get(f"{RESULTS}/slide/demo-he-1").json) == 1


@pytest.mark.parametrize("host", ["a b", "", "ä", "a/b", "[::1", "[zz]", "a:b", "localhost:123456", "a@b", "%41"])
def test_a_host_that_no_url_can_hold_is_400(pacs: Any, host: str) -> None:
    headers = {"Host": host, "Authorization": "Bearer dev-token"}
    problem = pacs.problem(pacs.client.get(f"{pacs.base}/info", headers=headers), 400, "malformed-message")
    assert problem["violations"][0]["pointer"] == "Host"


@pytest.mark.parametrize("host", ["localhost", "a.b.c:1", "[::1]", "[::1]:80", "127.0.0.1:8001", "a_b", "-"])
def test_odd_but_possible_hosts_are_served(pacs: Any, host: str) -> None:
    assert pacs.get("/info", {"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "query",
    ["scope=extended&scope=", "includePHI=true&includePHI=false", "includePHI=true&includePHI=True&includePHI="],
)
def test_a_repeated_parameter_must_not_contradict_itself(pacs: Any, query: str) -> None:
    pacs.refused(400, "invalid-request", "GET", f"/slides/demo-he-1/info?{query}")


def wire_head(server: Any, method: str, path: str, *headers: bytes, token: bytes = b"dev-token") -> bytes:
    root = server.url.partition(str(server.port))[2]
    lines = [f"{method} {root}{path} HTTP/1.1".encode(), b"Host: localhost", b"Authorization: Bearer " + token]
    return b"\r\n".join([*lines, b"Connection: close", *headers, b"", b""])


def read_problem(answer: bytes) -> dict[str, Any]:
    """The problem of an answer that came on the wire, its status checked against the status line."""
    head, _, content = answer.partition(b"\r\n\r\n")
    problem: dict[str, Any] = json.loads(content)
    assert head.startswith(f"HTTP/1.1 {problem['status']} ".encode())
    assert b"application/problem+json" in head
    assert b"Traceback" not in content
    return problem


KIND = b"Content-Type: application/json"


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ([b"Content-Length: abc"], b"", 400),
        ([b"Content-Length: -1"], b"", 400),
        ([b"Content-Length: 5", b"Content-Length: 6"], b"12345", 400),
        ([b"Content-Length: 5", b"Transfer-Encoding: chunked"], b"0\r\n\r\n", 400),
        ([b"Content-Length: 99999999999999999999"], b"", 413),
        ([b"Content-Length: 600000000"], b"", 413),
        ([b"Content-Length: 20000000"], b"", 413),
        ([b"Content-Length: 1000"], b"{", 400),
        ([b"Transfer-Encoding: chunked"], b"zz\r\n", 400),
        ([b"Transfer-Encoding: chunked"], b"5\r\nabc", 400),
        ([b"Transfer-Encoding: gzip"], b"", 501),
        ([b"X: " + b"x" * 70_000], b"", 431),
        ([b"bad header"], b"", 400),
        ([b"X-Sectra-ApiVersion: 1.8", b"X-Sectra-ApiVersion: 1.9", b"Content-Length: 0"], b"", 400),
        ([b"X-Sectra-ApiVersion: \xff", b"Content-Length: 0"], b"", 400),
        ([b"Host: other", b"Content-Length: 0"], b"", 400),
    ],
)
def test_a_bad_message_is_a_problem_on_the_wire_and_no_fault_of_ours(
    run_pacs: MakePacs, exchange: Any, headers: list[bytes], content: bytes, status: int
) -> None:
    server = run_pacs()
    answer = exchange(server, wire_head(server, "POST", RESULTS, KIND, *headers) + content)
    assert read_problem(answer)["status"] == status
    assert server.get_results("nuclei-counter", "demo-he-1") == []


def test_a_chunked_body_over_the_limit_is_413(run_pacs: MakePacs) -> None:
    server = run_pacs()
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    with socket.create_connection(("localhost", server.port), timeout=20) as client:
        client.sendall(wire_head(server, "POST", RESULTS, KIND, b"Transfer-Encoding: chunked"))
        for _ in range(17):
            client.sendall(chunk)
        client.sendall(b"0\r\n\r\n")
        answer = b""
        while received := client.recv(2**16):
            answer += received
    assert read_problem(answer)["status"] == 413


def test_a_chunked_body_is_taken(run_pacs: MakePacs, exchange: Any) -> None:
    server = run_pacs()
    sent = body("null")
    chunks = b"".join(b"1\r\n" + sent[at : at + 1] + b"\r\n" for at in range(len(sent))) + b"0\r\n\r\n"
    answer = exchange(server, wire_head(server, "POST", RESULTS, KIND, b"Transfer-Encoding: chunked") + chunks)
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert len(server.get_results("nuclei-counter", "demo-he-1")) == 1


def test_an_upload_that_breaks_off_stores_nothing_and_is_no_fault_of_ours(run_pacs: MakePacs, exchange: Any) -> None:
    server = run_pacs()
    made = b'{"slideId":"demo-he-1","displayResult":"a","data":{},"attachments":[{"name":"a"}]}'
    length = f"Content-Length: {len(made)}".encode()
    assert b"201" in exchange(server, wire_head(server, "POST", RESULTS, KIND, length) + made)[:20]
    upload = wire_head(server, "PUT", f"{RESULTS}/1/attachments?name=a", b"Content-Length: 1000") + b"half"
    assert read_problem(exchange(server, upload))["status"] == 400
    with socket.create_connection(("localhost", server.port), timeout=5) as client:
        client.sendall(upload)

    def state() -> str:
        return str(server.get_results("nuclei-counter", "demo-he-1")[0].attachments[0].state)

    waited = time.monotonic() + 10  # until the server has seen that the client is gone
    while state() != "new" and time.monotonic() < waited:
        time.sleep(0.01)
    assert state() == "new"


@pytest.mark.parametrize(
    "target",
    [b"/%zz", b"/slides/%/info", b"/info?%", b"/slides/%E4%F6/info", b"//", b"/..;/", b"/\x7f", b"/\xff", b"*", b"x"],
)
def test_bad_targets_are_400_or_404_on_the_wire(run_pacs: MakePacs, exchange: Any, target: bytes) -> None:
    server = run_pacs()
    root = b"" if target in (b"*", b"x") else server.url.partition(str(server.port))[2].encode()
    head = b"GET " + root + target + b" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer dev-token\r\n"
    assert read_problem(exchange(server, head + b"Connection: close\r\n\r\n"))["status"] in (400, 404)


@pytest.mark.parametrize("target", [b"/slides/%ff/info", b"/slides/a/%C3%A4%FE", b"/%80"])
def test_a_path_that_is_no_utf_8_is_400_and_names_the_place(exchange: Any, target: bytes) -> None:
    with MockSectraServer(invent=True).run(port=0) as server:
        problem = read_problem(exchange(server, wire_head(server, "GET", target.decode())))
    assert (problem["status"], problem["type"]) == (400, "urn:ia-api-kit:problem:malformed-message")
    (violation,) = problem["violations"]
    assert (violation["in"], violation["expected"]) == ("path", "percent-encoded UTF-8")
    assert violation["came"].strip(chr(34)) in target.decode().upper()


def test_an_empty_body_is_called_empty(pacs: Any) -> None:
    problem = pacs.refused(400, "invalid-request", "POST", RESULTS, JSON, data=b"")
    assert "nothing: the body is empty" in problem["detail"]
    problem = pacs.refused(415, "unsupported-media-type", "POST", RESULTS)
    assert problem["detail"] == "Neither a body nor a Content-Type came."


def test_an_answer_does_not_grow_beyond_what_was_sent(pacs: Any) -> None:
    sent = body("[" + "NaN," * 200_000 + "NaN]").replace(b'"context"', b'"n"')
    answer = pacs.post(RESULTS, JSON, data=sent)
    assert len(pacs.problem(answer, 400, "invalid-request")["violations"]) == MOST + 1
    assert len(answer.data) < 200_000


@pytest.mark.parametrize(("host", "status"), [(b"[:::::]", 400), (b"xn--a", 200), (b"[::1]:80", 200), (b"\xff", 400)])
def test_hosts_that_no_decoder_takes_are_no_fault_of_ours(
    run_pacs: MakePacs, exchange: Any, host: bytes, status: int
) -> None:
    server = run_pacs()
    request = wire_head(server, "GET", "/info").replace(b"Host: localhost", b"Host: " + host)
    assert exchange(server, request).startswith(f"HTTP/1.1 {status} ".encode())
