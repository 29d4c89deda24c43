"""The slides of a case: several issuers, both spellings of the parameter, PHI."""

from collections.abc import Callable
from typing import Any

import pytest

MakePacs = Callable[..., Any]

BOTH_LABS = ["demo-he-1", "demo-ihc-1", "demo-tiff-1", "demo-focus-1"]


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.data
    return [info["id"] for info in answer.json]


def test_a_case_lists_its_slides(pacs: Any) -> None:
    assert ids(pacs.get("/requests/S26-1002/images/info")) == ["demo-dicom_1", "demo-fluor-1", "demo-pattern-1"]


@pytest.mark.parametrize("path", ["/requests/S26-1002/images/info", "/slides/demo-dicom_1/request/images/info"])
@pytest.mark.parametrize(
    ("query", "more"),
    [("", set()), ("?includePHI=false", set()), ("?includePHI=True", {"seriesInstanceUid", "lisSlideId"})],
)
def test_phi_is_only_told_on_request(pacs: Any, path: str, query: str, more: set[str]) -> None:
    for info in pacs.get(path + query).json:
        assert set(info) == {"id", "staining", "block", "specimen"} | more
        assert None not in info.values()
        assert isinstance(info["specimen"], dict)


def test_lis_slide_ids_are_unique_within_each_case(pacs: Any) -> None:
    for number, issuer in (("S26-1001", "LAB-NORTH"), ("S26-1001", "LAB-SOUTH"), ("S26-1002", "LAB-NORTH")):
        infos = pacs.get(f"/requests/{number}/images/info?accessionNumberIssuer={issuer}&includePHI=true").json
        assert len({info["lisSlideId"] for info in infos}) == len(infos) >= 2


def test_without_an_issuer_the_cases_of_all_are_listed_and_journalled(pacs: Any) -> None:
    assert ids(pacs.get("/requests/S26-1001/images/info")) == BOTH_LABS
    assert pacs.oddities() == {"several-issuers": "accessionNumberIssuer"}
    assert "LAB-NORTH" in pacs.journal()[-1]["oddities"][0]["text"]
    assert "LAB-SOUTH" in pacs.journal()[-1]["oddities"][0]["text"]


@pytest.mark.parametrize(("issuer", "expected"), [("LAB-NORTH", BOTH_LABS[:2]), ("LAB-SOUTH", BOTH_LABS[2:])])
def test_an_issuer_tells_cases_of_one_number_apart(pacs: Any, issuer: str, expected: list[str]) -> None:
    assert ids(pacs.get(f"/requests/S26-1001/images/info?accessionNumberIssuer={issuer}")) == expected
    assert pacs.oddities() == {}


@pytest.mark.parametrize("path", ["/requests/S26-1001/images/info", "/slides/demo-tiff-1/request/images/info"])
def test_the_other_spelling_of_the_issuer_means_the_same_and_is_journalled(pacs: Any, path: str) -> None:
    assert ids(pacs.get(f"{path}?accessionNumberIssuerId=LAB-SOUTH")) == BOTH_LABS[2:]
    assert pacs.oddities() == {"other-spelling": "accessionNumberIssuerId"}


def test_both_spellings_may_come_together_if_they_agree(pacs: Any) -> None:
    path = "/requests/S26-1001/images/info?accessionNumberIssuer=LAB-SOUTH&accessionNumberIssuerId="
    assert ids(pacs.get(path + "LAB-SOUTH")) == BOTH_LABS[2:]
    problem = pacs.refused(400, "invalid-request", "GET", path + "LAB-NORTH")
    assert problem["violations"][0]["pointer"] == "accessionNumberIssuerId"


@pytest.mark.parametrize(
    "path",
    [
        "/requests/S26-1001/images/info?accessionNumberIssuer=LAB-EAST",
        "/requests/S26-1001/images/info?accessionNumberIssuerId=LAB-EAST",
        "/requests/S26-1001/images/info?accessionNumberIssuer=",
    ],
)
def test_an_unknown_issuer_is_404_and_the_hint_names_the_known_ones(pacs: Any, path: str) -> None:
    problem = pacs.refused(404, "unknown-case", "GET", path)
    assert "LAB-SOUTH" in problem["hint"]


def test_another_issuer_of_a_slide_s_case_is_404_and_tells_nothing_that_was_not_asked_for(pacs: Any) -> None:
    path = "/slides/demo-tiff-1/request/images/info?accessionNumberIssuer=LAB-EAST"
    problem = pacs.refused(404, "unknown-case", "GET", path)
    assert "Leave the issuer out" in problem["hint"]
    assert "S26-1001" not in str(problem)
    assert "LAB-SOUTH" not in str(problem)


def test_an_unknown_case_is_404(pacs: Any) -> None:
    problem = pacs.refused(404, "unknown-case", "GET", "/requests/S99-1/images/info")
    assert "S99-1" in problem["detail"]


def test_a_slide_s_own_case_is_listed_whatever_else_has_its_number(pacs: Any) -> None:
    assert ids(pacs.get("/slides/demo-he-1/request/images/info")) == BOTH_LABS[:2]
    assert ids(pacs.get("/slides/demo-focus-1/request/images/info")) == BOTH_LABS[2:]
    assert pacs.oddities() == {}


def test_an_empty_issuer_names_the_case_that_has_none(make_pacs: MakePacs) -> None:
    given = {"a": {"accessionNumber": "N1", "accessionNumberIssuer": ""}, "b": {"accessionNumber": "N1"}}
    given["c"] = {"accessionNumber": "N1", "accessionNumberIssuer": "LAB"}
    pacs = make_pacs(slides=given)
    assert ids(pacs.get("/requests/N1/images/info?accessionNumberIssuer=")) == ["a", "b"]
    assert ids(pacs.get("/requests/N1/images/info?accessionNumberIssuer=LAB")) == ["c"]
    assert ids(pacs.get("/requests/N1/images/info")) == ["a", "b", "c"]


def test_invented_cases_have_slides_that_are_served(make_pacs: MakePacs) -> None:
    pacs = make_pacs(invent=True)
    found = ids(pacs.get("/requests/X-17/images/info"))
    assert found
    for slide in found:
        told = pacs.get(f"/slides/{slide}/info?scope=extended&includePHI=true").json
        assert told["accessionNumber"] == "X-17"
    pacs.refused(404, "unknown-case", "GET", "/requests/X-17/images/info?accessionNumberIssuer=LAB")
