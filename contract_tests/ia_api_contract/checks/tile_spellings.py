"""Tiles as they are spelled in addresses: extensions, focal planes, optical paths, and slides without tiles."""

from ia_api_contract.asking import NOWHERE, expect_status, slide_info, slides
from ia_api_contract.check import Check
from ia_api_contract.outcomes import Skipped, expect
from ia_api_contract.pixels import alike, format_of
from ia_api_contract.target import Target
from ia_api_contract.tile_asking import Tiled, listed, paths, planes, streamable


def jpeg_extensions(target: Target) -> None:
    """The extensions jpg and jpeg give a JPEG on every slide."""
    for slide in streamable(target):
        for ext in ("jpg", "jpeg"):
            answer = slide.answered(slide.pyramid.overview, 0, 0, ext=ext)
            came = answer.media_type, format_of(answer.body, f"the {ext} tile of {slide.id}")
            expect(
                came == ("image/jpeg", "image/jpeg"), f"the {ext} tile of {slide.id} came as {came[0]}, is {came[1]}"
            )


def available_formats(target: Target) -> None:
    """Every format that slide info lists is served, and is what it is called."""
    for slide in streamable(target):
        for offered in listed(slide, "availableTileFormats"):
            ext, wanted = offered.get("extension"), offered.get("mimeType")
            answer = slide.answered(slide.pyramid.overview, 0, 0, ext=str(ext))
            expect(answer.media_type == wanted, f"a {ext} tile of {slide.id} came as {answer.media_type}, not {wanted}")
            found = format_of(answer.body, f"the {ext} tile of {slide.id}")
            expect(found == wanted, f"a {ext} tile of {slide.id} is called {wanted} and is {found}")


def unknown_extension(target: Target) -> None:
    """An extension of no picture is refused."""
    slide = next(streamable(target))
    answer = slide.ask(0, 0, 0, ext="nothing")
    expect(answer.status // 100 == 4, f"a tile with the extension 'nothing' was answered with {answer}; expected 404")


def plane_zero(target: Target) -> None:
    """The focal plane 0 is there on every slide."""
    for slide in streamable(target):
        slide.answered(slide.pyramid.overview, 0, 0, z="0")


def plane_as_float(target: Target) -> None:
    """The focal plane 0.0 is the plane 0."""
    for slide in streamable(target):
        _expect_same(slide, {"z": "0"}, {"z": "0.0"})


def plane_left_out(target: Target) -> None:
    """The spelling without focal plane shows the plane 0."""
    for slide in streamable(target):
        _expect_same(slide, {"z": "0"}, {"z": None})


def every_plane(target: Target) -> None:
    """Every focal plane and every optical path that slide info lists has tiles."""
    for slide in streamable(target):
        level = slide.pyramid.overview
        for plane in planes(slide):
            slide.answered(level, 0, 0, z=plane)
        for path in paths(slide):
            slide.answered(level, 0, 0, opticalPath=path)


def unknown_plane(target: Target) -> None:
    """A focal plane or an optical path that the slide lacks is refused, not replaced."""
    slide = next(streamable(target))
    for how in ({"z": NOWHERE}, {"opticalPath": NOWHERE}):
        answer = slide.ask(0, 0, 0, **how)
        expect(answer.status in (400, 404), f"a tile of {slide.id} with {how} was answered with {answer}; expected 404")


def channels(target: Target) -> None:
    """`channels` names an optical path just as `opticalPath` does."""
    for slide in streamable(target):
        for path in paths(slide):
            _expect_same(slide, {"opticalPath": path}, {"channels": path})


def first_path_unnamed(target: Target) -> None:
    """Without an optical path, the first one is shown."""
    for slide in streamable(target):
        if paths(slide):
            _expect_same(slide, {"opticalPath": paths(slide)[0]}, {})


def underscore(target: Target) -> None:
    """A slide id with `_` works in a tile's address."""
    slide = next((slide for slide in streamable(target) if "_" in slide.id), None)
    if slide is None:
        raise Skipped("no streamable slide has _ in its id")
    slide.answered(0, 0, 0)
    slide.answered(0, 0, 0, z=None)


def not_streamable(target: Target) -> None:
    """A slide that says it isn't streamable has no tiles."""
    unstreamed = [slide for slide in slides(target) if slide_info(target, slide).get("isStreamable") is False]
    if not unstreamed:
        raise Skipped("every slide that was looked at is streamable")
    for slide in unstreamed:
        answer = target.ask("getTile", slideId=slide, level=0, x=0, y=0, z="0", ext="jpg")
        expect_status(answer, 404, f"a tile of {slide}, which isn't streamable,")


def unknown_slide(target: Target) -> None:
    """A tile of a slide that isn't there is 404."""
    answer = target.ask("getTile", slideId=NOWHERE, level=0, x=0, y=0, z="0", ext="jpg")
    expect_status(answer, 404, "a tile of a slide that nobody has")


def _expect_same(slide: Tiled, one: dict[str, str | None], other: dict[str, str | None]) -> None:
    level = slide.pyramid.overview
    first, second = slide.tile(level, 0, 0, **one), slide.tile(level, 0, 0, **other)
    expect(alike(first, second), f"{slide.name(level, 0, 0)} shows one thing with {one}, another with {other}")


CHECKS = (
    Check(
        "tiles.jpeg-extensions",
        "The extensions jpg and jpeg give a JPEG on every slide.",
        "getTile 200",
        "Callers write one or the other, whatever availableTileFormats says.",
        jpeg_extensions,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.available-formats",
        "Every format in availableTileFormats is served and is what its mimeType says.",
        "getTile 200",
        "A lossless format that is secretly a JPEG spoils measurements.",
        available_formats,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.unknown-extension-refused",
        "An extension of no picture is refused.",
        "getTile 404",
        "A tile in another format than asked for breaks its reader.",
        unknown_extension,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.plane-zero",
        "The focal plane 0 works on every slide.",
        "getTile",
        "Callers that know no focal planes send 0.",
        plane_zero,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.plane-as-float",
        "The focal plane 0.0 is the plane 0.",
        "getTile",
        "The viewer's backend turns the plane into a float.",
        plane_as_float,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.plane-left-out",
        "Without a focal plane in the address, the plane 0 is shown.",
        "getTile",
        "Callers of the shorter spelling see the same slide.",
        plane_left_out,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.every-plane",
        "Every focal plane and optical path that slide info lists has tiles.",
        "getTile",
        "A plane that is listed and can't be had ends an analysis in the middle.",
        every_plane,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.unknown-plane-refused",
        "A focal plane or optical path that the slide lacks is refused, not replaced by another.",
        "getTile 404",
        "An analysis of the wrong channel is worse than none.",
        unknown_plane,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.channels",
        "channels names an optical path as opticalPath does.",
        "getTile",
        "The viewer's backend forwards channels.",
        channels,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.first-path-unnamed",
        "Without an optical path in the address, the first one is shown.",
        "getTile",
        "Callers that know no optical paths see the same picture each time.",
        first_path_unnamed,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.underscore",
        "Slide ids with _ in them work in tile addresses.",
        "getTile",
        "The address uses _ as a separator, too.",
        underscore,
        needs=("tiles.answered",),
    ),
    Check(
        "tiles.not-streamable-404",
        "A tile of a slide that says it isn't streamable is refused with 404.",
        "getTile 404",
        "Callers then fetch the files instead.",
        not_streamable,
        needs=("slides.answered",),
    ),
    Check(
        "tiles.unknown-slide-404",
        "A tile of an unknown slide is refused with 404.",
        "getTile 404",
        "A blank tile would look like a slide.",
        unknown_slide,
    ),
)
