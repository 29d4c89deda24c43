"""The PACS restarts while an app writes."""

import time

from fake_pacs.calls import Call
from fake_pacs.faults.effects import Effect, Reset
from fake_pacs.faults.table import Outcome
from fake_pacs.incidents.incident import Incident, said
from fake_pacs.incidents.values import Asked, Stage, Verdict
from fake_pacs.result_documents import document_of

SECONDS = 1.0
"""How long the PACS is away."""

PATIENCE = 3
"""So many refusals of one stale version are borne."""


class Restart(Incident):
    """The first write of a result is carried out, its answer is lost, and the PACS is away for a moment."""

    name = "restart-during-write"
    what = (
        "The first createResult or updateResult is stored, its answer is lost; then connections are refused for "
        f"{SECONDS:g} s (`seconds`). Where the server has other tenants, the tenant's own requests are reset instead."
    )
    judged = (
        "Storing the same result a second time; sending a lost update again and again with the version that it had "
        f"(more than {PATIENCE} times)."
    )

    def __init__(self, stage: Stage, asked: Asked) -> None:
        super().__init__(stage, asked)
        self._lost: Call | None = None
        self._back_at = 0.0
        self._twice: int | None = None
        self._stale = 0
        self._looked = False
        self._came_back = False

    def meet(self, call: Call, token: str | None) -> Effect | None:
        """The first write loses its answer; what comes while the PACS is away is lost."""
        if self.occurred:
            return Reset(carried_out=False) if time.monotonic() < self._back_at else None
        if self._lost or call.operation_id not in ("createResult", "updateResult") or not self.about(call):
            return None
        self._lost = call
        return Reset()

    def see(self, call: Call, token: str | None, outcome: Outcome) -> None:
        """The write is stored: the PACS goes away. Afterwards: does the same write come again?"""
        if call is self._lost and not self.occurred:
            self._go_away(call, outcome)
            return
        if not self.occurred or self._lost is None or time.monotonic() < self._back_at:
            return
        self._came_back = True
        same = _same(call, self._lost)
        if same and call.operation_id == "createResult" and outcome.status == 201:
            self._twice = outcome.exchange
            self.tell(f"{said(call, outcome)}: the same result again")
        elif same and outcome.status == 409:
            self._stale += 1
            self.tell(f"{said(call, outcome)}: the same update again")
        elif call.operation_id in ("getResult", "listResults"):
            self._looked = True
            self.tell(f"{said(call, outcome)}: it looked")

    def _go_away(self, call: Call, outcome: Outcome) -> None:
        if outcome.status >= 300:  # refused, so there is nothing to lose; the next write will do
            self.tell(f"{said(call, outcome)}: refused, its answer was lost")
            self._lost = None
            return
        seconds = SECONDS if self.asked.seconds is None else self.asked.seconds
        self._back_at = time.monotonic() + seconds
        world = self.stage.world
        alone = world.store.tenants() == [self.stage.tenant]
        if alone and world.refuse_connections:
            world.refuse_connections(seconds)
        how = "connections are refused" if alone and world.refuse_connections else "requests are reset"
        self.occur(f"{said(call, outcome)}: stored, the answer was lost; {how} for {seconds:g} s")

    def judge(self) -> Verdict:
        """By whether the write came again."""
        if not self.occurred:
            return Verdict("not exercised", "no result was written")
        if self._twice is not None:
            return Verdict("failed", f"it stored the same result twice: exchange {self._twice} repeats the lost one")
        if self._stale > PATIENCE:
            return Verdict(
                "failed", f"it sent the lost update {self._stale} times more, with its old version each time"
            )
        if self._looked:
            return Verdict("passed", "it looked at what is stored instead of writing again")
        if self._came_back:
            return Verdict("passed", "it came back and did not write twice")
        return Verdict("passed", "it has not written again so far")


def _same(call: Call, lost: Call) -> bool:
    """Whether the call is the lost write once more: to the same place, with the same result."""
    there = all(call.parameters.get(name) == lost.parameters.get(name) for name in ("applicationId", "resultId"))
    return there and call.operation_id == lost.operation_id and document_of(call.body) == document_of(lost.body)
