"""Bad apps: results that nobody can show or read."""

from collections.abc import Callable, Iterator
from typing import Any

from example_app.work import NucleiCounter
from meta_tests.apps.bad_app import BadApp
from sectra_client import SectraClient
from sectra_client.schemas import InputType, PatchResultContent, PrimitiveResultContent, Result


class _Through:
    """A client whose new results are spoilt on their way."""

    def __init__(self, client: SectraClient, spoil: Callable[[SectraClient, Result], None]) -> None:
        self._client, self._spoil = client, spoil

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_results(self, app_id: str, results: Result) -> Any:
        self._spoil(self._client, results)
        return self._client.create_results(app_id, results)


class Spoiling(NucleiCounter):
    """The example app whose new results are spoilt before they are stored."""

    def __init__(self, spoil: Callable[[SectraClient, Result], None]) -> None:
        super().__init__()
        self._spoil = spoil

    def create(self, client: SectraClient, invocation: Any) -> Any:
        return super().create(_Through(client, self._spoil), invocation)  # type: ignore[arg-type]


def items(result: Result) -> Any:
    """What is drawn; nothing in a gallery."""
    shown = result.data.result
    return shown.primitives if isinstance(shown, PrimitiveResultContent) else []


def _points(result: Result) -> Iterator[Any]:
    """Every point of the result: of outlines, or where the patches are."""
    shown = result.data.result
    if isinstance(shown, PatchResultContent):
        yield from (patch.position for patch in shown.content.patches)
    yield from (point for item in items(result) for polygon in item.polygons for point in polygon.points)


def _by_height(client: SectraClient, result: Result) -> None:
    size = client.get_image_metadata(result.slideId).imageSize
    for point in _points(result):
        point.y *= size.width / size.height


def _swapped(client: SectraClient, result: Result) -> None:
    for point in _points(result):
        point.x, point.y = point.y, point.x


def _pixels(client: SectraClient, result: Result) -> None:
    width = client.get_image_metadata(result.slideId).imageSize.width
    for point in _points(result):
        point.x, point.y = point.x * width, point.y * width


def _crossing(client: SectraClient, result: Result) -> None:
    for item in items(result):
        points = item.polygons[0].points
        points[1], points[2] = points[2], points[1]


def _no_colour(client: SectraClient, result: Result) -> None:
    for item in items(result):
        item.style.strokeStyle = "greenish"


def _thick(client: SectraClient, result: Result) -> None:
    for item in items(result):
        item.style.size = 400


OFF = "What lies elsewhere may lie off the slide, too."

MISTAKES: tuple[tuple[str, str, Callable[[SectraClient, Result], None]], ...] = (
    ("y-by-height", "Divides y by the height", _by_height),
    ("swapped", "Exchanges the axes", _swapped),
    ("pixels", "Sends pixels", _pixels),
)

COORDINATES: tuple[BadApp, ...] = tuple(
    BadApp(
        f"result-{name}{suffix}",
        f"{what}, {where}.",
        "app.result-coordinates",
        asks_for=asks_for,
        counter=lambda spoil=spoil: Spoiling(spoil),  # type: ignore[misc]
        why="" if name == "y-by-height" else OFF,
    )
    for name, what, spoil in MISTAKES
    for suffix, where, asks_for in (
        ("", "in a drawn area", InputType.TAGGED_POLYGON),
        ("-gallery", "in a gallery", InputType.WHOLE_SLIDE),
    )
)

APPS: tuple[BadApp, ...] = (
    *COORDINATES,
    BadApp(
        "result-crossing",
        "Draws an outline that crosses itself.",
        "app.result-showable",
        asks_for=InputType.TAGGED_POLYGON,
        counter=lambda: Spoiling(_crossing),
    ),
    BadApp(
        "result-no-colour",
        "Draws in a colour that there isn't.",
        "app.result-readable",
        asks_for=InputType.TAGGED_POLYGON,
        counter=lambda: Spoiling(_no_colour),
    ),
    BadApp(
        "result-thick-lines",
        "Draws lines as thick as a field of view.",
        "app.result-readable",
        asks_for=InputType.TAGGED_POLYGON,
        counter=lambda: Spoiling(_thick),
    ),
)
