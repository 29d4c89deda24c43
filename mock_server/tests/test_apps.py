"""Apps over the control plane: registering, listing, changing, removing, and what they are to the API."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def app(raw_app: Any, http_answer: Any) -> Callable[..., Any]:
    """Makes apps that can be registered, with these members."""

    def make(**members: Any) -> Any:
        answers: dict[str, bytes] = {}
        made = raw_app(answers)
        document = {"applicationId": "hook", "displayName": "Hook", "manufacturer": "Us", "url": made.url}
        answers["GET /hook"] = http_answer(200, {**document, "inputTemplate": {"type": "wholeSlide"}, **members})
        return made

    return make


def register(pacs: Any, url: str) -> Any:
    return pacs.control("POST", "apps", json={"url": url})


def test_an_app_is_registered_listed_changed_and_removed(pacs: Any, app: Any) -> None:
    made = app()
    answer = register(pacs, made.url)
    assert answer.status_code == 201
    shown = {
        "applicationId": "hook",
        "url": made.url,
        "displayName": "Hook",
        "manufacturer": "Us",
        "inputTemplate": {"type": "wholeSlide"},
        "context": {},
        "enabled": True,
        "notifications": False,
    }
    assert answer.json["app"] == shown
    assert [finding["code"] for finding in answer.json["findings"]] == ["info.missing"]
    assert pacs.control("GET", "apps").json == {"apps": [shown]}
    change = {"enabled": False, "notifications": True, "context": {"a": 1}}
    assert pacs.control("PATCH", "apps/hook", json=change).json == {**shown, **change}
    assert pacs.control("PATCH", "apps/hook", json={"enabled": True}).json == {**shown, **change, "enabled": True}
    removed = pacs.control("DELETE", "apps/hook")
    assert (removed.status_code, removed.data) == (204, b"")
    assert pacs.control("GET", "apps").json == {"apps": []}


def test_a_registered_app_is_an_application_of_its_tenant_everywhere(pacs: Any, app: Any) -> None:
    register(pacs, app(context={"a": "ä"}).url)
    assert pacs.get("/applications/hook").json == {
        "applicationId": "hook",
        "displayName": "Hook",
        "manufacturer": "Us",
        "context": '{"a": "ä"}',
    }
    assert pacs.create("hook")["id"] == 1
    hospital = pacs.control("GET", "hospital").json["applications"]
    assert [one["applicationId"] for one in hospital].count("hook") == 1
    case = pacs.server.world.hospital.cases[0]
    asked = {"accessionNumber": case.accession_number, "accessionNumberIssuer": case.issuer}
    assert pacs.control("POST", "launches", json={"applicationId": "hook", **asked}).status_code == 201
    pacs.control("DELETE", "apps/hook")
    assert "fake-pacs apps add" in pacs.refused(404, "unknown-application", "GET", "/applications/hook")["hint"]


def test_tokens_of_a_registered_app_open_its_results_and_no_other_app(pacs: Any, app: Any) -> None:
    register(pacs, app().url)
    form = {"grant_type": "client_credentials"}
    answer = pacs.post("/token?applicationId=hook", {"Authorization": "Basic ZGV2OmRldg=="}, data=form)
    bound = pacs.with_token(answer.json["access_token"])
    assert bound.create("hook")["id"] == 1
    bound.refused(403, "forbidden", "GET", "/applications/nuclei-counter")


def test_tenants_have_apps_of_their_own(pacs: Any, app: Any) -> None:
    other = pacs.with_token(pacs.control("POST", "tenants", json={"tenant": "job"}).json["token"])
    register(other, app().url)
    pacs.refused(404, "unknown-application", "GET", "/applications/hook")
    assert pacs.control("GET", "apps").json == {"apps": []}
    assert "hook" not in pacs.control("GET", "hospital").get_data(as_text=True)
    pacs.problem(pacs.control("DELETE", "apps/hook"), 404, "unknown-application")
    assert other.get("/applications/hook").status_code == 200


def test_a_reset_leaves_apps_and_forgets_their_results(pacs: Any, app: Any) -> None:
    register(pacs, app().url)
    pacs.create("hook")
    pacs.control("POST", "reset")
    assert len(pacs.control("GET", "apps").json["apps"]) == 1
    assert pacs.get("/applications/hook/results/slide/demo-he-1").json == []


def test_a_registration_that_can_t_be_used_is_refused_with_every_place(pacs: Any, app: Any) -> None:
    made = app(applicationId="", displayName=1, inputTemplate={})
    problem = pacs.problem(register(pacs, made.url), 422, "registration-refused")
    assert [place["pointer"] for place in problem["violations"]] == [
        "/applicationId",
        "/displayName",
        "/inputTemplate/type",
    ]
    assert all(place["came"] and place["expected"] and place["hint"] for place in problem["violations"])
    assert f"The app at {made.url} can't be registered: /applicationId: came " in problem["detail"], "with its place"


def test_an_id_of_the_hospital_is_refused(pacs: Any, app: Any) -> None:
    problem = pacs.problem(register(pacs, app(applicationId="tumor-finder").url), 422, "registration-refused")
    (place,) = problem["violations"]
    assert place["pointer"] == "/applicationId"
    assert "tumor-finder" in place["came"]
    assert pacs.get("/applications/tumor-finder").json["manufacturer"] != "Us"


@pytest.mark.parametrize("url", ["", "hook", "file:///etc/passwd", "http://169.254.169.254/", "http://u:secret@h/"])
def test_what_is_no_url_of_an_app_is_400_with_what_to_do(pacs: Any, url: str) -> None:
    problem = pacs.problem(register(pacs, url), 400, "invalid-request")
    assert problem["violations"][0]["pointer"] == "/url"
    assert "secret" not in str(problem)
    assert "secret" not in str(pacs.journal())


@pytest.mark.parametrize(
    "change",
    [{}, {"enabled": "yes"}, {"context": None}, {"url": "http://localhost/"}, {"context": {"a": "x" * 2**16}}],
)
def test_a_change_that_is_none_is_400_and_changes_nothing(pacs: Any, app: Any, change: Any) -> None:
    register(pacs, app().url)
    before = pacs.control("GET", "apps").json
    pacs.problem(pacs.control("PATCH", "apps/hook", json=change), 400, "invalid-request")
    assert pacs.control("GET", "apps").json == before


def test_unknown_apps_are_404(pacs: Any) -> None:
    for method, body in (("PATCH", {"enabled": True}), ("DELETE", None)):
        problem = pacs.problem(pacs.control(method, "apps/none", json=body), 404, "unknown-application")
        assert "GET /_fake_pacs/apps" in problem["hint"]
    pacs.problem(pacs.control("PATCH", "apps/nuclei-counter", json={"enabled": True}), 404, "unknown-application")


def test_a_token_of_one_app_changes_no_other(pacs: Any, app: Any) -> None:
    form = {"grant_type": "client_credentials"}
    token = pacs.post("/token?applicationId=nuclei-counter", {"Authorization": "Basic ZGV2OmRldg=="}, data=form)
    bound = pacs.with_token(token.json["access_token"])
    for method, body in (("PATCH", {"enabled": True}), ("DELETE", None)):
        pacs.problem(bound.control(method, "apps/hook", json=body), 403, "forbidden")


def test_apps_outlive_the_server_in_a_state_file(make_pacs: Any, app: Any, tmp_path: Any) -> None:
    first = make_pacs(state=tmp_path / "state")
    register(first, app().url)
    first.server.world.store.close()
    again = make_pacs(state=tmp_path / "state")
    assert [one["applicationId"] for one in again.control("GET", "apps").json["apps"]] == ["hook"]
    assert again.get("/applications/hook").status_code == 200


def test_an_id_that_the_hospital_got_later_is_listed_once(make_pacs: Any, app: Any, tmp_path: Any) -> None:
    first = make_pacs(state=tmp_path / "state")
    register(first, app().url)
    first.server.world.store.close()
    again = make_pacs(state=tmp_path / "state", applications=["hook=Named"])
    names = [one["displayName"] for one in again.control("GET", "hospital").json["applications"]]
    assert names.count("Named") == 1
    assert "Hook" not in names
