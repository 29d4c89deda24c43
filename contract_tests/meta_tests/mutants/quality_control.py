"""Mutants of quality control."""

import time
from dataclasses import replace
from typing import Any
from wsgiref.types import WSGIEnvironment

from fake_pacs.calls import Call, Reply
from fake_pacs.handlers import Handler
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.store import QualityControl
from fake_pacs.world import World
from meta_tests.mutant import Mutant, Response
from meta_tests.mutants.results import wrapped
from meta_tests.mutants.results_updates import MEETING


def _stale_accepted(call: Call, world: World, right: Handler) -> Reply:
    slide = world.slide(call.parameters["slideId"])
    state = world.store.quality_control(call.caller.tenant, slide.id)
    wanted = {**call.body["qualityControl"], "versionId": state.version_id}
    return right(replace(call, body={**call.body, "qualityControl": wanted}), world)


def _forgotten(call: Call, world: World, right: Handler) -> Reply:
    return Reply()


def _hidden_until_set(environ: WSGIEnvironment, response: Response) -> Response:
    if environ["PATH_INFO"].endswith("/info") and b'"status":"NotSet"' in response.body:
        body = response.body.replace(b'"qualityControl"', b'"hidden"')
        return replace(response, body=body)
    return response


def _no_content(environ: WSGIEnvironment, response: Response) -> Response:
    if environ["PATH_INFO"].endswith("/qualityControl") and response.status == 200:
        return replace(response, status=204)
    return response


def _swallowed(environ: WSGIEnvironment, response: Response) -> Response:
    if environ["PATH_INFO"].endswith("/qualityControl") and response.status == 400:
        return replace(response, status=200, body=b"")
    return response


def _unversioned(world: World) -> None:
    def write(right: Any, *sent: Any, **named: Any) -> QualityControl:
        state: QualityControl = right(*sent, **{**named, "version_id": named["expected_version"]})
        return state

    wrapped(world, "set_quality_control", write)


def _unknown_accepted(call: Call, world: World, right: Handler) -> Reply:
    try:
        return right(call, world)
    except Refusal as refusal:
        if refusal.refused is not Refusals.UNKNOWN_SLIDE:
            raise
        return Reply()


def _one_for_all(world: World) -> None:
    """All slides of a tenant have one state."""
    wrapped(world, "quality_control", lambda right, tenant, slide: right(tenant, "all"))
    wrapped(
        world, "set_quality_control", lambda right, tenant, slide, *sent, **named: right(tenant, "all", *sent, **named)
    )


def _raced(world: World) -> None:
    """Compares, then writes whatever is stored by then."""

    def write(right: Any, tenant: str, slide: str, *sent: Any, **named: Any) -> QualityControl:
        is_last = world.store.quality_control(tenant, slide).version_id == named["expected_version"]
        time.sleep(MEETING)
        state: QualityControl = right(
            tenant, slide, *sent, **({**named, "expected_version": None} if is_last else named)
        )
        return state

    wrapped(world, "set_quality_control", write)


MUTANTS = (
    Mutant(
        "quality-control-stale-accepted",
        "Any versionId passes for the last one.",
        ("quality-control.stale-refused",),
        handlers={"setQualityControl": _stale_accepted},
    ),
    Mutant(
        "quality-control-forgotten",
        "Answers 200 and stores nothing.",
        ("quality-control.set-and-shown", "quality-control.new-version"),
        handlers={"setQualityControl": _forgotten},
    ),
    Mutant(
        "quality-control-hidden-until-set",
        "A slide that nobody judged shows no state.",
        ("quality-control.always-there",),
        spoil=_hidden_until_set,
    ),
    Mutant(
        "quality-control-204",
        "Answers 204 in place of 200.",
        ("quality-control.empty-200",),
        spoil=_no_content,
    ),
    Mutant(
        "quality-control-swallowed",
        "A body that breaks the contract is answered with 200, and nothing is done.",
        ("quality-control.unknown-status-refused", "quality-control.missing-version-refused"),
        spoil=_swallowed,
    ),
    Mutant(
        "quality-control-version-unchanged",
        "A write leaves the versionId as it is.",
        ("quality-control.new-version",),
        prepare=_unversioned,
    ),
    Mutant(
        "quality-control-unknown-slide-accepted",
        "The state of a slide that isn't there can be set.",
        ("quality-control.unknown-slide-404",),
        handlers={"setQualityControl": _unknown_accepted},
    ),
    Mutant(
        "quality-control-one-for-all",
        "All slides have one state.",
        ("quality-control.per-slide",),
        prepare=_one_for_all,
    ),
    Mutant(
        "quality-control-read-then-write",
        "The versionId is compared first, and the state written later, whatever has happened between.",
        ("quality-control.one-winner", "quality-control.linearizable"),
        prepare=_raced,
    ),
)
