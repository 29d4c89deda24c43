"""The report as JUnit XML, which CI systems show."""

import re
import xml.etree.ElementTree as ElementTree

from ia_api_contract.outcomes import Outcome
from ia_api_contract.reports.model import Entry, Report

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Report) -> str:
    """One test suite with a test case for each check; skipped, omitted and waived ones are `skipped`.

    So is a failure that decides nothing: a CI system that shows it in red would contradict the exit status.
    """
    root = ElementTree.Element("testsuites")
    skipped = report.advice + sum(report.counts[outcome] for outcome in (Outcome.SKIP, Outcome.OMIT, Outcome.WAIVED))
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=f"ia-api-contract {report.mode}",
        tests=str(len(report.entries)),
        failures=str(report.counts[Outcome.FAIL] - report.advice),
        errors=str(report.counts[Outcome.ERROR]),
        skipped=str(skipped),
        time=f"{sum(entry.seconds for entry in report.entries):.3f}",
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in {**report.facts, "exit status": str(report.exit_status)}.items():
        ElementTree.SubElement(properties, "property", name=_clean(name), value=_clean(value))
    for entry in report.entries:
        _case(suite, entry)
    ElementTree.indent(root)
    return ElementTree.tostring(root, "unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, entry: Entry) -> None:
    resource, _, what = entry.id.partition(".")
    case = ElementTree.SubElement(
        suite, "testcase", classname=f"ia_api_contract.{resource}", name=what, time=f"{entry.seconds:.3f}"
    )
    if entry.outcome is Outcome.PASS:
        return
    first, _, rest = entry.text.partition("\n")
    if entry.outcome is Outcome.ERROR or (entry.outcome is Outcome.FAIL and entry.decides):
        tag = "failure" if entry.outcome is Outcome.FAIL else "error"
        found = ElementTree.SubElement(case, tag, message=_clean(first), type=entry.outcome.value)
        found.text = _clean("\n".join(filter(None, [entry.sentence, entry.text, *_again(entry)])))
    else:
        advice = " (decides nothing: a should, or expected)" if entry.outcome is Outcome.FAIL else ""
        message = f"{entry.outcome.value}{advice}: {first}"
        ElementTree.SubElement(case, "skipped", message=_clean(message)).text = _clean(rest) or None


def _again(entry: Entry) -> list[str]:
    known = f"{entry.address} ({entry.request}), known from {entry.known_from}"
    return [f"contract: {known}", *[told.curl for told in entry.exchanges[-1:] if told.by == "suite"], entry.reproduce]


def _clean(text: str) -> str:
    """The text without what XML can't hold."""
    return _NOT_IN_XML.sub("\ufffd", text)
