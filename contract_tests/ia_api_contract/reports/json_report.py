"""The report as JSON, described by the JSON Schema that lies beside this module."""

import json
from importlib import resources
from typing import Any

from ia_api_contract.reports.model import Entry, Report

FORMAT = 1
"""Changes where a reader of an older report would misread a newer one."""


def as_json(report: Report) -> dict[str, Any]:
    """The report as JSON values."""
    return {
        "format": FORMAT,
        "mode": report.mode,
        "header": dict(report.facts),
        "exitStatus": report.exit_status,
        "verdict": report.verdict,
        "counts": {outcome.value: count for outcome, count in report.counts.items()},
        "notes": list(report.notes),
        "checks": [_check(entry) for entry in report.entries],
    }


def json_text(report: Report) -> str:
    """The report as the text of a JSON file."""
    return json.dumps(as_json(report), indent=2, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"


def json_schema() -> dict[str, Any]:
    """What a JSON report looks like: `report.schema.json`, which is part of the package."""
    text = resources.files("ia_api_contract.reports").joinpath("report.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _check(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "number": entry.number,
        "outcome": entry.outcome.value,
        "text": entry.text,
        "seconds": round(entry.seconds, 3),
        "sentence": entry.sentence,
        "level": entry.level,
        "decides": entry.decides,
        "contract": {"address": entry.address, "request": entry.request, "evidence": list(entry.evidence)},
        "assumed": entry.assumed,
        "rationale": entry.rationale,
        "reproduce": entry.reproduce,
        "exchanges": [
            {
                "by": told.by,
                "curl": told.curl,
                "status": told.status,
                "answer": told.answer,
                "seconds": round(told.seconds, 3),
            }
            for told in entry.exchanges
        ],
    }
