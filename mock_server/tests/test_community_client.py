"""The community client 1.6.3, unmodified and in an environment of its own, against the emulator.

Every deviation from what its users would expect stands below with its reason; all of them are limits of that client.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tools import community

from fake_pacs.embedding import MockSectraServer

REPOSITORY = Path(__file__).parents[2]
SCRIPT = Path(__file__).parent / "community" / "whole_interface.py"

EXPECTED = {
    "version_info": "1.10",
    "response_headers": "X-Sectra-ApiVersion,X-Sectra-SoftwareVersion",
    "get_image_metadata (extended=False, phi=False)": "ImageMetadata",
    "get_image_metadata (extended=False, phi=True)": "ImageMetadata",
    "get_image_metadata (extended=True, phi=False)": "ImageMetadata",
    "get_image_metadata (extended=True, phi=True)": "ImageMetadata",
    "get_image_infos_in_case": "4 x CaseImageInfo",
    "get_image_infos_in_case (phi, issuer)": "2 x CaseImageInfo",
    "get_image_infos_in_case_by_slide_id": "2 x CaseImageInfo",
    "get_label_image": "JPEG",
    "download_slide_files (several)": "5 x PosixPath",
    "create_results (primitives)": "ResultResponse",
    "create_results (gallery)": "ResultResponse",
    "get_result_by_result_id": "ResultResponse",
    "get_all_results": "2 x ResultResponse",
    "update_results": "second",
    "set_quality_control": None,
    "set_quality_control (shown)": "QualityOk",
    "close": None,
}
"""What each call gives."""

REFUSED = {
    "get_image_metadata (unknown)": "status code 404",
    "get_result_by_result_id (unknown)": "status code 404",
    "update_results (stale)": "status code 409",
    "set_quality_control (stale)": "status code 409",
}
"""Calls that are refused, as they should be; the mock that comes with the client would take them."""

DEVIATIONS = {
    "get_label_image (no label)": (
        "SectraRequestError",
        "A slide without a label is answered with 204 (V); the client takes every status but 200 for a failure.",
    ),
    "download_slide_files (one)": (
        "NonMultipartContentTypeException",
        "A single file comes as octet-stream (V); the client reads multipart only. --files multipart helps.",
    ),
}
"""Calls that fail though the server is right, each with the reason; all are limits of that client."""


@pytest.fixture(scope="module")
def interpreter() -> Path:
    """The Python of an environment that has the community package and nothing of ours."""
    try:
        return community.interpreter()
    except community.NotToBeHadError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


def told(interpreter: Path, server: MockSectraServer) -> dict[str, dict[str, Any]]:
    """What every call of the public interface gave or raised."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [interpreter, SCRIPT, server.url, server.token]
    run = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=environment)
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    return {line["call"]: line for line in lines}


@pytest.mark.slow
def test_the_whole_public_interface_behaves_as_listed(interpreter: Path):
    with MockSectraServer().run(port=0) as server:
        heard = told(interpreter, server)
    assert set(heard) == EXPECTED.keys() | REFUSED.keys() | DEVIATIONS.keys()
    for call, gave in EXPECTED.items():
        assert heard[call].get("gave", heard[call]) == gave, heard[call]
    for call, text in REFUSED.items():
        assert text in heard[call]["text"], heard[call]
    for call, (raised, reason) in DEVIATIONS.items():
        assert heard[call]["raised"] == raised, (heard[call], reason)


@pytest.mark.slow
def test_a_single_file_can_be_read_where_the_server_always_answers_multipart(interpreter: Path):
    with MockSectraServer(files="multipart").run(port=0) as server:
        heard = told(interpreter, server)
    assert heard["download_slide_files (one)"]["gave"] == "1 x PosixPath"


def test_every_deviation_is_documented():
    page = (REPOSITORY / "docs" / "community-client.md").read_text("utf-8")
    for call, (_, reason) in DEVIATIONS.items():
        assert call in page
        assert reason in page
