import json
from pathlib import Path

import pytest

from ia_api_contract.differences import Difference, differences, summary
from ia_api_contract.exchanges import Answer, Exchange, Redactor
from ia_api_contract.locating import Locator
from ia_api_contract.recording import Recorder
from ia_api_spec import Contract

BASE = "https://pacs.example/SectraPathologyServer/external/imageanalysis/v1"
JSON = {"content-type": "application/json", "x-sectra-apiversion": "1.10", "x-sectra-softwareversion": "4"}
SLIDE = {
    "id": "slide-of-jane",
    "accessionNumber": "S26-4711",
    "examFreeFields": [{"Requested by": "Dr Watson"}],
    "micronsPerPixel": 0.5,
}


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract.of("ia-api", "1.10")


@pytest.fixture
def recorder(contract: Contract) -> Recorder:
    redactor = Redactor()
    redactor.learn("very-secret-token")
    return Recorder(contract, redactor)


def _exchange(path: str, body: object, status: int = 200, **headers: str) -> Exchange:
    answer = Answer(status, {**JSON, **headers}, json.dumps(body).encode())
    return Exchange("GET", BASE + path, {"Authorization": "Bearer very-secret-token"}, b"", answer, 0.01)


def test_patients_data_free_texts_and_tokens_are_replaced_everywhere(recorder: Recorder, tmp_path: Path):
    recorder(_exchange("/slides/slide-of-jane/info?includePHI=true", SLIDE))
    recorder(_exchange("/requests/S26-4711/images/info", [{"id": "slide-of-jane", "lisSlideId": "S26-4711-A"}]))
    recorder(_exchange("/requests/none/images/info", {"detail": "no case but S26-4711 of slide-of-jane"}, 404))
    recorder.write(tmp_path)
    kept = "".join(path.read_text() for path in tmp_path.iterdir())
    for secret in ("S26-4711", "slide-of-jane", "Watson", "Requested by", "very-secret-token"):
        assert secret not in kept
    body = json.loads((tmp_path / "getSlideInfo.json").read_text())["exchanges"][0]["answer"]["body"]
    assert body["micronsPerPixel"] == 0.5
    assert body["accessionNumber"] == "<string>"
    assert body["examFreeFields"] == [{"<name 1>": "<string>"}]


def test_there_is_one_file_for_each_operation_with_its_shape(recorder: Recorder, tmp_path: Path):
    for number in range(30):
        recorder(_exchange(f"/slides/slide-{number}x/info", SLIDE))
    recorder(_exchange("/nowhere", {}, 404))
    recorder(_exchange("/_fake_pacs/hospital", {}))
    recorder.write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["differences.txt", "getSlideInfo.json", "other.json"]
    made = json.loads((tmp_path / "getSlideInfo.json").read_text())
    assert (len(made["exchanges"]), made["made"]) == (20, 30)
    request = made["exchanges"][0]["request"]
    assert (request["path"], request["parameters"]) == ("/slides/{slideId}/info", {"slideId": "<string>"})


def test_bytes_are_kept_as_their_number_and_file_names_not_at_all(recorder: Recorder, tmp_path: Path):
    headers = {"content-type": "application/octet-stream", "content-disposition": 'attachment; filename="jane.svs"'}
    answer = Answer(200, {**JSON, **headers}, b"II*\x00")
    recorder(Exchange("GET", f"{BASE}/slides/x/files", {}, b"", answer, 0.1))
    recorder.write(tmp_path)
    text = (tmp_path / "getSlideFiles.json").read_text()
    assert "<4 bytes>" in text
    assert "jane" not in text


def test_what_differs_is_told_by_how_well_the_contract_knows(recorder: Recorder, tmp_path: Path):
    recorder(_exchange("/info", {"apiVersion": 1.1, "softwareVersion": "4"}))
    recorder(_exchange("/info", {}, 404, **{"content-type": "text/html"}))
    recorder(_exchange("/info", {}, 401))
    told = recorder.write(tmp_path)
    assert "getInfo 200: body /apiVersion: expected a string, came 1.1 (once)" in told
    assert "getInfo: answers 404, which the contract doesn't declare" in told
    assert "getInfo 401: has no header WWW-Authenticate" in told
    assert "V: the vendor's public code" in told
    assert (tmp_path / "differences.txt").read_text() in told


def test_equal_differences_are_counted_and_well_known_ones_come_first():
    found = {Difference("a 404", "is text/html", "A"): 3, Difference("a 200", "is no JSON", "V"): 1}
    told = summary(found)
    assert told.index("a 200") < told.index("a 404: is text/html (3 times)")
    assert summary({}) == "No answer differs from the contract.\n"


def test_an_answer_as_described_differs_in_nothing(contract: Contract):
    answer = Answer(200, JSON, b'{"apiVersion": "1.10", "softwareVersion": "4.2"}')
    assert list(differences(contract.operations["getInfo"], contract, answer)) == []


def test_an_answer_without_content_has_none(contract: Contract):
    operation = contract.operations["getSlideLabel"]
    (found,) = differences(operation, contract, Answer(204, {**JSON, "content-type": "image/jpeg"}, b"x"))
    assert found.text == "has a body of image/jpeg"


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/images/a_b_files/10/1_2.jpg", ("getTile", "without-focal-plane")),
        ("GET", "/images/a_b_files/10/1_2_0.0.jpeg?channels=1", ("getTile", None)),
        ("POST", "/hooks/app/results/", ("createResult", "hooks")),
        ("GET", "/applications/a%2Fb", ("getApplication", None)),
        ("PUT", "/info", None),
    ],
)
def test_operations_are_found_by_method_and_path(
    contract: Contract, method: str, path: str, found: tuple[str, str | None] | None
):
    located = Locator(contract).locate(method, f"{BASE}{path}", contract.base_path)
    assert ((located.operation.id, located.spelling.name) if located else None) == found


def test_another_base_path_is_recognised(recorder: Recorder, tmp_path: Path):
    recorder(Exchange("GET", "http://mock.example/info", {}, b"", Answer(200, JSON, b"{}"), 0.1))
    recorder(Exchange("GET", "http://mock.example/api/slides/x/info", {}, b"", Answer(200, JSON, b"{}"), 0.1))
    recorder.write(tmp_path)
    assert {path.name for path in tmp_path.glob("*.json")} == {"getInfo.json", "getSlideInfo.json"}
