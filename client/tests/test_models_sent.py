"""The law from the models' side: whatever a model can be made to hold, the client refuses to send or the contract
allows, at every version.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from inspect import isclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic.fields import FieldInfo

from ia_api_spec import Contract
from sectra_client import SectraClient, schemas, webhooks
from sectra_client.schemas.results import ResultResponse, UnknownResultContent
from sectra_client.wire import quality_control, results
from sectra_client.wire.messages import Request

VERSIONS = ("1.8", "1.9", "1.10")
API = {version: Contract.of("ia-api", version) for version in VERSIONS}
APP = {version: Contract.of("ia-app", version) for version in VERSIONS}
JSON = "application/json"
VERSION_INFO = schemas.ApplicationInfo(apiVersion="1.10", softwareVersion="4.2")
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(10**18), 10**18)
FREE = st.recursive(
    st.none() | st.booleans() | WHOLE | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)

Writer = Callable[[Any], Request]
WRITERS: list[tuple[str, type[BaseModel], Writer]] = [
    ("createResult", schemas.Result, lambda model: results.create_result("app", model).request),
    ("updateResult", schemas.AdaptedResult, lambda model: results.update_result("app", 1, model).request),
    ("updateResult", schemas.ResultResponse, lambda model: results.update_result("app", 1, model).request),
    (
        "setQualityControl",
        schemas.QualityControl,
        lambda model: quality_control.set_quality_control("s", model).request,
    ),
]
"""What is sent to the PACS as JSON."""

Answerer = Callable[[Any, SectraClient], webhooks.WebhookAnswer]
ANSWERERS: list[tuple[str, type[BaseModel] | None, Answerer]] = [
    ("getRegistration", schemas.Registration, lambda model, client: webhooks.registration_answer(model, VERSION_INFO)),
    ("getAppInfo", schemas.ApplicationInfo, lambda model, client: webhooks.info_answer(model)),
    ("invoke", schemas.ResultResponse, lambda model, client: webhooks.answer(client, model)),
    ("invoke", None, lambda model, client: webhooks.answer(client)),
    ("notifyImage", None, lambda model, client: webhooks.answer(client)),
]
"""What an app answers as JSON."""


def built(kind: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Any model of that class: each member that needn't be given is, or isn't; members that it doesn't know, too."""
    return _built(kind)


@st.composite
def _built(draw: st.DrawFn, kind: type[BaseModel]) -> Any:
    fields = {name: field for name, field in kind.model_fields.items() if field.is_required() or draw(st.booleans())}
    members = {field.alias or name: draw(values(field.annotation, field.metadata)) for name, field in fields.items()}
    unknown = draw(st.just({}) | st.dictionaries(TEXT.filter(lambda name: is_new(kind, name)), FREE, max_size=1))
    try:
        return kind(**members, **unknown)
    except ValidationError:
        assume(False)


def is_new(kind: type[BaseModel], name: str) -> bool:
    """Whether the model has no member of that name, and it can be one."""
    return name not in kind.model_fields and not hasattr(BaseModel, name) and name != "self"


def values(annotation: Any, metadata: Any = ()) -> st.SearchStrategy[Any]:
    """Any value of an annotation, with what its metadata say of it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return values(arguments[0], (*metadata, *arguments[1:]))
    limits = dict(limits_of(metadata))
    takes_null = st.none() if any(isinstance(item, BeforeValidator) for item in metadata) else st.nothing()
    if origin in (Union, UnionType):
        return takes_null | st.one_of([values(part) for part in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is list:
        least = limits.get("min_length", 0)
        return takes_null | st.lists(st.deferred(lambda: values(arguments[0])), min_size=least, max_size=least + 2)
    if origin is dict:
        return takes_null | st.dictionaries(TEXT, st.deferred(lambda: values(arguments[1])), max_size=2)
    if annotation is Any:
        return FREE
    if isclass(annotation) and issubclass(annotation, BaseModel):
        return st.deferred(lambda: built(annotation))
    if isclass(annotation) and issubclass(annotation, Enum):
        return st.sampled_from(annotation) | st.sampled_from([member.value for member in annotation])
    return takes_null | scalars(annotation, limits)


def scalars(annotation: Any, limits: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Any scalar of that class within its limits."""
    low = limits.get("ge", limits.get("gt"))
    is_inside = (lambda number: number > low) if "gt" in limits else (lambda number: True)
    whole = st.integers(-(10**18) if low is None else int(low), 10**18)
    text = st.text(st.characters(codec="utf-8"), min_size=limits.get("min_length", 0), max_size=12)
    return {
        NoneType: st.none(),
        bool: st.booleans(),
        str: text,
        bytes: st.binary(max_size=4),
        int: (whole | whole.filter(lambda number: abs(number) < 2**53).map(float)).filter(is_inside),
        float: (whole | st.floats(low, 1e300, allow_nan=False, allow_infinity=False)).filter(is_inside),
    }[annotation]


def limits_of(metadata: Any) -> Iterator[tuple[str, Any]]:
    """The limits in the metadata of an annotation, those of a `Field` in it included."""
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from limits_of(item.metadata)
        for name in ("min_length", "ge", "gt"):
            if getattr(item, name, None) is not None:
                yield name, getattr(item, name)


def changed(draw: Any, model: BaseModel) -> None:
    """Sets one member to anything at all, as nothing keeps a program from doing."""
    name = draw(st.sampled_from(sorted(type(model).model_fields)))
    field = type(model).model_fields[name]
    setattr(model, name, draw(values(field.annotation, field.metadata) | FREE))


LATER = re.compile(r"/data/result/type|/attachments/[0-9]+/state")


def is_of_a_later_server(operation: str, violation: Any) -> bool:
    """Whether it is a sort of result or a state that only a later server has: it said so first, and gets it back."""
    return operation != "createResult" and LATER.fullmatch(violation.pointer) is not None


@pytest.mark.parametrize(("operation", "kind", "write"), WRITERS, ids=lambda item: getattr(item, "__name__", item))
@pytest.mark.parametrize("mishandled", [False, True])
def test_what_a_model_holds_is_refused_or_allowed(
    operation: str, kind: type[BaseModel], write: Writer, mishandled: bool
) -> None:
    sent = 0

    @settings(max_examples=60)
    @given(model=built(kind), data=st.data())
    def law(model: BaseModel, data: st.DataObject) -> None:
        nonlocal sent
        if mishandled:
            changed(data.draw, model)
        try:
            request = write(model)
        except ValueError:
            event("refused")
            return
        sent += 1
        assert request.operation == operation
        assert isinstance(request.body, bytes)
        for version, contract in API.items():
            if operation in contract.operations:
                schema = contract.operations[operation].bodies[request.headers["Content-Type"]]
                assert schema is not None
                violations = schema.violations(json.loads(request.body), "body")
                assert [found for found in violations if not is_of_a_later_server(operation, found)] == [], version
            else:
                assert request.since is not None

    law()
    assert sent > 10, "hardly anything was sent: this proves nothing"


@pytest.mark.parametrize(("operation", "kind", "answer"), ANSWERERS, ids=lambda item: getattr(item, "__name__", item))
def test_what_an_app_answers_with_a_model_is_allowed(
    operation: str, kind: type[BaseModel] | None, answer: Answerer, pacs: Any, client: SectraClient
) -> None:
    assert client.version_info.apiVersion == "1.10"
    sent = 0

    @settings(max_examples=60)
    @given(model=st.none() if kind is None else built(kind))
    def law(model: BaseModel | None) -> None:
        nonlocal sent
        try:
            said = answer(model, client)
        except ValueError:
            event("refused")
            return
        sent += 1
        for version, contract in APP.items():
            declared = contract.operations[operation].answers[said.status]
            schema = declared.content[said.headers["Content-Type"]]
            assert schema is not None
            violations = schema.violations(json.loads(said.body), "body")
            assert [found for found in violations if not is_of_a_later_server(operation, found)] == [], version
            assert {name.lower() for name in declared.required_headers} <= {name.lower() for name in said.headers}

    law()
    assert sent


@pytest.mark.parametrize("version", VERSIONS)
def test_every_json_body_of_the_contract_is_covered(version: str) -> None:
    bodies = {operation.id for operation in API[version].operations.values() if JSON in operation.bodies}
    assert bodies <= {operation for operation, _, _ in WRITERS}
    answers = {operation.id for operation in APP[version].operations.values() if JSON in operation.answers[200].content}
    assert answers == {operation for operation, _, _ in ANSWERERS}


def test_every_model_that_a_method_of_the_client_takes_is_covered() -> None:
    taken = {
        part
        for method in vars(SectraClient).values()
        for hint in getattr(method, "__annotations__", {}).items()
        if hint[0] != "return"
        for part in (get_args(hint[1]) or (hint[1],))
        if isclass(part) and issubclass(part, BaseModel)
    }
    assert taken == {kind for _, kind, _ in WRITERS}


def test_the_strategies_reach_what_matters() -> None:
    kinds: set[str] = set()

    @settings(max_examples=200, derandomize=True)
    @given(model=built(ResultResponse))
    def look(model: ResultResponse) -> None:
        content = model.data.result
        kinds.add(type(content).__name__)
        kinds.update({"unknown member"} if model.model_extra else ())
        kinds.update({"null context"} if model.data.context is None else ())
        if content is not None and not isinstance(content, UnknownResultContent):
            kinds.add(f"{content.type}: {type(content.content).__name__}")

    look()
    assert kinds >= {
        "NoneType", "UnknownResultContent", "unknown member", "null context", "primitive: list",
        "primitive: PrimitiveItem", "patchCollection: PatchContent",
    }  # fmt: skip
