"""When the PACS fails: refusals, broken connections, slowness, tokens that expire in the middle."""

import json
import time
from collections.abc import Callable

from ia_api_contract.app_pacs import Asked, Cut, Meddler, Response
from ia_api_contract.app_requirements.asking import OURS, STORED, expect_true, in_time, must, should, told
from ia_api_contract.app_scene import Scene, Visit, scene
from ia_api_contract.app_target import AppTarget
from ia_api_contract.check import Check
from ia_api_contract.outcomes import Skipped, expect

MOST_WITH_DEAD_TOKEN = 10
"""So many requests with a token that is refused are patience; more are hammering."""

SLOWNESS, SLOW_ANSWERS = 0.8, 2
RETRY_AFTER = 1
EARLY = 0.1
"""Seconds by which a clock may be wrong."""


def refusal(status: int, detail: str, **headers: str) -> Response:
    """A refusal as a PACS answers it."""
    problem = {"type": "about:blank", "title": detail, "status": status, "detail": detail}
    return Response(status, {"Content-Type": "application/problem+json", **headers}, json.dumps(problem).encode())


def _always(do: Callable[[], Response]) -> Meddler:
    def meddler(asked: Asked, right: Callable[[], Response]) -> Response:
        asked.meddled = True
        return do()

    return meddler


def _cut() -> Response:
    raise Cut


def _suffered(made: Scene, meddler: Meddler) -> Visit:
    """A start while the PACS fails: answered in time, and nothing is claimed that isn't stored."""
    made.meddle(meddler)
    visit = made.start()
    made.meddle(None)
    in_time(visit)
    expect_true(made, visit)
    if not any(call.meddled for call in made.calls):
        raise Skipped("the app asks the PACS nothing before it answers")
    return visit


def unavailable(target: AppTarget) -> None:
    """With a PACS that answers 503, the app answers in time and claims nothing."""
    with scene(target) as made:
        _suffered(made, _always(lambda: refusal(503, "The PACS is being restarted.")))


def broken_off(target: AppTarget) -> None:
    """With a PACS that breaks connections, the app answers in time and claims nothing."""
    with scene(target) as made:
        _suffered(made, _always(_cut))


def failing_writes(target: AppTarget) -> None:
    """With a PACS that can't store, the app answers in time and claims nothing."""

    def meddler(asked: Asked, right: Callable[[], Response]) -> Response:
        if not asked.writes_result:
            return right()
        asked.meddled = True
        return refusal(500, "The result could not be stored.")

    with scene(target) as made:
        _suffered(made, meddler)


def recovers(target: AppTarget) -> None:
    """After trouble, the next start works."""
    with scene(target) as made:
        made.meddle(_always(lambda: refusal(503, "The PACS is being restarted.")))
        made.start()
        made.meddle(None)
        made.start().taken("the start after the PACS had failed")
        expect(bool(made.settled()), "the start after the PACS had failed stored no result")


def slow(target: AppTarget) -> None:
    """A slow PACS is waited for."""
    slowed: list[float] = []

    def meddler(asked: Asked, right: Callable[[], Response]) -> Response:
        if len(slowed) < SLOW_ANSWERS:
            slowed.append(SLOWNESS)
            time.sleep(SLOWNESS)
        return right()

    with scene(target) as made:
        made.meddle(meddler)
        made.start().taken(f"a start with a PACS that takes {SLOWNESS:g} s for an answer")
        expect(bool(made.settled()), f"with a PACS that takes {SLOWNESS:g} s for an answer nothing is stored")


def asked_to_wait(target: AppTarget) -> None:
    """429 with Retry-After is heeded."""
    refused: dict[str, float] = {}
    early: list[Asked] = []

    def meddler(asked: Asked, right: Callable[[], Response]) -> Response:
        before = refused.get(asked.path)
        if before is None and not refused:
            asked.meddled = True
            refused[asked.path] = time.monotonic()
            return refusal(429, "Too many requests.", **{"Retry-After": str(RETRY_AFTER)})
        if before is not None and asked.at - before < RETRY_AFTER - EARLY:
            early.append(asked)
        return right()

    with scene(target) as made:
        _suffered(made, meddler)
        expect(not early, f"asked to come back after {RETRY_AFTER} s, the app came sooner: {told(early)}")


def lost_answer(target: AppTarget) -> None:
    """A result whose storing wasn't confirmed isn't stored twice."""
    lost: list[Asked] = []

    def meddler(asked: Asked, right: Callable[[], Response]) -> Response:
        answer = right()
        if asked.writes_result and asked.method == "POST" and not lost:
            lost.append(asked)
            asked.meddled = True
            raise Cut
        return answer

    with scene(target) as made:
        made.meddle(meddler)
        visit = made.start()
        made.settled()
        made.meddle(None)
        in_time(visit)
        if not lost:
            raise Skipped("the app stores no new result when it is started")
        expect_true(made, visit)
        count = len(made.results())
        expect(count <= 1, f"the answer to the storing was lost; the app stored again, and there are {count} results")


def _dying(made: Scene) -> Meddler:
    """The token expires when the app has asked once."""

    def meddler(asked: Asked, right: Callable[[], Response]) -> Response:
        if len(made.calls) > 1:
            made.expire_token()
            asked.meddled = True
        return right()

    return meddler


def dead_token(target: AppTarget) -> None:
    """With a token that expires in the middle, the app answers in time and claims nothing."""
    with scene(target) as made:
        _suffered(made, _dying(made))


def no_hammering(target: AppTarget) -> None:
    """A refused token isn't tried over and over."""
    with scene(target) as made:
        made.meddle(_dying(made))
        made.start()
        made.meddle(None)
        refused = [call for call in made.calls if call.status == 401]
        if not refused:
            raise Skipped("the app asks the PACS no more than once")
        expect(
            len(refused) <= MOST_WITH_DEAD_TOKEN,
            f"{len(refused)} requests came with a token that had been refused; at most {MOST_WITH_DEAD_TOKEN} are fine",
        )


def kept_apart(target: AppTarget) -> None:
    """Trouble of one start is none of another's."""
    with scene(target) as dead, scene(target) as alive:
        dead.expire_token()
        dead.start()
        alive.start().taken("a start with a valid token, after one with an expired token,")


CHECKS: tuple[Check, ...] = (
    must(
        "app.trouble-unavailable",
        "While the PACS answers 503, the app answers in time, and claims no result that isn't stored.",
        "invoke 200",
        "A user who waits for ever, or sees what isn't there, is worse off than one who is told.",
        unavailable,
        own=OURS,
    ),
    must(
        "app.trouble-broken-off",
        "While the PACS breaks connections, the app answers in time, and claims no result that isn't stored.",
        "invoke 200",
        "Networks fail.",
        broken_off,
        own=OURS,
    ),
    must(
        "app.trouble-writes-fail",
        "When its result can't be stored (500), the app answers in time, and doesn't claim it.",
        "invoke 200",
        "A result that was lost unnoticed is worse than an error.",
        failing_writes,
        own=OURS,
    ),
    must(
        "app.trouble-recovers",
        "When the PACS works again, so does the app.",
        "invoke 200",
        "Nobody restarts an app at night.",
        recovers,
        needs=(STORED,),
        own=OURS,
    ),
    must(
        "app.trouble-slow",
        f"A PACS that takes {SLOWNESS:g} s for an answer is waited for.",
        "invoke 200",
        "A busy PACS takes its time.",
        slow,
        needs=(STORED,),
        own=OURS,
    ),
    should(
        "app.trouble-retry-after",
        "Refused with 429 and Retry-After, the app doesn't ask the same again sooner.",
        "invoke",
        "Who asks again at once keeps the PACS from recovering.",
        asked_to_wait,
        own=OURS,
    ),
    must(
        "app.trouble-stored-once",
        "When the answer to the storing of a result is lost, the app doesn't store the result twice.",
        "createResult",
        "Apps can't delete results; users would see everything twice.",
        lost_answer,
        document="ia-api",
        needs=(STORED,),
        own=OURS,
    ),
    must(
        "app.token-expired",
        "When the token expires in the middle, the app answers in time, and claims no result that isn't stored.",
        "createResult 401",
        "Tokens live for hours, and so do queues.",
        dead_token,
        document="ia-api",
        own=OURS,
    ),
    must(
        "app.token-not-hammered",
        f"A token that was refused isn't tried more than {MOST_WITH_DEAD_TOKEN} times.",
        "createResult 401",
        "It never becomes valid again.",
        no_hammering,
        document="ia-api",
        own=OURS,
    ),
    must(
        "app.token-apart",
        "A start with an expired token doesn't disturb the next one.",
        "invoke 200",
        "Each invocation brings its own.",
        kept_apart,
        own=OURS,
    ),
)
