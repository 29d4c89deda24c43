"""What the PACS sends to an app, built from plain values: pure functions, and the check before anything is sent."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fake_pacs.hospital import thawed
from ia_api_spec import Contract, asked_for, pruner
from ia_api_spec.versions import NEWEST, ApiVersion

Document = dict[str, Any]
Points = Iterable[tuple[float, float]]
"""Corners as (x, y), both in image widths."""

ACTIONS: tuple[Literal["create", "modify", "delete", "cancel", "newImageFiles"], ...] = (
    "create",
    "modify",
    "delete",
    "cancel",
    "newImageFiles",
)
"""Every action that an invocation can have."""

PRESSED = 1
"""State of a gallery's action in the invocation that pressing its button sends (V)."""

IMAGE_INFO_TELLS: frozenset[str] = frozenset()
"""Of `extended` and `phi`, what a notification's `imageInfo` holds beside the basic members: nothing (A). An app that
may know more asks for it, with the token that came along."""


class BrokenInvocationError(Exception):
    """An invocation that the fake PACS made breaks the contract: a defect of fake-pacs, and nothing was sent."""


@dataclass(frozen=True)
class Shared:
    """What every invocation carries; `callback_url` has no trailing slash (V)."""

    application_id: str
    slide_id: str
    callback_url: str
    callback_token: str
    context: Mapping[str, Any]

    def members(self, action: str) -> Document:
        """The members that every action has; `context` is an object, never null."""
        return {
            "action": action,
            "applicationId": self.application_id,
            "slideId": self.slide_id,
            "callbackInfo": {"url": self.callback_url.rstrip("/"), "token": self.callback_token},
            "context": thawed(self.context or {}),
        }


def whole_slide() -> Document:
    """The input for a start on the whole slide: it has no content."""
    return {"type": "wholeSlide"}


def tagged_polygon(polygon: Points, tags: Sequence[str] = (), tag_index: int | None = None) -> Document:
    """The input for a start on a drawn polygon; tags and index both, or neither where there are no tags to choose."""
    chosen = {"tags": list(tags), "tagIndex": tag_index} if tags and tag_index is not None else {}
    return {"type": "taggedPolygon", "content": {"polygon": _polygon(polygon), **chosen}}


def multi_area(areas: Iterable[Points]) -> Document:
    """The input for a start on several drawn areas."""
    return {"type": "multiArea", "content": {"polygons": [_polygon(area) for area in areas]}}


def _polygon(points: Points) -> Document:
    return {"points": [{"x": x, "y": y} for x, y in points]}


def create(shared: Shared, cancellation_token: str, started_on: Document) -> Document:
    """The user started the app."""
    return {**shared.members("create"), "cancellationToken": cancellation_token, "input": started_on}


def modify(shared: Shared, cancellation_token: str, result: Document) -> Document:
    """The user changed a result: the stored one as it is now, or with a button pressed."""
    return {**shared.members("modify"), "cancellationToken": cancellation_token, "input": result}


def delete(shared: Shared, result: Document) -> Document:
    """The user removes a result: the one being removed."""
    return {**shared.members("delete"), "input": result}


def cancel(shared: Shared, cancellation_token: str) -> Document:
    """The user stops an invocation: no input, and the token of the one to stop (A)."""
    return {**shared.members("cancel"), "cancellationToken": cancellation_token}


def new_image_files(shared: Shared, cancellation_token: str, image_info: Document) -> Document:
    """New image files were imported: `imageInfo`, an action and a whole slide as input (C)."""
    return {
        **shared.members("newImageFiles"),
        "cancellationToken": cancellation_token,
        "input": whole_slide(),
        "imageInfo": image_info,
    }


def image_info(metadata: Mapping[str, Any], newest: Contract, version: ApiVersion) -> Document:
    """The slide's metadata as a notification carries them: basic (A), and without what that version lacks."""
    schema = newest.schema("ImageMetadata")
    told = asked_for(schema.node, dict(metadata), IMAGE_INFO_TELLS)
    step = pruner(newest.document, schema.node, version) if version != NEWEST else None
    return step(told) if step else told


def pressed(result: Mapping[str, Any], action_id: str) -> Document:
    """The stored result with that action's state 1 (V). Raises `LookupError` where its gallery has no such button."""
    changed = copy.deepcopy(dict(result))
    actions = _gallery(changed).get("actions") or []
    buttons = [action for action in actions if action["id"] == action_id]
    if not buttons:
        known = ", ".join(repr(action["id"]) for action in actions) or "none"
        raise LookupError(f"the gallery has no button {action_id!r}; there are: {known}")
    buttons[0]["state"] = PRESSED
    return changed


def move(result: Document, patch: int, tag: int) -> None:
    """Moves a patch of the result's gallery to another tag (C). Raises `LookupError` for what isn't in it."""
    gallery = _gallery(result)
    patches, tags = gallery["patches"], gallery["tags"]
    if not 0 <= patch < len(patches):
        raise LookupError(f"the gallery has no patch {patch}: it has {len(patches)}, counted from 0")
    if not 0 <= tag < len(tags):
        known = ", ".join(f"{index} {name}" for index, name in enumerate(tags))
        raise LookupError(f"the gallery has no tag {tag}; there are: {known or 'none'}")
    patches[patch]["tag"] = tag


def _gallery(result: Mapping[str, Any]) -> Document:
    content = (result["data"] or {}).get("result") or {}
    if content.get("type") != "patchCollection":
        shown = content.get("type", "nothing")
        raise LookupError(f"the result {result['id']} shows {shown}, no patchCollection: it has no gallery")
    gallery: Document = content["content"]
    return gallery


def is_press(invocation: Mapping[str, Any]) -> bool:
    """Whether the invocation is a button's press: such a one may be answered with the changed input unstored (V)."""
    if invocation.get("action") != "modify":
        return False
    try:
        actions = _gallery(invocation["input"]).get("actions") or ()
        return any(action["state"] == PRESSED for action in actions)
    except (LookupError, TypeError, AttributeError):  # no gallery, or what only `trigger` lets through
        return False


def check(invocation: Document, app_contract: Contract) -> None:
    """Raises `BrokenInvocationError` with every place in which the invocation breaks the app's side of the contract."""
    violations = app_contract.schema("Invocation").violations(invocation, "invocation")
    if violations:
        places = "; ".join(map(str, violations))
        raise BrokenInvocationError(f"the {invocation.get('action')} invocation breaks the contract: {places}")
