"""A scene of the app mode: a fresh tenant of the PACS, in which the user does something to the app."""

import copy
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from fake_pacs.embedding import AppAnswer, Credential, Finding, RegisteredApp, invocations, judging, on_wire
from ia_api_contract.app_pacs import SLIDE, Asked, Ear, Meddler
from ia_api_contract.app_target import AppTarget
from ia_api_contract.exchanges import Answer, Exchange
from ia_api_contract.outcomes import Failed, Skipped
from ia_api_spec import NEWEST, Contract

Document = dict[str, Any]

LATER, QUIET = 3.0, 1.0
"""So many seconds an app that has answered may take until it begins to work, and pause in its work."""


@dataclass(frozen=True)
class Visit:
    """One call of the app: what was sent, and its answer, or the trouble that there was instead."""

    invocation: Document
    answer: Answer | None
    trouble: str = ""
    seconds: float = 0.0

    def needed(self) -> Answer:
        """The answer. Raises `Failed` where none came."""
        if self.answer is None:
            raise Failed(self.trouble)
        return self.answer

    def taken(self, what: str) -> Answer:
        """The answer, which says that all is well. Raises `Failed` otherwise."""
        answer = self.needed()
        if answer.status // 100 != 2:
            raise Failed(f"{what} was answered with {answer}; expected 200")
        return answer

    @property
    def claimed(self) -> Document | None:
        """The result that the answer is, None where it is none."""
        document = self.answer.json if self.answer and self.answer.status // 100 == 2 else None
        return document if isinstance(document, dict) and document else None


@dataclass
class Scene:
    """What happens between one tenant of the PACS and the app."""

    target: AppTarget
    tenant: str
    token: str
    ear: Ear = field(default_factory=Ear)

    # What the user does

    def start(self, given: Document | None = None, slide: str = SLIDE, **shared: Any) -> Visit:
        """The user starts the app, on what it asked for unless `given`."""
        invocation = invocations.create(self.shared(slide, **shared), _token("start"), given or self.target.given())
        return self.send(invocation)

    def modify(self, result: Document) -> Visit:
        """The user changed a result, which is stored already, or pressed a button, which isn't."""
        return self.send(invocations.modify(self.shared(result["slideId"]), _token("modify"), result))

    def delete(self, result: Document) -> Visit:
        """The user removes a result; the PACS does so once the app has answered."""
        return self.send(invocations.delete(self.shared(result["slideId"]), result))

    def cancel(self, cancellation_token: str) -> Visit:
        """The user stops an invocation."""
        return self.send(invocations.cancel(self.shared(SLIDE), cancellation_token))

    def notification(self, slide: str = SLIDE) -> Document:
        """New image files were imported, as the PACS tells of it."""
        found = self.target.pacs.world.slide(slide)
        newest = Contract.of("ia-api", NEWEST)
        state = {"qualityControl": {"status": "NotSet", "versionId": "0"}}
        info = invocations.image_info(found.metadata() | state, newest, self.target.version)
        return invocations.new_image_files(self.shared(slide), _token("import"), info)

    def notify(self, notification: Document | None = None) -> Visit:
        """Tells the app of new image files. Raises `Skipped` where it takes no notifications."""
        visit = self.send(notification or self.notification(), "imagenotification")
        if visit.answer and visit.answer.status in (404, 405):
            raise Skipped("the app takes no image notifications: the administrator leaves them off")
        return visit

    def send(self, invocation: Document, name: str = "", timeout: float | None = None) -> Visit:
        """Sends an invocation as it is."""
        began = time.monotonic()
        try:
            answer, trouble = self.target.post(invocation, name, timeout), ""
        except Failed as failed:
            answer, trouble = None, str(failed)
        return Visit(invocation, answer, trouble, time.monotonic() - began)

    def shared(self, slide: str, context: Mapping[str, Any] | None = None) -> invocations.Shared:
        """What every invocation carries."""
        registered = self.target.registration().get("context") or {}
        chosen = registered if context is None else context
        return invocations.Shared(self.target.application, slide, self._callback_url, self.token, chosen)

    @property
    def _callback_url(self) -> str:
        return self.target.pacs.callback_url(self.target.options.url)

    def judged(self, visit: Visit) -> tuple[Finding, ...]:
        """What the PACS finds wrong with an answer, as it does when a user works."""
        came = visit.needed()
        results = {result["id"]: result for result in self.results()}
        return judging.judge(
            visit.invocation,
            AppAnswer(came.status, came.headers, came.body, visit.seconds),
            app_contract=self.target.contract,
            holdings=judging.Holdings(results.get, lambda number, version: None),
            deadline=self.target.options.timeout,
        )

    # What the PACS holds

    def results(self) -> list[Document]:
        """What the app has stored in this scene, as the PACS answers it."""
        stored = self.target.pacs.world.store.results(self.tenant, self.target.application)
        return [on_wire(result) for result in stored]

    def result(self, result_id: int) -> Document:
        """One result. Raises `Failed` where it isn't there."""
        found = [result for result in self.results() if result["id"] == result_id]
        if not found:
            raise Failed(f"the result {result_id} isn't stored")
        return found[0]

    def started(self) -> Document:
        """The result of a start. Raises `Skipped` where the app stores none."""
        self.start().taken("the start")
        if found := self.settled():
            return found[-1]
        raise Skipped("the app stores no result when it is started")

    def settled(self, least: int = 1) -> list[Document]:
        """The stored results; an app that answers first and works afterwards is waited for, once in vain."""
        memory = self.target.memory
        until = time.monotonic() + self.target.options.timeout
        while len(self.results()) < least and memory.get("patient", True):
            left = until - time.monotonic()
            if left <= 0 or (not self.busy and left < self.target.options.timeout - 3):
                memory["patient"] = False
                break
            with self.ear.heard:
                self.ear.heard.wait(min(left, 0.2))
        return self.results()

    def worked(self, visit: Visit, before: int) -> None:
        """Waits for the work of an app that answers first, with nothing, and has stored nothing since so many requests.

        It is over when the app is quiet for a while. One that does nothing afterwards is waited for once, in vain.
        """
        done = visit.claimed or any(call.writes_result for call in self.calls[before:])
        if done or visit.answer is None or visit.answer.status // 100 != 2:
            return
        memory, began, asked = self.target.memory, time.monotonic(), len(self.calls)
        known = memory.get("works later")
        if known is False:
            return
        begun = self._quiet(began, LATER, lambda: len(self.calls) > asked)
        memory["works later"] = begun or bool(known)
        if begun:
            self._quiet(began, QUIET, lambda: False)

    def _quiet(self, since: float, seconds: float, over: Callable[[], bool]) -> bool:
        """Waits until it is `over`, or until nothing was asked for so long; whether it is over."""
        while not over():
            last = max(since, self.calls[-1].at if self.calls else since)
            left = last + seconds - time.monotonic()
            if left <= 0:
                return False
            with self.ear.heard:
                self.ear.heard.wait(min(left, 0.2))
        return True

    @property
    def busy(self) -> bool:
        """Whether the app has asked the PACS something in the last seconds."""
        return bool(self.calls) and time.monotonic() - self.calls[-1].at < 3

    def attachments(self) -> Iterator[tuple[str, bytes]]:
        """The names and bytes of all stored attachments."""
        store = self.target.pacs.world.store
        for result in store.results(self.tenant, self.target.application):
            for entry in result.attachments:
                if entry.size:
                    yield entry.name, b"".join(store.read_attachment(entry, 0, entry.size))

    def store_edit(self, result_id: int, change: Callable[[Document], None]) -> Document:
        """The user edits a result in the workstation, and the PACS stores it: as it is now."""
        world, application = self.target.pacs.world, self.target.application
        stored = world.store.result(self.tenant, application, result_id)
        document = copy.deepcopy(stored.document)
        change(document)
        names = [entry.name for entry in stored.attachments]
        edited = world.store.update_result(
            self.tenant,
            application,
            result_id,
            document,
            names,
            expected_version=stored.version_id,
            slide_id=stored.slide_id,
            version_id=world.ids.version(),
        )
        return on_wire(edited)

    def remove(self, result_id: int) -> None:
        """The PACS removes a result."""
        self.target.pacs.world.store.delete_result(self.tenant, self.target.application, result_id)

    def expire_token(self) -> None:
        """The callback token is worth nothing from now on."""
        world = self.target.pacs.world
        past = world.clock.now() - timedelta(seconds=1)
        world.store.add_credential(self.token, replace(_credential(self), expires_at=past))

    # What the app asks

    @property
    def calls(self) -> Sequence[Asked]:
        """The app's requests to the PACS, in order."""
        return self.ear.calls

    def meddle(self, meddler: Meddler | None) -> None:
        """Lets the PACS answer as the meddler wants."""
        self.ear.meddler = meddler


@contextmanager
def scene(target: AppTarget) -> Iterator[Scene]:
    """A scene of its own: a fresh tenant with the app registered in it. Raises `Failed` where it can't be."""
    pacs, registration = target.pacs, target.registration()
    world = pacs.world
    tenant, token = f"scene-{secrets.token_hex(6)}", world.ids.token()
    target.redactor.learn(token)
    world.store.create_tenant(tenant)
    made = Scene(target, tenant, token)
    world.store.add_credential(token, _credential(made))
    app = RegisteredApp(
        application_id=target.application,
        url=target.options.url,
        display_name=registration["displayName"],
        manufacturer=registration["manufacturer"],
        input_template=registration["inputTemplate"],
        context=registration.get("context") or {},
    )
    world.store.put_app(tenant, app)
    made.ear.keep = target.keep
    known = len(world.journal.our_errors)
    pacs.ears[tenant] = made.ear
    try:
        yield made
    finally:
        made.meddle(None)
        made.ear.keep = _forget
    if ours := world.journal.our_errors[known:]:
        raise RuntimeError("the emulator itself went wrong: " + "; ".join(ours))


def _forget(exchange: Exchange) -> None:
    """What the app asks when its scene is over is told nowhere."""


def _credential(made: Scene) -> Credential:
    return Credential(made.tenant, "callback", made.target.application)


def _token(what: str) -> str:
    return f"{what}-{secrets.token_hex(8)}"
