"""The pytest plugin: fixtures `fake_pacs` and `sectra_client`, for the tests of programs that speak the IA-API.

Everybody who has the client installed loads this module with each run of pytest, so it imports nothing beyond pytest
until a fixture is asked for. Options begin with `--fake-pacs-`, settings and the marker with `fake_pacs`.
"""

from __future__ import annotations

import importlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fake_pacs.testing import FakePacs, Servers

MARKER = (
    "fake_pacs(api_version, slides, applications, invent, missing_version, files): what the fake PACS of this test is"
)

_IN_USE: pytest.StashKey[FakePacs] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options to the command line, and the settings to pytest's configuration file."""
    group = parser.getgroup("fake-pacs", "the fake PACS of ia-api-kit")
    about = "IA-API version that the fake PACS is (default: the newest), before any setting and marker"
    group.addoption("--fake-pacs-api-version", dest="fake_pacs_option_api_version", metavar="VERSION", help=about)
    parser.addini("fake_pacs_api_version", "IA-API version that the fake PACS is (default: the newest)", default="")
    parser.addini(
        "fake_pacs_slides", "slide files or folders of them, in place of the demo hospital's cases", type="paths"
    )
    parser.addini("fake_pacs_applications", "applications to register, a line each: ID or ID=NAME", type="linelist")


def pytest_configure(config: pytest.Config) -> None:
    """Declares the marker, for --strict-markers."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture(scope="session")
def fake_pacs_servers() -> Iterator[Servers]:
    """The fake PACS servers of this run, one for each way in which tests want it; each on a free port of loopback."""
    servers = _testing().Servers()
    yield servers
    servers.close()


@pytest.fixture
def fake_pacs(request: pytest.FixtureRequest, fake_pacs_servers: Servers) -> Iterator[FakePacs]:
    """A fake PACS in which nothing has happened yet: a fresh tenant of a server that this test run shares.

    The test fails if the fake PACS itself goes wrong meanwhile.
    """
    pacs = _tenant(request, fake_pacs_servers)
    request.node.stash[_IN_USE] = pacs
    yield pacs
    pacs.close()
    _fail_for_errors(pacs)


@pytest.fixture
def sectra_client(fake_pacs: FakePacs) -> Iterator[Any]:
    """A `sectra_client.SectraClient` of the test's fake PACS, closed afterwards."""
    # by name: the emulator knows nothing of the client, and only a test that asks for this fixture needs it
    client = importlib.import_module("sectra_client").SectraClient
    with client(fake_pacs.url, fake_pacs.token, _allow_http=True) as opened:
        yield opened


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fails a test in which the fake PACS went wrong; shows what was called where a test fails for another reason."""
    try:
        result = yield
    except BaseException:
        if pacs := item.stash.get(_IN_USE, None):
            item.add_report_section("call", "fake-pacs", pacs.story())
        raise
    if pacs := item.stash.get(_IN_USE, None):
        _fail_for_errors(pacs)
    return result


def _tenant(request: pytest.FixtureRequest, servers: Servers) -> FakePacs:
    """A fresh tenant as settings and markers want it; fails, saying why, where there can be none."""
    marks = [mark.kwargs for mark in _marks(request.node)]
    try:
        return servers.tenant(_testing().wanted(_given(request.config), marks))
    except ValueError as error:
        reason = str(error)
    pytest.fail(f"fake_pacs can't be made: {reason}", pytrace=False)


def _fail_for_errors(pacs: FakePacs) -> None:
    if errors := pacs.new_errors():
        pytest.fail("fake-pacs went wrong by itself (please report it):\n" + "\n".join(errors), pytrace=False)


def _given(config: pytest.Config) -> dict[str, Any]:
    """What command line and configuration say of the fake PACS; the command line's version is the last word."""
    return {
        "forced_version": config.getoption("fake_pacs_option_api_version"),
        "api_version": config.getini("fake_pacs_api_version") or None,
        "slides": config.getini("fake_pacs_slides"),
        "applications": config.getini("fake_pacs_applications"),
    }


def _marks(node: Any) -> list[pytest.Mark]:
    """The test's markers, the nearest last. Fails for one with positional arguments."""
    marks = list(node.iter_markers("fake_pacs"))[::-1]
    for mark in marks:
        if mark.args:
            pytest.fail(f"the marker fake_pacs takes names, came {mark.args!r}: expected {MARKER}", pytrace=False)
    return marks


def _testing() -> Any:
    """What makes the servers; fails where the server's libraries are not installed, and says what to install."""
    try:
        return importlib.import_module("fake_pacs.testing")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("fake_pacs", "ia_api_spec", "demo_hospital"):
            raise
        missing = error.name
    text = f"the fixture fake_pacs needs the server's libraries ({missing} is missing)"
    pytest.fail(f"{text}: pip install 'ia-api-kit[server]'", pytrace=False)
