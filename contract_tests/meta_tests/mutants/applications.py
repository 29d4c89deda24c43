"""Mutants of applications."""

from fake_pacs.calls import json_reply
from meta_tests.mutant import Mutant
from meta_tests.spoiling import instead, not_refused, where, with_members

APPLICATION = r"/applications/[^/]+$"

MUTANTS = (
    Mutant(
        "applications-viewer-missing",
        "The viewer's registration isn't there.",
        ("applications.answered",),
        spoil=where(r"/applications/dpat-ia-api-external-viewer$", instead(404, b"{}")),
    ),
    Mutant(
        "applications-null-maker",
        "The manufacturer is null.",
        ("applications.members",),
        spoil=where(APPLICATION, with_members(manufacturer=None)),
    ),
    Mutant(
        "applications-other-id",
        "The id in the answer is another one.",
        ("applications.id-as-asked",),
        spoil=where(APPLICATION, with_members(applicationId="somebody-else")),
    ),
    Mutant(
        "applications-plain-context",
        "The context is text, but no JSON.",
        ("applications.context",),
        spoil=where(APPLICATION, with_members(context="model=nuclei")),
    ),
    Mutant(
        "applications-unknown-invented",
        "An unknown application is made up.",
        ("applications.unknown-404",),
        handlers={
            "getApplication": not_refused(
                lambda call: json_reply(
                    {"applicationId": call.parameters["applicationId"], "displayName": "", "manufacturer": ""}
                )
            )
        },
    ),
)
