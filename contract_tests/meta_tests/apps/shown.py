"""Bad apps: results that nobody can show or read."""

from collections.abc import Callable
from typing import Any

from example_app import work
from example_app.work import NucleiCounter
from meta_tests.apps.bad_app import BadApp
from sectra_client import SectraClient
from sectra_client.schemas import InputType, PrimitiveResultContent, Result


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
        super().__init__(work.connect)
        self._spoil = spoil

    def create(self, client: SectraClient, invocation: Any) -> Any:
        return super().create(_Through(client, self._spoil), invocation)  # type: ignore[arg-type]


def _items(result: Result) -> Any:
    """What is drawn; nothing in a gallery."""
    shown = result.data.result
    return shown.primitives if isinstance(shown, PrimitiveResultContent) else []


def _by_height(client: SectraClient, result: Result) -> None:
    size = client.get_image_metadata(result.slideId).imageSize
    for item in _items(result):
        for point in [point for polygon in item.polygons for point in polygon.points]:
            point.y *= size.width / size.height
        item.labels = []


def _crossing(client: SectraClient, result: Result) -> None:
    for item in _items(result):
        points = item.polygons[0].points
        points[1], points[2] = points[2], points[1]


def _no_colour(client: SectraClient, result: Result) -> None:
    for item in _items(result):
        item.style.strokeStyle = "greenish"


def _thick(client: SectraClient, result: Result) -> None:
    for item in _items(result):
        item.style.size = 400


APPS: tuple[BadApp, ...] = (
    BadApp(
        "result-y-by-height",
        "Divides y by the height.",
        "app.result-coordinates",
        asks_for=InputType.TAGGED_POLYGON,
        counter=lambda: Spoiling(_by_height),
    ),
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
