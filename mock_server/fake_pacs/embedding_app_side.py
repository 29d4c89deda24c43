"""What `MockSectraServer` offers to who writes an app: registering it, acting as its user, the community's calls."""

from typing import Any

from fake_pacs.answering import render
from fake_pacs.calling import invocations
from fake_pacs.calling.addresses import endpoint, place_of
from fake_pacs.calling.deliveries import DEFAULT_DEADLINE
from fake_pacs.calling.registering import Registration, register
from fake_pacs.calling.sending import Envelope, Sender
from fake_pacs.calling.values import Delivery, Kind, RegisteredApp
from fake_pacs.calling.workstation import Workstation
from fake_pacs.demo import as_mapping
from fake_pacs.settings import DEFAULT_TENANT
from fake_pacs.strict_json import parse
from fake_pacs.world import World


class AppAnswerError(AssertionError):
    """An app couldn't be called, refused, or answered with what isn't JSON; `delivery` has the answer and findings."""

    def __init__(self, text: str, delivery: Delivery) -> None:
        super().__init__(text)
        self.delivery = delivery


class AppSide:
    """The app's side of `MockSectraServer`."""

    world: World

    def register_app(self, url: str, *, tenant: str = DEFAULT_TENANT) -> Registration:
        """Registers the app at that URL, as an administrator does: `.app`, `.findings`, `.deliveries`.

        Raises `Refusal` with every place where the registration can't be used, `UrlError` for what is no app's URL.
        """
        registration = register(self.world, tenant, url)
        registration.accepted()
        return registration

    def apps(self, *, tenant: str = DEFAULT_TENANT) -> list[RegisteredApp]:
        """The apps that are registered by their URL, ordered by id."""
        return self.world.store.apps(tenant)

    def workstation(self, tenant: str = DEFAULT_TENANT, *, wait: bool = True) -> Workstation:
        """The user at the workstation: starts registered apps, edits and deletes results, presses buttons, cancels.

        With `wait=False` no action waits for the app's answer; `deliveries()` shows later what came.
        """
        return Workstation(self.world, tenant=tenant, wait=wait)

    def trigger(self, webhook_url: str, invocation: Any) -> dict[str, Any]:
        """Posts an invocation (a model or a mapping), as it is, to an app's URL; returns what the app answered, parsed.

        Nothing has to be registered; an empty body reads as `{}`. Raises `AppAnswerError` where the app can't be
        called, answers outside 2xx or with no JSON, and `UrlError` for what is no URL.
        """
        sent = dict(as_mapping(invocation))
        render(sent)  # what JSON can't say is the caller's mistake, and known before anything is logged
        return self._call(webhook_url, "create", sent)

    def notify(self, webhook_url: str, slide_id: str, application_id: str = "my-app") -> dict[str, Any]:
        """Posts an image notification for a slide to `<webhook_url>/imagenotification`; else as `trigger`.

        Refused: UNKNOWN_SLIDE, unless slides are invented (`invent=True`).
        """
        station = Workstation(self.world)
        sent = station.notification(RegisteredApp(application_id, webhook_url, "", "", {}), slide_id)
        return self._call(endpoint(webhook_url, "imagenotification"), "newImageFiles", sent)

    def _call(self, url: str, usually: Kind, sent: dict[str, Any]) -> dict[str, Any]:
        place_of(url)
        kinds: dict[Any, Kind] = {name: name for name in invocations.ACTIONS}
        envelope = Envelope(
            tenant=DEFAULT_TENANT,
            application_id=str(sent.get("applicationId", "")),
            url=url,
            kind=kinds.get(str(sent.get("action")), usually),
            invocation=sent,
            deadline=DEFAULT_DEADLINE,
            slide_id=str(sent.get("slideId", "")),
            to_anyone=True,
        )
        sender = Sender(self.world)
        return _parsed(sender.repeat(envelope, sender.accept(envelope, checked=False)))


def _parsed(delivery: Delivery) -> dict[str, Any]:
    answer = delivery.answer
    if answer is None or answer.trouble or (answer.status or 0) // 100 != 2:
        why = "; ".join(map(str, delivery.findings)) or "it was not called"
        raise AppAnswerError(f"the app at {delivery.url} gave no answer to work with: {why}", delivery)
    if not answer.body.strip():
        return {}
    value: dict[str, Any]
    value, doubts = parse(answer.body)
    if doubts:
        raise AppAnswerError(f"the app at {delivery.url} answered with no JSON: {doubts[0]}", delivery)
    return value
