"""The command `sectra-client`: lists the slides of a case, or downloads them.

Exit status: 0 all done, 1 some slides failed, 2 wrong usage, 3 the server refused, 4 the server didn't answer, 130
interrupted.
"""

import argparse
import getpass
import io
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import sectra_client._own_files  # noqa: F401 - says so where the files are another package's
from sectra_client import SectraClient, SectraConnectionError, SectraError
from sectra_client.case_download import Outcome, download_case
from sectra_client.progress import ProgressBar
from sectra_client.schemas import CaseImageInfo

LEAVE_SECONDS = 2.0
"""After an interruption, transfers have this long to remove what is half-done."""

FAILED, USAGE, REFUSED, NO_ANSWER, INTERRUPTED = 1, 2, 3, 4, 130

ENVIRONMENT = """\
environment:
  SECTRA_URL, SECTRA_APP_ID, SECTRA_USER, SECTRA_CA_FILE   stand in for the options
  SECTRA_PASSWORD   the user's password; asked for where it is missing
  SECTRA_TOKEN      a bearer token, instead of user and password

exit status:
  0 all done, 1 some slides failed, 2 wrong usage, 3 the server refused, 4 the server didn't answer, 130 interrupted
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status."""
    options = parser(os.environ).parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal can't show is no failure
    try:
        with _client(options, os.environ) as client:
            return _case(client, options)
    except SectraConnectionError as error:
        return _complain(error, NO_ANSWER)
    except SectraError as error:
        return _complain(error, REFUSED)
    except ValueError as error:
        return _complain(error, USAGE)
    except BrokenPipeError:  # the reader, such as head, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        _complain("interrupted; files that are whole stay, the next run goes on from there", INTERRUPTED)
        return _leave(INTERRUPTED)


def parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """The command line; defaults come from the environment."""
    top = argparse.ArgumentParser(
        "sectra-client",
        description="Asks a PACS that speaks IA-API.",
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    case = commands.add_parser(
        "case",
        help="list the slides of a case, or download them",
        description="Lists the slides of a case; with --out, downloads their files into a folder for each slide.",
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    case.add_argument("accession", metavar="ACCESSION", help="accession number of the case")
    case.add_argument("--issuer", help="who issued the number, where several did")
    case.add_argument("--out", type=Path, metavar="DIR", help="download into this folder; what is whole stays")
    case.add_argument("--threads", type=_count, default=2, metavar="N", help="slides downloaded at once (default: 2)")
    case.add_argument("--no-progress", action="store_true", help="no progress bar")
    case.add_argument("--url", default=environment.get("SECTRA_URL"), help="base URL of the API")
    case.add_argument("--app-id", default=environment.get("SECTRA_APP_ID"), help="application to get a token for")
    case.add_argument("--user", default=environment.get("SECTRA_USER"), help="user name to get a token with")
    case.add_argument("--ca-file", default=environment.get("SECTRA_CA_FILE"), help="CA file to check the server with")
    case.add_argument("--allow-http", action="store_true", help="speak http to an http: URL (for a mock server)")
    return top


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 64")
    return int(text)


def _client(options: argparse.Namespace, environment: Mapping[str, str]) -> SectraClient:
    if not options.url:
        raise ValueError("no server named: give --url, or set SECTRA_URL")
    verify = options.ca_file or True
    if token := environment.get("SECTRA_TOKEN"):
        return SectraClient(options.url, token, options.allow_http, verify=verify)
    if not options.user or not options.app_id:
        raise ValueError("no credentials: give --user and --app-id (the password is asked for), or set SECTRA_TOKEN")
    return SectraClient.from_credentials(
        options.url,
        options.app_id,
        options.user,
        _password(options.user, environment),
        _allow_http=options.allow_http,
        verify=verify,
    )


def _password(user: str, environment: Mapping[str, str]) -> str:
    """The password from the environment, or asked for. Raises `ValueError` where nobody is there to be asked."""
    if password := environment.get("SECTRA_PASSWORD"):
        return password
    if not sys.stdin.isatty():
        raise ValueError("no password: set SECTRA_PASSWORD, or run in a terminal to be asked for it")
    return getpass.getpass(f"Password of {user}: ")


def _case(client: SectraClient, options: argparse.Namespace) -> int:
    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise ValueError(f"--out {options.out} is a file: name a folder")
    slides = client.get_image_infos_in_case(options.accession, accession_number_issuer_id=options.issuer)
    if options.out is None:
        for slide in slides:
            print(_line(slide))
        return 0
    outcomes = _download(client, slides, options)
    failed = sum(outcome.error is not None for outcome in outcomes)
    skipped = sum(outcome.skipped for outcome in outcomes)
    done = len(outcomes) - failed
    print(f"{done} of {len(slides)} slides in {options.out} ({skipped} were there before)", file=sys.stderr)
    return FAILED if failed else 0


def _download(client: SectraClient, slides: list[CaseImageInfo], options: argparse.Namespace) -> list[Outcome]:
    outcomes = []
    with ProgressBar(options.accession, disable=options.no_progress) as bar:
        ids = [slide.id for slide in slides]
        for outcome in download_case(client, ids, options.out, threads=options.threads, progress=bar.transfer):
            outcomes.append(outcome)
            if outcome.error is not None:
                kept = f" Files of it that are whole, and stay: {len(outcome.files)}." if outcome.files else ""
                print(f"{outcome.slide_id}: {outcome.error}{kept}", file=sys.stderr)
    return outcomes


def _line(slide: CaseImageInfo) -> str:
    specimen = slide.specimen.description or slide.specimen.anatomy or ""
    return "\t".join((slide.id, slide.block.displayName, slide.staining.displayName, specimen)).rstrip("\t")


def _leave(status: int) -> int:
    """Ends the process where a transfer doesn't: a thread that waits for bytes can't be told to stop."""
    deadline = time.monotonic() + LEAVE_SECONDS
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                sys.stderr.flush()
                os._exit(status)
    return status


def _complain(error: object, status: int) -> int:
    print(f"sectra-client: {error}", file=sys.stderr)
    return status
