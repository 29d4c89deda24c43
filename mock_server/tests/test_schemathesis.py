"""Schemathesis over every operation of the three versions and of the control plane, against running servers.

All phases on the newest version, the coverage phase on the others; deterministic, so that two runs ask the same.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from schemathesis.core.failures import FailureGroup

from fake_pacs.app import create_app, http_limits
from fake_pacs.embedding import MockSectraServer
from fake_pacs.handlers import HANDLERS
from fake_pacs.serving import HttpServer
from fake_pacs.store import Credential
from fake_pacs.wire_refusals import server_problem
from ia_api_spec import Contract, snapshot

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SESSION = "the-session-token"
COVERAGE_ONLY = {"examples": {"enabled": False}, "fuzzing": {"enabled": False}, "stateful": {"enabled": False}}
ONE_OF_TWO_NAMES = [("opticalPath", "channels"), ("accessionNumberIssuer", "accessionNumberIssuerId")]


@schemathesis.deserializer("multipart/related")
def multipart(context: Any, response: Any) -> str:
    """The body as the text that the contract calls it; without this, such answers would not be looked at."""
    text: str = response.content.decode("latin-1")
    return text


@schemathesis.serializer("application/x-ndjson")
def records(context: Any, value: Any) -> bytes:
    """One record in a line of its own; what is none, as it is."""
    return value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n"


CREDENTIALS: dict[str, dict[str, str]] = {
    "bearer": {"bearer": "dev-token"},
    "basic": {"username": "dev", "password": "dev"},
    "session": {"api_key": SESSION},
    "control": {"api_key": "dev-control"},
    "scrape": {"bearer": "dev-control"},
}


ACCEPTED_OF_RANGES = {"expected-statuses": ["2xx", "401", "403", "404", "416"]}
"""A range may be well-formed and lie outside the bytes all the same."""

ACCEPTED_OF_RULES = {"expected-statuses": ["2xx", "400", "401", "403", "404", "409", "422", "5xx"]}
"""What a URL or a day of the calendar is, which members go together, what a file begins with: no schema says it."""

WITH_RULES = ("registerApp", "addFault", "moveClock", "loadSnapshot")


def settings(document: Any, phases: dict[str, Any], url: str | None, examples: int) -> schemathesis.Config:
    """How it asks. HTTP can't tell an empty upload, which is right, from a missing one: that check is off there."""
    said: dict[str, Any] = {
        "generation": {"deterministic": True, "max-examples": examples},
        "phases": phases,
        "auth": {"openapi": {name: CREDENTIALS[name] for name in document["components"]["securitySchemes"]}},
        "operations": [
            {"include-operation-id": "putAttachment", "checks": {"negative_data_rejection": {"enabled": False}}},
            {"include-operation-id": "getAttachment", "checks": {"positive_data_acceptance": ACCEPTED_OF_RANGES}},
            *(
                {"include-operation-id": name, "checks": {"positive_data_acceptance": ACCEPTED_OF_RULES}}
                for name in WITH_RULES
            ),
        ],
    }
    return schemathesis.Config.from_dict(said | ({"base-url": url} if url else {}))


def schema_of(document: Any, phases: dict[str, Any], url: str | None = None, examples: int = 12) -> Any:
    """What Schemathesis knows of a contract; two names of one parameter never contradict each other."""
    schema = schemathesis.openapi.from_dict(document, config=settings(document, phases, url, examples))

    @schema.hook  # type: ignore[untyped-decorator]
    def filter_query(context: Any, query: Any) -> bool:
        return not any({*pair} <= {*(query or ())} for pair in ONE_OF_TWO_NAMES)

    return schema


def prepared(version: str) -> MockSectraServer:
    """A server with a result, an attachment and a session that requests made from examples can find."""
    server = MockSectraServer(api_version=version)
    viewer = Credential("default", "session", "dpat-ia-api-external-viewer", "S26-1001", "LAB-NORTH")
    server.world.store.add_credential(SESSION, viewer)
    document = {"slideId": "demo-he-1", "displayResult": "", "data": {}, "attachments": [{"name": "heatmap.png"}]}
    server.world.store.create_result("default", "nuclei-counter", "demo-he-1", document, ["heatmap.png"], "v")
    return server


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """The base URLs of running servers: one of each version, and one whose control plane is asked."""
    servers = {version: prepared(version) for version in ("1.8", "1.9", "1.10")} | {"control": prepared("1.10")}
    for server in servers.values():
        server.run(port=0)
    yield {name: server.root_url if name == "control" else server.url for name, server in servers.items()}
    for server in servers.values():
        server.stop()
        server.raise_for_errors()


NEWEST = schema_of(snapshot("ia-api", "1.10"), {"stateful": {"enabled": False}})
V1_9 = schema_of(snapshot("ia-api", "1.9"), COVERAGE_ONLY)
V1_8 = schema_of(snapshot("ia-api", "1.8"), COVERAGE_ONLY)
CONTROL = schema_of(snapshot("fake-pacs", "1.10"), COVERAGE_ONLY)


@NEWEST.parametrize()  # type: ignore[untyped-decorator]
def test_the_newest_version(case: Any, urls: dict[str, str]) -> None:
    case.call_and_validate(base_url=urls["1.10"])


@V1_9.parametrize()  # type: ignore[untyped-decorator]
def test_version_1_9(case: Any, urls: dict[str, str]) -> None:
    case.call_and_validate(base_url=urls["1.9"])


@V1_8.parametrize()  # type: ignore[untyped-decorator]
def test_version_1_8(case: Any, urls: dict[str, str]) -> None:
    case.call_and_validate(base_url=urls["1.8"])


@CONTROL.parametrize()  # type: ignore[untyped-decorator]
def test_the_control_plane(case: Any, urls: dict[str, str]) -> None:
    case.call_and_validate(base_url=urls["control"])


@pytest.mark.parametrize(
    ("schema", "name", "version"),
    [(NEWEST, "ia-api", "1.10"), (V1_9, "ia-api", "1.9"), (V1_8, "ia-api", "1.8"), (CONTROL, "fake-pacs", "1.10")],
)
def test_no_operation_is_left_out(schema: Any, name: str, version: str) -> None:
    asked = {operation.ok().definition.raw["operationId"] for operation in schema.get_all_operations()}
    assert asked == set(Contract.of(name, version).operations)


STATEFUL = {"stateful": {"inference": {"algorithms": []}, "generation": {"mode": "positive", "max-examples": 12}}}


def told_what_there_is() -> Any:
    """The newest contract with ids of the demo hospital, which nobody would find by chance, and unique names."""
    document = snapshot("ia-api", "1.10")
    slides, applications = {"type": "string", "enum": ["demo-he-1"]}, {"type": "string", "enum": ["nuclei-counter"]}
    document["components"]["parameters"]["SlideId"]["schema"] = slides
    document["components"]["parameters"]["ApplicationId"]["schema"] = applications
    members = document["components"]["schemas"]["Result"]["properties"]
    members["slideId"] = slides
    members["attachments"] = {"type": "array", "maxItems": 1, "items": {"$ref": "#/components/schemas/Attachment"}}
    return document


def walk(server: MockSectraServer, **handlers: Any) -> list[str | None]:
    """Follows the contract's links on that server, some handlers replaced; gives back what succeeded, in order."""
    app = server.create_app() if not handlers else mutated(server, handlers)
    problems, limits = server_problem(server.world), http_limits(server.world.settings)
    with HttpServer(app, render_problem=problems, limits=limits) as running:
        path = Contract.of("ia-api").base_path
        schema = schema_of(told_what_there_is(), STATEFUL, f"http://localhost:{running.port}{path}")
        schema.as_state_machine().run()
    journal = server.world.journal
    seen = journal.read("default", with_strangers=False, operation_id=None, after=None, limit=None)
    return [entry.operation_id for entry in seen if entry.status < 300]


def mutated(server: MockSectraServer, handlers: dict[str, Any]) -> Any:
    """The server's application with handlers that are deliberately wrong."""
    return create_app(server.world, {**HANDLERS, **handlers})


def test_the_explicit_links_lead_on_to_what_they_name() -> None:
    server = prepared("1.10")
    succeeded = walk(server)
    server.raise_for_errors()
    for operation in ("createResult", "getResult", "updateResult", "listResults", "setQualityControl", "getSlideLabel"):
        assert operation in succeeded, f"{operation} was never reached with what it needs"


def test_an_update_that_answers_wrongly_is_found_by_following_the_links() -> None:
    def update(call: Any, world: Any) -> Any:
        reply = HANDLERS["updateResult"](call, world)
        reply.body["displayProperties"] = None
        return reply

    with pytest.raises(FailureGroup) as found:
        walk(prepared("1.10"), updateResult=update)
    assert any("Server error" in str(failure) for failure in found.value.exceptions)
