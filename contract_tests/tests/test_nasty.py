"""The nasty requests: unlike each other, unencodable by nobody, and shown short."""

from ia_api_contract.holdings import told
from ia_api_contract.nasty import addresses, bodies
from ia_api_contract.target import Options, Target
from ia_api_spec import ApiVersion, Contract


def _target() -> Target:
    options = Options("http://localhost:1/v1", "dev-token", ApiVersion("1.10"))
    return Target(options, Contract.of("ia-api", "1.10"), told("app", "slide", None))


def test_no_request_is_made_twice():
    requests = [*addresses(_target()), *bodies(_target())]
    seen = [(one.method, one.path, str(one.headers), one.body) for one in requests]
    assert len(set(seen)) == len(seen) > 100


def test_every_path_can_be_sent_as_it_is():
    assert all(one.path.isascii() and " " not in one.path for one in addresses(_target()))


def test_a_request_is_shown_short():
    assert max(len(str(one)) for one in [*addresses(_target()), *bodies(_target())]) < 400
