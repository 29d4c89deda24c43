"""The contract: annotated OpenAPI documents of IA-API, narrowing to a version, compiled validators."""

from ia_api_spec.committed import snapshot
from ia_api_spec.contract import Answer, Contract, Operation, Parameter, Schema, Spelling
from ia_api_spec.disclosure import asked_for, pruner
from ia_api_spec.documents import load
from ia_api_spec.narrowing import narrow
from ia_api_spec.versions import NEWEST, OLDEST, VERSIONS, ApiVersion, effective
from ia_api_spec.violations import Violation, shown

__all__ = [
    "NEWEST",
    "OLDEST",
    "VERSIONS",
    "Answer",
    "ApiVersion",
    "Contract",
    "Operation",
    "Parameter",
    "Schema",
    "Spelling",
    "Violation",
    "asked_for",
    "effective",
    "load",
    "narrow",
    "pruner",
    "shown",
    "snapshot",
]
