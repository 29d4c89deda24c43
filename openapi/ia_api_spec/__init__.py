"""The contract: annotated OpenAPI documents of IA-API, narrowing to a version, compiled validators."""

from ia_api_spec.committed import snapshot
from ia_api_spec.contract import Answer, Contract, Operation, Parameter, Schema, Spelling
from ia_api_spec.disclosure import asked_for, pruner
from ia_api_spec.documents import load
from ia_api_spec.naming import MOST, at_most
from ia_api_spec.narrowing import narrow
from ia_api_spec.versions import NEWEST, OLDEST, VERSIONS, ApiVersion, effective
from ia_api_spec.violations import Violation, as_step, shown

__all__ = [
    "MOST",
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
    "as_step",
    "asked_for",
    "at_most",
    "effective",
    "load",
    "narrow",
    "pruner",
    "shown",
    "snapshot",
]
