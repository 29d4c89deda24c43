"""The part of `make demo` in which the fake PACS calls an app: the example app, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fake_pacs.control_client import ControlClient
from sectra_client import SectraClient
from sectra_client.schemas import ResultResponse
from tools.demo_steps import Step, Trip, UnexpectedError, expect
from tools.repository import ROOT

EXAMPLE = "example-nuclei"
"""The id under which the example app introduces itself."""


@contextmanager
def example_app() -> Iterator[str]:
    """The URL of `contract_tests/example_app`, which runs until the block ends. Raises `UnexpectedError`."""
    found = [str(ROOT / "contract_tests"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, found))}
    command = [sys.executable, "-m", "example_app", "--port", "0"]
    # What it logs of each request is what the journal says, too.
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
    ) as app:
        try:
            assert app.stdout is not None
            url = app.stdout.readline().strip()
            if not url:
                raise UnexpectedError(f"the example app ended with status {app.wait()} before it served")
            yield url
        finally:
            app.terminate()


def steps(control: ControlClient, pacs: SectraClient, app_url: str) -> tuple[Step, ...]:
    """The steps with the app at that URL; `pacs` may read what any app stored."""
    stored: list[ResultResponse] = []

    def register(trip: Trip) -> str:
        """An administrator registers the app by its URL."""
        registered = control.call("POST", "apps", {"url": app_url})
        app, findings = registered["app"], registered["findings"]
        expect(app["applicationId"] == EXAMPLE and not findings, f"the registration came as {registered}")
        return f"{app['applicationId']} at {app['url']}: registration and versions are as the contract says"

    def start(trip: Trip) -> str:
        """A user starts it on the slide: it reads the slide, stores a result, and answers with it."""
        perform(control, {"action": "start", "applicationId": EXAMPLE, "slideId": trip.slide_id})
        (result,) = pacs.get_all_results(trip.slide_id, EXAMPLE)
        stored.append(result)
        return f"result {result.id}: “{result.displayResult}”"

    def press(trip: Trip) -> str:
        """The user presses a button of its gallery: it updates the result."""
        before = stored[-1]
        perform(control, {"action": "press", "applicationId": EXAMPLE, "resultId": before.id, "actionId": "recount"})
        after = pacs.get_result_by_result_id(EXAMPLE, before.id)
        expect(after.versionId != before.versionId, f"the button changed nothing: {after}")
        return f"result {after.id}, versionId {before.versionId} → {after.versionId}"

    return (("app registered", register), ("app started", start), ("gallery button", press))


def perform(control: ControlClient, action: dict[str, Any]) -> None:
    """Does what a user does at the workstation. Raises `UnexpectedError` where the app did something wrong."""
    deliveries = control.call("POST", "actions", action)["deliveries"]
    expect(len(deliveries) == 1, f"the action made {len(deliveries)} deliveries, not 1")
    found = "; ".join(f"{finding['code']}: {finding['text']}" for finding in deliveries[0]["findings"])
    expect(deliveries[0]["ok"] and not found, f"the app was found wrong: {found or deliveries[0]['answer']}")
