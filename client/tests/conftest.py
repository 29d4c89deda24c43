"""A scripted HTTP server, and values drawn from the contract's schemas."""

import json
import re
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import parse_headers
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from ia_api_spec import Contract
from sectra_client import RetryPolicy, SectraClient

settings.register_profile(
    "client", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
settings.load_profile("client")

Step = bytes | float | str
"""Bytes to send, seconds to wait, `close`, or `reset` (the connection breaks without a proper end)."""


@dataclass(frozen=True)
class Received:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass
class Scripted:
    """A server that answers each path as it was told: one script for each request, the last one again and again."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    scripts: dict[str, list[list[Step]]] = field(default_factory=dict)

    def on(self, path: str, *scripts: list[Step] | bytes) -> None:
        """What the server answers on that path (below the base URL)."""
        self.scripts[path] = [[script] if isinstance(script, bytes) else script for script in scripts]

    def asked(self, path: str) -> list[Received]:
        """The requests for that path."""
        return [request for request in self.received if request.path == f"/base{path}"]

    @staticmethod
    def answer(body: bytes | object = b"", status: int = 200, length: int | None = None, **headers: str) -> bytes:
        """A whole answer; anything but bytes is sent as JSON; `length` is what Content-Length claims."""
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        said = {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
        said["Content-Length"] = str(len(content) if length is None else length)
        lines = [f"HTTP/1.1 {status} Said"] + [f"{name}: {value}" for name, value in said.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + content

    def script_for(self, request: Received) -> list[Step]:
        scripts = self.scripts.get(request.path.removeprefix("/base"), [[self.answer({"detail": "unscripted"}, 404)]])
        return scripts.pop(0) if len(scripts) > 1 else scripts[0]


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: "_Server"

    def handle(self) -> None:
        while request := self._request():
            self.server.scripted.received.append(request)
            for step in self.server.scripted.script_for(request):
                if not self._play(step):
                    return

    def _request(self) -> Received | None:
        try:
            line = self.rfile.readline().decode("latin-1").split()
        except OSError:
            return None
        if not line:
            return None
        headers = {name.lower(): value for name, value in parse_headers(self.rfile).items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        return Received(line[0], line[1], headers, body)

    def _play(self, step: Step) -> bool:
        if step in ("close", "reset"):
            if step == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            return False
        if isinstance(step, float):
            time.sleep(step)
            return True
        try:
            self.wfile.write(step)
        except OSError:  # the client had enough
            return False
        return True

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:  # after a reset there is nothing to flush
            return


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    scripted: Scripted


@pytest.fixture
def pacs() -> Iterator[Scripted]:
    """A scripted server; `/info` says 1.10 until it's told otherwise."""
    scripted = Scripted()
    scripted.on("/info", scripted.answer({"apiVersion": "1.10", "softwareVersion": "4.2.0.0"}))
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.scripted = scripted
        scripted.url = f"http://127.0.0.1:{server.server_address[1]}/base"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield scripted
        server.shutdown()


@pytest.fixture
def waits() -> list[float]:
    """The seconds that the client of this test would have slept."""
    return []


@pytest.fixture
def policy(waits: list[float]) -> RetryPolicy:
    """The default policy, but that it notes its waits instead of sleeping."""
    return RetryPolicy(sleep=waits.append)


@pytest.fixture
def client(pacs: Scripted, policy: RetryPolicy) -> Iterator[SectraClient]:
    """A client of the scripted server."""
    with SectraClient(pacs.url, "a-token", True, timeout=(2.0, 2.0), retry=policy) as made:
        yield made


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The newest contract of the PACS."""
    return Contract.of("ia-api")


@pytest.fixture(scope="session")
def app_contract() -> Contract:
    """The newest contract of apps."""
    return Contract.of("ia-app")


@pytest.fixture(scope="session")
def drawn_from() -> Callable[..., st.SearchStrategy[Any]]:
    """Values that a schema lets through: `drawn_from(schema, contract)`, with members that it doesn't know."""
    return from_schema


TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
FREE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)


def from_schema(node: Mapping[str, Any], contract: Contract) -> st.SearchStrategy[Any]:
    """A strategy for the keywords that our documents use."""
    schemas = contract.document["components"]["schemas"]
    whole = merged(node, schemas)
    if "const" in whole or "enum" in whole:
        return st.sampled_from(whole.get("enum", [whole.get("const")]))
    for union in ("oneOf", "anyOf"):
        if union in whole:
            return st.one_of([from_schema(part, contract) for part in whole[union]])
    kinds = whole.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return st.one_of([_of_kind(kind, whole, contract) for kind in kinds])


def merged(node: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The node with its reference followed and its `allOf` laid over it."""
    whole = dict(schemas[node["$ref"].rpartition("/")[2]] if "$ref" in node else node)
    whole = merged(whole, schemas) if "$ref" in whole else whole
    for part in whole.pop("allOf", ()):
        inner = merged(part, schemas)
        properties = {**whole.get("properties", {}), **inner.get("properties", {})}
        required = [*whole.get("required", ()), *inner.get("required", ())]
        whole = {**whole, **inner, "properties": properties, "required": list(dict.fromkeys(required))}
    return whole


def _of_kind(kind: str, node: Mapping[str, Any], contract: Contract) -> st.SearchStrategy[Any]:
    if kind == "object":
        return _objects(node, contract)
    if kind == "array":
        least = node.get("minItems", 0)
        name = node.get("x-unique-by")
        unique = {"unique_by": lambda item: item[name]} if name else {}
        return st.lists(from_schema(node["items"], contract), min_size=least, max_size=least + 2, **unique)
    if kind == "string":
        return _texts(node)
    low = node.get("minimum", node.get("exclusiveMinimum", -(10**18)))
    if kind == "integer":
        return st.integers(low, node.get("maximum", 10**18))
    above = "exclusiveMinimum" in node
    floats = st.floats(low, 1e18, exclude_min=above, allow_nan=False, allow_infinity=False)
    return {"number": st.integers(low + above, 10**18) | floats, "boolean": st.booleans(), "null": st.none()}[kind]


def _texts(node: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if node.get("format") == "uri":
        return st.sampled_from(["about:blank", "urn:ia-api-kit:problem:conflict", "https://example.com/x"])
    if "pattern" in node:  # JSON Schema's `$` is the very end, and its `\\d` is ASCII
        pattern = re.compile(
            node["pattern"].removesuffix("$") + (r"\Z" if node["pattern"].endswith("$") else ""), re.ASCII
        )
        drawn = st.from_regex(
            pattern, alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"])
        )
        return drawn.filter(lambda text: len(text) >= node.get("minLength", 0))
    least = node.get("minLength", 0)
    return st.text(st.characters(codec="utf-8"), min_size=least, max_size=least + 8)


@st.composite
def _objects(draw: st.DrawFn, node: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    properties, extra = node.get("properties", {}), node.get("additionalProperties")
    if isinstance(extra, Mapping):
        return draw(st.dictionaries(TEXT, from_schema(extra, contract), max_size=3))
    chosen = [name for name in properties if name in node.get("required", ()) or draw(st.booleans())]
    for name, needed in node.get("dependentRequired", {}).items():
        chosen += [other for other in needed if name in chosen and other not in chosen]
    unknown = (
        {}
        if extra is False
        else draw(st.dictionaries(TEXT.filter(lambda name: name not in properties), FREE, max_size=1))
    )
    return {name: draw(from_schema(properties[name], contract)) for name in chosen} | unknown
