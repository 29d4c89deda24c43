"""A seeded run of one client in sequence is reproducible: ids, versions, boundaries, times."""

from collections.abc import Callable
from typing import Any

import pytest

MakePacs = Callable[..., Any]


def session(pacs: Any) -> list[Any]:
    """A sequence that touches everything that is made up at run time."""
    form = {"grant_type": "client_credentials"}
    seen: list[Any] = [pacs.get("/info").json]
    for number in range(3):
        stored = pacs.create(displayResult=str(number), attachments=[{"name": "a"}])
        seen += [stored, pacs.put(f"/applications/nuclei-counter/results/{stored['id']}", json=stored).json]
    seen.append(
        pacs.client.post(f"{pacs.base}/token?applicationId=nuclei-counter", data=form, auth=("dev", "dev")).json
    )
    state = pacs.get("/slides/demo-he-1/info").json["qualityControl"]
    pacs.put("/slides/demo-he-1/qualityControl", json={"applicationVersion": "1", "qualityControl": state})
    seen.append(pacs.get("/slides/demo-he-1/info").json)
    files = pacs.get("/slides/demo-dicom_1/files")
    seen += [files.content_type, files.data]
    wanted = {"applicationId": "nuclei-counter", "accessionNumber": "S26-1002"}
    launch = pacs.control("POST", "launches", json=wanted).json
    seen += [launch, pacs.get(launch["launchDataUrl"].removeprefix(f"http://localhost{pacs.base}")).json]
    seen += [pacs.control("POST", "tenants").json, pacs.get("/images/demo-fluor-1_files/9/0_0.jpg").data]
    seen.append(pacs.control("GET", "journal").json)
    return seen


def test_two_runs_with_one_seed_answer_the_same(make_pacs: MakePacs) -> None:
    first, second = session(make_pacs(seed=7)), session(make_pacs(seed=7))
    for one, other in zip(first, second, strict=True):
        assert one == other


def test_the_journal_s_times_are_reproducible_and_move_on(make_pacs: MakePacs) -> None:
    exchanges = session(make_pacs(seed=7))[-1]["exchanges"]
    times = [entry["at"] for entry in exchanges]
    assert times == sorted(times)
    assert len(set(times)) == len(times)


@pytest.mark.parametrize("seed", [8, None])
def test_another_seed_or_none_answers_otherwise(make_pacs: MakePacs, seed: int | None) -> None:
    first, second = session(make_pacs(seed=7)), session(make_pacs(seed=seed))
    assert first[1]["versionId"] != second[1]["versionId"]
    assert first[0] == second[0]


def test_versions_and_tokens_are_opaque(make_pacs: MakePacs) -> None:
    for seed in (7, None):
        pacs = make_pacs(seed=seed)
        versions = [pacs.create()["versionId"] for _ in range(5)]
        assert all(len(version) == 16 for version in versions)
        assert sorted(versions) != versions or len(set(versions)) == 5
