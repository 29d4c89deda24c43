"""The client mode: a partner's client program against an emulator that refuses it once at every place it can."""

import secrets
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from time import monotonic

from ia_api_contract.client_mode_command import CommandError, run_command
from ia_api_contract.client_mode_emulator import Injection, WatchedServer
from ia_api_contract.client_mode_rules import ClientRun, broken_rules, oddities
from ia_api_contract.exchanges import Redactor
from ia_api_contract.outcomes import CheckResult, Outcome, exit_status
from ia_api_contract.reports import Entry, Report
from ia_api_contract.waivers import Waiver, unused, waive
from ia_api_spec import NEWEST, Contract

__all__ = ["ClientExamination", "ClientOptions", "CommandError", "facts", "known_ids", "report"]

PLAIN = "client.plain"

RULES = (
    "the client ends in time, repeats no refused write unchanged, sends nothing that the contract forbids, and exits 0 "
    "only if what it stored is there"
)

Told = Callable[[CheckResult], None]


@dataclass(frozen=True)
class ClientOptions:
    """The program, the version that the emulator is, seconds that a run may take, and the checks to make."""

    command: tuple[str, ...]
    api_version: str = str(NEWEST)
    timeout: float = 60.0
    only: tuple[str, ...] = ()


def known_ids() -> dict[str, Injection | None]:
    """Every check of this mode: the plain run, and one for each operation and refusal of the contract."""
    contract = Contract.of("ia-api", NEWEST)
    known: dict[str, Injection | None] = {PLAIN: None}
    for operation in contract.operations.values():
        for status in operation.answers:
            if status >= 400:
                known[f"client.{operation.id}-{status}"] = Injection(operation.id, status)
    return known


class ClientExamination:
    """All runs of one client program."""

    def __init__(self, options: ClientOptions) -> None:
        self.options = options
        self.redactor = Redactor()
        self.notes: list[str] = []

    def results(self, told: Told = lambda result: None) -> list[CheckResult]:
        """What became of every check of this mode that is about this client."""
        found: list[CheckResult] = []
        for result in self._results():
            found.append(result)
            told(result)
        return found

    def _results(self) -> Iterator[CheckResult]:
        plain, first = self._once(PLAIN, None, None)
        yield first
        used = Counter(request.operation_id for request in plain.seen)
        ranged = {request.operation_id for request in plain.seen if request.ranged}
        for check_id, injection in known_ids().items():
            if injection is None or not used[injection.operation_id]:
                continue
            if self.options.only and check_id not in self.options.only:
                continue
            if first.outcome is not Outcome.PASS and plain.exit_status != 0:
                yield CheckResult(check_id, Outcome.OMIT, "the plain run failed, so this says nothing more")
            elif injection.status == 416 and injection.operation_id not in ranged:
                yield CheckResult(check_id, Outcome.SKIP, "it asks for no range")
            else:
                yield self._once(check_id, injection, plain)[1]

    def _once(
        self, check_id: str, injection: Injection | None, plain: ClientRun | None
    ) -> tuple[ClientRun, CheckResult]:
        began = monotonic()
        run, broke = self._run(injection)
        seconds = monotonic() - began
        self.notes += [note for note in dict.fromkeys(oddities(run)) if note not in self.notes]
        if broke:
            return run, CheckResult(check_id, Outcome.ERROR, "\n".join(broke), seconds)
        wrong = broken_rules(run, plain or run)
        outcome = Outcome.FAIL if wrong else Outcome.PASS
        return run, CheckResult(check_id, outcome, self.redactor.text(_text(run, wrong)) if wrong else "", seconds)

    def _run(self, injection: Injection | None) -> tuple[ClientRun, list[str]]:
        """One run against an emulator of its own, and what went wrong with the emulator itself."""
        token = secrets.token_urlsafe(24)
        self.redactor.learn(token)
        server = WatchedServer(injection, api_version=self.options.api_version, token=token)
        server.run(port=0)
        try:
            status, output = run_command(self.options.command, _variables(server), self.options.timeout)
        finally:
            server.stop()
        run = ClientRun(injection, status, output, tuple(server.seen), server.stored(), self.options.timeout)
        return run, server.world.journal.our_errors


def _variables(server: WatchedServer) -> dict[str, str]:
    """What the client program finds in its environment."""
    hospital = server.world.hospital
    slide = hospital.slides[0]
    return {
        "IA_API_URL": server.url,
        "IA_API_TOKEN": server.token,
        "IA_API_SLIDE_ID": slide.id,
        "IA_API_APP_ID": hospital.applications[0].applicationId,
        "IA_API_ACCESSION": slide.case.accession_number,
        "IA_API_VERSION": server.api_version,
    }


def _text(run: ClientRun, wrong: Sequence[str]) -> str:
    requests = "\n".join(f"  {request}" for request in run.seen[-20:]) or "  none"
    output = "\n".join(f"  {line}" for line in run.output.splitlines()[-15:]) or "  none"
    ended = "was killed" if run.exit_status is None else f"exited {run.exit_status}"
    said = "\n".join(f"{place[0].upper()}{place[1:]}." for place in wrong)
    return f"{said}\nThe client {ended}. Its last requests:\n{requests}\nThe end of its output:\n{output}"


def facts(options: ClientOptions) -> dict[str, str]:
    """The report's header."""
    return {
        "client": shlex.join(options.command),
        "against": f"fake-pacs as IA-API {options.api_version}, a new one for each run",
        "effort": f"once plain, then once for each operation used and refusal declared, {options.timeout:g} s each",
    }


def report(
    examination: ClientExamination,
    header: Mapping[str, str],
    results: Sequence[CheckResult],
    waivers: Sequence[Waiver] = (),
    today: date | None = None,
) -> Report:
    """The report of all runs, failures waived where a waiver holds."""
    made = {result.check_id for result in results}
    needs = {check_id: (PLAIN,) for check_id in made if check_id != PLAIN}
    waived = waive(results, waivers, needs, today or date.today())
    contract = Contract.of("ia-api", NEWEST)
    entries = tuple(_entry(result, contract, examination) for result in waived)
    chosen = [waiver for waiver in waivers if waiver.id in made]
    notes = [*unused(waived, chosen), *(f"odd, but accepted: {note}" for note in examination.notes)]
    return Report("client", header, entries, tuple(notes), exit_status(waived, [PLAIN]))


def _entry(result: CheckResult, contract: Contract, examination: ClientExamination) -> Entry:
    injection = known_ids()[result.check_id]
    options = examination.options
    entry = Entry(
        id=result.check_id,
        sentence=f"With nothing refused on purpose, {RULES}.",
        address="every operation that it uses",
        request="any",
        evidence=(),
        rationale="A client that fails here fails with every PACS.",
        outcome=result.outcome,
        text=examination.redactor.text(result.text),
        seconds=result.seconds,
        exchanges=(),
        reproduce=f"ia-api-contract client --api-version {options.api_version} --timeout {options.timeout:g} "
        f"--only {result.check_id} -- {shlex.join(options.command)}",
    )
    if injection is None:
        return entry
    operation = contract.operations[injection.operation_id]
    answer = contract.resolve(operation.node["responses"][str(injection.status)])
    return replace(
        entry,
        sentence=f"Refused once with {injection.status} at {injection.operation_id}, {RULES}.",
        address=f"{injection.operation_id} {injection.status}",
        request=f"{operation.method} {operation.spellings[0].path}",
        evidence=list(answer.get("x-evidence", operation.node["x-evidence"])),
        rationale="A PACS may refuse any request; a result that got lost unnoticed is worse than an error.",
    )
