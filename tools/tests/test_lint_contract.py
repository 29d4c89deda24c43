"""What redocly says is read, warnings too."""

import pytest
from tools.lint_contract import problems_of

CLEAN = '{"totals": {"errors": 0, "warnings": 0}, "problems": []}'
WARNING = """{
  "totals": {"errors": 0, "warnings": 1},
  "problems": [{
    "ruleId": "tag-description", "severity": "warn", "message": "Tag object `description` must be present.",
    "location": [{"source": {"ref": "openapi/x.json"}, "pointer": "#/tags/0", "reportOnKey": true}]
  }]
}"""


def test_reports_stand_one_after_the_other() -> None:
    assert problems_of(CLEAN + CLEAN) == []


def test_a_warning_is_a_problem_with_its_place() -> None:
    said = "warn: openapi/x.json #/tags/0: Tag object `description` must be present. (tag-description)"
    assert problems_of(CLEAN + WARNING + CLEAN) == [said]


@pytest.mark.parametrize("said", ["", "Cannot find module", CLEAN + "oops"])
def test_anything_else_is_an_error(said: str) -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        problems_of(said)
