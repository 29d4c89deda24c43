"""What the tests of the suite share: a server to check, and a check to run."""

from collections.abc import Callable, Iterator

import pytest

from fake_pacs.embedding import MockSectraServer
from ia_api_contract.check import Check
from ia_api_contract.learning import target_for
from ia_api_contract.outcomes import expect
from ia_api_contract.target import Options, Target
from ia_api_spec import ApiVersion


@pytest.fixture(scope="session")
def pacs() -> Iterator[MockSectraServer]:
    """An emulator with a token that is looked for in reports."""
    with MockSectraServer(token="very-secret-token").run(port=0) as server:
        yield server


@pytest.fixture
def target(pacs: MockSectraServer) -> Target:
    """The emulator as the suite's target."""
    options = Options(pacs.url, pacs.token, ApiVersion(pacs.api_version), user="dev", password="dev", quick=True)
    return target_for(options)


@pytest.fixture
def make_check() -> Callable[..., Check]:
    """Makes a check that does what it is told: passes, or raises."""

    def make(check_id: str, error: Exception | None = None, **members: object) -> Check:
        def probe(target: Target) -> None:
            expect(target.ask("getInfo").status == 200, "no info")
            if error:
                raise error

        return Check(check_id, f"{check_id} holds.", "getInfo 200", "It matters.", probe, **members)  # type: ignore[arg-type]

    return make
