"""What the app answers when it was started: headers, form, truth; and how it asks the PACS."""

import time

from ia_api_contract.app_pacs import OTHER_SLIDE
from ia_api_contract.app_requirements.asking import (
    OURS,
    fail_for,
    first_start,
    must,
    should,
    told,
)
from ia_api_contract.app_scene import scene
from ia_api_contract.app_target import AppTarget
from ia_api_contract.check import Check
from ia_api_contract.outcomes import expect

API, SOFTWARE = "X-Sectra-ApiVersion", "X-Sectra-SoftwareVersion"


def _no(target: AppTarget, *codes: str, place: str | None = None) -> None:
    """Raises `Failed` for findings of these codes about the answer to a start (at that place)."""
    findings = first_start(target).findings
    fail_for([str(found) for found in findings if found.code in codes and place in (None, found.place)])


def api_header(target: AppTarget) -> None:
    """The answer carries the API version."""
    _no(target, "answer.version-header-missing", place=API)


def software_header(target: AppTarget) -> None:
    """The answer carries the software version."""
    _no(target, "answer.version-header-missing", place=SOFTWARE)


def version_header(target: AppTarget) -> None:
    """The API version is one."""
    _no(target, "answer.version-header-malformed")


def forwarded(target: AppTarget) -> None:
    """The headers hold what the PACS said of itself."""
    headers = first_start(target).visit.needed().headers
    wrong = []
    for name, right in target.pacs.world.settings.version_headers.items():
        came = headers.get(name.lower(), right)
        if came != right:
            wrong.append(f"{name} is {came!r}; the PACS says {right!r} of itself")
    fail_for(wrong)


def media_type(target: AppTarget) -> None:
    """An answer of JSON says that it is."""
    _no(target, "answer.media-type")


def form(target: AppTarget) -> None:
    """The answer is a result, or empty."""
    _no(target, "answer.not-json", "answer.body", "answer.encoded")


def truth(target: AppTarget) -> None:
    """The result that is answered is stored."""
    _no(target, "answer.result-not-stored", "answer.result-of-other-app", "answer.version-untrue")


def about_the_slide(target: AppTarget) -> None:
    """The result that is answered is about the slide."""
    _no(target, "answer.result-of-other-slide")


def same(target: AppTarget) -> None:
    """What is answered is what is stored."""
    _no(target, "answer.result-differs")


def valid_requests(target: AppTarget) -> None:
    """Nothing that the app asks breaks the contract."""
    calls = first_start(target).calls
    wrong = [f"{call}: {'; '.join(call.violations)}" for call in calls if call.violations]
    fail_for(wrong)


def known_requests(target: AppTarget) -> None:
    """All that the app asks for is there, in that version."""
    calls = first_start(target).calls
    wrong = [call for call in calls if call.status in (404, 405) and call.operation_id is None]
    expect(not wrong, f"version {target.version} has no such operations: {told(wrong)}")


def odd_requests(target: AppTarget) -> None:
    """Nothing that the app asks is suspicious."""
    calls = first_start(target).calls
    fail_for([f"{call}: {oddity}" for call in calls for oddity in call.oddities])


def own_application(target: AppTarget) -> None:
    """Every request is allowed to the app."""
    calls = first_start(target).calls
    wrong = [call for call in calls if call.status in (401, 403)]
    expect(not wrong, f"the PACS refused credentials: {told(wrong)}")


def no_token_told(target: AppTarget) -> None:
    """The callback token is told to nobody."""
    story = first_start(target)
    token = str(story.visit.invocation["callbackInfo"]["token"])
    answer = story.visit.needed()
    expect(token.encode() not in answer.body, "the callback token stands in the answer")
    expect(token not in str(story.results), "the callback token stands in a stored result")


def its_own_token(target: AppTarget) -> None:
    """Each invocation is worked on with its own token."""
    with scene(target) as first:
        first.start().taken("the first start")
        first.settled()
        with scene(target) as second:
            began = time.monotonic()
            visit = second.start(slide=OTHER_SLIDE)
            others = [ear.calls for ear in target.pacs.ears.values() if ear is not second.ear]
            wrong = [call for calls in others for call in calls if call.at >= began and OTHER_SLIDE in call.path]
            expect(not wrong, f"a start was worked on with the token of an earlier one: {told(wrong)}")
            mixed = [result["id"] for result in first.results() if result["slideId"] == OTHER_SLIDE]
            expect(not mixed, f"what a second start found was stored with the first one's token: {mixed}")
            visit.taken("a second start")


CHECKS: tuple[Check, ...] = (
    must(
        "app.answer-api-version",
        "The answer to an invocation carries X-Sectra-ApiVersion.",
        "invoke 200",
        "The PACS reads from it which version the answer speaks.",
        api_header,
    ),
    must(
        "app.answer-software-version",
        "The answer to an invocation carries X-Sectra-SoftwareVersion.",
        "invoke 200",
        "The interface asks for both headers.",
        software_header,
    ),
    must(
        "app.answer-version-wellformed",
        "X-Sectra-ApiVersion is a version.",
        "invoke 200",
        "What isn't one can't be compared.",
        version_header,
    ),
    should(
        "app.answer-versions-forwarded",
        "The version headers hold the values that the PACS reports of itself.",
        "invoke 200",
        "The client reference has them forwarded; the vendor's own examples send the app's.",
        forwarded,
    ),
    should(
        "app.answer-media-type",
        "An answer of JSON is called application/json.",
        "invoke 200",
        "A PACS may look at the Content-Type before it reads.",
        media_type,
        own=OURS,
    ),
    must(
        "app.answer-form",
        "The answer is a stored result, or empty: nothing, {} or [].",
        "invoke 200",
        "The PACS shows the result that is answered.",
        form,
    ),
    must(
        "app.answer-true",
        "The result that is answered is stored, with that id and versionId.",
        "invoke 200",
        "A result that isn't stored vanishes, and its versionId is what the next edit names.",
        truth,
    ),
    must(
        "app.answer-slide",
        "The result that is answered is about the slide that the app was started on.",
        "invoke 200",
        "It is shown there.",
        about_the_slide,
    ),
    should(
        "app.answer-same",
        "The result that is answered is as it is stored.",
        "invoke 200",
        "Users see it change when they open the slide again.",
        same,
    ),
    must(
        "app.requests-valid",
        "What the app asks of the PACS is valid.",
        "createResult 400",
        "A real PACS refuses it, too, or stores what nobody can show.",
        valid_requests,
        document="ia-api",
    ),
    must(
        "app.requests-known",
        "The app asks only for operations that the PACS's version has.",
        "getInfo",
        "Hospitals run versions from 1.8 to 1.10; an app asks first, or does without.",
        known_requests,
        document="ia-api",
    ),
    should(
        "app.requests-usual",
        "The app asks for nothing that is accepted and yet suspicious.",
        "createResult",
        "Such as parameters that nobody reads, or coordinates off the slide.",
        odd_requests,
        document="ia-api",
        own=OURS,
    ),
    must(
        "app.requests-allowed",
        "The app asks with the invocation's token, and for its own application.",
        "createResult 403",
        "The token opens nothing else.",
        own_application,
        document="ia-api",
    ),
    must(
        "app.token-secret",
        "The callback token stands neither in answers nor in results.",
        "invoke",
        "It opens the patient's slides for hours.",
        no_token_told,
        own=OURS,
    ),
    must(
        "app.token-own",
        "Each invocation is worked on with the token that came with it.",
        "invoke",
        "An older token expires, and may belong to another user's work.",
        its_own_token,
        own=OURS,
    ),
)
