"""Expected results: a committed file of what became of each requirement, and how a run differs from it."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from ia_api_contract.outcomes import CheckResult, Outcome
from ia_api_contract.reports import Report

FORMAT = 1
EXAMPLE = '{"format": 1, "app": {"app.create-answered": "pass"}}'


class ExpectedError(ValueError):
    """The file can't be used: the text says what came, and what was expected."""


def text_of(report: Report) -> str:
    """The run as a file of expected results: outcomes by id, in the suite's order, nothing that changes by itself."""
    outcomes = {entry.id: entry.outcome.value for entry in report.entries}
    return json.dumps({"format": FORMAT, "app": outcomes}, indent=2) + "\n"


def read(path: Path, known: Collection[str]) -> dict[str, Outcome]:
    """The expected outcomes by id. Raises `ExpectedError`."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or error  # without the number, and the path once more
        raise ExpectedError(f"{path} can't be read: {why}; --write-expected FILE makes one") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT or not isinstance(document.get("app"), dict):
        raise ExpectedError(f"{path}: expected an object such as {EXAMPLE}; --write-expected FILE makes one")
    found: dict[str, Outcome] = {}
    for check_id, value in document["app"].items():
        if check_id not in known:
            raise ExpectedError(
                f"{path}: there is no requirement {check_id!r}; `ia-api-contract app --list` lists them"
            )
        try:
            found[check_id] = Outcome(value)
        except ValueError:
            outcomes = ", ".join(outcome.value for outcome in Outcome)
            raise ExpectedError(f"{path}: {check_id} came as {value!r}; expected one of {outcomes}") from None
    return found


def differences(
    expected: Mapping[str, Outcome], results: Iterable[CheckResult], made: Collection[str]
) -> dict[str, str]:
    """How the results differ from the expected ones, a sentence for each requirement that was to be checked."""
    became = {result.check_id: result.outcome for result in results}
    told = {}
    for check_id in dict.fromkeys((*expected, *became)):
        wanted, came = expected.get(check_id), became.get(check_id)
        if wanted is not came and check_id in made:
            told[check_id] = f"{check_id}: expected {_word(wanted)}, came {_word(came)}"
    return told


def _word(outcome: Outcome | None) -> str:
    return outcome.value if outcome else "nothing"
