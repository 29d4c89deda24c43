"""Writes the reports that were asked for."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ia_api_contract.reports.json_report import json_text
from ia_api_contract.reports.junit import junit
from ia_api_contract.reports.model import Report
from ia_api_contract.reports.page import page

WRITERS: Mapping[str, Callable[[Report], str]] = {"junit": junit, "html": page, "json": json_text}
"""How the report of each kind is made."""


def write(report: Report, paths: Mapping[str, Path | None]) -> Iterator[str]:
    """Writes each report that has a path, and yields a sentence for each that couldn't be written."""
    for kind, path in paths.items():
        if path is None:
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(WRITERS[kind](report), "utf-8", errors="replace", newline="\n")
        except OSError as error:
            why = error.strerror or error
            yield f"the {kind} report could not be written to {path}: {why}; the verdict stays as it is"
