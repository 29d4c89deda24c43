"""Finds out what a target holds and what it says of itself."""

from collections.abc import Mapping
from typing import Any

from ia_api_contract.holdings import Holdings, from_hospital, told
from ia_api_contract.outcomes import Failed
from ia_api_contract.target import Options, Target
from ia_api_spec import Contract


def target_for(options: Options) -> Target:
    """The target with what it holds: from `/_fake_pacs/hospital` if that answers, else from the options."""
    contract = Contract.of("ia-api", options.api_version)
    guessed = told(options.app_id, options.slide_id, options.accession)
    target = Target(options, contract, guessed)
    target.holdings = _learnt(target, options) or guessed
    return target


def reported_versions(target: Target) -> Mapping[str, Any]:
    """What the target says of itself at `/info`; empty where it says nothing readable."""
    try:
        answer = target.ask("getInfo", version=None)
    except Failed:
        return {}
    return answer.json if answer.status == 200 and isinstance(answer.json, dict) else {}


def _learnt(target: Target, options: Options) -> Holdings | None:
    headers = {"Authorization": f"Bearer {options.token}"}
    try:
        answer = target.root("GET", "/_fake_pacs/hospital", headers)
    except Failed:
        return None
    if answer.status != 200 or not isinstance(answer.json, dict) or not answer.json.get("cases"):
        return None
    try:
        found = from_hospital(answer.json, options.app_id, options.slide_id, options.accession)
    except (KeyError, TypeError, AttributeError):
        return None  # something else lives at that path
    return found if found.slides and found.applications else None
