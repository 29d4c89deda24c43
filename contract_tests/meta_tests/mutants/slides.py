"""Mutants of slide info."""

from datetime import UTC, datetime

from fake_pacs.calls import Call, Reply
from fake_pacs.handlers import Handler
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.world import World
from meta_tests.mutant import Mutant
from meta_tests.spoiling import INFO, instead, members, where, with_members


def _dated_now(document: dict[str, object]) -> dict[str, object]:
    now = datetime.now(UTC).isoformat()
    return {**document, "examDateTime": now} if "examDateTime" in document else document


def _no_underscores(call: Call, world: World, right: Handler) -> Reply:
    if "_" in call.parameters["slideId"]:
        raise Refusal(Refusals.UNKNOWN_SLIDE, "There is no such slide.")
    return right(call, world)


MUTANTS = (
    Mutant(
        "slides-one-lost",
        "A slide that is listed isn't there when it is asked for.",
        ("slides.answered", "scope.basic-alone", "tiles.answered"),
        spoil=where(r"/slides/demo-fluor-1/info$", instead(404, b"{}")),
    ),
    Mutant(
        "slides-null-member",
        "A required member of slide info is null.",
        ("slides.members",),
        spoil=where(INFO, with_members(micronsPerPixel=None)),
    ),
    Mutant(
        "slides-id-in-capitals",
        "Slide info writes the id in capitals.",
        ("slides.id-as-asked",),
        spoil=where(INFO, members(lambda document: {**document, "id": document["id"].upper()})),
    ),
    Mutant(
        "slides-dated-now",
        "The time of the examination is that of the request.",
        ("slides.same-again",),
        spoil=where(INFO, members(_dated_now)),
    ),
    Mutant(
        "slides-unknown-empty",
        "An unknown slide is answered with 200 and an empty object.",
        ("slides.unknown-404", "errors.problem-404"),
        spoil=where(INFO, instead(200, b"{}"), status=404),
    ),
    Mutant(
        "slides-no-underscores",
        "Slides with _ in their ids have no results.",
        ("slides.underscore",),
        handlers={"listResults": _no_underscores},
    ),
)
