"""What is wrong with how primitives are drawn: colours, sizes, texts."""

from collections.abc import Iterator, Mapping
from typing import Any

from ia_api_contract.app_geometry.colours import is_colour, is_invisible
from ia_api_contract.app_geometry.remarks import Limits, Remark, must, should
from ia_api_contract.app_geometry.shapes import items_of, listed, number


def of_primitives(document: Mapping[str, Any], limits: Limits) -> Iterator[Remark]:
    """Remarks about the styles and labels of a result that is drawn on the slide."""
    for pointer, item in items_of(document):
        style = item.get("style")
        if isinstance(style, Mapping):
            yield from _of_style(style, f"{pointer}/style", limits)
            yield from _of_text_size(item, style, f"{pointer}/style/size", limits)
        for index, label in listed(item.get("labels")):
            if isinstance(label, Mapping) and isinstance(label.get("label"), str):
                yield from _of_text(label["label"], f"{pointer}/labels/{index}/label", limits)


def _of_style(style: Mapping[str, Any], pointer: str, limits: Limits) -> Iterator[Remark]:
    colours = {name: style[name] for name in ("strokeStyle", "fillStyle") if isinstance(style.get(name), str)}
    for name, colour in colours.items():
        if not is_colour(colour):
            text = f"{colour!r:.80} is no colour; expected one of CSS, safest #RRGGBB or #RRGGBBAA"
            yield should("colour-unreadable", f"{pointer}/{name}", text)
    if len(colours) == 2 and all(map(is_invisible, colours.values())):
        yield should("invisible", pointer, "line and area are fully transparent; nothing is seen", assumed=False)
    size = number(style.get("size"))
    if size is not None and size <= 0:
        yield must("size-not-positive", f"{pointer}/size", f"a size of {size:g}; expected at least 1, or null")
    elif size is not None and size > limits.line_width:
        text = f"a size of {size:g} screen pixels hides what it marks; expected at most {limits.line_width}"
        yield should("size-too-large", f"{pointer}/size", text)


def _of_text_size(item: Mapping[str, Any], style: Mapping[str, Any], pointer: str, limits: Limits) -> Iterator[Remark]:
    """Where an object has nothing but labels, its size can only mean them."""
    size = number(style.get("size"))
    lines = any(item.get(name) for name in ("polygons", "polylines", "arcs"))
    if item.get("labels") and not lines and size is not None and 0 < size < limits.text_size:
        text = f"labels of size {size:g}: if that is the text's height in screen pixels, nobody can read it"
        yield should("label-too-small", pointer, text)


def _of_text(text: str, pointer: str, limits: Limits) -> Iterator[Remark]:
    if not text.strip():
        yield should("label-empty", pointer, "a label without text; nothing is seen", assumed=False)
    elif not text.replace("\n", " ").isprintable():
        yield should("label-unprintable", pointer, f"{text!r:.80} has characters that can't be shown", assumed=False)
    if len(text) > limits.label:
        how = f"{len(text)} characters; a label of more than {limits.label} covers the slide and nobody reads it"
        yield should("label-too-long", pointer, how)
