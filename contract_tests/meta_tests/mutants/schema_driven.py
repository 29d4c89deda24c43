"""Mutants that only the checks made from the schemas need to notice."""

import json
from dataclasses import replace
from wsgiref.types import WSGIEnvironment

from ia_api_contract import schema_driven
from meta_tests.mutant import Mutant, Response

OF_OPERATIONS = tuple(
    check.id
    for check in schema_driven.CHECKS
    if check is not schema_driven.STATEFUL and check.id != "schema.createToken"  # few of its drawn requests are refused
)


def _status_as_text(environ: WSGIEnvironment, response: Response) -> Response:
    if not response.headers.get("Content-Type", "").startswith("application/problem+json"):
        return response
    problem = json.loads(response.body)
    return replace(response, body=json.dumps({**problem, "status": str(problem["status"])}).encode())


def _null_after_update(environ: WSGIEnvironment, response: Response) -> Response:
    """Only who follows the link from an updated result sees it: the replaced result has lost its slideId."""
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    if method != "PUT" or "/results/" not in path or path.endswith("/attachments") or response.status != 200:
        return response
    return replace(response, body=json.dumps({**json.loads(response.body), "displayResult": None}).encode())


MUTANTS = (
    Mutant(
        "schema-refusals-status-as-text",
        "The status of every problem document is a text, not a number.",
        ("errors.problem-400", *OF_OPERATIONS),
        why="Every operation refuses something, and each operation's answers are a check of their own.",
        spoil=_status_as_text,
    ),
    Mutant(
        "schema-null-after-update",
        "The answer to an accepted update has null for displayResult.",
        ("schema.stateful",),
        spoil=_null_after_update,
        why="Whoever updates a result and reads the answer sees it.",
    ),
)
