"""Bad apps: edits, buttons, concurrency."""

import json
from dataclasses import replace
from typing import Any

from example_app.work import NucleiCounter
from meta_tests.apps.bad_app import BadApp, ask, is_press, refusing
from sectra_client import SectraClient, SectraConflictError, webhooks
from sectra_client.schemas import AdaptedResult, ModifyInvocation, Result, ResultResponse

ALSO_RACED = "An edit that the user repeats while the app writes shows it, too."


def _pressed(invocation: ModifyInvocation) -> bool:
    return is_press(json.loads(invocation.model_dump_json()))


class _OwnOpinion(NucleiCounter):
    """Stores what it found itself, whatever the user made of it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[int, Any] = {}

    def create(self, client: SectraClient, invocation: Any) -> Any:
        stored = super().create(client, invocation)
        if stored is not None:
            self.found[stored.id] = stored.data.result
        return stored

    def modify(self, client: SectraClient, invocation: ModifyInvocation) -> ResultResponse:
        def change(current: AdaptedResult) -> None:
            current.data.result = self.found[invocation.input.id]

        return client.modify_result(invocation.applicationId, invocation.input.id, change)


class _OldVersion(NucleiCounter):
    """Answers edits with the version that they had before."""

    def handle(self, invocation: Any) -> webhooks.WebhookAnswer:
        answer = super().handle(invocation)
        if not isinstance(invocation, ModifyInvocation) or answer.status != 200:
            return answer
        told = {**json.loads(answer.body), "versionId": invocation.input.versionId}
        return replace(answer, body=json.dumps(told).encode())


class _Another(NucleiCounter):
    """Stores a further result for each edit."""

    def modify(self, client: SectraClient, invocation: ModifyInvocation) -> ResultResponse:
        if _pressed(invocation):
            return super().modify(client, invocation)
        members = invocation.input.model_dump(exclude={"id", "versionId"})
        return client.create_results(invocation.applicationId, Result.model_validate(members))


class _OnlyWhatItKnows(NucleiCounter):
    """Makes a result anew of the members that it knows."""

    def modify(self, client: SectraClient, invocation: ModifyInvocation) -> ResultResponse:
        known = set(AdaptedResult.model_fields)

        def change(current: AdaptedResult) -> AdaptedResult:
            return AdaptedResult.model_validate(current.model_dump(include=known))

        return client.modify_result(invocation.applicationId, invocation.input.id, change)


class _FirstWithoutVersion(NucleiCounter):
    """Tries to do without the versionId first."""

    def modify(self, client: SectraClient, invocation: ModifyInvocation) -> ResultResponse:
        path = f"/applications/{invocation.applicationId}/results/{invocation.input.id}"
        document = json.loads(invocation.input.model_dump_json(exclude={"versionId"}))
        ask(invocation, "PUT", path, json=document)
        return super().modify(client, invocation)


class _Overwrites(NucleiCounter):
    """Answers a conflict by writing the same under the new versionId."""

    def modify(self, client: SectraClient, invocation: ModifyInvocation) -> ResultResponse:
        mine = invocation.input.adapted()
        try:
            return client.update_results(invocation.applicationId, invocation.input.id, mine)
        except SectraConflictError:
            mine.versionId = client.get_result_by_result_id(invocation.applicationId, invocation.input.id).versionId
            return client.update_results(invocation.applicationId, invocation.input.id, mine)


class _Pretends(NucleiCounter):
    """Answers a conflict as if all were well."""

    def modify(self, client: SectraClient, invocation: ModifyInvocation) -> ResultResponse:
        try:
            return client.update_results(invocation.applicationId, invocation.input.id, invocation.input)
        except SectraConflictError:
            return invocation.input


class _Insists(NucleiCounter):
    """Sends a refused update twice more."""

    def modify(self, client: SectraClient, invocation: ModifyInvocation) -> ResultResponse:
        for _ in range(3):
            try:
                return client.update_results(invocation.applicationId, invocation.input.id, invocation.input)
            except SectraConflictError:
                continue
        return super().modify(client, invocation)


APPS: tuple[BadApp, ...] = (
    BadApp(
        "modify-fails",
        "Fails when the user edits a result.",
        "app.modify-answered",
        incoming=refusing(500, lambda document: document.get("action") == "modify" and not is_press(document)),
    ),
    BadApp(
        "modify-own-opinion",
        "Puts back what the user edited.",
        "app.modify-keeps-edit",
        counter=_OwnOpinion,
        why=ALSO_RACED,
    ),
    BadApp(
        "modify-old-version",
        "Answers edits with the old versionId.",
        "app.modify-true",
        counter=_OldVersion,
        why=ALSO_RACED,
    ),
    BadApp("modify-another-result", "Stores a further result.", "app.modify-same-result", counter=_Another),
    BadApp(
        "modify-drops-members", "Drops what it doesn't know.", "app.modify-foreign-members", counter=_OnlyWhatItKnows
    ),
    BadApp("modify-without-version", "Leaves out the versionId.", "app.modify-version", counter=_FirstWithoutVersion),
    BadApp("press-fails", "Fails when a button is pressed.", "app.press-answered", incoming=refusing(500, is_press)),
    BadApp("concurrency-overwrites", "Overwrites a later edit.", "app.concurrency-edit-kept", counter=_Overwrites),
    BadApp("concurrency-pretends", "Claims that a refused edit is stored.", "app.concurrency-true", counter=_Pretends),
    BadApp("concurrency-insists", "Repeats a refused update.", "app.concurrency-not-repeated", counter=_Insists),
)
