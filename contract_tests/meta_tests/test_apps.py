"""The app mode bites: each bad app breaks the requirement that it names; the example app meets all of them."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from example_app.app import create_app
from example_app.work import NucleiCounter
from ia_api_contract import app_mode, app_scene
from ia_api_contract.app_pacs import AppPacs
from ia_api_contract.app_suite import BY_ID, REQUIREMENTS
from ia_api_contract.app_target import AppOptions, AppTarget
from ia_api_contract.exchanges import Redactor
from ia_api_contract.outcomes import EXIT_PASSED, Outcome
from ia_api_contract.reports.page import page
from ia_api_contract.runner import run, run_one
from ia_api_spec import ApiVersion
from meta_tests.app_catalogue import BAD_APPS, one_by_one, pacs_of, target_of
from meta_tests.apps.bad_app import BadApp, serving
from sectra_client import SectraClient, SectraConflictError, SectraError, webhooks
from sectra_client.schemas import CreateInvocation, InputType, ModifyInvocation, ResultResponse
from sectra_client.schemas.invocation import Invocation

NOT_ABOUT_IT = {
    InputType.WHOLE_SLIDE: {"app.create-tagged-polygon", "app.create-untagged-polygon", "app.create-multi-area"},
    InputType.TAGGED_POLYGON: {"app.create-whole-slide", "app.create-multi-area", "app.press-answered"},
    InputType.MULTI_AREA: {
        "app.create-whole-slide",
        "app.create-tagged-polygon",
        "app.create-untagged-polygon",
        "app.press-answered",
    },
}
"""What isn't about an app that asks for this input: only the gallery of a whole slide has a button."""


@pytest.fixture(scope="module")
def pacs() -> Iterator[Callable[[str], AppPacs]]:
    """The PACS of a version, started once."""
    running: dict[str, AppPacs] = {}

    def of(version: str) -> AppPacs:
        if version not in running:
            running[version] = pacs_of(version)
        return running[version]

    yield of
    for server in running.values():
        server.stop()


@pytest.mark.parametrize("bad", BAD_APPS, ids=lambda bad: bad.id)
def test_a_bad_app_breaks_what_it_names(bad: BadApp, pacs: Callable[[str], AppPacs]) -> None:
    result = one_by_one(bad, [BY_ID[bad.breaks]], pacs(bad.version))[bad.breaks]
    assert result.outcome is Outcome.FAIL, (result.outcome.value, result.text)
    assert result.text.strip()


@pytest.mark.parametrize("bad", [bad for bad in BAD_APPS if bad.id.endswith("-for-a-while")], ids=lambda bad: bad.id)
def test_what_leaks_only_until_the_first_edit_is_found(bad: BadApp, pacs: Callable[[str], AppPacs]) -> None:
    result = one_by_one(bad, [BY_ID[bad.breaks]], pacs(bad.version))[bad.breaks]
    assert "after the start has accessionNumber in it" in result.text
    assert "at the end" not in result.text


def test_every_requirement_is_broken_by_a_bad_app() -> None:
    broken = {bad.breaks for bad in BAD_APPS}
    assert [check.id for check in REQUIREMENTS if check.id not in broken] == []
    assert broken <= set(BY_ID)


def test_the_bad_apps_have_names_of_their_own() -> None:
    ids = [bad.id for bad in BAD_APPS]
    assert len(set(ids)) == len(ids)


@pytest.mark.slow
@pytest.mark.parametrize("asks_for", InputType, ids=str)
def test_the_example_app_meets_every_requirement(asks_for: InputType, pacs: Callable[[str], AppPacs]) -> None:
    with serving(create_app(asks_for).wsgi_app) as url:
        results = run(REQUIREMENTS, target_of(url, pacs("1.10"), 20.0))
    wrong = {result.check_id: result.text for result in results if result.outcome not in (Outcome.PASS, Outcome.SKIP)}
    assert not wrong, wrong
    assert {result.check_id for result in results if result.outcome is Outcome.SKIP} == NOT_ABOUT_IT[asks_for]


@pytest.mark.slow
def test_the_example_app_is_green_in_the_older_versions(pacs: Callable[[str], AppPacs]) -> None:
    def lent(options: AppOptions, version: ApiVersion, redactor: Redactor) -> AppTarget:
        return AppTarget(options, version, redactor, lent=pacs(str(version)))

    with serving(create_app().wsgi_app) as url:
        options = AppOptions(url, (ApiVersion("1.8"), ApiVersion("1.9")), 20.0)
        results = app_mode.examine(options, REQUIREMENTS, Redactor(), target_of=partial(lent))
    report = app_mode.report(options, app_mode.facts(options, REQUIREMENTS), results, Redactor(), strict=True)
    assert report.exit_status == EXIT_PASSED, [(entry.id, entry.text) for entry in report.of(Outcome.FAIL)]


class _AnswersFirst(NucleiCounter):
    """Answers starts, and edits where `also_edits`, with nothing; `counter` works afterwards."""

    def __init__(self, counter: NucleiCounter | None = None, also_edits: bool = False) -> None:
        super().__init__()
        self._counter = counter or NucleiCounter()
        self._later = (CreateInvocation, ModifyInvocation) if also_edits else (CreateInvocation,)

    def handle(self, invocation: Invocation) -> webhooks.WebhookAnswer:
        if not isinstance(invocation, self._later):
            return self._counter.handle(invocation)
        with self.connect(invocation) as client:
            answer = webhooks.answer(client)
        threading.Thread(target=self._work, args=(invocation,)).start()
        return answer

    def _work(self, invocation: Invocation) -> None:
        with contextlib.suppress(SectraError):  # the PACS fails on purpose
            self._counter.handle(invocation)


def test_an_app_that_answers_first_and_works_afterwards_is_waited_for(pacs: Callable[[str], AppPacs]) -> None:
    chosen = [BY_ID[f"app.{name}"] for name in ("create-stores", "result-coordinates", "modify-keeps-edit")]
    with serving(create_app(counter=_AnswersFirst()).wsgi_app) as url:
        results = run(chosen, target_of(url, pacs("1.10"), 20.0))
    assert [result.outcome for result in results] == [Outcome.PASS] * 3, [result.text for result in results]


class _Overwriting(NucleiCounter):
    """Asks for the newest version, and then writes what it was sent, without a look at what else is in it."""

    def modify(self, client: SectraClient, invocation: ModifyInvocation) -> ResultResponse:
        app, mine = invocation.applicationId, invocation.input.adapted()
        for _ in range(2):
            with contextlib.suppress(SectraConflictError):
                mine.displayResult = "counted again"
                return client.update_results(app, invocation.input.id, mine)
            mine.versionId = client.get_result_by_result_id(app, invocation.input.id).versionId
        raise AssertionError("nobody else wrote")


@pytest.mark.parametrize(("counter", "expected"), [(NucleiCounter, Outcome.PASS), (_Overwriting, Outcome.FAIL)])
def test_an_edit_that_is_worked_on_after_the_answer_is_judged_too(
    counter: type[NucleiCounter], expected: Outcome, pacs: Callable[[str], AppPacs], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_scene, "QUIET", 0.3)
    chosen = [BY_ID["app.concurrency-edit-kept"], BY_ID["app.trouble-stored-once"]]
    with serving(create_app(counter=_AnswersFirst(counter(), also_edits=True)).wsgi_app) as url:
        edited, lost = run(chosen, target_of(url, pacs("1.10"), 20.0))
    assert (edited.outcome, lost.outcome) == (expected, Outcome.PASS), (edited.text, lost.text)


class _LeavesEditsAlone(NucleiCounter):
    """Answers edits with nothing, and does nothing."""

    def handle(self, invocation: Invocation) -> webhooks.WebhookAnswer:
        if not isinstance(invocation, ModifyInvocation):
            return super().handle(invocation)
        with self.connect(invocation) as client:
            return webhooks.answer(client)


def test_an_app_that_leaves_edits_alone_is_waited_for_once(
    pacs: Callable[[str], AppPacs], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_scene, "LATER", 0.3)
    with serving(create_app(counter=_LeavesEditsAlone()).wsgi_app) as url:
        target = target_of(url, pacs("1.10"), 8.0)
        result = run_one(BY_ID["app.concurrency-edit-kept"], target)
        assert (result.outcome, result.text) == (Outcome.SKIP, "the app updates nothing when the user edits a result")
        monkeypatch.setattr(app_scene, "LATER", 3600.0)
        assert run_one(BY_ID["app.concurrency-edit-kept"], target).outcome is Outcome.SKIP


MISPLACED = {
    "y-by-height": "y is divided by the image's height",
    "swapped": "x and y are swapped",
    "pixels": "the points are pixels of the full resolution",
}


@pytest.mark.parametrize("where", ["", "-gallery"])
@pytest.mark.parametrize("mistake", MISPLACED)
def test_wrong_coordinates_are_named_and_drawn_on_the_page(
    mistake: str, where: str, pacs: Callable[[str], AppPacs]
) -> None:
    (bad,) = (bad for bad in BAD_APPS if bad.id == f"result-{mistake}{where}")
    result = one_by_one(bad, [BY_ID[bad.breaks]], pacs(bad.version))[bad.breaks]
    options = AppOptions("http://localhost/hook")
    made = page(app_mode.report(options, {}, [result], Redactor()))
    assert result.text.startswith("almost certainly")
    assert MISPLACED[mistake] in result.text
    assert made.count("<svg") == 1
    assert "as corrected" in made
    assert "<script" not in made
