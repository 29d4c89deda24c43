"""What the server is, and what applications it knows."""

from collections.abc import Callable
from typing import Any

import pytest

MakePacs = Callable[..., Any]


def test_info_is_the_server_s_own_two_versions(pacs: Any) -> None:
    answer = pacs.get("/info")
    assert answer.status_code == 200
    assert answer.json == {"apiVersion": "1.10", "softwareVersion": "4.2.0.0"}


def test_info_says_the_server_s_own_version_whatever_the_caller_speaks(pacs: Any) -> None:
    answer = pacs.get("/info", {"X-Sectra-ApiVersion": "1.8", "X-Sectra-SoftwareVersion": "1.0"})
    assert answer.json == {"apiVersion": "1.10", "softwareVersion": "4.2.0.0"}


def test_info_says_what_the_server_was_told_to_be(make_pacs: MakePacs) -> None:
    pacs = make_pacs(api_version="1.9", software_version="4.1.0.7")
    assert pacs.get("/info").json == {"apiVersion": "1.9", "softwareVersion": "4.1.0.7"}


def test_a_json_content_type_on_a_get_without_a_body_is_no_error(pacs: Any) -> None:
    answer = pacs.get("/info", {"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert answer.json["apiVersion"] == "1.10"


@pytest.mark.parametrize(
    ("application", "name", "manufacturer"),
    [
        ("nuclei-counter", "Nuclei counter", "Norrsken Patologi AI (invented)"),
        ("tumor-finder", "Tumor finder", "Granskog Diagnostics (invented)"),
        ("dpat-ia-api-external-viewer", "External viewer", "ia-api-kit demo"),
    ],
)
def test_the_demo_hospital_has_two_applications_and_the_viewer_s(
    pacs: Any, application: str, name: str, manufacturer: str
) -> None:
    answered = pacs.get(f"/applications/{application}").json
    assert answered.pop("context", "{}").startswith("{")
    assert answered == {"applicationId": application, "displayName": name, "manufacturer": manufacturer}


def test_an_application_s_context_is_a_string_and_absent_where_there_is_none(pacs: Any) -> None:
    assert isinstance(pacs.get("/applications/nuclei-counter").json["context"], str)
    assert "context" not in pacs.get("/applications/dpat-ia-api-external-viewer").json


def test_an_unknown_application_is_404_and_the_hint_names_the_option(pacs: Any) -> None:
    problem = pacs.refused(404, "unknown-application", "GET", "/applications/my-app")
    assert "my-app" in problem["detail"]
    assert "nuclei-counter" in problem["detail"]
    assert "--app my-app" in problem["hint"]


def test_applications_can_be_registered_beside_those_of_the_demo_hospital(make_pacs: MakePacs) -> None:
    pacs = make_pacs(applications=["my-app=My application", "other"])
    assert pacs.get("/applications/my-app").json["displayName"] == "My application"
    assert pacs.get("/applications/other").json["displayName"] == "other"
    assert pacs.get("/applications/nuclei-counter").status_code == 200


def test_invented_applications_are_known_by_any_id(make_pacs: MakePacs) -> None:
    pacs = make_pacs(invent=True)
    assert pacs.get("/applications/whatever").json["applicationId"] == "whatever"
    assert pacs.create("whatever")["id"] == 1


def test_the_singular_spelling_of_applications_is_404_with_a_hint(pacs: Any) -> None:
    problem = pacs.refused(404, "unknown-path", "GET", "/application/nuclei-counter/results/1")
    assert "/applications/{applicationId}/results/{resultId}" in problem["hint"]
    assert pacs.journal()[-1]["operationId"] is None
