"""A harmless request for each operation of the contract, to learn whether an operation is there in a version."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from ia_api_contract.checks.results_asking import create
from ia_api_contract.exchanges import Answer
from ia_api_contract.target import Target
from ia_api_spec import NEWEST, Contract

Probe = Callable[[str | None], Answer]
"""Asks an operation as a caller of that version (None: of none)."""

ATTACHED = "versions.txt"
"""The attachment that the operations of attachments are asked about."""


def probes(target: Target) -> Mapping[str, Probe]:
    """For each operation of the newest version a request that an unknown path alone would answer with 404.

    Nothing is stored, except one result with an attachment: without one, an operation on a result couldn't be told from
    a path that isn't there. Such operations are left out on a target that is read only.
    """
    found = {
        operation_id: probe_of(target, operation_id) for operation_id in _REQUESTS if can_ask(target, operation_id)
    }
    return found if target.options.read_only else {**found, **_of_a_result(target)}


def probe_of(target: Target, operation_id: str) -> Probe:
    """The request for an operation that needs nothing stored. Raises `KeyError` for others."""
    make = _REQUESTS[operation_id]
    return lambda version: _ask(target, operation_id, version, **make(target))


def can_ask(target: Target, operation_id: str) -> bool:
    """Whether enough is known of the target, and whether it may be asked.

    An unknown case couldn't be told from an unknown path. A target that is read only is sent no write, not even a
    broken one, which it might take.
    """
    if operation_id == "getCaseImages":
        return bool(target.holdings.cases)
    return not (target.options.read_only and operation_id in _WRITES)


def _ask(target: Target, operation_id: str, version: str | None, **said: Any) -> Answer:
    """Asks an operation of the newest contract: the target's own may lack it, which is what is to be found out."""
    operation = _NEWEST.operations[operation_id]
    path = operation.spellings[0].path
    for name, value in said.get("path", {}).items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    query = f"?{urlencode(said['query'])}" if said.get("query") else ""
    headers = {"Content-Type": said["media_type"]} if "media_type" in said else {}
    body, token = said.get("body"), said.get("token", "")
    return target.send(operation.method, path + query, body=body, headers=headers, token=token, version=version)


_NEWEST = Contract.of("ia-api", NEWEST)

_BROKEN = {"body": b"{}", "media_type": "application/json"}
"""A body that breaks the contract of every operation: refused, and nothing is stored."""

_WRITES = frozenset({"setQualityControl", "createResult"})

_ANONYMOUS: Mapping[str, Any] = {"token": None}
"""Without credentials an operation is 401: enough to tell that it is there, and nothing is downloaded or issued."""


def _slide(target: Target) -> Mapping[str, str]:
    return {"slideId": target.slide}


def _application(target: Target) -> Mapping[str, str]:
    return {"applicationId": target.application}


def _case(target: Target) -> str:
    return target.holdings.cases[0].accession_number if target.holdings.cases else "ia-api-contract"


_REQUESTS: Mapping[str, Callable[[Target], Mapping[str, Any]]] = {
    "getInfo": lambda target: {},
    "getSlideInfo": lambda target: {"path": _slide(target)},
    "getSlideLabel": lambda target: {"path": _slide(target)},
    "getSlideFiles": lambda target: {"path": _slide(target), **_ANONYMOUS},
    "getTile": lambda target: {
        "path": {**_slide(target), "level": 0, "x": 0, "y": 0, "z": 0, "ext": "jpg"},
        **_ANONYMOUS,
    },
    "getCaseImagesBySlide": lambda target: {"path": _slide(target)},
    "getCaseImages": lambda target: {"path": {"accessionNumber": _case(target)}},
    "setQualityControl": lambda target: {"path": _slide(target), **_BROKEN},
    "getApplication": lambda target: {"path": _application(target)},
    "createResult": lambda target: {"path": _application(target), **_BROKEN},
    "listResults": lambda target: {"path": {**_application(target), **_slide(target)}},
    "createToken": lambda target: {
        "query": _application(target),
        "body": b"grant_type=client_credentials",
        "media_type": "application/x-www-form-urlencoded",
        **_ANONYMOUS,
    },
    "getLaunchData": lambda target: {
        "query": {"requestId": _case(target), "sessionToken": "ia-api-contract", "appId": target.application},
        **_ANONYMOUS,
    },
}


def _of_a_result(target: Target) -> Mapping[str, Probe]:
    stored = create(target, target.result(attachments=[{"name": ATTACHED}]))
    result = {**_application(target), "resultId": stored["id"]}
    attached = {"path": result, "query": {"name": ATTACHED}}
    bytes_of_it = {"body": b"x", "media_type": "application/octet-stream"}
    return {
        "getResult": lambda version: _ask(target, "getResult", version, path=result),
        "updateResult": lambda version: _ask(target, "updateResult", version, path=result, **_BROKEN),
        "putAttachment": lambda version: _ask(target, "putAttachment", version, **attached, **bytes_of_it),
        "getAttachment": lambda version: _ask(target, "getAttachment", version, **attached),
    }
