"""What a client must do, whatever it is answered."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ia_api_contract.client_mode_emulator import Injection, Seen


@dataclass(frozen=True)
class ClientRun:
    """One run of a client: its exit status (None: it was killed), its output, its requests, what is stored now."""

    injection: Injection | None
    exit_status: int | None
    output: str
    seen: Sequence[Seen]
    stored: "Counter[str]"
    timeout: float


def broken_rules(run: ClientRun, plain: ClientRun) -> list[str]:
    """Everything that the client did wrong in this run; `plain` is the run in which nothing was refused."""
    found = [*_ended(run), *_repeated(run.seen), *_forbidden(run)]
    if run is plain:
        found += _plain(run)
    if run.exit_status == 0:
        found += [*_unnoticed(run), *_missing(run, plain)]
    return found


def _ended(run: ClientRun) -> Iterator[str]:
    if run.exit_status is None:
        yield f"it did not end within {run.timeout:g} s and was killed"


def _plain(run: ClientRun) -> Iterator[str]:
    if run.exit_status:
        yield f"it exited {run.exit_status}, though nothing was refused on purpose"
    if not run.seen:
        yield "it sent no request: does it read IA_API_URL and IA_API_TOKEN from the environment?"


def _repeated(seen: Sequence[Seen]) -> Iterator[str]:
    """A write that was refused with 4xx is refused again when nothing of it has changed."""
    refused: dict[str, Seen] = {}
    told: set[str] = set()
    for request in seen:
        before = refused.get(request.digest)
        if before and request.digest not in told:
            told.add(request.digest)
            yield f"it repeated a refused write unchanged: {before}, then the same again"
        if request.is_write and 400 <= request.status < 500:
            refused[request.digest] = request


def _forbidden(run: ClientRun) -> Iterator[str]:
    """What breaks the contract: violations, operations that there aren't, wrong methods."""
    for request in dict.fromkeys(run.seen):
        if request.violations:
            yield f"it sent what the contract forbids: {request}: {'; '.join(request.violations)}"
        elif request.operation_id is None and request.status in (404, 405):
            yield f"it asked for what is no operation of the contract: {request}"


def _unnoticed(run: ClientRun) -> Iterator[str]:
    """A client that exits 0 says that all is stored; then each refused write was followed by one that was taken."""
    for index, request in enumerate(run.seen):
        if request.is_write and request.status >= 400 and request.operation_id:
            later = (other for other in run.seen[index + 1 :] if _replaces(other, request))
            if not any(other.status < 400 for other in later):
                yield f"it exited 0, though its write was refused and never taken: {request}"


def _replaces(later: Seen, refused: Seen) -> bool:
    """Whether a later write can stand for the refused one: the same operation on the same thing."""
    return later.operation_id == refused.operation_id and later.path.partition("?")[0] == refused.path.partition("?")[0]


def _missing(run: ClientRun, plain: ClientRun) -> Iterator[str]:
    """What the plain run stored must be there after any run that exits 0."""
    for thing, count in (plain.stored - run.stored).items():
        times = "" if count == 1 else f" ({count} times)"
        yield f"it exited 0, though what it stores otherwise is not there: {thing}{times}"


def oddities(run: ClientRun) -> Iterator[str]:
    """What was accepted although it looks odd: warnings, not failures."""
    for request in run.seen:
        yield from (f"{request.operation_id}: {oddity}" for oddity in request.oddities)
