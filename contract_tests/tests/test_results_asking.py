"""What checks of results and versions stand on: exact comparison, threads at once, a request for each operation."""

from typing import Any

import pytest

from ia_api_contract.checks.results_asking import at_once, difference, expect_same
from ia_api_contract.checks.versions_asking import probes
from ia_api_contract.outcomes import Failed
from ia_api_contract.target import Target
from ia_api_spec import NEWEST, Contract


@pytest.mark.parametrize(
    ("sent", "came", "said"),
    [
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, None),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, None),
        (1, 1.0, None),
        ({"a": 1}, {}, "/a is missing"),
        ({}, {"a": None}, "/a was added (None)"),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [2, 1]}}, "/a/b/0 is 2; expected 1"),
        ([1], [1, 2], "/ has 2 items; expected 1"),
        ({"a": {}}, {"a": [{}]}, "/a is [{}]; expected {}"),
        ({"a": None}, {"a": {}}, "/a is {}; expected None"),
        ([True], [1], "/0 is 1; expected True"),
        ("1", 1, "/ is 1; expected '1'"),
    ],
)
def test_a_difference_names_the_first_place(sent: Any, came: Any, said: str | None):
    assert difference(sent, came) == said


def test_what_differs_fails_with_what_it_is():
    with pytest.raises(Failed, match="the answer: /a is missing"):
        expect_same({"a": 1}, {}, "the answer")


def test_calls_at_once_come_back_in_order_and_raise_what_one_of_them_raised():
    assert at_once([lambda number=number: number * 2 for number in range(8)]) == [0, 2, 4, 6, 8, 10, 12, 14]

    def fails() -> int:
        raise Failed("one of them")

    with pytest.raises(Failed, match="one of them"):
        at_once([lambda: 1, fails])


def test_every_operation_has_a_request_that_tells_whether_it_is_there(target: Target):
    found = probes(target)
    assert found.keys() == Contract.of("ia-api", NEWEST).operations.keys()
    statuses = {operation_id: ask(str(NEWEST)).status for operation_id, ask in found.items()}
    assert [name for name, status in statuses.items() if status in (404, 405)] == []
