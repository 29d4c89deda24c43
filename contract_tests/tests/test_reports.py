import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import jsonschema_rs
import pytest

from ia_api_contract.outcomes import Outcome
from ia_api_contract.reports import Entry, Report, Told, files, listing, text
from ia_api_contract.reports.json_report import as_json, json_schema, json_text
from ia_api_contract.reports.junit import junit
from ia_api_contract.reports.page import page
from ia_api_contract.suite import CHECKS

EVIL = "<script>alert('x')</script> & \"quoted\" \x00\x1b"


def _entry(name: str, outcome: Outcome, said: str = "", codes: tuple[str, ...] = ("V",)) -> Entry:
    evidence = [{"code": code, "quote": "a line | of the facts"} for code in codes]
    told = Told('curl -i http://x -H "Authorization: Bearer $TOKEN"', 200, f"200 {EVIL}", 0.1)
    return Entry(
        f"results.{name}",
        f"It {name}.",
        "getInfo 200",
        "GET /info",
        evidence,
        "It matters.",
        outcome,
        said,
        0.25,
        (told,),
        "pytest x",
    )


@pytest.fixture
def report():
    entries = [
        _entry("passes", Outcome.PASS),
        _entry("fails", Outcome.FAIL, f"came {EVIL}\nexpected less", ("A",)),
        _entry("breaks", Outcome.ERROR, "Traceback"),
        _entry("skips", Outcome.SKIP, "not here"),
        _entry("omits", Outcome.OMIT, "moot"),
        _entry("waives", Outcome.WAIVED, "waived until 2027-01-01: known\nit failed"),
    ]
    return Report("server", {"target": "http://x/v1", "asked as": "1.9"}, entries, ["A note."], 1)


def test_the_text_tells_all_that_a_reader_needs(report: Report):
    said = text.header(report) + text.text(report)
    for part in (
        "target    http://x/v1",
        "1. results.fails",
        "It fails.",
        "expected less",
        "The contract: getInfo 200 (GET /info), known from A, assumed by the suite: a real PACS may differ",
        "Why it matters: It matters.",
        "curl -i http://x",
        "pytest x",
        "results.waives: waived until 2027-01-01: known",
        "Note: A note.",
        "1 pass, 1 fail, 1 skip, 1 omit, 1 waived, 1 error of 6 checks",
        "Exit status 1: something failed.",
    ):
        assert part in said


def test_what_is_known_better_is_not_called_assumed(report: Report):
    assert report.entries[0].known_from == "V (the vendor's public code)"
    assert [entry.assumed for entry in report.entries[:2]] == [False, True]


def test_junit_counts_and_holds_every_check(report: Report):
    suite = ElementTree.fromstring(junit(report))[0]
    counted = [suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time")]
    assert counted == ["6", "1", "1", "3", "1.500"]
    kinds = [[child.tag for child in case] for case in suite.findall("testcase")]
    assert kinds == [[], ["failure"], ["error"], ["skipped"], ["skipped"], ["skipped"]]
    failure = suite.find(".//failure")
    assert failure.get("message").startswith("came <script>")
    assert "pytest x" in failure.text


def test_json_is_what_its_schema_says(report: Report):
    validator = jsonschema_rs.Draft202012Validator(json_schema())
    validator.validate(as_json(report))
    assert as_json(report)["counts"]["fail"] == 1
    assert not validator.is_valid({**as_json(report), "exitStatus": 2})
    assert '"format": 1' in json_text(report)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_no_network_and_runs_nothing(report: Report):
    made = page(report)
    tags = _Tags()
    tags.feed(made)
    assert tags.open == []
    assert not {"script", "link", "img", "iframe"} & set(tags.tags)
    assert "src" not in {name for name, _ in tags.attributes}
    assert all(value and value.startswith("#") for name, value in tags.attributes if name == "href")
    assert not re.search(r"url\(|@import", made)
    assert "&lt;script&gt;" in made


RESULT = '{"id":%d,"data":{"context":null,"result":"' + "x" * 500 + '"}}'


def _talk(number: int, body: str, seconds: float = 0.1) -> Told:
    return Told(
        f"curl -i -X PUT http://x/v1/{number} --data-binary '{body}'", 200, f"200 text/html {body}", seconds, "pacs"
    )


def test_the_page_tells_what_is_long_once_and_every_exchange(report: Report):
    talks = [
        _talk(1, RESULT % 1),
        _talk(2, RESULT % 2),
        _talk(1, RESULT % 1, 0.5),
        _talk(3, "short"),
        _talk(4, "short"),
    ]
    entry = replace(report.entries[0], exchanges=talks)
    made = page(replace(report, entries=[entry, replace(entry, id="results.again")]))
    tags = _Tags()
    tags.feed(made)
    assert made.count("x" * 500) == 2, "once as it is asked, and once as it is answered"
    assert made.count('<details class="exchange"') == 4
    assert made.count('class="exchange"') == 2 * len(talks)
    assert made.count("PUT /v1/1: 200, 0.50 s") == 2, "the same again, which took another time"
    places = {value for name, value in tags.attributes if name == "id"}
    links = {value for name, value in tags.attributes if name == "href"}
    assert links == {"#x1", "#x2", "#x3", "#x4"}
    assert {link.removeprefix("#") for link in links} <= places
    assert '"id":2,' in made
    assert "short" in made


def test_where_a_long_text_was_cut_is_told_each_time(report: Report):
    cut = '{"data":' + "y" * 500 + "… (%d bytes)"
    entry = replace(report.entries[0], exchanges=[_talk(1, cut % 9000), _talk(2, cut % 9001)])
    made = page(replace(report, entries=[entry]))
    assert made.count("y" * 500) == 1
    assert made.count("(9001 bytes)") == 2


def test_the_page_shows_failures_open_and_first(report: Report):
    made = page(report)
    assert made.index("results.fails") < made.index("results.passes")
    assert made.count("<details") == 6
    assert made.count(" open>") == 2


def test_a_report_that_can_not_be_written_is_told_and_the_others_are(report: Report, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    paths = {"junit": tmp_path / "file" / "r.xml", "html": tmp_path / "new" / "r.html", "json": None}
    (trouble,) = files.write(report, paths)
    assert "the junit report could not be written" in trouble
    assert "the verdict stays" in trouble
    assert (tmp_path / "new" / "r.html").exists()


def test_the_list_names_every_check():
    for made in (listing.text(), listing.markdown()):
        assert [check.id for check in CHECKS if check.id not in made] == []
