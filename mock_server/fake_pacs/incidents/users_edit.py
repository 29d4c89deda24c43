"""What a user at the workstation changes in a result, and whether it is still there later."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MARK = "edited by"
"""The member of `displayProperties` that a user's edit sets where there is nothing else to edit."""

DRAWN = {"points": [{"x": 0.101, "y": 0.101}, {"x": 0.131, "y": 0.101}, {"x": 0.116, "y": 0.127}]}
"""The area that the user draws into a result of primitives, in image widths."""


@dataclass(frozen=True)
class Edit:
    """A user's change: the result with it, what it is in words, and how to see whether a result still has it."""

    document: dict[str, Any]
    text: str
    survives: Callable[[dict[str, Any]], bool]


def edited(document: dict[str, Any]) -> Edit:
    """The user moves the first patch to another tag, or draws an area, or else fills in a display property."""
    changed = copy.deepcopy(document)
    result: dict[str, Any] = (changed.get("data") or {}).get("result") or {}
    content: Any = result.get("content")
    if result.get("type") == "patchCollection" and content["patches"] and len(content["tags"]) > 1:
        return _moved(changed, content)
    if result.get("type") == "primitive" and content:
        return _drawn(changed, content[0] if isinstance(content, list) else content)
    changed["displayProperties"] = {**(changed.get("displayProperties") or {}), MARK: "the user"}
    return Edit(changed, f"set the display property {MARK!r}", _is_marked)


def _moved(changed: dict[str, Any], content: dict[str, Any]) -> Edit:
    patch = content["patches"][0]
    patch["tag"] = (patch["tag"] + 1) % len(content["tags"])
    wanted = patch["position"], patch["tag"]

    def survives(document: dict[str, Any]) -> bool:
        patches = _content(document).get("patches") or [] if isinstance(_content(document), dict) else []
        return any((patch["position"], patch["tag"]) == wanted for patch in patches)

    return Edit(changed, f"moved a patch to the tag {content['tags'][patch['tag']]!r}", survives)


def _drawn(changed: dict[str, Any], primitive: dict[str, Any]) -> Edit:
    primitive["polygons"] = [*(primitive.get("polygons") or ()), copy.deepcopy(DRAWN)]
    return Edit(changed, "drew an area", _has_area)


def _has_area(document: dict[str, Any]) -> bool:
    content = _content(document)
    items = content if isinstance(content, list) else [content]
    polygons = [polygon for item in items for polygon in item.get("polygons") or ()]
    return any(polygon.get("points") == DRAWN["points"] for polygon in polygons)


def _is_marked(document: dict[str, Any]) -> bool:
    return MARK in (document.get("displayProperties") or {})


def _content(document: dict[str, Any]) -> Any:
    return ((document.get("data") or {}).get("result") or {}).get("content") or {}
