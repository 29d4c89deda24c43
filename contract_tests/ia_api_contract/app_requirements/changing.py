"""Changed results: the user edits, presses buttons, and edits while the app writes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ia_api_contract.app_pacs import Asked, Meddler, Response
from ia_api_contract.app_requirements.asking import (
    OURS,
    STORED,
    editable,
    expect_true,
    in_time,
    must,
    outlines,
    should,
    told,
)
from ia_api_contract.app_scene import Document, Scene, Visit, scene
from ia_api_contract.app_target import AppTarget
from ia_api_contract.check import Check
from ia_api_contract.outcomes import Skipped, expect

EDITED = "app.modify-answered"
LAST = -1
FOREIGN = {"resultVersion": "kept-by-the-pacs", "cameFromElsewhere": {"kept": True}}


@contextmanager
def _edited(target: AppTarget, meddler: Callable[[Scene, Document], Meddler] | None = None) -> Iterator["_Edit"]:
    """A scene in which the user has edited a stored result and the app was told."""
    with scene(target) as made:
        result = made.started()
        change = editable(result)
        edited = made.store_edit(result["id"], change)
        before = len(made.calls)
        if meddler:
            made.meddle(meddler(made, edited))
        visit = made.modify(edited)
        made.worked(visit, before)
        made.meddle(None)
        yield _Edit(made, edited, visit, before)


class _Edit:
    """What came of an edit: what the user made, what the app answered, where its requests for it begin."""

    def __init__(self, made: Scene, edited: Document, visit: Visit, before: int) -> None:
        self.made, self.edited, self.visit = made, edited, visit
        self.calls = list(made.calls[before:])


def answered(target: AppTarget) -> None:
    """An edit is answered with 200."""
    with _edited(target) as edit:
        edit.visit.taken("an edited result")


def keeps_edit(target: AppTarget) -> None:
    """What the user edited stays."""
    with _edited(target) as edit:
        edit.visit.taken("an edited result")
        _expect_kept(edit, "the user's edit is gone")


def truth(target: AppTarget) -> None:
    """The answer to an edit is what is stored."""
    with _edited(target) as edit:
        edit.visit.taken("an edited result")
        expect_true(edit.made, edit.visit)


def same_result(target: AppTarget) -> None:
    """An edit makes no second result."""
    with _edited(target) as edit:
        edit.visit.taken("an edited result")
        found = [result["id"] for result in edit.made.results()]
        expect(len(found) == 1, f"the result {edit.edited['id']} was edited, and now there are {len(found)}: {found}")


def foreign_members(target: AppTarget) -> None:
    """Members that the app doesn't know stay."""
    with scene(target) as made:
        result = made.started()
        edited = made.store_edit(result["id"], lambda document: document.update(FOREIGN))
        before = len(made.calls)
        visit = made.modify(edited)
        visit.taken("a result with members that the app doesn't know")
        made.worked(visit, before)
        now = made.result(result["id"])
        lost = [name for name, value in FOREIGN.items() if now.get(name) != value]
        expect(not lost, f"the app's update dropped {', '.join(lost)}")


def names_version(target: AppTarget) -> None:
    """Each update names the version that it replaces."""
    with _edited(target) as edit:
        edit.visit.needed()
        refused = [call for call in edit.calls if call.writes_result and any("versionId" in v for v in call.violations)]
        stale = [call for call in edit.calls if call.writes_result and call.status == 409]
        expect(not refused, f"an update has no usable versionId: {told(refused)}")
        expect(not stale, f"nobody else wrote, and yet the app's update names no or an old versionId: {told(stale)}")


def press(target: AppTarget) -> None:
    """A button is answered with 200."""
    with scene(target) as made:
        result = made.started()
        content = ((result["data"] or {}).get("result") or {}).get("content")
        actions = content.get("actions") if isinstance(content, dict) else None
        if not actions:
            raise Skipped("the result has no buttons")
        actions[0]["state"] = 1
        visit = made.modify(result)
        visit.taken(f"the button {actions[0]['id']!r}")
        claimed = visit.claimed
        if claimed:
            expect(
                claimed.get("id", result["id"]) == result["id"],
                f"the button's answer is another result: {visit.answer}",
            )


def _user_edits_meanwhile(made: Scene, edited: Document) -> Meddler:
    """Before the app's first update arrives, the user has edited once more."""
    change = editable(edited, LAST)

    def meddler(asked: Asked, right: Callable[[], Response]) -> Response:
        if asked.method == "PUT" and asked.writes_result and not any(call.meddled for call in made.calls):
            asked.meddled = True
            made.store_edit(edited["id"], change)
        return right()

    return meddler


@contextmanager
def _raced(target: AppTarget) -> Iterator[_Edit]:
    """An edit that the user repeats while the app writes. Raises `Skipped` where the app writes nothing."""
    with _edited(target, _user_edits_meanwhile) as edit:
        if not any(call.meddled for call in edit.calls):
            raise Skipped("the app updates nothing when the user edits a result")
        yield edit


def not_overwritten(target: AppTarget) -> None:
    """The user's later edit stays."""
    with _raced(target) as edit:
        editable(edit.edited, LAST)(edit.edited)
        _expect_kept(edit, "the user edited while the app wrote, and that edit is gone")


def _expect_kept(edit: _Edit, what: str) -> None:
    """Raises `Failed` where what is stored isn't what the user made of it."""
    right, now = outlines(edit.edited), outlines(edit.made.result(edit.edited["id"]))
    gone, instead = [one for one in right if one not in now], [one for one in now if one not in right]
    expect(now == right, f"{what}: made was {gone}, stored is now {instead} (x, y and tag of a patch, or a polygon)")


def raced_truth(target: AppTarget) -> None:
    """After a conflict the answer comes in time, and is true."""
    with _raced(target) as edit:
        in_time(edit.visit)
        expect_true(edit.made, edit.visit)


def not_repeated(target: AppTarget) -> None:
    """A refused update isn't sent again as it was."""
    with _raced(target) as edit:
        digests = [call.digest for call in edit.calls if call.writes_result and call.status == 409]
        again = [call for call in edit.calls if call.writes_result and digests.count(call.digest) > 1]
        expect(not again, f"refused, and sent again unchanged: {told(again)}")


CHECKS: tuple[Check, ...] = (
    must(
        EDITED,
        "An edited result is answered with 200, in time.",
        "invoke 200",
        "Users correct what an app found; that is half of their work with it.",
        answered,
        needs=(STORED,),
    ),
    must(
        "app.modify-keeps-edit",
        "What the user edited is stored as the user made it when the app has answered.",
        "invoke 200",
        "The pathologist's word counts, not the app's.",
        keeps_edit,
        needs=(EDITED,),
        own=OURS,
    ),
    must(
        "app.modify-true",
        "The result that an edit is answered with is stored, with that versionId.",
        "invoke 200",
        "The workstation's next edit names it.",
        truth,
        needs=(EDITED,),
    ),
    should(
        "app.modify-same-result",
        "An edit makes no further result.",
        "invoke 200",
        "Users would have to find out which of them counts.",
        same_result,
        needs=(EDITED,),
        own=OURS,
    ),
    should(
        "app.modify-foreign-members",
        "Members of a result that the app doesn't know stay when it updates the result.",
        "updateResult",
        "An update replaces the whole result: what is left out is gone.",
        foreign_members,
        document="ia-api",
        needs=(EDITED,),
    ),
    must(
        "app.modify-version",
        "Every update names the versionId that was last read.",
        "updateResult",
        "It is refused otherwise, or overwrites what somebody else wrote.",
        names_version,
        document="ia-api",
        needs=(STORED,),
    ),
    must(
        "app.press-answered",
        "A pressed button of the gallery is answered with 200, and with the same result if with any.",
        "invoke 200",
        "The user waits for something to happen.",
        press,
        needs=(STORED,),
    ),
    must(
        "app.concurrency-edit-kept",
        "What the user edits while the app writes isn't overwritten.",
        "updateResult",
        "A refusal says that somebody was faster; to read the new versionId and write the same again ignores them.",
        not_overwritten,
        document="ia-api",
        needs=(EDITED,),
    ),
    must(
        "app.concurrency-true",
        "When its update is refused, the app answers in time, and claims nothing that isn't stored.",
        "invoke 200",
        "Otherwise users see what isn't there.",
        raced_truth,
        needs=(EDITED,),
    ),
    must(
        "app.concurrency-not-repeated",
        "A refused update isn't sent again unchanged.",
        "updateResult 409",
        "It is refused again, for ever.",
        not_repeated,
        document="ia-api",
        needs=(EDITED,),
        own=OURS,
    ),
)
