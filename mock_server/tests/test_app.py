"""The application as a whole: paths, methods, no redirects, and answers of ours that break the contract."""

import http.client
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fake_pacs.app import create_app
from fake_pacs.calls import Call, Reply, json_reply
from fake_pacs.embedding import BrokenContractError, MockSectraServer
from fake_pacs.handlers import HANDLERS
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.store import StoreError
from fake_pacs.world import World
from ia_api_spec import VERSIONS, Contract

MakePacs = Callable[..., Any]

VALUES = {
    "slideId": "demo-he-1",
    "applicationId": "nuclei-counter",
    "resultId": "1",
    "accessionNumber": "S26-1002",
    "asset": "swagger-ui.css",
    "number": "1",
    "name": "slide-rescanned",
    "tenant": "job-17",
    "level": "0",
    "x": "0",
    "y": "0",
    "z": "0",
    "ext": "jpg",
}


def every_path() -> list[tuple[str, str]]:
    """Method and path of every operation in every spelling, in the newest version."""
    found = []
    for name, prefix in (("ia-api", ""), ("fake-pacs", "")):
        for operation in Contract.of(name).operations.values():
            for spelling in operation.spellings:
                found.append((operation.method, prefix + spelling.path.format(**VALUES)))
    return found


def allowed_at(path: str) -> set[str]:
    return {method for method, other in every_path() if other == path}


def test_every_operation_has_exactly_one_handler() -> None:
    assert set(HANDLERS) == set(Contract.of("ia-api").operations)
    for version in VERSIONS:
        assert set(Contract.of("ia-api", version).operations) <= set(HANDLERS)


@pytest.mark.parametrize(("method", "path"), every_path())
def test_every_path_of_the_contract_is_served(pacs: Any, method: str, path: str) -> None:
    answer = pacs.control(method, path.removeprefix("/_fake_pacs/")) if "_fake" in path else pacs.ask(method, path)
    assert answer.status_code != 405
    assert b"unknown-path" not in answer.data, answer.data


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (path, method)
        for path in sorted({path for _, path in every_path()})
        for method in ("HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "X" * 50)
        if method not in allowed_at(path)
    ],
)
def test_another_method_is_405_with_exactly_the_methods_there_are(pacs: Any, method: str, path: str) -> None:
    answer = pacs.ask(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == allowed_at(path)
    if method != "HEAD":
        pacs.problem(answer, 405, "method-not-allowed")


TRICKS = [
    "//info", "/info/", "/./info", "/../v1/info", "/x/../info", "/%2e/info", "/INFO", "/info;a=b", "/info%00",
    "/info%20", "/info//", "/info%0a", "/info.json", "/slides//info", "/slides/demo-he-1//info", "/slides/a/info/",
    "/slides/demo-he-1%2Finfo", "/slides%2Fdemo-he-1/info", "/slides/a%2Fb/info", "/slides/..%2F..%2Fetc%2Fpasswd/info",
    "/slides/../info", "/slides/./info", "/slides/%2e%2e/info", "/slides/%00/info", "/slides/%ff%fe/info",
    "/slides/a%5cb/info", "/slides/%F0%9F%92%A9/info", "/slides/a%0d%0aSet-Cookie:x/info", "/slides/%25/info",
    "/slides/" + "a" * 20_000 + "/info", "/" + "a/" * 5_000, "/applications", "/applications/", "/results", "/hooks/",
    "/images/", "/images/demo-he-1_files/", "/images/demo-he-1_files/0/", "/requests//images/info", "", "/",
]  # fmt: skip


@pytest.mark.parametrize("path", TRICKS)
def test_path_tricks_are_404_and_never_a_redirect(pacs: Any, path: str) -> None:
    answer = pacs.get(path)
    assert answer.status_code == 404, answer.data
    assert answer.content_type == "application/problem+json"
    assert "Location" not in answer.headers
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/", "//", "/favicon.ico", "/static/app.py", "/../../etc/passwd", "/SectraPathologyServer"]
)
def test_nothing_else_is_served_at_the_root(pacs: Any, path: str) -> None:
    answer = pacs.client.get(path)
    problem = pacs.problem(answer, 404, "unknown-path")
    assert pacs.base in problem["hint"]


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/application/nuclei-counter/results/1", "/applications/{applicationId}/results/{resultId}"),
        ("/slide/demo-he-1/info", "/slides/{slideId}/info"),
        ("/slides/demo-he-1/infos", "/slides/{slideId}/info"),
        ("/info/", "/info is served"),
        ("/nothing/at/all/like/it", "openapi.json"),
    ],
)
def test_an_unknown_path_is_told_what_was_probably_meant(pacs: Any, path: str, hint: str) -> None:
    assert hint in pacs.refused(404, "unknown-path", "GET", path)["hint"]


def test_a_missing_base_path_is_named(pacs: Any) -> None:
    problem = pacs.problem(pacs.client.get("/slides/demo-he-1/info"), 404, "unknown-path")
    assert f"{pacs.base}/slides/demo-he-1/info" in problem["hint"]


def test_no_answer_is_ever_a_redirect(pacs: Any) -> None:
    for method, path in every_path():
        for variant in (path, path + "/", path.rstrip("/"), path.upper(), "/" + path, path + "?"):
            for verb in (method, "GET", "POST", "HEAD"):
                answer = pacs.ask(verb, variant)
                assert not 300 <= answer.status_code < 400, variant


@pytest.fixture
def with_handler(make_pacs: MakePacs) -> Callable[..., Any]:
    """A fake PACS in which one handler is another one."""

    def make(operation: str, handler: Any) -> Any:
        pacs = make_pacs(may_break=True)
        pacs.client = create_app(pacs.server.world, {**HANDLERS, operation: handler}).test_client()
        return pacs

    return make


def failing_handler(call: Call, world: World) -> Reply:
    raise KeyError("a defect of ours")


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (json_reply({"apiVersion": "1.10"}), "/softwareVersion"),
        (json_reply({"apiVersion": 1.1, "softwareVersion": "x"}), "/apiVersion"),
        (json_reply([]), "an object"),
        (json_reply({}, status=202), "202"),
        (Reply(body=b"x", media_type="text/plain"), "text/plain"),
        (Reply(), "nothing"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_a_500_that_says_so(
    with_handler: Callable[..., Any], reply: Reply, text: str
) -> None:
    pacs = with_handler("getInfo", lambda call, world: reply)
    problem = pacs.refused(500, "contract-broken", "GET", "/info")
    assert "getInfo" in problem["detail"]
    assert text in str(problem), problem
    (entry,) = pacs.journal()
    assert entry["status"] == 500
    assert "breaks the contract" in entry["ourError"]
    assert entry["tenant"] == "default"
    with pytest.raises(BrokenContractError, match="getInfo"):
        pacs.server.raise_for_errors()


def test_a_missing_header_of_ours_is_one_too(with_handler: Callable[..., Any]) -> None:
    def without_length(call: Call, world: World) -> Reply:
        return Reply(body=b"", media_type="application/octet-stream")

    pacs = with_handler("getSlideFiles", without_length)
    problem = pacs.refused(500, "contract-broken", "GET", "/slides/demo-he-1/files")
    assert problem["violations"][0]["pointer"] == "Content-Length"


def test_metadata_that_break_the_contract_are_found_when_they_are_answered(make_pacs: MakePacs) -> None:
    pacs = make_pacs(may_break=True)
    slide = pacs.server.world.hospital.slide("demo-he-1")
    broken = replace(slide, details={**slide.details, "staining": {"displayName": None}})
    pacs.server.world.add_slide(broken)
    problem = pacs.refused(500, "contract-broken", "GET", "/slides/demo-he-1/info")
    assert problem["violations"][0]["pointer"] == "/staining/displayName"
    assert pacs.get("/slides/demo-tiff-1/info").status_code == 200


def test_a_defect_of_ours_shows_no_stack_trace_but_the_journal_does(with_handler: Callable[..., Any]) -> None:
    pacs = with_handler("getInfo", failing_handler)
    answer = pacs.get("/info")
    pacs.problem(answer, 500, "internal-error")
    assert b"KeyError" not in answer.data
    assert answer.headers["X-Sectra-ApiVersion"] == "1.10"
    assert "KeyError: 'a defect of ours'" in pacs.journal()[-1]["ourError"]


def test_a_store_that_can_t_tell_whose_the_token_is_is_a_500_in_the_journal(
    make_pacs: MakePacs, monkeypatch: pytest.MonkeyPatch
) -> None:
    pacs = make_pacs(may_break=True)

    def credential(secret: str) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(pacs.server.world.store, "credential", credential)
    pacs.refused(500, "internal-error", "GET", "/info")
    monkeypatch.undo()
    (entry,) = pacs.journal()
    assert entry["tenant"] is None
    assert "the disk is full" in entry["ourError"]
    with pytest.raises(BrokenContractError, match="the disk is full"):
        pacs.server.raise_for_errors()


def test_a_refusal_that_the_contract_does_not_know_is_a_500(with_handler: Callable[..., Any]) -> None:
    def undeclared(call: Call, world: World) -> Reply:
        raise Refusal(Refusals.STALE_VERSION, "nobody expects it here")

    pacs = with_handler("getInfo", undeclared)
    problem = pacs.refused(500, "contract-broken", "GET", "/info")
    assert "409" in problem["detail"]
    with pytest.raises(BrokenContractError):
        pacs.server.raise_for_errors()


def test_leaving_the_server_s_context_raises_if_it_broke_its_contract() -> None:
    server = MockSectraServer()
    slide = server.world.hospital.slide("demo-he-1")
    assert slide is not None
    server.world.add_slide(replace(slide, details={**slide.details, "block": {}}))
    server.run(port=0)
    client = http.client.HTTPConnection("localhost", server.port, timeout=5)
    path = f"{server.url.partition(str(server.port))[2]}/slides/demo-he-1/info"
    client.request("GET", path, headers={"Authorization": "Bearer dev-token"})
    assert client.getresponse().status == 500
    client.close()
    with pytest.raises(BrokenContractError, match="getSlideInfo breaks the contract"):
        server.__exit__(None, None, None)


def test_another_error_inside_the_context_is_not_hidden_by_ours() -> None:
    server = MockSectraServer().run(port=0)
    server.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    with pytest.raises(RuntimeError, match="doesn't run"):
        _ = server.port


def test_an_app_may_call_back_while_its_own_answer_is_awaited(run_pacs: MakePacs) -> None:
    server = run_pacs()
    path = server.url.partition(str(server.port))[2]
    together = threading.Barrier(4, timeout=10)
    real = server.world.slide

    def slow(slide_id: str) -> Any:
        together.wait()
        return real(slide_id)

    server.world.slide = slow
    answers: list[int] = []

    def ask() -> None:
        client = http.client.HTTPConnection("localhost", server.port, timeout=10)
        client.request("GET", f"{path}/slides/demo-he-1/info", headers={"Authorization": "Bearer dev-token"})
        answers.append(client.getresponse().status)
        client.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 4
