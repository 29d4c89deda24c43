"""Registered applications."""

import json

from ia_api_contract.asking import NOWHERE, expect_status, expect_to_fit, json_object
from ia_api_contract.check import Check
from ia_api_contract.outcomes import Skipped, expect
from ia_api_contract.target import Target


def answered(target: Target) -> None:
    """Every application that the target is said to have is answered with 200."""
    for application in target.holdings.applications[:8]:
        answer = target.ask("getApplication", applicationId=application)
        expect_status(answer, 200, f"the application {application}")


def members(target: Target) -> None:
    """The application is as the contract says."""
    for application in target.holdings.applications[:8]:
        answer = target.ask("getApplication", applicationId=application)
        json_object(answer, f"the application {application}")
        expect_to_fit(target, "getApplication", answer)


def id_as_asked(target: Target) -> None:
    """The id in the answer is the one in the path."""
    for application in target.holdings.applications[:8]:
        answer = target.ask("getApplication", applicationId=application)
        found = json_object(answer, f"the application {application}").get("applicationId")
        expect(found == application, f"the application {application!r} has the id {found!r}")


def context(target: Target) -> None:
    """A context is text that holds a JSON object."""
    seen = False
    for application in target.holdings.applications[:8]:
        answer = target.ask("getApplication", applicationId=application)
        members = json_object(answer, f"the application {application}")
        if "context" in members:
            seen = True
            expect(_holds_object(members["context"]), f"the context of {application} is {members['context']!r:.200}")
    if not seen:
        raise Skipped("no application that was looked at has a context")


def unknown(target: Target) -> None:
    """An application that isn't registered is 404."""
    expect_status(target.ask("getApplication", applicationId=NOWHERE), 404, f"the application {NOWHERE}")


def _holds_object(value: object) -> bool:
    try:
        return isinstance(value, str) and isinstance(json.loads(value), dict)
    except ValueError:
        return False


CHECKS = (
    Check(
        "applications.answered",
        "Every registered application is answered with 200.",
        "getApplication 200",
        "An app reads its own registration at its start.",
        answered,
        mandatory=True,
    ),
    Check(
        "applications.members",
        "An application has applicationId, displayName and manufacturer, all texts.",
        "getApplication 200",
        "Callers read these members without looking whether they are there.",
        members,
        needs=("applications.answered",),
    ),
    Check(
        "applications.id-as-asked",
        "An application has the id that was asked for.",
        "getApplication 200",
        "Apps build the addresses of results from it.",
        id_as_asked,
        needs=("applications.answered",),
    ),
    Check(
        "applications.context",
        "The context of an application, if it has one, is text that holds a JSON object.",
        "getApplication 200",
        "Apps parse it.",
        context,
        needs=("applications.answered",),
    ),
    Check(
        "applications.unknown-404",
        "An unknown application is refused with 404.",
        "getApplication 404",
        "A misspelt id shows here.",
        unknown,
    ),
)
