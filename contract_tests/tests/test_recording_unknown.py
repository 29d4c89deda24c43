import json
from pathlib import Path

from ia_api_contract.exchanges import Answer, Exchange, Redactor
from ia_api_contract.recording import Recorder
from ia_api_spec import Contract

BASE = "https://pacs.example/v1"
HEADERS = {"content-type": "application/json", "x-sectra-apiversion": "1.10", "x-sectra-softwareversion": "4"}


def _recorded(folder: Path, *told: tuple[str, int, object]) -> str:
    recorder = Recorder(Contract.of("ia-api", "1.10"), Redactor())
    for path, status, body in told:
        recorder(Exchange("GET", BASE + path, {}, b"", Answer(status, HEADERS, json.dumps(body).encode()), 0.01))
    recorder.write(folder)
    return "".join(path.read_text() for path in folder.iterdir())


def test_what_the_contract_does_not_know_is_kept_by_name_and_type_only(tmp_path: Path):
    info = {"id": "s1", "micronsPerPixel": 0.5, "patientName": "Doe^Jane", "patient": {"birthDate": "1950-01-02"}}
    kept = _recorded(tmp_path, ("/slides/s1/info", 200, info))
    assert '"patientName": "<string>"' in kept
    assert '"micronsPerPixel": 0.5' in kept
    for secret in ("Doe", "1950", "birthDate"):
        assert secret not in kept


def test_ids_of_slides_that_nobody_named_are_replaced_and_those_of_planes_kept(tmp_path: Path):
    case = [{"id": "sibling-4", "block": {"displayName": "A1"}}, {"id": "17", "staining": {}}]
    planes = {"id": "sibling-4", "imageSize": {}, "focalPlanes": [{"id": "plane-0", "offsetUm": 0}]}
    kept = _recorded(
        tmp_path,
        ("/slides/s1/request/images/info", 200, case),
        ("/slides/s1/info", 200, planes),
        ("/nowhere/sibling-4", 404, {"detail": "no sibling-4"}),
        ("/slides/17/nothing", 404, {}),
    )
    for secret in ("sibling-4", '"17"', "/17/"):
        assert secret not in kept
    assert "plane-0" in kept


def test_a_difference_does_not_tell_what_came_in_a_member_about_a_patient(tmp_path: Path):
    _recorded(tmp_path, ("/slides/s1/info?includePHI=true&scope=extended", 200, {"accessionNumber": 987654321}))
    told = (tmp_path / "differences.txt").read_text()
    assert "/accessionNumber: expected a string, came something else" in told
    assert "987654321" not in told
