"""Results on their way: an answer made of the text that came says the same as one that is written anew."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_pacs.answering import render
from fake_pacs.reading import read_json
from fake_pacs.result_documents import document_of, on_wire, text_of
from fake_pacs.store import AttachmentEntry, StoredResult
from ia_api_spec import Schema

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
NAMES = st.lists(TEXTS, unique=True, max_size=2)
BODIES = st.fixed_dictionaries(
    {"slideId": TEXTS, "displayResult": TEXTS, "data": st.just({"context": {"a": [1, 2.5, None]}})},
    optional={
        "id": st.integers(1, 9),
        "versionId": TEXTS,
        "applicationVersion": TEXTS,
        "displayProperties": st.none() | st.dictionaries(TEXTS, TEXTS, max_size=2),
        "attachments": st.none() | NAMES.map(lambda names: [{"name": name} for name in names]),
        "unknown": st.floats(allow_nan=False, allow_infinity=False),
    },
)


class Anything(Schema):
    """A schema that everything fits."""

    def __init__(self) -> None:
        """Needs no document."""

    def violations(self, value: Any, part: str) -> list[Any]:
        """None."""
        return []


@pytest.fixture(scope="module")
def stored_of() -> Any:
    def stored(body: dict[str, Any]) -> StoredResult:
        entries = tuple(AttachmentEntry(sent["name"], "new") for sent in body.get("attachments") or ())
        return StoredResult(7, 'v"7', "app", body["slideId"], document_of(body), entries, text_of(body))

    return stored


@given(
    body=BODIES,
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
    before=st.sampled_from(["", "\n ", "\ufeff"]),
)
def test_an_answer_says_the_same_whether_its_text_came_or_is_written_anew(
    stored_of: Any, body: dict[str, Any], indent: int | None, ascii_only: bool, before: str
) -> None:
    raw = (before + json.dumps(body, indent=indent, ensure_ascii=ascii_only)).encode("utf-8")
    read, violations = read_json(Anything(), raw)
    assert not violations
    assert read == body
    stored = stored_of(read)
    anew = on_wire(replace(stored, text=None))
    assert type(anew) is dict
    assert on_wire(stored) == anew
    assert json.loads(render(on_wire(stored))) == anew
    assert json.loads(render([on_wire(stored), anew])) == [anew, anew]


def test_text_that_came_is_kept_where_all_of_it_is_and_only_then() -> None:
    raw = b'{ "slideId": "s" , "displayResult": "1.50" }'
    read, _ = read_json(Anything(), raw)
    assert text_of(read) == raw.decode()
    assert text_of({**read}) is None
    for copied in (copy.copy(read), copy.deepcopy(read), read.copy(), read | {}):
        assert copied == read
        assert text_of(copied) is None
    with_id, _ = read_json(Anything(), b'{"id": 1, "slideId": "s"}')
    assert text_of(with_id) is None
