"""What is wrong with a gallery: tags that aren't there, sizes of nothing, keys that nothing can be sorted by."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ia_api_contract.app_geometry.remarks import Limits, Remark, must, should
from ia_api_contract.app_geometry.shapes import CONTENT, listed, number


def of_gallery(content: Any, size: tuple[int, int], limits: Limits) -> Iterator[Remark]:
    """Remarks about a patch collection; none about what is no object, which the schema refuses."""
    if not isinstance(content, Mapping):
        return
    tags = [tag for _, tag in listed(content.get("tags"))]
    yield from _of_tags(tags, limits)
    yield from _of_index(content.get("tagIndex"), f"{CONTENT}/tagIndex", tags, "tag-index-out-of-range")
    for index, patch in listed(content.get("patches")):
        if isinstance(patch, Mapping):
            yield from _of_index(patch.get("tag"), f"{CONTENT}/patches/{index}/tag", tags, "tag-out-of-range")
            yield from _of_key(patch.get("sortKeyValue"), f"{CONTENT}/patches/{index}/sortKeyValue")
    yield from _of_sizes(content, size)
    yield from _of_buttons(content)


def _of_tags(tags: list[Any], limits: Limits) -> Iterator[Remark]:
    pointer = f"{CONTENT}/tags"
    if len(tags) > limits.tags:
        text = f"{len(tags)} tags; the workstation is said to show at most {limits.tags}"
        yield should("too-many-tags", pointer, text, assumed=False)
    for tag, count in Counter(tag for tag in tags if isinstance(tag, str)).items():
        if count > 1:
            yield should("tag-twice", pointer, f"{tag!r:.80} stands there {count} times", assumed=False)
        if not tag.strip():
            yield should("tag-empty", pointer, "a tag without a name can't be told from others", assumed=False)


def _of_index(index: Any, pointer: str, tags: list[Any], code: str) -> Iterator[Remark]:
    if isinstance(index, bool) or not isinstance(index, int) or 0 <= index < len(tags):
        return
    expected = f"expected 0 to {len(tags) - 1}" if tags else "there are no tags"
    yield must(code, pointer, f"{index} is no index into `tags`; {expected}")


def _of_key(key: Any, pointer: str) -> Iterator[Remark]:
    if key is not None and number(key) is None:
        yield must("sort-key-no-number", pointer, f"{key!r:.60} is nothing to sort by; expected a finite number")


def _of_sizes(content: Mapping[str, Any], size: tuple[int, int]) -> Iterator[Remark]:
    patch = number(content.get("patchSize"))
    if patch is not None and patch <= 0:
        yield must("patch-size-not-positive", f"{CONTENT}/patchSize", f"{patch:g} pixels; expected at least 1")
    elif patch is not None and patch > max(size):
        text = f"patches of {patch:g} pixels are larger than the image ({size[0]} x {size[1]} pixels)"
        yield must("patch-size-too-large", f"{CONTENT}/patchSize", text)
    magnification = number(content.get("magnification"))
    if magnification is not None and magnification <= 0:
        text = f"a magnification of {magnification:g}; expected more than 0, such as 20 or 40"
        yield must("magnification-not-positive", f"{CONTENT}/magnification", text)


def _of_buttons(content: Mapping[str, Any]) -> Iterator[Remark]:
    buttons = [button for _, button in listed(content.get("actions")) if isinstance(button, Mapping)]
    for name, count in Counter(str(button.get("id")) for button in buttons).items():
        if count > 1:
            text = f"the id {name!r:.80} stands there {count} times; the app can't tell which button was pressed"
            yield must("action-id-twice", f"{CONTENT}/actions", text)
