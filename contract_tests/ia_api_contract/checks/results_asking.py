"""What checks of results ask for again and again: storing, reading, replacing, listing, and comparing JSON exactly."""

import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar

from ia_api_contract.exchanges import Answer
from ia_api_contract.outcomes import Failed, Skipped, expect
from ia_api_contract.target import Target

Document = dict[str, Any]
Came = TypeVar("Came")

AT_ONCE = 8
"""So many clients ask at the same time where a check is about concurrency."""


def mark() -> str:
    """A text that no result had before: how a check knows its own results among those of others."""
    return f"ia-api-contract {secrets.token_hex(6)}"


def without(document: Document, *names: str) -> Document:
    """The document without these members."""
    return {name: value for name, value in document.items() if name not in names}


def post(target: Target, document: Document, *, application: str | None = None, spelling: str | None = None) -> Answer:
    """Asks for a document to be stored, whatever the answer."""
    target.need_writes()
    return target.ask(
        "createResult", spelling=spelling, applicationId=application or target.application, json_body=document
    )


def create(target: Target, document: Document | None = None, *, application: str | None = None) -> Document:
    """A result that was stored just now, as answered in any 2xx. Raises `Failed` where id or versionId are missing."""
    sent = target.result(displayResult=mark()) if document is None else document
    return stored_in(post(target, sent, application=application), "storing a result")


def stored_in(answer: Answer, what: str) -> Document:
    """The stored result that an answer holds. Raises `Failed` where it holds none."""
    expect(answer.status // 100 == 2, f"{what} was answered with {answer}; expected the stored result")
    body = answer.json
    whole = isinstance(body, dict) and "id" in body and "versionId" in body
    expect(whole, f"{what} was answered without id or versionId: {answer}")
    return dict(body)


def get(target: Target, result_id: Any, application: str | None = None) -> Answer:
    """Asks for one result, whatever the answer."""
    return target.ask("getResult", applicationId=application or target.application, resultId=result_id)


def read(target: Target, result_id: Any) -> Document:
    """One result, as it is now."""
    return stored_in(get(target, result_id), f"reading result {result_id}")


def put(target: Target, result_id: Any, document: Document, spelling: str | None = None) -> Answer:
    """Asks for a result to be replaced by the document, whatever the answer."""
    application = target.application
    return target.ask(
        "updateResult", spelling=spelling, json_body=document, applicationId=application, resultId=result_id
    )


def replace(target: Target, stored: Document, **members: Any) -> Document:
    """The result after it was replaced by itself with other members, in any 2xx."""
    answer = put(target, stored["id"], {**stored, **members})
    return stored_in(answer, f"replacing result {stored['id']} with its last versionId")


def listed(target: Target, slide: str | None = None, application: str | None = None) -> list[Document]:
    """The application's results on a slide, as the target lists them. Raises `Failed` where that is no list."""
    chosen = slide or target.slide
    answer = target.ask("listResults", applicationId=application or target.application, slideId=chosen)
    found = answer.json
    is_list = answer.status == 200 and isinstance(found, list) and all(isinstance(entry, dict) for entry in found)
    expect(is_list, f"listing the results of slide {chosen} was answered with {answer}; expected a list")
    return list(found)


def marks_in(results: Sequence[Document]) -> list[Any]:
    """What the results show, in their order: where the marks stand."""
    return [entry.get("displayResult") for entry in results]


def other_slide(target: Target) -> str:
    """A second slide. Raises `Skipped` where only one is known."""
    if len(target.holdings.slides) < 2:
        raise Skipped("only one slide of the target is known")
    return target.holdings.slides[1]


def other_application(target: Target) -> str:
    """A second application. Raises `Skipped` where only one is known."""
    if len(target.holdings.applications) < 2:
        raise Skipped("only one application of the target is known")
    return target.holdings.applications[1]


def unknown(what: str) -> str:
    """An id that nothing has."""
    return f"no-such-{what}-{secrets.token_hex(6)}"


def at_once(calls: Sequence[Callable[[], Came]]) -> list[Came]:
    """What the calls come back with, made by as many threads at the same moment. Raises what one of them raised."""
    start = Barrier(len(calls))

    def made(call: Callable[[], Came]) -> Came:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(made, calls))


def difference(sent: Any, came: Any, pointer: str = "") -> str | None:
    """Where two JSON values differ first, in words; None where they say the same.

    The order of members says nothing, the order of items does; 1 and 1.0 are the same number, true and 1 are not.
    """
    if isinstance(sent, dict) and isinstance(came, dict):
        if odd := sorted(sent.keys() ^ came.keys()):
            verb = "is missing" if odd[0] in sent else f"was added ({came[odd[0]]!r})"
            return f"{pointer}/{odd[0]} {verb}"
        pairs = [(name, value, came[name]) for name, value in sent.items()]
    elif isinstance(sent, list) and isinstance(came, list):
        if len(sent) != len(came):
            return f"{pointer or '/'} has {len(came)} items; expected {len(sent)}"
        pairs = [(str(at), value, came[at]) for at, value in enumerate(sent)]
    else:
        kinds_differ = isinstance(sent, bool) != isinstance(came, bool)
        return f"{pointer or '/'} is {came!r}; expected {sent!r}" if kinds_differ or sent != came else None
    return next((text for name, one, two in pairs if (text := difference(one, two, f"{pointer}/{name}"))), None)


def expect_same(sent: Any, came: Any, what: str) -> None:
    """Raises `Failed` that says where the two differ first, unless they say the same."""
    if text := difference(sent, came):
        raise Failed(f"{what}: {text}")
