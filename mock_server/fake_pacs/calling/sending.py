"""Carrying out deliveries: delay, retries, duplicates, order, and the judgement of every answer."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from fake_pacs.calling.addresses import endpoint
from fake_pacs.calling.deliveries import LONGEST_SENDING, MOST_IN_BACKGROUND, DeliveryPolicy, clean_findings
from fake_pacs.calling.invocations import check
from fake_pacs.calling.judging import Holdings, judge
from fake_pacs.calling.meanwhile import Shift
from fake_pacs.calling.outbound import UrlError
from fake_pacs.calling.telling import told
from fake_pacs.calling.values import AppAnswer, Delivery, Kind
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.result_documents import on_wire
from fake_pacs.world import World, contract

LOG = logging.getLogger("fake_pacs.calling")


def _nothing(_: Delivery) -> None:
    """What most deliveries are followed by."""


@dataclass(frozen=True)
class Envelope:
    """One invocation on its way: to whom, about what, how long it may take, and what follows its answer.

    It goes to an app that is registered there and enabled at that moment, else nowhere; `to_anyone` waives that.
    """

    tenant: str
    application_id: str
    url: str
    kind: Kind
    invocation: dict[str, Any] = field(repr=False)
    deadline: float
    slide_id: str | None = None
    result_id: int | None = None
    resend_of: int | None = None
    to_anyone: bool = False
    afterwards: Callable[[Delivery], None] = _nothing


class Sender:
    """Sends what the PACS has to say to apps, as the tenant's policy says; holds no lock while an app works.

    `sleep` is how it waits before delayed and repeated deliveries, `now` its clock, which never runs backwards.
    """

    def __init__(
        self, world: World, sleep: Callable[[float], None] = time.sleep, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._world = world
        self._log = world.deliveries
        self._sleep = sleep
        self._now = now

    def accept(self, envelope: Envelope, *, checked: bool = True) -> Delivery:
        """Logs a delivery as waiting. Raises `BrokenInvocationError` for one that breaks the contract: our own defect.

        `checked=False` takes what a user wants sent, whatever it is.
        """
        if checked:
            check(envelope.invocation, contract("ia-app", self._world.settings.version))
        return self._log.add(
            Delivery(
                number=0,
                at=self._world.clock.now().isoformat(timespec="milliseconds"),
                tenant=envelope.tenant,
                application_id=envelope.application_id,
                kind=envelope.kind,
                method="POST",
                url=envelope.url,
                slide_id=envelope.slide_id,
                result_id=envelope.result_id,
                invocation=envelope.invocation,
                resend_of=envelope.resend_of,
            )
        )

    def carry_out(self, envelope: Envelope, delivery: Delivery) -> Delivery:
        """Sends it and waits for the answer; one that is held back for its order comes back waiting."""
        tenant, app = envelope.tenant, envelope.application_id
        policy = self._log.policy(tenant)
        if policy.reorder and self._log.hold(tenant, app, lambda: self._go(envelope, delivery, policy)):
            return delivery
        answered = self._go(envelope, delivery, policy)
        if held := self._log.release(tenant, app):
            held()
        return answered

    def latest(self) -> float:
        """When, by this sender's clock, the last call may begin of what begins to be sent now."""
        return self._now() + LONGEST_SENDING

    def repeat(
        self, envelope: Envelope, delivery: Delivery, delay: float = 0.0, latest: float | None = None
    ) -> Delivery:
        """Sends once more what was sent before, after `delay` seconds; of the policy only retries count.

        What would begin later than `latest` isn't sent: it has failed.
        """
        if delay:
            self._sleep(delay)
        policy = self._log.policy(envelope.tenant)
        return self._in_time(envelope, delivery, policy, self.latest() if latest is None else latest)

    def reserve(self, tenant: str, count: int) -> None:
        """Takes the places of so many deliveries that nobody waits for. Refused: TOO_MANY_WAITING."""
        if not self._log.background.take(tenant, count):
            raise Refusal(
                Refusals.TOO_MANY_WAITING,
                f"Nothing was sent: with {count} more, too many deliveries would wait for their answers.",
                hint=f"At most {MOST_IN_BACKGROUND} wait at a time: ask for fewer, or wait for the answers.",
            )

    @contextmanager
    def places(self, tenant: str, count: int = 1) -> Iterator[None]:
        """Places for deliveries that nobody waits for, before anything is done for them; back if the block fails.

        Refused: TOO_MANY_WAITING.
        """
        self.reserve(tenant, count)
        try:
            yield
        except BaseException:
            self._log.background.leave(tenant, count)
            raise

    def in_background(self, act: Callable[[], Delivery], delivery: Delivery, *, reserved: bool = False) -> None:
        """Acts in a thread of its own. Refused, unless a place is reserved: TOO_MANY_WAITING; then it has failed."""
        if not reserved and not self._log.background.take(delivery.tenant):
            full = AppAnswer(None, trouble="not sent: too many deliveries wait for their answers")
            self._log.update(replace(delivery, state="failed", answer=full))
            raise Refusal(
                Refusals.TOO_MANY_WAITING,
                f"The delivery {delivery.number} was not sent: too many wait for their answers.",
                hint="Wait until some are answered; GET /_fake_pacs/deliveries shows them.",
            )
        name = f"fake-pacs-delivery-{delivery.number}"
        threading.Thread(target=self._behind, args=(act, delivery), name=name, daemon=True).start()

    def _behind(self, act: Callable[[], Delivery], delivery: Delivery) -> None:
        try:
            act()
        except Exception as error:  # nobody waits for this thread: the log is where it is looked for
            LOG.exception("delivery %s failed in fake-pacs itself", delivery.number)
            trouble = "".join(traceback.format_exception(error)).strip()
            self._world.journal.went_wrong(delivery.tenant, f"delivery {delivery.number}, {delivery.kind}: {trouble}")
            failed = AppAnswer(None, trouble=f"fake-pacs itself failed: {error!r}")
            self._log.update(replace(delivery, state="failed", answer=failed))
        finally:
            self._log.background.leave(delivery.tenant)

    def _go(self, envelope: Envelope, delivery: Delivery, policy: DeliveryPolicy) -> Delivery:
        if policy.delay:
            self._sleep(policy.delay)
        latest = self.latest()
        answered = self._in_time(envelope, delivery, policy, latest)
        again = replace(envelope, resend_of=delivery.number)
        for _ in range(policy.duplicates):
            self._in_time(again, self.accept(again, checked=False), policy, latest)
        envelope.afterwards(answered)
        return answered

    def _in_time(self, envelope: Envelope, delivery: Delivery, policy: DeliveryPolicy, latest: float) -> Delivery:
        """Each call is a delivery in the log; the last one is what came of it. Nothing begins after `latest`."""
        if self._now() > latest:
            late = AppAnswer(None, trouble=f"not sent: {LONGEST_SENDING:g} s had passed since the first call")
            return self._log.update(replace(delivery, state="failed", answer=late))
        again = replace(envelope, resend_of=delivery.number)
        answered = self._attempt(envelope, replace(delivery, attempt=1))
        for attempt, pause in enumerate(_pauses(policy), start=2):
            if not _worth_repeating(answered) or self._now() + pause > latest:
                break
            self._sleep(pause)
            answered = self._attempt(again, replace(self.accept(again, checked=False), attempt=attempt))
        return answered

    def _attempt(self, envelope: Envelope, delivery: Delivery) -> Delivery:
        if gone := self._why_not(envelope):
            unsent = AppAnswer(None, trouble=f"not sent: {gone}")
            return self._log.update(replace(delivery, state="failed", answer=unsent))
        self._log.update(delivery)
        with self._world.meanwhile.shift(envelope.tenant, envelope.application_id) as shift:
            try:
                answer = self._world.outbound.post(envelope.url, envelope.invocation, envelope.deadline)
            except UrlError as error:
                answer = AppAnswer(None, trouble=str(error), trouble_kind="address-refused")
        findings = judge(
            envelope.invocation,
            answer,
            app_contract=contract("ia-app", self._world.settings.version),
            holdings=holdings(self._world, shift),
            deadline=envelope.deadline,
        )
        state: Any = "failed" if answer.status is None else "delivered"
        answered = replace(delivery, state=state, answer=answer)
        clean = clean_findings(answered, findings, self._log.tokens(envelope.tenant))
        return told(self._world, self._log.update(replace(answered, findings=clean)))

    def _why_not(self, envelope: Envelope) -> str | None:
        """Why it must not be sent (any more): delayed and held back ones may outlive what they are for."""
        if envelope.to_anyone:
            return None
        app = self._world.store.app(envelope.tenant, envelope.application_id)
        if app is None or envelope.url not in (app.url, endpoint(app.url, "imagenotification")):
            return f"no app {envelope.application_id!r} is registered at {envelope.url} any more"
        return None if app.enabled else f"the app {envelope.application_id!r} was disabled meanwhile"


def _pauses(policy: DeliveryPolicy) -> Iterator[float]:
    """How long to wait before the second attempt, the third, and so on."""
    for retry in range(policy.attempts - 1 if policy.retries else 0):
        yield policy.backoff * 2**retry


def _worth_repeating(delivery: Delivery) -> bool:
    """Whether no connection came about, or the app said that it failed: 5xx."""
    status = delivery.answer.status if delivery.answer else None
    if status is not None:
        return 500 <= status < 600
    return any(finding.code == "answer.unreachable" for finding in delivery.findings)


def side_by_side(acts: Sequence[Callable[[], Delivery]], at_once: int) -> list[Delivery]:
    """What the acts return, so many of them at a time: in threads that end with the process, as an app may hang."""
    outcomes: list[Future[Delivery]] = [Future() for _ in acts]
    waiting = iter(list(zip(outcomes, acts, strict=True)))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                outcome, act = next(waiting, (None, None))
            if outcome is None or act is None:
                return
            try:
                outcome.set_result(act())
            except BaseException as error:  # raised where it is waited for
                outcome.set_exception(error)

    for number in range(min(at_once, len(acts))):
        threading.Thread(target=work, name=f"fake-pacs-notify-{number}", daemon=True).start()
    return [outcome.result() for outcome in outcomes]


def holdings(world: World, shift: Shift) -> Holdings:
    """What the tenant has stored, for the judgement of what the app answered in that shift."""
    tenant, application_id = shift.app

    def of(application: str, result_id: int) -> Mapping[str, Any] | None:
        try:
            return on_wire(world.store.result(tenant, application, result_id))
        except Refusal:
            return None

    def owner(result_id: int, version_id: str) -> str | None:
        for application in world.applications(tenant):
            found = of(application.applicationId, result_id)
            if application.applicationId != application_id and found and found["versionId"] == version_id:
                return application.applicationId
        return None

    return Holdings(
        lambda result_id: of(application_id, result_id),
        owner,
        lambda result_id: world.meanwhile.over(shift, result_id),
    )
