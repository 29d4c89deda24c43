"""What the app stores: a gallery of fields for a whole slide, counted areas for what the user drew."""

from collections import Counter
from collections.abc import Sequence

from example_app.nuclei import inside
from sectra_client import schemas
from sectra_client.schemas import PatchResultContent, Point, Polygon, PrimitiveItem, PrimitiveResultContent, Result
from sectra_client.schemas.results import Action

VERSION = "1.0"
TAGS = ["many nuclei", "few nuclei"]
FIELDS, SIDE = 12, 1 / 16  # so many fields are shown, squares of this part of the image width


def gallery(slide: schemas.ImageMetadata, nuclei: Sequence[Point]) -> Result:
    """The fields with most nuclei as patches; the user may move one to the other tag."""
    fields = Counter((int(point.x / SIDE), int(point.y / SIDE)) for point in nuclei).most_common(FIELDS)
    size, patches = slide.imageSize, []
    for (column, row), count in fields:
        middle = Point(x=(column + 0.5) * SIDE, y=min((row + 0.5) * SIDE, size.height / size.width))
        patches.append(schemas.Patch(tag=0 if count * 2 > fields[0][1] else 1, position=middle, sortKeyValue=count))
    side, buttons = max(1, round(SIDE * size.width)), [Action(id="recount", state=0, name="Count", tooltip="Again")]
    content = schemas.PatchContent(patches=patches, actions=buttons, tags=TAGS, patchSize=side, magnification=20)
    return _result(slide, PatchResultContent(content=content), nuclei)


def areas(slide: schemas.ImageMetadata, polygons: Sequence[Polygon], nuclei: Sequence[Point]) -> Result:
    """The areas that the user drew, and how many nuclei lie in them."""
    drawn = PrimitiveItem(style=schemas.Style(strokeStyle="#1a7f4b", size=2), polygons=list(polygons))
    return _result(slide, PrimitiveResultContent(content=[drawn]), nuclei)


def _result(slide: schemas.ImageMetadata, content: schemas.ResultContent, nuclei: Sequence[Point]) -> Result:
    """The context keeps the nuclei, so that a change can be counted without looking at the slide again."""
    context = {"nuclei": [[round(point.x, 5), round(point.y, 5)] for point in nuclei]}
    data = schemas.ResultData(context=context, result=content)
    result = Result(slideId=slide.id, displayResult="", applicationVersion=VERSION, data=data)
    recount(result)
    return result


def recount(result: Result) -> None:
    """Counts what the result shows, after a user changed it; everything else in it stays as it is."""
    shown = result.data.result
    if isinstance(shown, PatchResultContent):
        tags = Counter(shown.content.tags[patch.tag] for patch in shown.content.patches)
        result.displayProperties = {tag: tags[tag] for tag in shown.content.tags}
        result.displayResult = f"{tags[TAGS[0]]} of {tags.total()} fields have {TAGS[0]}"
        for button in shown.content.actions:
            button.state = 0
    elif isinstance(shown, PrimitiveResultContent):
        nuclei = [Point(x=x, y=y) for x, y in (result.data.context or {}).get("nuclei", ())]
        areas = [polygon for item in shown.primitives for polygon in item.polygons]
        total = sum(any(inside(area, point) for area in areas) for point in nuclei)
        result.displayProperties, result.displayResult = {"Nuclei": total}, f"{total} nuclei"
