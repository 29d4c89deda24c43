"""A slide is scanned again while an app works on it."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from fake_pacs.calls import Call, Oddity
from fake_pacs.faults.effects import Effect
from fake_pacs.faults.fault import slide_of
from fake_pacs.faults.table import Outcome
from fake_pacs.hospital import Slide
from fake_pacs.imaging.drawn_picture import DrawnPicture
from fake_pacs.incidents.incident import Incident, said
from fake_pacs.incidents.values import Asked, Stage, Verdict
from fake_pacs.invented import digest, invented_files
from fake_pacs.refusals import Refusal
from fake_pacs.suspicion import suspicions

NARROWER, FLATTER = 0.75, 0.6
"""The new scan has this share of the width, and its height to width this share of the old: old points fall off it."""

SMALLEST = 1024

_POINT = ("x", "y")

_Point = tuple[float, float]

_Place = tuple[str, int]
"""A result: its application and its id."""


class Rescan(Incident):
    """After the app's first look at a slide's metadata the slide is another scan: metadata, tiles and files change."""

    name = "slide-rescanned"
    what = (
        "After the first getSlideInfo the slide is another scan: smaller and flatter, with other tiles and files. "
        "Only this tenant sees it, until the incident ends."
    )
    judged = (
        "Storing coordinates for the old size: points that lie off the new scan, or points although neither metadata "
        "nor files were fetched since. Points that an update only keeps, such as a user's, don't count."
    )

    def __init__(self, stage: Stage, asked: Asked) -> None:
        super().__init__(stage, asked)
        self._new: Slide | None = None
        self._fetched = False
        self._worked = False
        self._wrote = False
        self._added = False
        self._kept = False
        self._wrong: str | None = None
        self._standing: dict[_Place, frozenset[_Point]] = {}

    def meet(self, call: Call, token: str | None) -> Effect | None:
        """Nothing goes wrong with an exchange itself; of a result that is about to be updated the points are noted."""
        if self._new is not None and call.operation_id == "updateResult":
            place = _place(call)
            with suppress(Refusal):  # no such result: the app is told so, and nothing stands there
                stored = self.stage.world.store.result(self.stage.tenant, *place)
                self._standing[place] = frozenset(_points(stored.document))
        return None

    def see(self, call: Call, token: str | None, outcome: Outcome) -> None:
        """Scans again after the first look; then watches what is fetched and what is stored."""
        if outcome.status >= 300 and self._new is None:
            return
        if self._new is None:
            if call.operation_id == "getSlideInfo" and self.about(call):
                self._scan_again(slide_of(call) or "")
        elif slide_of(call) == self._new.id:
            self._worked = True
            self.tell(said(call, outcome))
            if call.operation_id in ("getSlideInfo", "getSlideFiles"):
                self._fetched |= outcome.status < 300
            elif call.operation_id in ("createResult", "updateResult") and outcome.status < 300:
                self._look_at(call, self._new)

    def _scan_again(self, slide_id: str) -> None:
        old = self.stage.world.slide(slide_id)
        members = old.picture.properties()
        before = members["imageSize"]
        width = max(SMALLEST, int(before["width"] * NARROWER))
        height = max(SMALLEST // 4, int(width * before["height"] / before["width"] * FLATTER))
        picture = DrawnPicture(digest(f"{slide_id}/rescanned"), (width, height), label_text=slide_id)
        details = {name: value for name, value in old.details.items() if name not in members}
        self._new = replace(old, details=details, picture=picture, files=invented_files(slide_id, picture))
        self.stage.world.faults.of(self.stage.tenant).show_slide(self._new)
        self.occur(f"{slide_id} was {before['width']} x {before['height']} pixels and is {width} x {height} now")

    def _look_at(self, call: Call, new: Slide) -> None:
        self._wrote = True
        standing = self._standing.pop(_place(call), frozenset()) if call.operation_id == "updateResult" else frozenset()
        own = _without(call.body, standing)
        if off := _off(own, new):
            self._wrong = f"it stored coordinates for the old size: {off.place}: {off.text}"
        elif not _has_points(own):
            self._kept |= _has_points(call.body) and (_off(call.body, new) is not None or not self._fetched)
        elif self._fetched:
            self._added = True
        else:
            self._wrong = "it stored coordinates without having fetched metadata or files of the new scan"

    def judge(self) -> Verdict:
        """By the points that were stored."""
        if not self.occurred:
            return Verdict("not exercised", "no metadata of a slide were read")
        if self._wrong:
            return Verdict("failed", self._wrong)
        if self._kept and not self._added:
            text = "it stored only points that stood in the result before; delete the result and let the app work again"
            return Verdict("not exercised", text)
        if self._wrote:
            return Verdict("passed", "what it stored fits the new scan")
        if self._worked:
            return Verdict("passed", "it stored nothing for the old scan")
        return Verdict("not exercised", "after the new scan nothing was done with the slide")

    def put_back(self) -> None:
        """The tenant sees the hospital's slide again."""
        if self._new:
            self.stage.world.faults.of(self.stage.tenant).hide_slide(self._new.id)


def _place(call: Call) -> _Place:
    return call.parameters["applicationId"], call.parameters["resultId"]


def _off(body: dict[str, Any], slide: Slide) -> Oddity | None:
    """The first point of a result that lies off the slide."""
    return next((oddity for oddity in suspicions(body, slide) if oddity.name == "coordinate-off-slide"), None)


def _is_point(value: dict[str, Any]) -> bool:
    return all(isinstance(value.get(name), (int, float)) for name in _POINT)


def _points(value: Any) -> Iterator[_Point]:
    """Every point anywhere in a JSON value."""
    if isinstance(value, dict) and _is_point(value):
        yield value["x"], value["y"]
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for member in members:
        yield from _points(member)


def _has_points(value: Any) -> bool:
    return next(_points(value), None) is not None


def _without(value: Any, known: frozenset[_Point]) -> Any:
    """The JSON value without the coordinates of those points; all that is left stands in its place."""
    if isinstance(value, list):
        return [_without(item, known) for item in value]
    if not isinstance(value, dict):
        return value
    hidden = _POINT if _is_point(value) and (value["x"], value["y"]) in known else ()
    return {name: _without(member, known) for name, member in value.items() if name not in hidden}
