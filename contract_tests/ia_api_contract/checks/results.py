"""Results: how they are stored, what their ids and versions are, where they are found again."""

from typing import Any

from ia_api_contract.check import Check
from ia_api_contract.checks.results_asking import (
    create,
    expect_same,
    get,
    listed,
    mark,
    marks_in,
    other_application,
    other_slide,
    post,
    put,
    read,
    replace,
    stored_in,
    unknown,
    without,
)
from ia_api_contract.outcomes import expect
from ia_api_contract.target import Target


def created_with_201(target: Target) -> None:
    """Storing is answered with exactly 201."""
    answer = post(target, target.result())
    expect(answer.status == 201, f"storing a result was answered with {answer}; expected exactly 201")


def ids_are_integers(target: Target) -> None:
    """The id is a JSON integer from 1."""
    came = create(target)["id"]
    expect(isinstance(came, int) and not isinstance(came, bool) and came >= 1, f"the id is {came!r}; expected 1, 2, …")


def ids_are_unique(target: Target) -> None:
    """No id is given twice in an application, whatever the slide."""
    slides = target.holdings.slides[:2]
    before = [entry.get("id") for slide in slides for entry in listed(target, slide)]
    made = [create(target, target.result(slideId=slide)) for slide in (*slides, *reversed(slides))]
    replace(target, made[0], displayResult=mark())
    made.append(create(target))
    ids = [entry["id"] for entry in made]
    expect(len(set(ids)) == len(ids), f"results stored one after the other got the ids {ids}")
    again = sorted(set(ids) & set(before))
    expect(not again, f"the ids {again} were given again, though results had them before")


def ids_grow(target: Target) -> None:
    """A later result has a larger id."""
    ids = [create(target)["id"] for _ in range(4)]
    expect(ids == sorted(ids), f"results stored one after the other got the ids {ids}; expected growing ones")


def versions_are_texts(target: Target) -> None:
    """The versionId is a text that isn't empty, wherever it is shown."""
    stored = create(target)
    mine = [entry for entry in listed(target) if entry.get("id") == stored["id"]]
    replaced = replace(target, stored)
    shown = {"create": stored, "list": mine[0] if mine else {}, "update": replaced, "get": read(target, stored["id"])}
    for place, result in shown.items():
        came = result.get("versionId")
        expect(isinstance(came, str) and came != "", f"in the answer to {place} the versionId is {came!r}")


def versions_change(target: Target) -> None:
    """Every write gives a versionId that the result never had."""
    result = create(target)
    seen = [result["versionId"]]
    for _ in range(4):
        result = replace(target, result)
        seen.append(result["versionId"])
    expect(len(set(seen)) == len(seen), f"five writes gave the versionIds {seen}")


def read_back(target: Target) -> None:
    """Reading a result answers what storing it answered."""
    stored = create(target)
    expect_same(stored, read(target, stored["id"]), "the result read differs from the answer to storing it")


def list_is_complete(target: Target) -> None:
    """The list holds what was stored, as reading it shows it."""
    for stored in (create(target), create(target)):
        found = [entry for entry in listed(target) if entry.get("id") == stored["id"]]
        expect(len(found) == 1, f"the list of the slide holds result {stored['id']} {len(found)} times")
        expect_same(read(target, stored["id"]), found[0], "the result in the list differs from the result read")


def list_is_oldest_first(target: Target) -> None:
    """The list is in the order in which the results were stored, replacing changes nothing in it."""
    stored = [create(target) for _ in range(3)]
    texts = marks_in(stored)
    replace(target, stored[0])
    shown = [text for text in marks_in(listed(target)) if text in texts]
    expect(shown == texts, f"stored in the order {texts}, listed in the order {shown}")


def list_is_of_the_slide(target: Target) -> None:
    """The list holds nothing of another slide."""
    elsewhere = create(target, target.result(slideId=other_slide(target), displayResult=mark()))
    odd = [entry.get("slideId") for entry in listed(target) if entry.get("slideId") != target.slide]
    expect(not odd, f"the list of slide {target.slide} holds results of {sorted(set(map(str, odd)))}")
    shown = elsewhere["displayResult"] in marks_in(listed(target))
    expect(not shown, f"the list of slide {target.slide} holds a result that was stored for another slide")


def list_is_of_the_application(target: Target) -> None:
    """The list holds nothing of another application."""
    foreign = create(target, application=other_application(target))
    shown = foreign["displayResult"] in marks_in(listed(target))
    expect(not shown, f"the list of {target.application} holds a result of {other_application(target)}")


def read_is_of_the_application(target: Target) -> None:
    """Another application's path doesn't lead to the result."""
    stored = create(target)
    answer = get(target, stored["id"], other_application(target))
    found: Any = answer.json if isinstance(answer.json, dict) else {}
    leaked = answer.status == 200 and found.get("displayResult") == stored["displayResult"]
    expect(not leaked, f"a result of {target.application} was read as one of {other_application(target)}")


def unknown_application(target: Target) -> None:
    """Storing for, and asking for, an unknown application is 404."""
    name = unknown("application")
    for what, answer in (
        ("storing a result", post(target, target.result(), application=name)),
        ("listing", target.ask("listResults", applicationId=name, slideId=target.slide)),
        ("reading result 1", get(target, 1, name)),
    ):
        expect(answer.status == 404, f"{what} of an application that isn't registered was answered with {answer}")


def unknown_slide(target: Target) -> None:
    """Storing for, and listing of, an unknown slide is 404."""
    name = unknown("slide")
    for what, answer in (
        ("storing a result", post(target, target.result(slideId=name))),
        ("listing", target.ask("listResults", applicationId=target.application, slideId=name)),
    ):
        expect(answer.status == 404, f"{what} of a slide that isn't there was answered with {answer}; expected 404")


def unknown_result(target: Target) -> None:
    """Reading and replacing a result that isn't there is 404."""
    nobody = max((int(entry["id"]) for entry in listed(target)), default=0) + 10**9
    answer = get(target, nobody)
    expect(answer.status == 404, f"reading result {nobody}, which isn't there, was answered with {answer}")
    answer = put(target, nobody, target.result(id=nobody, versionId="0"))
    expect(answer.status == 404, f"replacing result {nobody}, which isn't there, was answered with {answer}")


def served_as_hooks(target: Target) -> None:
    """`POST /hooks/…/results`, with and without the slash at the end, stores as the usual spelling does."""
    for spelling in ("hooks", "hooks-without-slash"):
        _stores(target, spelling)


def replaced_as_hooks(target: Target) -> None:
    """`PUT /hooks/…/results/{id}` replaces as the usual spelling does."""
    stored, text = create(target), mark()
    answer = put(target, stored["id"], {**stored, "displayResult": text}, spelling="hooks")
    expect(answer.status // 100 == 2, f"replacing through /hooks was answered with {answer}")
    shown = read(target, stored["id"])["displayResult"]
    expect(shown == text, f"replaced through /hooks by {text!r}, the result shows {shown!r}")


def served_with_slash(target: Target) -> None:
    """`…/results/` stores as `…/results` does."""
    _stores(target, "trailing-slash")


def _stores(target: Target, spelling: str) -> None:
    answer = post(target, target.result(displayResult=mark()), spelling=spelling)
    stored = stored_in(answer, f"storing through the spelling {spelling!r}")
    expect_same(stored, read(target, stored["id"]), f"what was stored through the spelling {spelling!r}")


def assigned_by_server(target: Target) -> None:
    """`id` and `versionId` in a new result are the server's, whatever the caller sends."""
    taken = create(target)
    sent = {**without(target.result(), "attachments"), "id": taken["id"], "versionId": taken["versionId"]}
    stored = create(target, sent)
    for name in ("id", "versionId"):
        expect(stored[name] != taken[name], f"the caller's own {name} {taken[name]!r} was taken for the new result")


CHECKS = (
    Check(
        "results.stores-and-reads",
        "Reading a result answers what storing it answered.",
        "getResult 200",
        "What an app gets back from storing is what it works with from then on.",
        read_back,
        writes=True,
        mandatory=True,
    ),
    Check(
        "results.create-201",
        "Storing a result is answered with exactly 201.",
        "createResult 201",
        "Callers compare the status with 201.",
        created_with_201,
        writes=True,
        mandatory=True,
    ),
    Check(
        "results.id-integer",
        "The id of a result is an integer.",
        "createResult 201",
        "Apps put it into URLs and keep it in integer columns.",
        ids_are_integers,
        writes=True,
        needs=("results.stores-and-reads",),
    ),
    Check(
        "results.ids-unique",
        "No id is given twice in an application.",
        "createResult 201",
        "An id that comes again makes one app overwrite what another run of it stored.",
        ids_are_unique,
        writes=True,
        needs=("results.stores-and-reads", "results.id-integer"),
    ),
    Check(
        "results.ids-grow",
        "A result that was stored later has a larger id.",
        "createResult 201",
        "The list is ordered by id and callers take its last entry for the latest: both hold only if ids grow.",
        ids_grow,
        writes=True,
        needs=("results.ids-unique",),
    ),
    Check(
        "results.version-text",
        "The versionId is a text in every answer.",
        "updateResult 200",
        "Callers send it back as they got it, and typed ones refuse a number.",
        versions_are_texts,
        writes=True,
        needs=("results.stores-and-reads", "results.id-integer"),
    ),
    Check(
        "results.version-changes",
        "Every write gives the result a versionId that it never had before.",
        "updateResult 200",
        "Without it, a second writer's stale versionId would pass for the last one.",
        versions_change,
        writes=True,
        needs=("results.stores-and-reads", "results.id-integer"),
    ),
    Check(
        "results.list-complete",
        "The list of a slide holds what was stored, as reading it shows it.",
        "listResults 200",
        "An app that is started again finds its own results in the list.",
        list_is_complete,
        writes=True,
        needs=("results.stores-and-reads",),
    ),
    Check(
        "results.list-oldest-first",
        "The list is oldest first.",
        "listResults 200",
        "Callers take the last entry as the latest result.",
        list_is_oldest_first,
        writes=True,
        needs=("results.list-complete", "results.id-integer"),
    ),
    Check(
        "results.list-slide-only",
        "The list of a slide holds results of that slide only.",
        "listResults 200",
        "A result on the wrong slide is a wrong diagnosis.",
        list_is_of_the_slide,
        writes=True,
        needs=("results.list-complete",),
    ),
    Check(
        "results.list-application-only",
        "The list holds results of the application asked for only.",
        "listResults 200",
        "An app can't read the data of another one.",
        list_is_of_the_application,
        writes=True,
        needs=("results.list-complete",),
    ),
    Check(
        "results.read-application-only",
        "A result can't be read through the path of another application.",
        "getResult 404",
        "Ids may be counted per application: the same number may be somebody else's result.",
        read_is_of_the_application,
        writes=True,
        needs=("results.stores-and-reads",),
    ),
    Check(
        "results.unknown-application-404",
        "Results of an application that isn't registered: 404.",
        "createResult 404",
        "A misspelt application id must not store results that nobody will ever see.",
        unknown_application,
        writes=True,
    ),
    Check(
        "results.unknown-slide-404",
        "Results on a slide that isn't there: 404.",
        "createResult 404",
        "A misspelt slide id must not store results that nobody will ever see.",
        unknown_slide,
        writes=True,
    ),
    Check(
        "results.unknown-result-404",
        "A result that isn't there can't be read or replaced: 404.",
        "getResult 404",
        "The user may have deleted it meanwhile: the app has to learn that.",
        unknown_result,
        writes=True,
    ),
    Check(
        "results.hooks-create",
        "Storing through /hooks is the same as through /applications.",
        "createResult",
        "The vendor's basic example uses that spelling.",
        served_as_hooks,
        writes=True,
        needs=("results.stores-and-reads",),
    ),
    Check(
        "results.hooks-update",
        "Replacing through /hooks is the same as through /applications.",
        "updateResult",
        "The vendor's basic example uses that spelling.",
        replaced_as_hooks,
        writes=True,
        needs=("results.stores-and-reads", "results.id-integer"),
    ),
    Check(
        "results.trailing-slash",
        "A slash at the end of the path changes nothing.",
        "createResult",
        "Some callers append the slash, and follow no redirect.",
        served_with_slash,
        writes=True,
        needs=("results.stores-and-reads",),
    ),
    Check(
        "results.assigned-by-server",
        "id and versionId of a new result are the server's, whatever the caller sends.",
        "createResult 201",
        "Apps store a copy of a stored result by sending it whole.",
        assigned_by_server,
        writes=True,
        needs=("results.stores-and-reads",),
    ),
)
