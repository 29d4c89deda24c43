"""Cases: the slides of a case, by its number and by one of them."""

from dataclasses import dataclass
from typing import Any

from ia_api_contract.asking import BOTH, NOWHERE, expect_status, expect_to_fit, json_objects, slide_info
from ia_api_contract.check import Check
from ia_api_contract.exchanges import Answer
from ia_api_contract.outcomes import Skipped, expect
from ia_api_contract.target import Target

PHI_MEMBERS = ("seriesInstanceUid", "lisSlideId")
SHARED = ("staining", "block", "specimen", *PHI_MEMBERS)


@dataclass(frozen=True)
class Known:
    """A case as the suite knows it: its number, its issuer (None: unknown), and slides that it surely has."""

    number: str
    issuer: str | None
    slides: tuple[str, ...]


def by_number(target: Target) -> None:
    """By number and issuer, every slide of the case is listed, once."""
    for case in _cases(target):
        listed = _ids(_list(target, case))
        missing = sorted(set(case.slides) - set(listed))
        expect(not missing, f"the case {case.number} of {case.issuer!r} is listed without {', '.join(missing)}")
        expect(len(set(listed)) == len(listed), f"the case {case.number} lists a slide twice: {listed}")


def by_slide(target: Target) -> None:
    """By a slide, the list of its own case, the same as by number."""
    for case in _cases(target):
        expected = _ids(_list(target, case))
        for slide in case.slides:
            listed = _ids(json_objects(target.ask("getCaseImagesBySlide", slideId=slide), f"the case of {slide}"))
            expect(listed == expected, f"the case of {slide} is listed as {listed}, by its number as {expected}")


def members(target: Target) -> None:
    """Every entry is as the contract says, with PHI and without."""
    case = _cases(target)[0]
    for phi in (None, "true"):
        by_number = _ask(target, case, includePHI=phi)
        by_slide = target.ask("getCaseImagesBySlide", slideId=case.slides[0], includePHI=phi)
        for operation, answer in (("getCaseImages", by_number), ("getCaseImagesBySlide", by_slide)):
            json_objects(answer, f"the case {case.number}")
            expect_to_fit(target, operation, answer)


def no_phi_by_number(target: Target) -> None:
    """By number, PHI members only for those who ask."""
    case = _cases(target)[0]
    for answer in (_ask(target, case), _ask(target, case, includePHI="false")):
        _expect_no_phi(answer)


def no_phi_by_slide(target: Target) -> None:
    """By slide, PHI members only for those who ask."""
    slide = _cases(target)[0].slides[0]
    for phi in (None, "false"):
        _expect_no_phi(target.ask("getCaseImagesBySlide", slideId=slide, includePHI=phi))


def phi_when_asked(target: Target) -> None:
    """With PHI, every entry has what the downloader requires."""
    case = _cases(target)[0]
    by_slide = target.ask("getCaseImagesBySlide", slideId=case.slides[0], includePHI="True")
    for answer in (_ask(target, case, includePHI="true"), by_slide):
        for entry in json_objects(answer, f"the case {case.number} with PHI"):
            right = isinstance(entry.get("seriesInstanceUid"), str) and isinstance(entry.get("specimen"), dict)
            expect(right, f"with PHI, an entry lacks seriesInstanceUid or specimen: {entry}")


def both_spellings(target: Target) -> None:
    """The issuer counts the same in both spellings of its parameter, the right one and a wrong one."""
    case = _with_issuer(target)
    for issuer in (case.issuer, NOWHERE):
        one = _named(target, case.number, accessionNumberIssuer=issuer)
        other = _named(target, case.number, accessionNumberIssuerId=issuer)
        same = one.status == other.status and (one.status // 100 != 2 or one.json == other.json)
        expect(same, f"accessionNumberIssuer={issuer} gave {one}; accessionNumberIssuerId={issuer} gave {other}")


def issuer_selects(target: Target) -> None:
    """Of cases that share a number, the issuer chooses one."""
    for case in _sharing_a_number(target):
        listed = _ids(_list(target, case))
        expect(set(listed) == set(case.slides), f"{case.number} of {case.issuer} lists {listed}, not {case.slides}")


def without_issuer(target: Target) -> None:
    """Without an issuer, the slides of all cases of that number."""
    cases = _sharing_a_number(target)
    wanted = {slide for case in cases for slide in case.slides}
    answer = _named(target, cases[0].number)
    listed = _ids(json_objects(answer, f"the cases {cases[0].number}"))
    expect(set(listed) == wanted, f"{cases[0].number} of any issuer lists {listed}, not {sorted(wanted)}")


def unknown_number(target: Target) -> None:
    """A number that nobody gave out is 404, not an empty list."""
    expect_status(_named(target, NOWHERE), 404, f"the case {NOWHERE}, which nobody has,")


def unknown_issuer(target: Target) -> None:
    """An issuer who didn't give out the number is 404."""
    case = _with_issuer(target)
    answer = _named(target, case.number, accessionNumberIssuer=NOWHERE)
    expect_status(answer, 404, f"the case {case.number} of an issuer who isn't there")


def unknown_slide(target: Target) -> None:
    """The case of a slide that isn't there is 404."""
    expect_status(target.ask("getCaseImagesBySlide", slideId=NOWHERE), 404, "the case of a slide that nobody has")


def as_in_slide_info(target: Target) -> None:
    """What the list says of a slide is what slide info says of it."""
    for entry in _list(target, _cases(target)[0], includePHI="true")[:8]:
        info = slide_info(target, str(entry.get("id")), **BOTH)
        wrong = [name for name in SHARED if name in entry and entry[name] != info.get(name)]
        expect(not wrong, f"{', '.join(wrong)} of {entry.get('id')} differ between case list and slide info")


# Helpers


def _cases(target: Target) -> list[Known]:
    """Cases whose slides are known: those that the target lists, else the one that slide info tells of."""
    known = [Known(case.accession_number, case.issuer, case.slides) for case in target.holdings.cases if case.slides]
    if known:
        return known[:8]
    answer = target.ask("getSlideInfo", slideId=target.slide, **BOTH)
    info = answer.json if answer.status == 200 and isinstance(answer.json, dict) else {}
    number, issuer = info.get("accessionNumber"), info.get("accessionNumberIssuer")
    if not isinstance(number, str) or not number:
        raise Skipped("no accession number is known: neither slide info nor --accession tells one")
    return [Known(number, issuer if isinstance(issuer, str) else None, (target.slide,))]


def _with_issuer(target: Target) -> Known:
    case = next((case for case in _cases(target) if case.issuer), None)
    if case is None:
        raise Skipped("no case whose issuer is known")
    return case


def _sharing_a_number(target: Target) -> list[Known]:
    cases = _cases(target)
    for case in cases:
        sharing = [other for other in cases if other.number == case.number]
        if len(sharing) > 1:
            return sharing
    raise Skipped("no two known cases share a number")


def _named(target: Target, number: str, **query: Any) -> Answer:
    return target.ask("getCaseImages", accessionNumber=number, **query)


def _ask(target: Target, case: Known, **query: Any) -> Answer:
    return _named(target, case.number, accessionNumberIssuer=case.issuer, **query)


def _list(target: Target, case: Known, **query: Any) -> list[dict[str, Any]]:
    return json_objects(_ask(target, case, **query), f"the case {case.number} of {case.issuer!r}")


def _ids(listed: list[dict[str, Any]]) -> list[str]:
    return [str(entry.get("id")) for entry in listed]


def _expect_no_phi(answer: Answer) -> None:
    for entry in json_objects(answer, "a case without PHI"):
        shown = [name for name in PHI_MEMBERS if name in entry]
        expect(not shown, f"without PHI, the entry of {entry.get('id')} shows {', '.join(shown)}")


def _check(name: str, sentence: str, address: str, rationale: str, probe: Any, *needs: str) -> Check:
    wanted = tuple(f"cases.{need}" for need in needs)
    return Check(f"cases.{name}", sentence, address, rationale, probe, since="1.9", needs=wanted)


CHECKS = (
    _check(
        "by-number",
        "The list of a case, by number and issuer, has all of its slides, each once.",
        "getCaseImages 200",
        "An app that judges a case must see the whole of it.",
        by_number,
    ),
    _check(
        "by-slide",
        "By one of its slides, the same list of the case is had.",
        "getCaseImagesBySlide 200",
        "An app knows a slide from its invocation and no number.",
        by_slide,
        "by-number",
    ),
    _check(
        "members",
        "Every entry of a case list has its required members, none of them null.",
        "getCaseImages 200",
        "Callers read these members without looking whether they are there.",
        members,
    ),
    _check(
        "no-phi-by-number",
        "By number, the list shows PHI members only when they were asked for.",
        "getCaseImages",
        "A list shows a whole case at once.",
        no_phi_by_number,
    ),
    _check(
        "no-phi-by-slide",
        "By slide, the list shows PHI members only when they were asked for.",
        "getCaseImagesBySlide",
        "A list shows a whole case at once.",
        no_phi_by_slide,
    ),
    _check(
        "phi-when-asked",
        "With PHI, every entry has seriesInstanceUid and specimen.",
        "getCaseImages 200",
        "The downloader asks with PHI and requires both.",
        phi_when_asked,
    ),
    _check(
        "both-spellings",
        "accessionNumberIssuer and accessionNumberIssuerId are the same parameter.",
        "getCaseImages",
        "Some callers send the one, some the other; an issuer that is ignored mixes two cases.",
        both_spellings,
    ),
    _check(
        "issuer-selects",
        "Of cases that share a number, the issuer chooses one.",
        "getCaseImages",
        "Two laboratories give out the same number: mixing them is mixing patients.",
        issuer_selects,
        "by-number",
    ),
    _check(
        "without-issuer",
        "Without an issuer, the slides of every case of that number are listed.",
        "getCaseImages",
        "Callers that know one laboratory only send no issuer.",
        without_issuer,
    ),
    _check(
        "unknown-number-404",
        "A case number that nobody gave out is refused with 404.",
        "getCaseImages 404",
        "An empty list would say that the case is there and has no slides.",
        unknown_number,
    ),
    _check(
        "unknown-issuer-404",
        "A case number of an issuer who didn't give it out is refused with 404.",
        "getCaseImages 404",
        "An empty list would say that the case is there and has no slides.",
        unknown_issuer,
    ),
    _check(
        "unknown-slide-404",
        "The case of an unknown slide is refused with 404.",
        "getCaseImagesBySlide 404",
        "An empty list would say that there is such a slide.",
        unknown_slide,
    ),
    _check(
        "as-in-slide-info",
        "What a case list says of a slide is what slide info says of it.",
        "getCaseImages",
        "Apps make file names of either.",
        as_in_slide_info,
    ),
)
