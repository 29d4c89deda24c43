"""A user edits a result while an app writes it."""

from fake_pacs.calls import Call
from fake_pacs.faults.effects import Effect
from fake_pacs.faults.table import Outcome
from fake_pacs.incidents.incident import Incident, said
from fake_pacs.incidents.users_edit import Edit, edited
from fake_pacs.incidents.values import Asked, Stage, Verdict
from fake_pacs.refusals import Refusal
from fake_pacs.result_documents import attachment_names
from fake_pacs.store import StoredResult

PATIENCE = 3
"""So many refusals of one stale version are borne."""


class UserEdits(Incident):
    """Between the app's reading and its first updateResult the user changes the stored result."""

    name = "user-edits-during-write"
    what = (
        "Just before the first updateResult is carried out, the user changes the stored result: moves a patch to "
        "another tag, or draws an area, or fills in a display property. The update is stale then (409)."
    )
    judged = (
        "Storing the result without the user's edit, be it with the new version; sending the stale update again and "
        f"again (more than {PATIENCE} times). Merging is well done, and so is giving up."
    )

    def __init__(self, stage: Stage, asked: Asked) -> None:
        super().__init__(stage, asked)
        self._edit: Edit | None = None
        self._place: tuple[str, int] | None = None
        self._stale = 0
        self._read = False
        self._kept = False
        self._lost: int | None = None

    def meet(self, call: Call, token: str | None) -> Effect | None:
        """The user is faster than the first update."""
        if not self.occurred and call.operation_id == "updateResult" and self.about(call):
            self._place = call.parameters["applicationId"], call.parameters["resultId"]
            try:
                self._change(self._stored())
            except Refusal:
                self._place = None  # no such result: the app is told so, and the user has nothing to edit
        return None

    def _change(self, stored: StoredResult) -> None:
        self._edit = edited(stored.document)
        store, version = self.stage.world.store, self.stage.world.ids.version()
        store.update_result(
            self.stage.tenant,
            stored.application,
            stored.id,
            self._edit.document,
            attachment_names(self._edit.document),
            expected_version=None,
            slide_id=stored.slide_id,
            version_id=version,
        )
        self.occur(f"the user {self._edit.text} in result {stored.id} of {stored.application}")

    def see(self, call: Call, token: str | None, outcome: Outcome) -> None:
        """Looks at each later write of that result, and at whether the app read it again."""
        if not self.occurred or self._place is None or self._edit is None:
            return
        application, result_id = self._place
        if call.parameters.get("applicationId") != application:
            return
        if call.operation_id in ("getResult", "listResults") and outcome.status == 200:
            self._read = True
            self.tell(f"{said(call, outcome)}: it read")
        elif call.operation_id == "updateResult" and call.parameters["resultId"] == result_id:
            self._look_at(call, outcome, self._edit)

    def _look_at(self, call: Call, outcome: Outcome, edit: Edit) -> None:
        self.tell(said(call, outcome))
        if outcome.status == 409:
            self._stale += 1
        elif outcome.status == 200:
            try:
                kept = edit.survives(self._stored().document)
            except Refusal:
                return  # the user has deleted it meanwhile
            self._kept = kept
            self._lost = None if kept else outcome.exchange

    def _stored(self) -> StoredResult:
        assert self._place is not None
        return self.stage.world.store.result(self.stage.tenant, *self._place)

    def judge(self) -> Verdict:
        """By whether the user's edit is still there."""
        if not self.occurred or self._edit is None:
            return Verdict("not exercised", "no result was updated")
        if self._lost is not None:
            how = "though it had read it" if self._read else "without having read it"
            text = (
                f"the app overwrote the user's edit, {how}: the user {self._edit.text}, exchange {self._lost} lost it"
            )
            return Verdict("failed", text)
        if self._stale > PATIENCE:
            return Verdict("failed", f"it sent a stale update {self._stale} times")
        if self._kept:
            return Verdict("passed", "it wrote again with the user's edit in it")
        return Verdict("passed", "it let the user's edit stand")

    def decided(self) -> bool:
        """Not by a lost edit, which the app may still bring back."""
        return self._stale > PATIENCE
