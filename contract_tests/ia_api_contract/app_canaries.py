"""PHI that nobody can have by accident: canary values in every PHI member and in the label; where they came back."""

import base64
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote

from PIL import Image, ImageChops, ImageDraw, ImageStat

from fake_pacs.embedding import Case, Slide

CASE_PHI: Mapping[str, Any] = {
    "studyInstanceUid": "2.25.710399115550127",
    "examId": "EXAM-7Q4ZK1",
    "examDateTime": "1911-07-13T03:17:43",
    "examFreeFields": [{"Patient": "Kanarievik, Fjodora 19110713-Q4ZK"}],
}
ACCESSION, ISSUER = "ACC-7Q4ZK2", "ISSUER-7Q4ZK3"
SLIDE_PHI: Mapping[str, Any] = {"seriesInstanceUid": "2.25.710399115550999", "lisSlideId": "LIS-7Q4ZK4"}
LABEL_TEXT = "LABEL-7Q4ZK5"

CANARIES: Mapping[str, str] = {
    "accessionNumber": ACCESSION,
    "accessionNumberIssuer": ISSUER,
    "studyInstanceUid": CASE_PHI["studyInstanceUid"],
    "examId": CASE_PHI["examId"],
    "examDateTime": "1911-07-13",
    "examFreeFields": "Kanarievik",
    **SLIDE_PHI,
}
"""What is looked for, by the member that holds it."""

ALIKE = 14.0
"""Two pictures whose pixels differ less than this on average, of 255, are the same one."""


def marked(slide: Slide, slide_id: str) -> Slide:
    """The slide under another id, with canaries in all that is PHI."""
    case = Case(ACCESSION, ISSUER, {**slide.case.details, **CASE_PHI})
    unmarked = {name: value for name, value in slide.details.items() if name not in CANARIES}
    picture = _Labelled(slide.picture)
    return replace(slide, id=slide_id, case=case, details={**unmarked, **SLIDE_PHI}, picture=picture)


class _Labelled:
    """A picture with the canaries' label."""

    def __init__(self, picture: Any) -> None:
        self._picture = picture

    def __getattr__(self, name: str) -> Any:
        return getattr(self._picture, name)

    def label(self) -> bytes:
        """The label with the canary text on it, and in a comment of the file."""
        return LABEL.jpeg


@dataclass(frozen=True)
class Label:
    """The label that every slide has."""

    text: str

    @cached_property
    def image(self) -> Image.Image:
        """White, the text in black, and bars that no tissue has."""
        image = Image.new("RGB", (320, 240), "#fff")
        pen = ImageDraw.Draw(image)
        pen.text((20, 20), self.text, fill="#000", font_size=32)
        for place in range(20, 300, 14):
            pen.rectangle((place, 120, place + (place * 7) % 11, 220), fill="#000")
        return image

    @cached_property
    def jpeg(self) -> bytes:
        """The label as GET label answers it."""
        buffer = io.BytesIO()
        self.image.save(buffer, "JPEG", quality=90, comment=self.text.encode())
        return buffer.getvalue()

    def is_in(self, content: bytes) -> bool:
        """Whether the bytes are, or hold, the label: its file, or a picture of it."""
        middle = len(self.jpeg) // 2
        if self.jpeg[middle : middle + 60] in content or self.text.encode() in content:
            return True
        try:
            with Image.open(io.BytesIO(content)) as image:
                size = (32, 24)
                difference = ImageChops.difference(
                    image.convert("L").resize(size), self.image.convert("L").resize(size)
                )
                return bool(ImageStat.Stat(difference).mean[0] < ALIKE)
        except (OSError, ValueError, Image.DecompressionBombError):
            return False


LABEL = Label(LABEL_TEXT)


def leaks(value: Any) -> list[str]:
    """The PHI members whose canaries stand in a JSON value or in bytes, as they are or encoded."""
    if not isinstance(value, bytes):
        value = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    lower = value.lower()
    return [name for name, canary in CANARIES.items() if any(form in lower for form in _forms(canary))]


def label_leaks(value: Any) -> bool:
    """Whether the label, or the text on it, stands in a JSON value or in bytes."""
    if isinstance(value, bytes):
        return LABEL.is_in(value)
    return any(LABEL_TEXT in text or _decodes_to_label(text) for text in texts_of(value))


def texts_of(value: Any) -> Iterator[str]:
    """Every text in a JSON value, names of members included."""
    if isinstance(value, str):
        yield value
    children = [*value.keys(), *value.values()] if isinstance(value, Mapping) else value
    for child in children if isinstance(children, list) else ():
        yield from texts_of(child)


def _forms(canary: str) -> set[bytes]:
    """The canary as it may stand in bytes, in lower case: plain, percent-encoded, in base64, without punctuation."""
    plain = canary.encode()
    forms = {plain, quote(canary).encode(), canary.replace("-", "").encode()}
    for shift in range(3):
        forms.add(base64.b64encode(b" " * shift + plain)[shift and 4 : len(plain) * 4 // 3 - 2])
    return {form.lower() for form in forms if len(form) >= 6}


def _decodes_to_label(text: str) -> bool:
    if len(text) < 200:
        return False
    try:
        return LABEL.is_in(base64.b64decode(text.partition("base64,")[2] or text, validate=False))
    except ValueError:
        return False
