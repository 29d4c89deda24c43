"""No secret that a request carried or an answer issued is kept, wherever it was put and however it was encoded."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pytest

from fake_pacs.redaction import BODY_SHOWN, REDACTED, Redactor
from fake_pacs.secret_text import layers, named_secrets
from fake_pacs.serving import HttpServer

SECRET = "SECRET-0f3a+/x="
RESULTS = "/applications/nuclei-counter/results"
LAUNCH = "/launchdata?requestId=S26-1002&appId=nuclei-counter"
FORM = "application/x-www-form-urlencoded"


def redactor(
    headers: Sequence[tuple[str, str]] = (), target: str = "/", request: bytes = b"", answer: bytes = b""
) -> Redactor:
    return Redactor(headers, target, request, answer)


def leaks(pacs: Any) -> list[Mapping[str, Any]]:
    """The exchanges of the journal, read within and over HTTP, in which something of the secret stands."""
    told = [*pacs.journal(), *pacs.control("GET", "journal").json["exchanges"]]
    return [entry for entry in told if "SECRET" in json.dumps(entry) or "0f3a" in json.dumps(entry)]


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", f"{SECRET} x"),
        ("Authorization", SECRET),
        ("Authorization", f"Bearer {SECRET}"),
        ("Authorization", f"bearer  {SECRET} "),
        ("Authorization", f"Digest username=dev, response={SECRET}"),
        ("Authorization", basic(f"dev:{SECRET}")),
        ("X-Fake-Pacs-Control", SECRET),
        ("X-Sectra-ApiVersion", f"Bearer {SECRET}"),
        ("X-Sectra-ApiVersion", f"token={SECRET}"),
        ("Content-Type", f"application/json; token={SECRET}"),
        ("Content-Type", f"Bearer {SECRET}"),
        ("Range", f"Bearer {SECRET}"),
        ("Host", f"dev:{SECRET.replace('/', '')}@localhost"),
        ("Host", f"{SECRET.replace('/', '')}@localhost"),
    ],
)
def test_credentials_in_any_header_are_neither_kept_nor_answered(pacs: Any, name: str, value: str) -> None:
    path = f"{RESULTS}?a={quote(SECRET)}&b={quote(quote(SECRET, safe=''))}"
    answer = pacs.post(path, {name: value}, data=json.dumps({"slideId": SECRET}))
    pacs.get(f"/{SECRET}", {name: value})
    if name in ("Authorization", "X-Fake-Pacs-Control"):
        assert leaks(pacs) == []
    else:  # there they are secrets in this place only
        kept = json.dumps([entry["violations"] for entry in pacs.journal()])
        assert "SECRET" not in kept
    assert "SECRET" not in json.loads(answer.data)["detail"]


@pytest.mark.parametrize(
    ("sent", "told"),
    [("Basic abc", "the scheme Basic"), ("dIgest a", "the scheme Digest"), ("hunter2 x", "another scheme")],
)
def test_only_known_schemes_are_called_by_their_names(pacs: Any, sent: str, told: str) -> None:
    problem = pacs.refused(401, "unauthenticated", "GET", "/info", {"Authorization": sent})
    assert problem["detail"] == f"The Authorization header has {told}."
    assert "hunter2" not in json.dumps(problem)


QUERIES = [
    f"/launchdata?appId=a?sessionToken={SECRET}",
    f"/launchdata?requestId=a%26sessionToken={SECRET}",
    f"/launchdata?requestId=a%26sessionToken%3D{quote(SECRET, safe='')}",
    f"/launchdata?requestId=a%2526sessionToken%253D{quote(quote(SECRET, safe=''))}",
    f"/launchdata?requestId=a;sessionToken={SECRET}",
    f"/launchdata?session_token={SECRET}",
    f"/launchdata?SESSION-TOKEN={SECRET}&requestId={SECRET}",
    f"/launchdata?session%54oken={SECRET}",
    f"/launchdata?session%2554oken={SECRET}",
    f"/launchdata?sessionToken={SECRET}%zz",
    f"/launchdata?sessionToken={SECRET}%ff&appId={SECRET}%ff",
    f"/launchdata?sessionToken={SECRET}&sessionToken={SECRET}2",
    f"/launchdata?sessionToken=a%26{quote(SECRET, safe='')}&requestId={quote(SECRET, safe='')}%zz",
    f"/info?X-Fake-Pacs-Control={SECRET}",
    f"/info?control_token={SECRET}",
    f"/info?Authorization={SECRET}",
    f"/info?Authorization=Bearer%20{SECRET}",
    f"/info?a=Bearer+{SECRET}&token={SECRET}",
    f"/info?client_secret={SECRET}&assertion={SECRET}",
    f"/nothing;token={SECRET}",
    f"/slides/demo-he-1?access_token={SECRET}/info",
    f"/info?data[token]={SECRET}",
    f'/info?a={{"token":"{SECRET}"}}',
]


def test_secrets_in_paths_and_queries(pacs: Any) -> None:
    for path in QUERIES:
        pacs.get(path)
        pacs.ask("DELETE", path)
        assert [REDACTED in entry["path"] for entry in pacs.journal()] == [True, True], path
        assert leaks(pacs) == [], path
        pacs.server.world.journal.forget("default", with_strangers=True)


FORMS = [
    f"grant_type=client_credentials&client_secret={SECRET}",
    f"grant_type=x&assertion={SECRET}",
    f"grant_type=client_credentials;password={SECRET}",
    f"grant_type=client_credentials%3Bpassword%3D{SECRET}",
    f"password={SECRET}&password={SECRET}&grant_type={SECRET}",
    f"pass%77ord={SECRET}",
    f"password=it's+{SECRET}+here&grant_type=it's+{SECRET}+here",
    f'password="{SECRET}&grant_type="{SECRET}',
    f"password={SECRET}%zz&grant_type=b",
    f"grant_type={{'password': '{SECRET}'}}",
]


def test_secrets_in_forms(pacs: Any) -> None:
    path = "/token?applicationId=nuclei-counter"
    for form in FORMS:
        for user in ("dev:dev", "a:b"):
            pacs.post(path, {"Authorization": basic(user)}, data=form, content_type=FORM)
        assert pacs.journal()[0]["requestBody"], form
        assert leaks(pacs) == [], form
        pacs.server.world.journal.forget("default", with_strangers=True)


BODIES = [
    '{"slideId": {"url": "u", "token": "SECRET"}}',
    '{"slideId": [{"url": "u", "token": "SECRET"}, {"accessToken": 12345}], "a": "SECRET"}',
    '{"\\u0074oken": "SECRET", "slideId": "SECRET"}',
    '{"token": "SE\\u0043RET", "slideId": "SECRET"}',
    '{"token": "SECRET", "slideId": "\\u0053ECRET"}',
    '{"token": {"value": "SECRET"}, "slideId": "SECRET"}',
    '{"token": ["SECRET", {"a": "SECRET"}], "slideId": "SECRET"}',
    '{"token": "SECRET", "token": "other", "slideId": "SECRET"}',
    '{"password": "a\\"SECRET", "slideId": "a\\"SECRET"}',
    '{"data": {"context": "{\\"token\\": \\"SECRET\\"}"}}',
    '{"data": {"context": "{\\"a\\": \\"{\\\\\\"token\\\\\\": \\\\\\"SECRET\\\\\\"}\\"}"}, "slideId": "SECRET"}',
    '{"url": "http:\\/\\/dev:SECRET@pacs", "slideId": "https://SECRET@pacs"}',
    '{"url": "http://pacs/x?a=1&session_token=SECRET&b=2"}',
    '{"url": "http://pacs/x?a=1\\u0026sessionToken\\u003dSECRET"}',
    '{"x-fake-pacs-control": "SECRET", "Authorization": "Bearer SECRET"}',
    '{"token": "SECRET',
    "{'token': 'SECRET'}",
    '{token: "SECRET"}',
    '["token", {"client_secret":"SECRET"',
    '{"token": "SECRET"} {"a": "SECRET"}',
    "[" * 500 + '{"token": "SECRET"}',
    '\ufeff{"token": "SECRET"}',
    '{"a\\ud800": 1, "token": "SECRET"}',
]


def test_secrets_in_json(pacs: Any) -> None:
    for body in BODIES:
        for encoding in ("utf-8", "utf-16"):
            sent = body.encode(encoding, "surrogatepass")
            answer = pacs.post(RESULTS, data=sent, content_type="application/json")
            assert answer.status_code in (201, 400), body
        assert pacs.journal()[0]["requestBody"], body
        assert leaks(pacs) == [], body
        pacs.server.world.journal.forget("default", with_strangers=True)


def test_what_was_issued_is_not_kept_anywhere(pacs: Any) -> None:
    form = {"grant_type": "client_credentials"}
    issued = pacs.post("/token?applicationId=nuclei-counter", {"Authorization": basic("dev:dev")}, data=form).json
    wanted = {"applicationId": "nuclei-counter", "accessionNumber": "S26-1002"}
    launch = pacs.control("POST", "launches", json=wanted).json
    told = pacs.get(launch["launchDataUrl"].removeprefix(f"http://localhost{pacs.base}")).json
    made = pacs.control("POST", "tenants").json
    kept = json.dumps(pacs.journal())
    secrets = [issued["access_token"], launch["sessionToken"], told["callbackInfo"]["token"]]
    for secret in [*secrets, made["token"], made["password"], launch["launchDataUrl"]]:
        assert secret not in kept
    assert "launchDataUrl" in kept


def test_what_is_no_secret_is_kept_as_it_came(pacs: Any) -> None:
    told = '"2 tokens, basic stain: H\\u0026E // 50%41"'
    body = f'{{"slideId":"demo-he-1", "displayResult":{told},  "data": {{"context": 1.00}}}}'
    pacs.post(RESULTS, data=body, content_type="application/json")
    pacs.get("/info?a=%41&tokens=many")
    stored, asked = pacs.journal()
    assert stored["requestBody"] == body
    assert asked["path"] == f"{pacs.base}/info?a=%41&tokens=many"
    assert pacs.refused(401, "unauthenticated", "GET", "/info", {"Authorization": ""})["hint"].endswith("<token>.")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("/a?token=x", "/a?token=<redacted>"),
        ("/a?b=1&sessionToken=x?appId=y&c=2", "/a?b=1&sessionToken=<redacted>&c=2"),
        ("/a?%73essionToken=x", "/a?%73essionToken=<redacted>"),
        ("/a?tokens=x&token", "/a?tokens=x&token"),
        ("/token", "/token"),
        ('{"token": "a\\"b", "x": 1}', '{"token": "<redacted>", "x": 1}'),
        ('{"token": 12, "x": 1}', '{"token": "<redacted>", "x": 1}'),
        ('{"token": {"a": ["}"]}, "x": 1}', '{"token": "<redacted>", "x": 1}'),
        ('{"token": {"a": 1', '{"token": "<redacted>"'),
        ('{"token": null, "password": true}', '{"token": null, "password": true}'),
        ('{"a": "{\\"token\\": \\"b\\"}"}', '{"a": "{\\"token\\": \\"<redacted>\\"}"}'),
        ("Send Authorization: Bearer <token>.", "Send Authorization: Bearer <token>."),
        ("Authorization : Bearer a b", "Authorization : Bearer <redacted>"),
        ("No bearer token came: the token: is unknown.", "No bearer token came: the token: is unknown."),
        ('query token: came "x", expected', 'query token: came "<redacted>", expected'),
        ("http://dev:x@pacs/ and http://pacs/a@b", "http://dev:<redacted>@pacs/ and http://pacs/a@b"),
    ],
)
def test_secrets_are_found_by_their_names(text: str, kept: str) -> None:
    assert redactor().text(text) == kept


def test_a_secret_is_found_in_whatever_way_it_is_written() -> None:
    hide = redactor([("Authorization", "Bearer dév/Ω😀-token")])
    written = ["dév/Ω😀-token", quote("dév/Ω😀-token", safe=""), json.dumps("dév/Ω😀-token"), "d%C3%A9v/Ω😀-token"]
    written += [quote(json.dumps("dév/Ω😀-token")), quote(quote("dév/Ω😀-token")), "dév\\/Ω😀-t\\u006fken", "dév/Ω😀"]
    for text in written:
        shown = hide.text(f"before {text} after")
        assert shown.removeprefix("before ").removesuffix(" after").replace("%22", "").strip('"') == REDACTED, text


def test_a_short_secret_is_hidden_where_it_stands_alone() -> None:
    hide = redactor(target="/a?password=user&token=x")
    assert hide.text("user users /user?a=user%26 x") == "<redacted> users /<redacted>?a=<redacted>%26 x"


def test_a_secret_that_was_cut_off_is_recognised() -> None:
    hide = redactor([("Authorization", "Bearer abcdefghijklmnop")])
    assert hide.text('came "xxxabcdefghi… (200 characters)') == 'came "xxx<redacted>… (200 characters)'


@pytest.mark.parametrize("before", range(4 * BODY_SHOWN - 60, 4 * BODY_SHOWN + 20, 7))
def test_no_secret_survives_at_the_cut_of_a_body(before: int) -> None:
    body = b'{"a": "' + b"x" * before + b'", "token": "' + b"SECRET" * 50 + b'", "b": "' + b"SECRET" * 50 + b'"}'
    assert "SECRET" not in (redactor(request=body).body(body) or "")
    shrinking = b'{"token": "' + b"y" * (before - 20) + b'", "a": "SECRET-1", "password": "SECRET-1"}'
    assert "SECRET" not in (redactor(request=shrinking).body(shrinking) or "")


def test_a_secret_far_down_in_a_body_is_found_in_what_is_told_of_it(pacs: Any) -> None:
    body = {"slideId": [SECRET], "displayResult": "x" * 2_000_000, "data": {"context": {"token": SECRET}}}
    pacs.post(RESULTS, json=body)
    assert pacs.journal()[-1]["status"] == 400
    assert leaks(pacs) == []


def test_of_a_request_with_too_many_secrets_nothing_is_kept() -> None:
    target = "/a?" + "&".join(f"token=secret-{number}" for number in range(500))
    assert redactor(target=target).text("secret-499 and all else") == REDACTED


@pytest.mark.parametrize(
    ("body", "kept"), [(None, None), (b"", ""), (b"\xff\xfe", "\ufffd\ufffd"), (b"x" * 9000, "x" * 8192 + "… (cut)")]
)
def test_bodies_are_text_and_cut(body: bytes | None, kept: str | None) -> None:
    assert redactor().body(body) == kept


@pytest.mark.parametrize(
    "piece",
    [
        '"token":',
        "token=",
        '{"token":{',
        "%41",
        "\\u0041",
        '\\"',
        "//a:",
        "bearer ",
        "Authorization:",
        "%25",
        "-_",
        "'",
    ],
)
def test_work_is_bounded_by_the_length(piece: str) -> None:
    text = piece * (32_000 // len(piece))
    steps = sum(len(list(named_secrets(layer.text))) for layer in layers(text))
    assert steps <= 4 * len(text)
    assert len(redactor(target=text[:2000], request=text.encode()).text(text)) <= 4 * len(text)


def test_layers_know_where_each_character_stood() -> None:
    text = "a%41é%C3%A9\\u00e9\\ud83d\\ude00%f0%zz\\n%2541"
    whole, once, twice = layers(text)
    assert (whole.text, once.text) == (text, "aAééé😀ð%zz\n%41")
    assert twice.text == "aAééé😀ð%zz\nA"


def test_an_ordinary_refusal_names_what_came(pacs: Any) -> None:
    problem = pacs.refused(400, "invalid-request", "POST", RESULTS, json={"slideId": 5})
    assert "5" in json.dumps(problem["violations"])
    assert pacs.journal()[-1]["violations"] == problem["violations"]


def test_no_path_over_the_wire_leaks(run_pacs: Callable[..., Any], exchange: Callable[..., bytes]) -> None:
    server = run_pacs()
    assert isinstance(server._server, HttpServer)
    answer = exchange(server, b"GET http://dev:SECRET@localhost/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"SECRET" not in answer
    journal = server.world.journal.read("default", with_strangers=True, operation_id=None, after=None, limit=None)
    assert len(journal) == 1
    assert "SECRET" not in json.dumps(journal[0].as_json())
