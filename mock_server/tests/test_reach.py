"""Whom a server lets in: what is well known opens servers on loopback only."""

from typing import Any

import pytest

from fake_pacs.cli import main
from fake_pacs.embedding import MockSectraServer
from fake_pacs.settings import Settings, SettingsError, is_loopback, refuse_strangers

OWN = {"token": "a-long-random-text", "control_token": "another-random-text", "users": (("app", "secret"),)}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1", "[::1]"])
def test_on_loopback_the_well_known_defaults_do(host: str):
    assert is_loopback(host)
    refuse_strangers(host, Settings())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "pacs.example", ""])
@pytest.mark.parametrize("option", ["token", "control_token", "users"])
def test_elsewhere_each_well_known_secret_is_refused(host: str, option: str):
    default = getattr(Settings(), option)
    with pytest.raises(SettingsError, match="can be reached from other machines: give your own --"):
        refuse_strangers(host, Settings(**{**OWN, option: default}))
    refuse_strangers(host, Settings(**OWN))


def test_an_embedded_server_with_well_known_secrets_stays_on_loopback():
    with pytest.raises(SettingsError, match="--token and --control-token and --user"):
        MockSectraServer().run(port=0, host="0.0.0.0")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--host", "0.0.0.0", "--token", "", "--control-token", ""], "the token must be printable ASCII"),
        (["--host", "0.0.0.0"], "give your own --token and --control-token"),
        (["--token", "same", "--control-token", "same"], "every app would hold the control plane"),
        (["--user", "dev:a", "--user", "dev:b"], "the user 'dev' is given twice"),
        (["--public-url", "http://"], "--public-url came as 'http://'"),
        (["--public-url", "http://x?y=1"], "--public-url came as 'http://x?y=1'"),
        (["--public-url", "http://x/a b"], "--public-url came as 'http://x/a b'"),
        (["--public-url", "pacs.example"], "expected http or https, a host"),
    ],
)
def test_the_command_line_refuses(arguments: list[str], text: str):
    from click.testing import CliRunner

    result = CliRunner().invoke(main, ["serve", "--port", "0", *arguments])
    assert result.exit_code == 1
    assert text in result.output


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"tileSize": {"width": 256, "height": 128}}, "/tileSize"),
        ({"focalPlanes": [{"id": "a_b", "offsetUm": 0}]}, "/focalPlanes/0/id"),
        (
            {"availableTileFormats": [{"mimeType": "image/webp", "extension": "webp"}]},
            "/availableTileFormats/0/extension",
        ),
    ],
)
def test_metadata_that_no_tile_can_be_served_with_are_refused(changed: dict[str, Any], place: str):
    server = MockSectraServer()
    with pytest.raises(ValueError, match=place):
        server.add_slide({"id": "mine", **changed})
    assert server.world.hospital.slide("mine") is None


def test_applications_are_a_list():
    with pytest.raises(TypeError, match=r"expected a list of ids: \['my-app'\]"):
        MockSectraServer(applications="my-app")


@pytest.mark.parametrize(
    ("method", "path", "version", "status"),
    [
        ("GET", "/slides/demo-he-1/qualityControl", "1.9", 404),
        ("GET", "/slides/demo-he-1/qualityControl", "1.10", 405),
        ("DELETE", "/slides/demo-he-1/request/images/info", "1.8", 404),
        ("DELETE", "/slides/demo-he-1/request/images/info", "1.9", 405),
        ("DELETE", "/info", "not-a-version", 400),
    ],
)
def test_what_a_version_lacks_has_no_methods_either(method: str, path: str, version: str, status: int):
    server = MockSectraServer()
    app = server.create_app()
    headers = {"X-Sectra-ApiVersion": version}
    base = "/SectraPathologyServer/external/imageanalysis/v1"
    answer = app.test_client().open(base + path, method=method, headers=headers)
    assert answer.status_code == status
    server.raise_for_errors()


@pytest.mark.parametrize("wrong", [{"files": "often"}, {"missing_version": "maybe"}])
def test_a_way_that_there_is_not_is_an_error_with_those_that_there_are(wrong: Any) -> None:
    with pytest.raises(SettingsError, match=r"came as '(often|maybe)', expected \w+ or \w+"):
        Settings(**wrong)
