"""A slide is scanned again while an app works on it."""

from dataclasses import replace
from typing import Any

from fake_pacs.calls import Call
from fake_pacs.faults.effects import Effect
from fake_pacs.faults.fault import slide_of
from fake_pacs.faults.table import Outcome
from fake_pacs.hospital import Slide
from fake_pacs.imaging.drawn_picture import DrawnPicture
from fake_pacs.incidents.incident import Incident, said
from fake_pacs.incidents.values import Asked, Stage, Verdict
from fake_pacs.invented import digest, invented_files
from fake_pacs.suspicion import suspicions

NARROWER, FLATTER = 0.75, 0.6
"""The new scan has this share of the width, and its height to width this share of the old: old points fall off it."""

SMALLEST = 1024


class Rescan(Incident):
    """After the app's first look at a slide's metadata the slide is another scan: metadata, tiles and files change."""

    name = "slide-rescanned"
    what = (
        "After the first getSlideInfo the slide is another scan: smaller and flatter, with other tiles and files. "
        "Only this tenant sees it, until the incident ends."
    )
    judged = (
        "Storing coordinates for the old size: points that lie off the new scan, or points although neither metadata "
        "nor files were fetched since."
    )

    def __init__(self, stage: Stage, asked: Asked) -> None:
        super().__init__(stage, asked)
        self._new: Slide | None = None
        self._fetched = False
        self._worked = False
        self._wrote: str | None = None
        self._wrong: str | None = None

    def meet(self, call: Call, token: str | None) -> Effect | None:
        """Nothing goes wrong with an exchange itself."""
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
        self._wrote = call.operation_id
        off = [oddity for oddity in suspicions(call.body, new) if oddity.name == "coordinate-off-slide"]
        if off:
            self._wrong = f"it stored coordinates for the old size: {off[0].place}: {off[0].text}"
        elif _has_points(call.body) and not self._fetched:
            self._wrong = "it stored coordinates without having fetched metadata or files of the new scan"

    def judge(self) -> Verdict:
        """By the points that were stored."""
        if not self.occurred:
            return Verdict("not exercised", "no metadata of a slide were read")
        if self._wrong:
            return Verdict("failed", self._wrong)
        if self._wrote:
            return Verdict("passed", "what it stored fits the new scan")
        if self._worked:
            return Verdict("passed", "it stored nothing for the old scan")
        return Verdict("not exercised", "after the new scan nothing was done with the slide")

    def put_back(self) -> None:
        """The tenant sees the hospital's slide again."""
        if self._new:
            self.stage.world.faults.of(self.stage.tenant).hide_slide(self._new.id)


def _has_points(value: Any) -> bool:
    """Whether there is a coordinate anywhere in a JSON value."""
    if isinstance(value, dict):
        return {"x", "y"} <= value.keys() or any(map(_has_points, value.values()))
    return isinstance(value, list) and any(map(_has_points, value))
