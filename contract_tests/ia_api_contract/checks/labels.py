"""Labels: an image, or 204 where the slide has none."""

from collections.abc import Iterator

from ia_api_contract.asking import NOWHERE, expect_status, slides
from ia_api_contract.check import Check
from ia_api_contract.exchanges import Answer
from ia_api_contract.outcomes import Skipped, expect
from ia_api_contract.pixels import decoded
from ia_api_contract.target import Target


def image_or_none(target: Target) -> None:
    """A known slide's label is 200 or 204, and 204 brings no body."""
    for slide in slides(target):
        answer = target.ask("getSlideLabel", slideId=slide)
        expect(answer.status in (200, 204), f"the label of {slide} was answered with {answer}; expected 200 or 204")
        length = answer.headers.get("content-length", "0")
        expect(answer.status == 200 or length == "0", f"the 204 for {slide} announces a body of {length} bytes")


def has_a_picture(target: Target) -> None:
    """What comes with 200 can be decoded as an image."""
    for slide, answer in _labels(target):
        decoded(answer.body, f"the label of {slide}")


def jpeg(target: Target) -> None:
    """It is a JPEG, and says so."""
    for slide, answer in _labels(target):
        expect(answer.media_type == "image/jpeg", f"the label of {slide} came as {answer.media_type!r}")
        expect(answer.body[:2] in (b"\xff\xd8", b""), f"the label of {slide} is called image/jpeg and is none")


def unknown(target: Target) -> None:
    """The label of a slide that isn't there is 404."""
    expect_status(target.ask("getSlideLabel", slideId=NOWHERE), 404, "the label of a slide that nobody has")


def _labels(target: Target) -> Iterator[tuple[str, Answer]]:
    """The labels that there are. Raises `Skipped` where no slide has one."""
    found = False
    for slide in slides(target):
        answer = target.ask("getSlideLabel", slideId=slide)
        if answer.status == 200:
            found = True
            yield slide, answer
    if not found:
        raise Skipped("no slide that was looked at has a label")


CHECKS = (
    Check(
        "labels.image-or-none",
        "The label of a known slide is answered with 200, or with 204 and no body.",
        "getSlideLabel 204",
        "Most slides have no label: callers tell that from a fault by the 204.",
        image_or_none,
        mandatory=True,
    ),
    Check(
        "labels.has-a-picture",
        "A label answered with 200 is an image that can be decoded.",
        "getSlideLabel 200",
        "Callers hand the bytes to an image library unseen; an empty 200 breaks them.",
        has_a_picture,
        needs=("labels.image-or-none",),
    ),
    Check(
        "labels.jpeg",
        "A label is a JPEG and is called image/jpeg.",
        "getSlideLabel 200",
        "Callers write the bytes to a .jpg file.",
        jpeg,
        needs=("labels.image-or-none",),
    ),
    Check(
        "labels.unknown-404",
        "The label of an unknown slide is refused with 404, not with 204.",
        "getSlideLabel 404",
        "204 would say that there is such a slide.",
        unknown,
    ),
)
