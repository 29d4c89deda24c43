"""The client mode against programs that behave, and programs that don't."""

import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ia_api_contract import cli
from ia_api_contract.client_mode import ClientExamination, ClientOptions, known_ids
from ia_api_contract.client_mode_command import CommandError, run_command
from ia_api_contract.client_mode_emulator import REFUSALS
from ia_api_contract.outcomes import EXIT_FAILED, EXIT_PASSED, EXIT_USAGE, CheckResult, Outcome

WELL_BEHAVED = Path(__file__).parent / "clients" / "well_behaved.py"

BEGINNING = """
import os, sys, time
import requests

URL, HEADERS = os.environ["IA_API_URL"], {"Authorization": "Bearer " + os.environ["IA_API_TOKEN"]}
SLIDE, RESULTS = os.environ["IA_API_SLIDE_ID"], URL + "/applications/" + os.environ["IA_API_APP_ID"] + "/results"
RESULT = {"slideId": SLIDE, "displayResult": "1 area", "data": {}}

def ask(method, url, **options):
    return requests.request(method, url, headers=HEADERS, timeout=10, **options)
"""

Program = Callable[[str], tuple[str, ...]]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Makes a client program of what it does after the usual beginning, and returns the command that runs it."""

    def make(does: str) -> tuple[str, ...]:
        path = tmp_path / "client.py"
        path.write_text(BEGINNING + textwrap.dedent(does))
        return sys.executable, str(path)

    return make


def _outcomes(command: tuple[str, ...], *only: str, **options: object) -> dict[str, CheckResult]:
    chosen = ClientOptions(command, only=only or ("client.none",), **options)  # type: ignore[arg-type]
    return {result.check_id: result for result in ClientExamination(chosen).results()}


def test_a_well_behaved_client_passes():
    found = _outcomes(
        (sys.executable, str(WELL_BEHAVED)),
        "client.updateResult-409",
        "client.createResult-400",
        "client.getSlideInfo-503",
        "client.putAttachment-403",
    )
    assert {name: result.text for name, result in found.items() if result.outcome is not Outcome.PASS} == {}
    assert len(found) == 5


def test_a_client_that_repeats_a_conflict_unchanged_fails(program: Program):
    command = program(
        """
        stored = ask("POST", RESULTS, json=RESULT).json()
        for attempt in range(3):
            if ask("PUT", f"{RESULTS}/{stored['id']}", json=stored).status_code == 200:
                sys.exit(0)
        sys.exit(1)
        """
    )
    found = _outcomes(command, "client.updateResult-409")
    assert found["client.plain"].outcome is Outcome.PASS
    assert found["client.updateResult-409"].outcome is Outcome.FAIL
    assert "repeated a refused write unchanged" in found["client.updateResult-409"].text


def test_a_new_token_after_401_is_a_change(program: Program):
    command = program(
        """
        def renewed():
            credentials = {"grant_type": "client_credentials"}
            answer = requests.post(f"{URL}/token", params={"applicationId": os.environ["IA_API_APP_ID"]},
                                   data=credentials, auth=("dev", "dev"), timeout=10)
            HEADERS["Authorization"] = "Bearer " + answer.json()["access_token"]

        if ask("POST", RESULTS, json=RESULT).status_code == 401:
            renewed()
            if ask("POST", RESULTS, json=RESULT).status_code != 201:
                sys.exit(1)
        """
    )
    assert _outcomes(command, "client.createResult-401")["client.createResult-401"].outcome is Outcome.PASS


def test_a_client_that_ignores_refusals_fails(program: Program):
    found = _outcomes(program('ask("POST", RESULTS, json=RESULT)'), "client.createResult-404")
    assert found["client.plain"].outcome is Outcome.PASS
    text = found["client.createResult-404"].text
    assert "It exited 0, though its write was refused and never taken: POST" in text
    assert "what it stores otherwise is not there: a result of" in text


def test_a_client_that_gives_up_on_a_refused_read_and_exits_0_fails(program: Program):
    command = program(
        """
        if ask("GET", f"{URL}/slides/{SLIDE}/info").status_code == 200:
            ask("POST", RESULTS, json=RESULT).raise_for_status()
        """
    )
    found = _outcomes(command, "client.getSlideInfo-404")
    assert "what it stores otherwise is not there" in found["client.getSlideInfo-404"].text


def test_a_client_that_hangs_is_killed_with_all_that_it_started(program: Program, tmp_path: Path):
    command = program(
        """
        import subprocess
        code = "import time, pathlib; time.sleep(2); pathlib.Path(r'%s').write_text('alive')"
        subprocess.Popen([sys.executable, "-c", code])
        ask("GET", URL + "/info")
        time.sleep(60)
        """
        % (tmp_path / "alive")
    )
    found = _outcomes(command, timeout=1.0)
    assert "did not end within 1 s and was killed" in found["client.plain"].text
    time.sleep(1.5)  # what the client started would have written by now
    assert not (tmp_path / "alive").exists()


def test_what_the_contract_forbids_is_a_failure_even_if_the_client_copes(program: Program):
    invalid = _outcomes(program('ask("POST", RESULTS, json={**RESULT, "displayResult": 17}); sys.exit(0)'))
    text = invalid["client.plain"].text
    assert "It sent what the contract forbids" in text
    assert "/displayResult: came 17, expected a string" in text
    unknown = _outcomes(program('ask("GET", URL + "/patients")'))
    assert "asked for what is no operation of the contract" in unknown["client.plain"].text


def test_a_client_that_asks_nothing_or_fails_by_itself_fails(program: Program):
    assert "does it read IA_API_URL" in _outcomes(program(""))["client.plain"].text
    text = _outcomes(program('ask("GET", URL + "/info"); print("what a pity"); sys.exit(3)'))["client.plain"].text
    assert "It exited 3, though nothing was refused on purpose" in text
    assert "what a pity" in text


def test_a_failed_plain_run_makes_the_others_moot(program: Program):
    found = _outcomes(program('ask("GET", URL + "/info"); sys.exit(3)'), "client.getInfo-400")
    assert found["client.getInfo-400"].outcome is Outcome.OMIT


def test_the_token_is_never_shown(program: Program):
    text = _outcomes(program("print(HEADERS); sys.exit(1)"))["client.plain"].text
    assert "'Authorization': 'Bearer <redacted>'" in text


def test_oddities_are_warnings(program: Program):
    examination = ClientExamination(ClientOptions(program('ask("GET", URL + "/info?extra=1")'), only=("client.none",)))
    (result,) = examination.results()
    assert result.outcome is Outcome.PASS
    assert any("extra" in note for note in examination.notes)


def test_a_refused_range_is_only_for_who_asks_for_one(program: Program):
    command = program('ask("GET", f"{RESULTS}/1/attachments?name=x")')
    assert _outcomes(command, "client.getAttachment-416")["client.getAttachment-416"].outcome is Outcome.SKIP


def test_every_declared_refusal_can_be_made():
    statuses = {injection.status for injection in known_ids().values() if injection}
    assert statuses - set(REFUSALS) == {409}


def _client(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, ["client", *arguments])


def test_the_command_line_ends_as_the_server_mode_does(program: Program, tmp_path: Path):
    good = program('ask("GET", URL + "/info").raise_for_status()')
    page = tmp_path / "r.html"
    done = _client("--only", "client.getInfo-400", "--html", str(page), "--", *good)
    assert done.exit_code == EXIT_PASSED, done.output
    assert "2 pass of 2 checks" in done.output
    assert "client.getInfo-400" in page.read_text()
    bad = program("sys.exit(1)")
    done = _client("--", *bad)
    assert done.exit_code == EXIT_FAILED
    assert f"ia-api-contract client --api-version 1.10 --timeout 60 --only client.plain -- {bad[0]}" in done.output


def test_wrong_usage_is_told():
    assert _client("--", "no-such-program-anywhere").exit_code == EXIT_USAGE
    assert _client("--only", "client.nothing", "--", "true").exit_code == EXIT_USAGE
    assert _client().exit_code == EXIT_USAGE


def test_a_program_that_is_not_there_is_told_with_its_name():
    with pytest.raises(CommandError, match="'no-such-program' can't be started"):
        run_command(["no-such-program"], {}, 1)
