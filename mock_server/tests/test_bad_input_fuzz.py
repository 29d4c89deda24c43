"""Fuzzing: raw bodies, headers and paths; never a 500, never a stack trace, nothing changed by what was refused."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_pacs.app import create_app
from fake_pacs.embedding import MockSectraServer

BASE = "/SectraPathologyServer/external/imageanalysis/v1"
RESULTS = f"{BASE}/applications/nuclei-counter/results"

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
POINT = st.fixed_dictionaries({"x": VALUES, "y": st.floats()})
CONTENT = st.dictionaries(
    st.sampled_from(
        ["polygons", "polylines", "arcs", "labels", "style", "patches", "tags", "patchSize", "magnification"]
    ),
    VALUES | st.lists(st.fixed_dictionaries({"points": st.lists(POINT, max_size=4), "tag": VALUES}), max_size=2),
)
KIND = st.sampled_from(["primitive", "patchCollection"])
RESULT = st.fixed_dictionaries(
    {},
    optional={
        "slideId": st.sampled_from(["demo-he-1", "demo-tiff-1", "", "none"]) | VALUES,
        "displayResult": st.text(max_size=5) | VALUES,
        "displayProperties": VALUES,
        "applicationVersion": VALUES,
        "attachments": st.lists(st.fixed_dictionaries({"name": VALUES}), max_size=3) | VALUES,
        "data": st.fixed_dictionaries(
            {
                "result": st.fixed_dictionaries(
                    {"type": st.sampled_from(["primitive", "patchCollection"]), "content": CONTENT}
                )
            }
        )
        | VALUES,
        "id": VALUES,
        "versionId": VALUES,
    },
)
SEGMENT = st.text(max_size=12).map(lambda text: quote(text.encode("utf-8", "replace"), safe="")) | st.sampled_from(
    [
        "..",
        ".",
        "",
        "info",
        "slides",
        "demo-he-1",
        "results",
        "1",
        "%00",
        "%ff",
        "%2F",
        "%zz",
        "images",
        "hooks",
        "a_files",
    ]
)
HEADER = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=30)
PATHS = [
    *("/info", "/slides/demo-he-1/info", "/slides/demo-he-1/files", "/images/demo-he-1_files/0/0_0.jpg", "/launchdata"),
    *("/applications/nuclei-counter/results/1/attachments?name=a", "/token?applicationId=nuclei-counter"),
]


class Fuzzed:
    """A server that is asked anything; each answer is checked."""

    def __init__(self) -> None:
        self.server = MockSectraServer()
        self.client = create_app(self.server.world).test_client(use_cookies=False)
        stored = self.ask("POST", RESULTS, data=b'{"slideId":"demo-he-1","displayResult":"a","data":{}}')
        assert stored == 201

    def state(self) -> Any:
        store = self.server.world.store
        return [store.results("default", name) for name in ("nuclei-counter", "tumor-finder")]

    def ask(self, method: str, target: str, headers: dict[str, str] | None = None, data: bytes | None = None) -> int:
        path, _, query = target.partition("?")
        sent = {"Authorization": "Bearer dev-token", "Content-Type": "application/json", **(headers or {})}
        answer = self.client.open(path, method=method, query_string=query, headers=sent, data=data)
        assert answer.status_code < 500, answer.data
        assert not 300 <= answer.status_code < 400
        assert b"Traceback" not in answer.data
        if answer.status_code >= 400 and method != "HEAD":
            assert answer.content_type == "application/problem+json"
            assert json.loads(answer.data)["status"] == answer.status_code
        return answer.status_code


@pytest.fixture(scope="module")
def fuzzed() -> Any:
    """One server for all examples of a test file."""
    made = Fuzzed()
    yield made
    made.server.raise_for_errors()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(raw=st.binary(max_size=100) | st.text(alphabet='{}[]":,\\ud8e+-.019NaInfty', max_size=60).map(str.encode))
def test_raw_bodies(fuzzed: Any, raw: bytes) -> None:
    before = fuzzed.state()
    for method, path in (
        ("POST", RESULTS),
        ("PUT", f"{RESULTS}/1"),
        ("PUT", f"{BASE}/slides/demo-he-1/qualityControl"),
    ):
        assert fuzzed.ask(method, path, data=raw) == 400
    assert fuzzed.state() == before


@settings(max_examples=150, deadline=None, derandomize=True)
@given(value=RESULT | VALUES, escaped=st.booleans())
def test_json_bodies(fuzzed: Any, value: Any, escaped: bool) -> None:
    try:
        raw = json.dumps(value, ensure_ascii=escaped).encode("utf-8")
    except UnicodeEncodeError:
        raw = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    for method, path in (("POST", RESULTS), ("PUT", f"{RESULTS}/1")):
        before = fuzzed.state()
        status = fuzzed.ask(method, path, data=raw)
        assert (fuzzed.state() == before) is (status >= 400)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    segments=st.lists(SEGMENT, max_size=6),
    query=st.text(alphabet="abcs=&%?+;#é\x00 0123456789", max_size=40),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"]),
    root=st.sampled_from([BASE, "", "/_fake_pacs"]),
)
def test_paths_and_queries(fuzzed: Any, segments: list[str], query: str, method: str, root: str) -> None:
    before = fuzzed.state()
    fuzzed.ask(method, f"{root}/{'/'.join(segments)}?{query}")
    assert fuzzed.state() == before


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    headers=st.dictionaries(
        st.sampled_from(
            [
                "Authorization",
                "X-Sectra-ApiVersion",
                "X-Sectra-SoftwareVersion",
                "Range",
                "Host",
                "Content-Type",
                "Content-Length",
                "X-Fake-Pacs-Control",
                "Accept",
                "Content-Encoding",
                "If-Match",
                "Cookie",
                "Expect",
            ]
        ),
        HEADER | st.sampled_from(["Bearer dev-token", "Basic ZGV2OmRldg==", "bytes=0-", "1.9", "gzip"]),
        max_size=4,
    ),
    path=st.sampled_from(PATHS),
    method=st.sampled_from(["GET", "POST", "PUT"]),
)
def test_headers(fuzzed: Any, headers: dict[str, str], path: str, method: str) -> None:
    before = fuzzed.state()
    fuzzed.ask(method, BASE + path, headers, data=b"{}" if method != "GET" else None)
    assert fuzzed.state() == before
