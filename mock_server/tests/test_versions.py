"""The versions table of the facts page: what the server is, and how a request narrows it."""

from collections.abc import Callable
from typing import Any

import pytest

MakePacs = Callable[..., Any]
VERSION = "X-Sectra-ApiVersion"
NEW_IN = {
    ("GET", "/slides/demo-he-1/request/images/info"): "1.9",
    ("GET", "/requests/S26-1002/images/info"): "1.9",
    ("PUT", "/slides/demo-he-1/qualityControl"): "1.10",
}
ORDER = ["1.8", "1.9", "1.10"]


def effective(server: str, asked: str | None) -> str:
    """The oracle: the facts page's rules, by hand."""
    return {
        None: server,
        "1.5": "1.8",
        "1.6": "1.8",
        "1.8": "1.8",
        "1.8.7": "1.8",
        "1.9": min(server, "1.9", key=ORDER.index),
        "1.10": server,
        "1.11": server,
        "2.0": server,
    }[asked]


@pytest.mark.parametrize("server", ORDER)
@pytest.mark.parametrize("asked", [None, "1.5", "1.6", "1.8", "1.8.7", "1.9", "1.10", "1.11", "2.0"])
def test_a_request_is_served_in_the_effective_version(make_pacs: MakePacs, server: str, asked: str | None) -> None:
    pacs = make_pacs(api_version=server)
    headers = {VERSION: asked} if asked else {}
    expected = effective(server, asked)

    assert pacs.get("/info", headers).json["apiVersion"] == server
    assert pacs.journal()[-1]["effectiveVersion"] == expected
    for (method, path), since in NEW_IN.items():
        answer = pacs.ask(method, path, headers, json={})
        lacks = ORDER.index(expected) < ORDER.index(since)
        assert (answer.status_code == 404) is lacks, (path, answer.data)
    slide = pacs.get("/slides/demo-he-1/info", headers).json
    assert ("qualityControl" in slide) is (expected == "1.10")


@pytest.mark.parametrize(("method", "path"), NEW_IN)
def test_what_a_version_lacks_is_answered_like_an_unknown_path(make_pacs: MakePacs, method: str, path: str) -> None:
    pacs = make_pacs(api_version="1.8")
    assert pacs.refused(404, "unknown-path", method, path)["detail"].startswith(method)
    assert pacs.refused(404, "unknown-path", method, "/no/such/path")["detail"].startswith(method)


def test_the_hint_says_which_version_brought_what_the_caller_s_version_lacks(pacs: Any) -> None:
    problem = pacs.refused(404, "unknown-path", "GET", "/requests/S26-1002/images/info", {VERSION: "1.8"})
    assert "came with 1.9" in problem["hint"]
    assert "served as 1.8" in problem["hint"]


def test_what_the_version_lacks_is_404_even_without_credentials(pacs: Any) -> None:
    headers = {VERSION: "1.8", "Authorization": ""}
    pacs.refused(404, "unknown-path", "GET", "/requests/S26-1002/images/info", headers)


@pytest.mark.parametrize(
    "asked",
    ["", "x", "1.", ".1", "1..2", "1,10", "v1.9", "-1", "1.9 1.10", "1.9, 1.10", "1.²", "1" * 10, "1e3", "1.9-rc"],
)
def test_a_malformed_version_is_400(pacs: Any, asked: str) -> None:
    headers = {"Authorization": f"Bearer {pacs.token}", VERSION: asked}
    answer = pacs.client.get(f"{pacs.base}/info", headers=headers)
    problem = pacs.problem(answer, 400, "malformed-version")
    assert problem["violations"][0]["in"] == "header"
    assert problem["violations"][0]["pointer"] == VERSION


def test_a_version_of_a_hundred_components_is_refused_and_not_a_500(pacs: Any) -> None:
    problem = pacs.refused(400, "invalid-request", "GET", "/info", {VERSION: "1." * 100 + "1"})
    assert problem["violations"][0]["pointer"] == VERSION


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/info", 200),
        ("GET", "/slides/demo-tiff-1/label", 204),
        ("GET", "/slides/demo-dicom_1/files", 200),
        ("GET", "/images/demo-he-1_files/0/0_0.jpg", 200),
        ("GET", "/slides/none/info", 404),
        ("GET", "/nothing", 404),
        ("DELETE", "/info", 405),
        ("POST", "/applications/nuclei-counter/results", 415),
    ],
)
def test_answers_carry_the_server_s_own_two_versions_errors_too(
    make_pacs: MakePacs, method: str, path: str, status: int
) -> None:
    pacs = make_pacs(api_version="1.9", software_version="4.1.0.7")
    answer = pacs.ask(method, path, {VERSION: "1.8", "X-Sectra-SoftwareVersion": "9.9"})
    assert answer.status_code == status
    assert answer.headers[VERSION] == "1.9"
    assert answer.headers["X-Sectra-SoftwareVersion"] == "4.1.0.7"


@pytest.mark.parametrize("headers", [{"Authorization": ""}, {VERSION: "bad"}, {"Host": "a b"}])
def test_answers_to_unknown_callers_carry_them_too(pacs: Any, headers: dict[str, str]) -> None:
    answer = pacs.get("/info", headers)
    assert answer.status_code in (400, 401)
    assert answer.headers[VERSION] == "1.10"
    assert answer.headers["X-Sectra-SoftwareVersion"] == "4.2.0.0"


def test_1_10_is_newer_than_1_9(make_pacs: MakePacs) -> None:
    pacs = make_pacs(api_version="1.9")
    pacs.refused(404, "unknown-path", "PUT", "/slides/demo-he-1/qualityControl", {VERSION: "1.10"}, json={})
    assert (
        make_pacs(api_version="1.10").get("/slides/demo-he-1/info", {VERSION: "1.9"}).json.get("qualityControl") is None
    )


@pytest.mark.parametrize("version", ["1.7", "1.11", "2.0", "x", ""])
def test_a_server_cannot_be_another_version(make_pacs: MakePacs, version: str) -> None:
    with pytest.raises(ValueError, match=r"version|numbers"):
        make_pacs(api_version=version)


def test_trailing_zeros_make_no_other_version(make_pacs: MakePacs) -> None:
    pacs = make_pacs(api_version="1.9.0")
    assert pacs.get("/requests/S26-1002/images/info").status_code == 200
    pacs.refused(404, "unknown-path", "PUT", "/slides/demo-he-1/qualityControl", json={})
