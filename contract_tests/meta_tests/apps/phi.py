"""Bad apps: what tells of the patient comes back."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from example_app.work import NucleiCounter
from meta_tests.apps.bad_app import BadApp
from meta_tests.apps.shown import Spoiling, items
from sectra_client import SectraClient, webhooks
from sectra_client.schemas import (
    Attachment,
    CreateInvocation,
    InputType,
    Label,
    PatchResultContent,
    Result,
)

ANSWERED = "What it stores, it answers with."


def _number(client: SectraClient, slide_id: str) -> str:
    return str(client.get_image_metadata(slide_id, extended=True, phi=True).accessionNumber)


def _in_result(client: SectraClient, result: Result) -> None:
    if isinstance(result.data.result, PatchResultContent):
        result.data.result.content.description = f"Case {_number(client, result.slideId)}"


def _in_context(client: SectraClient, result: Result) -> None:
    assert result.data.context is not None
    result.data.context["case"] = _number(client, result.slideId)


class _Attaching(NucleiCounter):
    """Attaches a file to each result."""

    name = "report.txt"

    def content(self, client: SectraClient, slide_id: str) -> bytes:
        return f"Report on {_number(client, slide_id)}".encode()

    def create(self, client: SectraClient, invocation: Any) -> Any:
        stored = super().create(client, invocation)
        if stored is None:
            return None
        attached = stored.adapted()
        attached.attachments = [Attachment(name=self.name)]
        client.update_results(invocation.applicationId, stored.id, attached)
        client.upload_attachment(
            invocation.applicationId, stored.id, self.name, self.content(client, invocation.slideId)
        )
        return client.get_result_by_result_id(invocation.applicationId, stored.id)


class _Covering:
    """Leaves something of the patient in a new result, and takes it out with the first edit: at the end all is well."""

    def __init__(self, leave: Callable[[Result, str], None], clear: Callable[[Result], None]) -> None:
        self._leave, self._clear = leave, clear

    def counter(self) -> NucleiCounter:
        """The app that does so."""
        covering = self

        class Counter(Spoiling):
            def modify(self, client: SectraClient, invocation: Any) -> Any:
                stored = super().modify(client, invocation)

                def cleared(current: Any) -> Any:
                    covering._clear(current)
                    return current

                return client.modify_result(invocation.applicationId, stored.id, cleared)

        return Counter(lambda client, result: covering._leave(result, _number(client, result.slideId)))


def _in_properties(result: Result, number: str) -> None:
    result.displayProperties = {**(result.displayProperties or {}), "Case": number}


def _out_of_properties(result: Result) -> None:
    result.displayProperties.pop("Case", None)


def _in_label(result: Result, number: str) -> None:
    for drawn in items(result):
        drawn.labels = [Label(location=drawn.polygons[0].points[0], label=f"Case {number}")]


def _out_of_label(result: Result) -> None:
    for drawn in items(result):
        drawn.labels = []


class _AttachesForAWhile(_Attaching):
    """Attaches the case's number, and another file in its place with the first edit."""

    def modify(self, client: SectraClient, invocation: Any) -> Any:
        stored = super().modify(client, invocation)
        client.upload_attachment(invocation.applicationId, stored.id, self.name, b"Report")
        return client.get_result_by_result_id(invocation.applicationId, stored.id)


class _AttachesLabel(_Attaching):
    name = "label.jpg"

    def content(self, client: SectraClient, slide_id: str) -> bytes:
        return client.get_label_image(slide_id).image


class _Talks(NucleiCounter):
    """Names the case in its answer."""

    def handle(self, invocation: Any) -> webhooks.WebhookAnswer:
        answer = super().handle(invocation)
        if not isinstance(invocation, CreateInvocation):
            return answer
        with self.connect(invocation) as client:
            told = {**json.loads(answer.body), "case": _number(client, invocation.slideId)}
        return replace(answer, body=json.dumps(told).encode())


APPS: tuple[BadApp, ...] = (
    BadApp(
        "phi-in-result",
        "Shows the case's number.",
        "app.phi-results",
        counter=lambda: Spoiling(_in_result),
        why=ANSWERED,
    ),
    BadApp(
        "phi-in-context",
        "Keeps the case's number.",
        "app.phi-contexts",
        counter=lambda: Spoiling(_in_context),
        why=ANSWERED,
    ),
    BadApp(
        "phi-in-properties-for-a-while",
        "Shows the case's number beside the result, until it is edited.",
        "app.phi-results",
        counter=_Covering(_in_properties, _out_of_properties).counter,
        why=ANSWERED,
    ),
    BadApp(
        "phi-in-label-for-a-while",
        "Writes the case's number on the slide, until the result is edited.",
        "app.phi-results",
        asks_for=InputType.TAGGED_POLYGON,
        counter=_Covering(_in_label, _out_of_label).counter,
        why=ANSWERED,
    ),
    BadApp(
        "phi-in-attachment-for-a-while",
        "Attaches the case's number, until the result is edited.",
        "app.phi-attachments",
        counter=_AttachesForAWhile,
    ),
    BadApp("phi-in-attachment", "Attaches the case's number.", "app.phi-attachments", counter=_Attaching),
    BadApp("phi-in-answer", "Answers with the case's number.", "app.phi-answers", counter=_Talks),
    BadApp("phi-label", "Attaches the label.", "app.phi-label", counter=_AttachesLabel),
)
