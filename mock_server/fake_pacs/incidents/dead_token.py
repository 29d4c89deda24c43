"""The token dies in the middle of a download."""

from fake_pacs.calls import Call
from fake_pacs.faults.effects import Effect, Truncate
from fake_pacs.faults.fault import slide_of
from fake_pacs.faults.table import Outcome
from fake_pacs.incidents.incident import Incident, said
from fake_pacs.incidents.values import Asked, Stage, Verdict

PATIENCE = 3
"""So many calls with the dead token are borne: threads that were under way, and one to learn of it."""

WRITES = ("createResult", "updateResult")


class DeadToken(Incident):
    """The first download of a slide's files breaks off in its middle, and its token is expired from then on."""

    name = "token-dies-in-download"
    what = "The first getSlideFiles breaks off at half of its body; its token is expired until the incident ends (401)."
    judged = (
        f"Using the dead token more than {PATIENCE} times; storing a result on the slide without its whole files. "
        "Fetching another token and the files again is well done, and so is stopping."
    )

    def __init__(self, stage: Stage, asked: Asked) -> None:
        super().__init__(stage, asked)
        self._token: str | None = None
        self._slide: str | None = None
        self._refused = 0
        self._whole = False
        self._wrong: str | None = None

    def meet(self, call: Call, token: str | None) -> Effect | None:
        """The first download is broken off, and its token dies."""
        if self.occurred or call.operation_id != "getSlideFiles" or token is None or not self.about(call):
            return None
        self._token, self._slide = token, slide_of(call)
        self.stage.world.faults.of(self.stage.tenant).expire(token)
        self.occur(f"the download of {self._slide} broke off, and its token expired")
        return Truncate()

    def see(self, call: Call, token: str | None, outcome: Outcome) -> None:
        """Counts the calls with the dead token, and looks whether the files came whole before a result."""
        if not self.occurred or (
            call.operation_id == "getSlideFiles" and token == self._token and outcome.status == 200
        ):
            return
        if token == self._token:
            self._refused += 1
            self.tell(f"{said(call, outcome)}, with the dead token")
        elif slide_of(call) == self._slide and outcome.status < 300:
            self.tell(f"{said(call, outcome)}, with another token")
            self._whole = self._whole or call.operation_id == "getSlideFiles"
            if call.operation_id in WRITES and not self._whole:
                self._wrong = f"it stored a result on {self._slide} though it never got the whole files"

    def judge(self) -> Verdict:
        """By what was done with the dead token and with half a file."""
        if not self.occurred:
            return Verdict("not exercised", "no files of a slide were downloaded with a bearer token")
        if self._wrong:
            return Verdict("failed", self._wrong)
        if self._refused > PATIENCE:
            return Verdict("failed", f"it kept going with the dead token: {self._refused} calls were refused with 401")
        if self._whole:
            return Verdict("passed", "it fetched the files again with another token")
        return Verdict("passed", "it stopped; whether it told its user is for you to see")

    def put_back(self) -> None:
        """The token is taken again: it may be one that never expires."""
        if self._token is not None:
            self.stage.world.faults.of(self.stage.tenant).revive(self._token)
