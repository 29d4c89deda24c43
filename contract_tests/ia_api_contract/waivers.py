"""Waivers: failures that are known, with the reason and the day until which that is good enough."""

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from ia_api_contract.outcomes import CheckResult, Outcome

MEMBERS = ("id", "reason", "expires")
EXAMPLE = "waivers: [{id: results.stale-refused, reason: fixed in our next release, expires: 2027-01-31}]"


class WaiverError(ValueError):
    """The waivers file can't be used: the text says which entry, what came, and what was expected."""


@dataclass(frozen=True)
class Waiver:
    """One check that may fail up to and including the day `expires`."""

    id: str
    reason: str
    expires: date


def read_waivers(path: Path, known: Collection[str]) -> tuple[Waiver, ...]:
    """The waivers of a YAML or TOML file. Raises `WaiverError` for anything but id, reason and day, each known."""
    try:
        text = path.read_text("utf-8")
        document = tomllib.loads(text) if path.suffix.lower() == ".toml" else yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise WaiverError(f"{path} can't be read: {error}") from error
    if not isinstance(document, Mapping) or document.keys() != {"waivers"} or not isinstance(document["waivers"], list):
        raise WaiverError(f"{path}: expected one member `waivers` with a list in it, such as {EXAMPLE}")
    waivers = tuple(_waiver(f"{path}, waiver {number}", entry) for number, entry in enumerate(document["waivers"], 1))
    _check_ids(path, [waiver.id for waiver in waivers], known)
    return waivers


def _waiver(place: str, entry: Any) -> Waiver:
    if not isinstance(entry, Mapping) or set(entry) != set(MEMBERS):
        raise WaiverError(f"{place}: came {entry!r}; expected exactly the members id, reason and expires")
    for name in ("id", "reason"):
        if not isinstance(entry[name], str) or not entry[name].strip():
            raise WaiverError(f"{place}: {name} came as {entry[name]!r}; expected a text")
    return Waiver(entry["id"], entry["reason"].strip(), _day(place, entry["expires"]))


def _day(place: str, value: Any) -> date:
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise WaiverError(f"{place}: expires came as {value!r}; expected a day such as 2027-01-31") from None


def _check_ids(path: Path, ids: Sequence[str], known: Collection[str]) -> None:
    if unknown := [waived for waived in ids if waived not in known]:
        raise WaiverError(f"{path}: there is no check {unknown[0]!r}; `server --list` and `app --list` list them all")
    if twice := [waived for waived in ids if ids.count(waived) > 1]:
        raise WaiverError(f"{path}: {twice[0]!r} is waived twice; keep one entry")


def waive(
    results: Iterable[CheckResult], waivers: Iterable[Waiver], needs: Mapping[str, Sequence[str]], today: date
) -> list[CheckResult]:
    """The results with known failures waived; a check that a waived one made moot is waived with it."""
    by_id = {waiver.id: waiver for waiver in waivers}
    waived: dict[str, str] = {}
    done = []
    for result in results:
        after = _waived(result, by_id.get(result.check_id), today)
        moot = [need for need in needs.get(result.check_id, ()) if need in waived]
        if after.outcome is Outcome.OMIT and moot:
            after = replace(after, outcome=Outcome.WAIVED, text=f"moot: {moot[0]} is waived ({waived[moot[0]]})")
        if after.outcome is Outcome.WAIVED:
            waived[after.check_id] = after.text.partition("\n")[0]
        done.append(after)
    return done


def _waived(result: CheckResult, waiver: Waiver | None, today: date) -> CheckResult:
    if waiver is None or result.outcome is not Outcome.FAIL:
        return result
    if waiver.expires < today:
        return replace(result, text=f"{result.text}\nIts waiver expired on {waiver.expires} ({waiver.reason}).")
    text = f"waived until {waiver.expires}: {waiver.reason}\n{result.text}"
    return replace(result, outcome=Outcome.WAIVED, text=text)


def unused(results: Iterable[CheckResult], waivers: Iterable[Waiver]) -> list[str]:
    """A sentence for each waiver of a check that didn't fail."""
    became = {result.check_id: result.outcome for result in results}
    outcomes = {waiver.id: became.get(waiver.id) for waiver in waivers}
    return [
        f"The waiver of {name} is not used: " + ("it passed." if outcome is Outcome.PASS else "it did not fail.")
        for name, outcome in outcomes.items()
        if outcome not in (Outcome.FAIL, Outcome.WAIVED)
    ]
