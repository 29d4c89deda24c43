"""That a token expires can only be seen where it soon does: the check passes on a right emulator of that sort."""

import pytest

from ia_api_contract.outcomes import Outcome
from ia_api_contract.suite import BY_ID
from meta_tests.examining import HEALTHY, one_by_one
from meta_tests.mutant import Mutant
from meta_tests.mutants.tokens import short_lived

EXPIRES = BY_ID["tokens.expires"]


def test_a_token_that_lives_for_a_second_is_watched_and_expires():
    found = one_by_one(Mutant("short-lived", "Nothing is wrong with it.", (), prepare=short_lived), [EXPIRES])
    assert (found[EXPIRES.id].outcome, found[EXPIRES.id].text) == (Outcome.PASS, "")
    assert found[EXPIRES.id].seconds >= 1


def test_a_token_that_lives_long_is_not_waited_for():
    found = one_by_one(HEALTHY, [EXPIRES])[EXPIRES.id]
    assert found.outcome is Outcome.SKIP
    assert found.seconds == pytest.approx(0, abs=1)
