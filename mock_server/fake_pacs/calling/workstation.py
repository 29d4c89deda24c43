"""The user at the workstation: every action sends the right invocation, and comes back judged."""

import copy
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

from fake_pacs.calling import invocations
from fake_pacs.calling.addresses import endpoint
from fake_pacs.calling.callback import callback_url
from fake_pacs.calling.deliveries import LONGEST_SENDING, DeliveryPolicy, check_seconds
from fake_pacs.calling.offering import Points, check_change, check_points, started_on
from fake_pacs.calling.sending import Envelope, Sender, side_by_side
from fake_pacs.calling.values import Delivery, Kind, RegisteredApp
from fake_pacs.hospital import thawed
from fake_pacs.launching import launch
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.result_documents import attachment_names, document_of, on_wire
from fake_pacs.settings import DEFAULT_TENANT
from fake_pacs.slide_metadata import metadata_of
from fake_pacs.store import Credential
from fake_pacs.world import World, contract
from ia_api_spec import NEWEST, Violation

_CANCELLABLE = ("create", "modify", "newImageFiles")
_AT_ONCE = 8
"""So many apps are notified of a slide at the same time."""


class Workstation:
    """What the hospital's PACS and its user do to the apps that are registered by their URL.

    Every action waits for the app's answer, at most `deadline` seconds (those of the tenant's policy where none are
    given), and returns the `Delivery`, judged: `delivery.ok`, `delivery.findings`, `delivery.answer`. With `wait=False`
    it returns at once, and `deliveries()` shows later what came. Points are (x, y) in image widths.

    Raises `Refusal` for what a user can't do: an app that isn't registered or is disabled, an action that its input
    template doesn't offer, a result that isn't there. `base_url` is how apps reach the PACS; where none is given, the
    server's public URL, else the address that it listens on.
    """

    def __init__(
        self,
        world: World,
        base_url: str | None = None,
        tenant: str = DEFAULT_TENANT,
        *,
        wait: bool = True,
        sender: Sender | None = None,
    ) -> None:
        self._world = world
        self._base_url = base_url
        self._tenant = tenant
        self._wait = wait
        self._sender = sender or Sender(world)

    def start(
        self,
        application_id: str,
        slide_id: str,
        *,
        polygon: Points | None = None,
        tag_index: int | None = None,
        areas: Sequence[Points] | None = None,
        deadline: float | None = None,
    ) -> Delivery:
        """Starts the app on a whole slide, on a drawn polygon (with a tag, if it has any), or on several areas."""
        seconds, app, slide = self._seconds(deadline), self._app(application_id), self._world.slide(slide_id)
        check_points(slide, polygon, areas)
        given = started_on(app, polygon, tag_index, areas)
        sent = invocations.create(self._shared(app, slide.id), self._world.ids.token(), given)
        return self._send(app, "create", sent, seconds)

    def edit(
        self,
        application_id: str,
        result_id: int,
        change: Callable[[dict[str, Any]], None],
        *,
        deadline: float | None = None,
    ) -> Delivery:
        """Changes a result as the user does: `change` is given the result, and changes it in place."""
        seconds, app = self._seconds(deadline), self._app(application_id)
        before = self._stored(app, result_id)
        after = copy.deepcopy(before)
        change(after)
        check_change(before, after, contract("ia-api", self._world.settings.version))
        shared = self._shared(app, before["slideId"])
        with nullcontext() if self._wait else self._sender.places(self._tenant):
            changed = self._store_change(app, before, after)
            return self._modify(app, shared, changed, seconds, reserved=True)

    def move_patch(
        self, application_id: str, result_id: int, patch: int, tag: int, *, deadline: float | None = None
    ) -> Delivery:
        """Moves a patch of a result's gallery, counted from 0, to the tag of that index."""
        change = _refusing(lambda result: invocations.move(result, patch, tag))
        return self.edit(application_id, result_id, change, deadline=deadline)

    def press(self, application_id: str, result_id: int, action_id: str, *, deadline: float | None = None) -> Delivery:
        """Presses a button of a result's gallery: the invocation's input has that action's `state` 1 (V).

        What is stored doesn't change; the app may answer with the changed input unstored (V).
        """
        app = self._app(application_id)
        stored = self._stored(app, result_id)
        pressed = _refusing(invocations.pressed)(stored, action_id)
        return self._modify(app, self._shared(app, stored["slideId"]), pressed, deadline)

    def delete(self, application_id: str, result_id: int, *, deadline: float | None = None) -> Delivery:
        """Tells the app that the user removes a result; after its answer, whatever it is, the result is gone (A)."""
        app = self._app(application_id)
        result = self._stored(app, result_id)
        sent = invocations.delete(self._shared(app, result["slideId"]), result)
        resets = self._world.deliveries.forgotten(self._tenant)
        return self._send(app, "delete", sent, deadline, lambda _: self._remove(app, result_id, resets))

    def cancel(self, delivery_number: int, *, deadline: float | None = None) -> Delivery:
        """Stops what an earlier delivery started, by its `cancellationToken`; also while the app still works on it."""
        started = self._delivery(delivery_number)
        token = (started.invocation or {}).get("cancellationToken")
        if started.kind not in _CANCELLABLE or not isinstance(token, str) or not started.slide_id:
            detail = f"The delivery {delivery_number} ({started.kind}) started nothing that can be cancelled."
            raise Refusal(Refusals.NOT_OFFERED, detail, hint="Cancel a create, a modify or a notification.")
        app = self._app(started.application_id)
        sent = invocations.cancel(self._shared(app, started.slide_id), token)
        return self._send(app, "cancel", sent, deadline)

    def import_slide(self, slide_id: str, *, deadline: float | None = None) -> list[Delivery]:
        """Tells every enabled app with image notifications on that new files of the slide were imported.

        Refused without waiting, where so many can't wait for their answers; nobody is told then.
        """
        slide = self._world.slide(slide_id)
        apps = [app for app in self._world.store.apps(self._tenant) if app.enabled and app.notifications]
        with nullcontext() if self._wait else self._sender.places(self._tenant, len(apps)):
            accepted = []
            for app in apps:
                envelope = self._envelope(app, "newImageFiles", self.notification(app, slide.id), deadline)
                accepted.append((envelope, self._sender.accept(envelope)))
        if not self._wait:
            return [self._behind(*pair, reserved=True) for pair in accepted]
        return side_by_side([partial(self._sender.carry_out, *pair) for pair in accepted], _AT_ONCE)

    def launch(self, application_id: str, accession: str, issuer: str | None = None) -> dict[str, str]:
        """Launches a browser-launched application on a case: its `sessionToken` and `launchDataUrl`; calls nobody."""
        base_url = callback_url(self._world, "", self._base_url)
        return launch(self._world, self._tenant, application_id, accession, issuer, base_url)

    def resend(
        self, delivery_number: int, times: int = 1, delay: float = 0.0, *, deadline: float | None = None
    ) -> list[Delivery]:
        """Sends an invocation so many times again, exactly as it was, `delay` seconds before each.

        It begins none later than `LONGEST_SENDING` after the first: those have failed. Refused where the delays alone
        take longer, and without waiting, where so many can't wait for their answers; nothing is sent then.
        """
        original = self._delivery(delivery_number)
        if original.invocation is None:
            detail = f"The delivery {delivery_number} is no invocation, but the app's {original.kind} that was fetched."
            raise Refusal(Refusals.NOT_OFFERED, detail, hint="To fetch it again: fake-pacs apps add URL.")
        app = self._app(original.application_id)
        if original.url not in (app.url, endpoint(app.url, "imagenotification")):
            detail = f"The delivery {delivery_number} went to {original.url}, where {app.application_id!r} isn't (now)."
            raise Refusal(Refusals.NOT_OFFERED, detail, hint="Only invocations of registered apps are sent again.")
        if not 1 <= times <= 1000:
            raise ValueError(f"times came as {times}: expected 1 to 1000")
        check_seconds("delay", delay)
        envelope = self._envelope(app, original.kind, thawed(original.invocation), deadline, number=delivery_number)
        if not self._wait:
            self._sender.reserve(self._tenant, times)
        elif times * delay > LONGEST_SENDING:
            raise _too_long(times, delay)
        latest = self._sender.latest() + delay
        return [self._again(envelope, delay, latest) for _ in range(times)]

    def deliveries(
        self, *, application_id: str | None = None, after: int | None = None, limit: int | None = None
    ) -> list[Delivery]:
        """The tenant's deliveries, oldest first; those under way are `waiting`."""
        return self._world.deliveries.read(self._tenant, application_id=application_id, after=after, limit=limit)

    @property
    def policy(self) -> DeliveryPolicy:
        """How this tenant's deliveries are made; may be set: `workstation.policy = DeliveryPolicy(retries=True)`."""
        return self._world.deliveries.policy(self._tenant)

    @policy.setter
    def policy(self, policy: DeliveryPolicy) -> None:
        for send in self._world.deliveries.set_policy(self._tenant, policy):
            send()

    def _app(self, application_id: str) -> RegisteredApp:
        """The app. Refused: UNKNOWN_APPLICATION where none is registered by its URL, APPLICATION_DISABLED."""
        app = self._world.store.app(self._tenant, application_id)
        if app is None:
            known = ", ".join(app.application_id for app in self._world.store.apps(self._tenant)) or "none"
            detail = f"No app {application_id!r} is registered by its URL; there are: {known}."
            raise Refusal(Refusals.UNKNOWN_APPLICATION, detail, hint="Register it: fake-pacs apps add URL.")
        if not app.enabled:
            detail = f"The app {application_id!r} is disabled, so the workstation doesn't offer it."
            hint = f"Enable it: fake-pacs apps enable {application_id}."
            raise Refusal(Refusals.APPLICATION_DISABLED, detail, hint=hint)
        return app

    def _delivery(self, number: int) -> Delivery:
        found = self._world.deliveries.get(self._tenant, number)
        if found is None:
            detail = f"There is no delivery {number}; the log is bounded, and forgets the oldest."
            raise Refusal(Refusals.UNKNOWN_DELIVERY, detail, hint="GET /_fake_pacs/deliveries lists them.")
        return found

    def _stored(self, app: RegisteredApp, result_id: int) -> dict[str, Any]:
        return on_wire(self._world.store.result(self._tenant, app.application_id, result_id))

    def _remove(self, app: RegisteredApp, result_id: int, resets: int) -> None:
        if self._world.deliveries.forgotten(self._tenant) != resets:
            return  # since the reset, another result may have that id
        try:
            stored = self._stored(app, result_id)
            self._world.meanwhile.user_replaces(self._tenant, app.application_id, result_id, stored["versionId"])
            self._world.store.delete_result(self._tenant, app.application_id, result_id)
        except Refusal as refusal:
            if refusal.refused is not Refusals.UNKNOWN_RESULT:  # gone is gone, whoever was faster
                raise

    def _store_change(self, app: RegisteredApp, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
        """The result after the user's change, which the PACS has stored: it has a new `versionId`.

        Assumed, here and nowhere else (A): the facts page says that a modify carries the stored result as the user
        changed it. So the change is stored before the app hears of it; what an app read earlier is stale then.
        """
        result_id = before["id"]
        self._world.meanwhile.user_replaces(self._tenant, app.application_id, result_id, before["versionId"])
        stored = self._world.store.update_result(
            self._tenant,
            app.application_id,
            result_id,
            document_of(after),
            attachment_names(after),
            expected_version=before["versionId"],
            slide_id=before["slideId"],
            version_id=self._world.ids.version(),
        )
        return on_wire(stored)

    def _shared(self, app: RegisteredApp, slide_id: str) -> invocations.Shared:
        """What every invocation carries, with a new token that is bound to the app."""
        url = callback_url(self._world, app.url, self._base_url)
        credential = Credential(self._tenant, "callback", application=app.application_id)
        token = self._world.issue(credential, self._world.settings.callback_lifetime)
        return invocations.Shared(app.application_id, slide_id, url, token, app.context)

    def notification(self, app: RegisteredApp, slide_id: str) -> dict[str, Any]:
        """The image notification for an app, with a token of its own; nothing is sent. Refused: UNKNOWN_SLIDE."""
        slide = self._world.slide(slide_id)
        told = metadata_of(self._world, self._tenant, slide)
        info = invocations.image_info(told, contract("ia-api", NEWEST), self._world.settings.version)
        return invocations.new_image_files(self._shared(app, slide.id), self._world.ids.token(), info)

    def _modify(
        self,
        app: RegisteredApp,
        shared: invocations.Shared,
        result: dict[str, Any],
        deadline: float | None,
        *,
        reserved: bool = False,
    ) -> Delivery:
        sent = invocations.modify(shared, self._world.ids.token(), result)
        return self._send(app, "modify", sent, deadline, reserved=reserved)

    def _seconds(self, deadline: float | None) -> float:
        """How long the app has. Raises `ValueError` for what nobody waits."""
        seconds = self.policy.deadline if deadline is None else deadline
        check_seconds("deadline", seconds, above_zero=True)
        return seconds

    def _envelope(
        self,
        app: RegisteredApp,
        kind: Kind,
        invocation: dict[str, Any],
        deadline: float | None,
        *,
        number: int | None = None,
    ) -> Envelope:
        return Envelope(
            tenant=self._tenant,
            application_id=app.application_id,
            url=endpoint(app.url, "imagenotification") if kind == "newImageFiles" else app.url,
            kind=kind,
            invocation=invocation,
            deadline=self._seconds(deadline),
            slide_id=invocation["slideId"],
            result_id=(invocation.get("input") or {}).get("id"),
            resend_of=number,
        )

    def _send(
        self,
        app: RegisteredApp,
        kind: Kind,
        invocation: dict[str, Any],
        deadline: float | None,
        afterwards: Callable[[Delivery], None] | None = None,
        *,
        reserved: bool = False,
    ) -> Delivery:
        envelope = self._envelope(app, kind, invocation, deadline)
        if afterwards is not None:
            envelope = replace(envelope, afterwards=afterwards)
        accepted = self._sender.accept(envelope)
        if self._wait:
            return self._sender.carry_out(envelope, accepted)
        return self._behind(envelope, accepted, reserved=reserved)

    def _behind(self, envelope: Envelope, accepted: Delivery, *, reserved: bool = False) -> Delivery:
        self._sender.in_background(lambda: self._sender.carry_out(envelope, accepted), accepted, reserved=reserved)
        return accepted

    def _again(self, envelope: Envelope, delay: float, latest: float) -> Delivery:
        """One repetition; the policy's delay, duplicates and order are left out."""
        accepted = self._sender.accept(envelope, checked=False)
        if self._wait:
            return self._sender.repeat(envelope, accepted, delay, latest)
        repeat = partial(self._sender.repeat, envelope, accepted, delay, latest)
        self._sender.in_background(repeat, accepted, reserved=True)
        return accepted


def _too_long(times: int, delay: float) -> Refusal:
    came, expected = f"{times} times {delay:g} s", f"at most {LONGEST_SENDING:g} s together"
    wrong = Violation("body", "/delaySeconds", came, expected, "resend fewer at a time, or with a shorter delay")
    return Refusal(Refusals.INVALID_REQUEST, f"Nothing was sent again: {wrong}.", violations=[wrong])


def _refusing(act: Callable[..., Any]) -> Callable[..., Any]:
    """The same, but what isn't there to act on is refused: NOT_OFFERED."""

    def acting(*given: Any) -> Any:
        try:
            return act(*given)
        except LookupError as error:
            text = str(error.args[0])
            raise Refusal(Refusals.NOT_OFFERED, f"{text[0].upper()}{text[1:]}.") from None

    return acting
