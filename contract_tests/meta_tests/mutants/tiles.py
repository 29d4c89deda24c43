"""Mutants of tiles."""

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flask import request
from PIL import Image, ImageOps

from fake_pacs.calls import Call, Reply
from fake_pacs.handlers import Handler
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.world import World
from ia_api_contract.pyramid import Pyramid
from meta_tests.mutant import BrokenHandler, Mutant
from meta_tests.spoiling import asked

NONE = "There is no such tile."


def _tile(image: Image.Image, image_format: str = "JPEG", media_type: str = "image/jpeg") -> Reply:
    buffer = io.BytesIO()
    image.save(buffer, image_format)
    return Reply(body=buffer.getvalue(), media_type=media_type, length=buffer.tell())


def _blank() -> Reply:
    return _tile(Image.new("RGB", (256, 256), "white"))


def _pyramid(call: Call, world: World) -> Pyramid:
    return Pyramid.of(world.slide(call.parameters["slideId"]).picture.properties())


def _drawn(change: Callable[[Image.Image, Call, Pyramid], Image.Image]) -> BrokenHandler:
    """Tiles that show something else than they should."""

    def broken(call: Call, world: World, right: Handler) -> Reply:
        reply = right(call, world)
        with Image.open(io.BytesIO(reply.body)) as image:
            return _tile(
                change(image.convert("RGB"), call, _pyramid(call, world)), image.format or "", reply.media_type or ""
            )

    return broken


def _refused(unless: Callable[[Mapping[str, Any], Pyramid], bool]) -> BrokenHandler:
    """Tiles that are there are refused, where the condition says so."""

    def broken(call: Call, world: World, right: Handler) -> Reply:
        reply = right(call, world)
        if unless(call.parameters, _pyramid(call, world)):
            raise Refusal(Refusals.NO_SUCH_TILE, NONE)
        return reply

    return broken


def _granted(when: Callable[[Call, World, Refusal], Reply | None]) -> BrokenHandler:
    """Tiles that aren't there are answered, where the function has an answer."""

    def broken(call: Call, world: World, right: Handler) -> Reply:
        try:
            return right(call, world)
        except Refusal as refusal:
            granted = when(call, world, refusal)
            if granted is None:
                raise
            return granted

    return broken


def _outside(call: Call, world: World, refusal: Refusal) -> Reply | None:
    where, known = call.parameters, world.hospital.slide(call.parameters["slideId"])
    inside_levels = known is not None and 0 <= where["level"] <= _pyramid(call, world).top
    behind = inside_levels and where["x"] >= 0 and where["y"] >= 0 and "column" in refusal.detail
    return _blank() if behind else None


def _level_above(call: Call, world: World, refusal: Refusal) -> Reply | None:
    known = world.hospital.slide(call.parameters["slideId"])
    return _blank() if known and call.parameters["level"] == _pyramid(call, world).top + 1 else None


def _floor(where: Mapping[str, Any], pyramid: Pyramid) -> bool:
    width, height = pyramid.size(where["level"])
    x, y = int(where["x"]), int(where["y"])
    return x >= max(width // pyramid.tile, 1) or y >= max(height // pyramid.tile, 1)


def _is_short(where: Mapping[str, Any], pyramid: Pyramid) -> bool:
    return re.search(r"/\d+_\d+\.\w+$", request.path) is not None


def _padded(image: Image.Image, call: Call, pyramid: Pyramid) -> Image.Image:
    if max(pyramid.size(call.parameters["level"])) <= pyramid.tile:
        return image
    whole = Image.new("RGB", (pyramid.tile, pyramid.tile), "white")
    whole.paste(image)
    return whole


def _overlapping(image: Image.Image, call: Call, pyramid: Pyramid) -> Image.Image:
    if image.size != (pyramid.tile, pyramid.tile):
        return image
    return ImageOps.expand(image, border=(0, 0, 2, 2), fill="white")


def _mirrored(image: Image.Image, call: Call, pyramid: Pyramid) -> Image.Image:
    return ImageOps.mirror(image)


def _one_wrong(image: Image.Image, call: Call, pyramid: Pyramid) -> Image.Image:
    where = call.parameters
    wrong = (where["level"], where["x"], where["y"]) == (pyramid.top, 2, 0)
    return ImageOps.invert(image) if wrong else image


def _two_pixels(image: Image.Image, call: Call, pyramid: Pyramid) -> Image.Image:
    return image.resize((2, 2)) if call.parameters["level"] == 0 else image


def _png_of_jpeg(call: Call, world: World, right: Handler) -> Reply:
    if call.parameters["ext"] != "png":
        return right(call, world)
    return replace(right(replace(call, parameters={**call.parameters, "ext": "jpg"}), world), media_type="image/png")


def _wrapped(where: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
    return {name: max(where[name], 0) for name in ("level", "x", "y")}


def _last_path(call: Call, world: World, right: Handler) -> Reply:
    if call.parameters["opticalPath"] is None:
        known = world.hospital.slide(call.parameters["slideId"])
        last = known.picture.properties()["opticalPaths"][-1]["id"] if known else None
        call = replace(call, parameters={**call.parameters, "opticalPath": last})
    return right(call, world)


def _known_planes(call: Call, world: World, refusal: Refusal) -> Reply | None:
    return _blank() if "plane" in refusal.detail or "path" in refusal.detail else None


def _without(status_word: Refusals) -> BrokenHandler:
    return _granted(lambda call, world, refusal: _blank() if refusal.refused is status_word else None)


def _mutant(name: str, what: str, broken: BrokenHandler, *breaks: str, why: str = "") -> Mutant:
    named = tuple(f"tiles.{check}" for check in breaks)
    return Mutant(f"tiles-{name}", what, named, why=why, handlers={"getTile": broken})


PICTURE = ("same-picture", "same-picture-everywhere")

MUTANTS = (
    _mutant(
        "level-1-missing",
        "Level 1 isn't served.",
        _refused(lambda where, pyramid: where["level"] == 1),
        "answered",
    ),
    _mutant(
        "overlapping",
        "Tiles are two pixels too large.",
        _drawn(_overlapping),
        "interior-size",
        "edge-size",
        "same-picture",
        why="Tiles of a wrong size fit neither each other nor the level below.",
    ),
    _mutant("edges-padded", "Edge tiles are filled up with white.", _drawn(_padded), "edge-size"),
    _mutant("grid-by-floor", "Columns and rows are counted by rounding down.", _refused(_floor), "last-tile-there"),
    _mutant("level-zero-of-two", "Level 0 is two pixels wide and high.", _drawn(_two_pixels), "level-zero"),
    _mutant(
        "level-off-by-one",
        "Every level shows the picture at half the size that it should.",
        asked(lambda where, call: {"level": max(where["level"] - 1, 0)}),
        "no-level-above",
        "last-tile-there",
        why="Every size of every level is wrong.",
    ),
    _mutant("level-above", "There is a level above the top one.", _granted(_level_above), "no-level-above"),
    _mutant("blank-outside", "Outside the picture, tiles are blank.", _granted(_outside), "nothing-outside"),
    _mutant("negative-is-zero", "Negative levels, columns and rows count as 0.", asked(_wrapped), "nothing-negative"),
    _mutant(
        "no-jpeg-extension",
        "The extension jpeg isn't known, only jpg.",
        _refused(lambda where, pyramid: where["ext"] == "jpeg"),
        "jpeg-extensions",
    ),
    _mutant("png-is-jpeg", "PNG tiles are JPEGs.", _png_of_jpeg, "available-formats"),
    _mutant(
        "any-extension",
        "Any extension gives a JPEG.",
        asked(lambda where, call: {"ext": where["ext"] if where["ext"] == "png" else "jpg"}),
        "unknown-extension-refused",
    ),
    _mutant(
        "no-plane-zero",
        "The focal plane 0 isn't known.",
        _refused(lambda where, pyramid: where["z"] == "0" and not _is_short(where, pyramid)),
        "plane-zero",
        "answered",
    ),
    _mutant(
        "no-plane-as-float",
        "The focal plane 0.0 isn't known.",
        _refused(lambda where, pyramid: "." in where["z"]),
        "plane-as-float",
    ),
    _mutant(
        "no-short-spelling",
        "Addresses without focal plane aren't served.",
        _refused(_is_short),
        "plane-left-out",
        "underscore",
    ),
    _mutant(
        "one-plane",
        "Only the focal plane 0 is served.",
        _refused(lambda where, pyramid: float(where["z"]) != 0),
        "every-plane",
    ),
    _mutant("any-plane", "An unknown plane or path is blank.", _granted(_known_planes), "unknown-plane-refused"),
    _mutant(
        "channels-ignored",
        "channels is ignored.",
        asked(lambda where, call: {"opticalPath": request.args.get("opticalPath")}),
        "channels",
    ),
    _mutant("last-path", "Without an optical path, the last one is shown.", _last_path, "first-path-unnamed"),
    _mutant(
        "no-underscores",
        "Slides with _ in their ids have no tiles.",
        _refused(lambda where, pyramid: "_" in where["slideId"]),
        "underscore",
        "answered",
    ),
    _mutant(
        "of-what-has-none",
        "A slide that isn't streamable has blank tiles.",
        _without(Refusals.NOT_STREAMABLE),
        "not-streamable-404",
    ),
    _mutant("of-nothing", "An unknown slide has blank tiles.", _without(Refusals.UNKNOWN_SLIDE), "unknown-slide-404"),
    _mutant("mirrored", "Each tile is mirrored.", _drawn(_mirrored), *PICTURE),
    _mutant("one-inverted", "One tile of the top level is inverted.", _drawn(_one_wrong), "same-picture-everywhere"),
)
