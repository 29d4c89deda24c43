from datetime import date
from pathlib import Path

import pytest

from ia_api_contract.outcomes import CheckResult, Outcome
from ia_api_contract.waivers import Waiver, WaiverError, read_waivers, unused, waive

TODAY = date(2026, 11, 23)
GOOD = "waivers: [{id: a.a, reason: fixed in the next release, expires: 2027-01-31}]"


def _results(**outcomes: str) -> list[CheckResult]:
    return [CheckResult(f"a.{name}", Outcome(outcome), "it failed") for name, outcome in outcomes.items()]


def _read(tmp_path: Path, text: str, name: str = "waivers.yaml") -> tuple[Waiver, ...]:
    path = tmp_path / name
    path.write_text(text)
    return read_waivers(path, {"a.a", "a.b"})


def test_yaml_and_toml_say_the_same(tmp_path: Path):
    toml = '[[waivers]]\nid = "a.a"\nreason = "fixed in the next release"\nexpires = 2027-01-31\n'
    expected = (Waiver("a.a", "fixed in the next release", date(2027, 1, 31)),)
    assert _read(tmp_path, GOOD) == _read(tmp_path, toml, "waivers.toml") == expected
    assert _read(tmp_path, GOOD.replace("2027-01-31", '"2027-01-31"')) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("waivers: [", "can't be read"),
        ("[1]", "one member `waivers`"),
        ("waivers: [{id: a.a, reason: x}]", "exactly the members"),
        ("waivers: [{id: a.a, reason: ' ', expires: 2027-01-31}]", "reason came as"),
        ("waivers: [{id: a.a, reason: x, expires: soon}]", "expires came as 'soon'"),
        ("waivers: [{id: a.a, reason: x, expires: 2027-01-31 10:00:00}]", "expires came as"),
        ("waivers: [{id: a.z, reason: x, expires: 2027-01-31}]", "there is no check 'a.z'"),
        (GOOD[:-1] + ", {id: a.a, reason: x, expires: 2027-01-31}]", "waived twice"),
    ],
)
def test_anything_else_is_refused_with_the_place(tmp_path: Path, text: str, said: str):
    with pytest.raises(WaiverError, match=r"waivers\.yaml") as error:
        _read(tmp_path, text)
    assert said in str(error.value)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(WaiverError, match="can't be read"):
        read_waivers(tmp_path / "none.yaml", set())


def test_a_failure_is_waived_up_to_and_including_its_last_day():
    for day, outcome in ((TODAY, Outcome.WAIVED), (date(2026, 11, 22), Outcome.FAIL)):
        (result,) = waive(_results(a="fail"), [Waiver("a.a", "known", day)], {}, TODAY)
        assert result.outcome is outcome
        assert "known" in result.text
        assert "it failed" in result.text


def test_an_expired_waiver_says_so():
    (result,) = waive(_results(a="fail"), [Waiver("a.a", "known", date(2026, 1, 1))], {}, TODAY)
    assert "expired on 2026-01-01" in result.text


def test_only_failures_are_waived():
    waiver = Waiver("a.a", "known", TODAY)
    for outcome in (Outcome.PASS, Outcome.ERROR, Outcome.SKIP):
        (result,) = waive([CheckResult("a.a", outcome)], [waiver], {}, TODAY)
        assert result.outcome is outcome


def test_what_a_waived_failure_made_moot_is_waived_with_it():
    needs = {"a.b": ("a.a",), "a.c": ("a.b",), "a.d": ("a.x",)}
    results = waive(_results(a="fail", b="omit", c="omit", d="omit"), [Waiver("a.a", "known", TODAY)], needs, TODAY)
    assert [result.outcome.value for result in results] == ["waived", "waived", "waived", "omit"]


def test_a_waiver_of_a_check_that_did_not_fail_is_told_as_unused():
    waivers = [Waiver("a.a", "x", TODAY), Waiver("a.b", "x", TODAY), Waiver("a.c", "x", TODAY)]
    told = unused(_results(a="pass", b="waived", c="skip"), waivers)
    assert told == ["The waiver of a.a is not used: it passed.", "The waiver of a.c is not used: it did not fail."]
