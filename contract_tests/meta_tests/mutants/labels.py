"""Mutants of labels."""

import io

from PIL import Image

from meta_tests.mutant import Mutant
from meta_tests.spoiling import instead, where

LABEL = r"/label$"


def _png(body: bytes) -> bytes:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(body)) as image:
        image.save(buffer, "PNG")
    return buffer.getvalue()


MUTANTS = (
    Mutant(
        "labels-404",
        "A slide without a label is answered with 404.",
        ("labels.image-or-none",),
        spoil=where(LABEL, instead(404, b"{}"), status=204),
    ),
    Mutant(
        "labels-empty-200",
        "A slide without a label is answered with 200 and nothing in it.",
        ("labels.has-a-picture",),
        spoil=where(LABEL, instead(200, b"", "image/jpeg"), status=204),
    ),
    Mutant(
        "labels-png",
        "Labels are PNG and are called image/jpeg.",
        ("labels.jpeg",),
        spoil=where(LABEL, lambda response: instead(200, _png(response.body), "image/jpeg")(response)),
    ),
    Mutant(
        "labels-unknown-204",
        "An unknown slide has no label, and nothing else is wrong with it.",
        ("labels.unknown-404",),
        spoil=where(LABEL, instead(204), status=404),
    ),
)
