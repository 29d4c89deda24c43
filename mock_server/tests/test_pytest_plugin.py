"""The pytest plugin as somebody else's tests see it: pytest in a folder of its own, with nothing but the plugin."""

import importlib.metadata
import sys
import textwrap
from collections.abc import Callable

import pytest

import fake_pacs.testing  # noqa: F401 - so that runs within this process find it imported, and import it once
import sectra_client  # noqa: F401

pytest_plugins = ["pytester"]

INSTALLED = bool(importlib.metadata.entry_points(group="pytest11", name="fake-pacs"))

Run = Callable[..., pytest.RunResult]

STORES = """
from sectra_client.schemas import Result

def stores(client, slide="demo-he-1", application="nuclei-counter"):
    return client.create_results(application, Result(slideId=slide, displayResult="2 nuclei"))
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Runs tests of that text, with pytest's arguments and perhaps a pytest.ini."""

    def run(text: str, *arguments: str, ini: str = "") -> pytest.RunResult:
        pytester.makeini(f"[pytest]\n{ini}")
        pytester.makepyfile(STORES + textwrap.dedent(text))
        named = () if INSTALLED else ("-p", "fake_pacs.pytest_plugin")
        return pytester.runpytest_inprocess(*named, "-p", "no:cacheprovider", "-p", "no:xdist", *arguments)

    return run


def test_the_entry_point_is_declared():
    assert INSTALLED, "pytest doesn't know the plugin: install anew (rm .venv/.installed; make test)"


def test_each_test_has_a_pacs_in_which_nothing_has_happened(run: Run):
    done = run("""
        def test_one(fake_pacs, sectra_client):
            assert fake_pacs.calls() == []
            stored = stores(sectra_client)
            assert stored.id == 1
            assert [result["displayResult"] for result in fake_pacs.results("nuclei-counter")] == ["2 nuclei"]
            (call,) = fake_pacs.assert_called("createResult", times=1)
            assert call.status == 201

        def test_two(fake_pacs, sectra_client):
            assert fake_pacs.results("nuclei-counter") == []
            fake_pacs.assert_not_called("createResult")
            assert stores(sectra_client).id == 1
    """)
    done.assert_outcomes(passed=2)


def test_tests_share_a_server_and_its_address_is_free(run: Run):
    done = run("""
        urls = set()

        def test_one(fake_pacs):
            urls.add(fake_pacs.url)

        def test_two(fake_pacs):
            urls.add(fake_pacs.url)
            assert len(urls) == 1
            assert fake_pacs.url.startswith("http://localhost:")
            assert fake_pacs.url.endswith("/SectraPathologyServer/external/imageanalysis/v1")
    """)
    done.assert_outcomes(passed=2)


def test_user_and_password_open_token(run: Run):
    done = run("""
        from sectra_client import SectraClient

        def test_one(fake_pacs):
            known = fake_pacs.user, fake_pacs.password
            with SectraClient.from_credentials(fake_pacs.url, "nuclei-counter", *known, _allow_http=True) as client:
                stores(client)
            fake_pacs.assert_called("createToken")
            assert len(fake_pacs.results("nuclei-counter", "demo-he-1")) == 1
    """)
    done.assert_outcomes(passed=1)


def test_an_unmet_expectation_names_what_came_instead(run: Run):
    done = run("""
        def test_one(fake_pacs, sectra_client):
            sectra_client.get_image_metadata("demo-he-1")
            try:
                stores(sectra_client, application="nobody")
            except Exception:
                pass
            fake_pacs.assert_called("createResult", times=1)
    """)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            "*expected createResult once without being refused; it was called 0 times so*",
            "*Other calls of createResult:*",
            "*POST *nobody/results -> 404 (createResult)*",
            "*No application 'nobody' is registered*",
            "*Other operations that were called:*",
            "*getSlideInfo -> 200, once*",
        ]
    )


def test_a_failing_test_shows_what_was_called(run: Run):
    done = run("""
        def test_one(fake_pacs, sectra_client):
            stores(sectra_client)
            assert 1 == 2
    """)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*fake-pacs*", "*POST *nuclei-counter/results -> 201 (createResult)*"])


def test_an_error_inside_the_emulator_fails_the_test(run: Run):
    done = run("""
        import urllib.request, urllib.error

        def test_one(fake_pacs, monkeypatch):
            def broken(*_, **__):
                raise RuntimeError("a defect")
            monkeypatch.setattr(fake_pacs.server.world.store, "results", broken)
            asked = urllib.request.Request(
                fake_pacs.url + "/applications/nuclei-counter/results/slide/demo-he-1",
                headers={"Authorization": f"Bearer {fake_pacs.token}"})
            try:
                urllib.request.urlopen(asked)
            except urllib.error.HTTPError as error:
                assert error.code == 500
                error.close()

        def test_two(fake_pacs):
            pass
    """)
    done.assert_outcomes(failed=1, passed=1)
    done.stdout.fnmatch_lines(["*fake-pacs went wrong by itself*", "*RuntimeError: a defect*"])


VERSION = """
    def test_one(fake_pacs, sectra_client):
        assert sectra_client.version_info.apiVersion == "{version}"
        assert fake_pacs.api_version == "{version}"
"""


def test_the_version_comes_from_the_settings(run: Run):
    run(VERSION.format(version="1.9"), ini="fake_pacs_api_version = 1.9\n").assert_outcomes(passed=1)


def test_a_marker_says_more_than_the_settings(run: Run):
    marked = 'import pytest\npytestmark = pytest.mark.fake_pacs(api_version="1.8")\n' + textwrap.dedent(VERSION).format(
        version="1.8"
    )
    run(marked, "--strict-markers", ini="fake_pacs_api_version = 1.9\n").assert_outcomes(passed=1)


def test_the_command_line_has_the_last_word_on_the_version(run: Run):
    marked = 'import pytest\npytestmark = pytest.mark.fake_pacs(api_version="1.8")\n' + textwrap.dedent(VERSION).format(
        version="1.10"
    )
    run(marked, "--fake-pacs-api-version=1.10").assert_outcomes(passed=1)


def test_applications_and_slides_can_be_given(run: Run, pytester: pytest.Pytester):
    import demo_hospital

    slide = demo_hospital.folder() / "slides" / "colon_he.svs"
    done = run(
        """
        import pytest

        @pytest.mark.fake_pacs(applications=["mine"])
        def test_one(fake_pacs, sectra_client):
            slide = fake_pacs.server.world.hospital.slides[0].id
            for application in ("mine", "ours"):
                stores(sectra_client, slide, application)
            assert len(fake_pacs.server.world.hospital.slides) == 1
        """,
        ini=f"fake_pacs_applications =\n    ours=Our application\nfake_pacs_slides = {slide}\n",
    )
    done.assert_outcomes(passed=1)


def test_what_can_t_be_is_said_clearly(run: Run):
    done = run("""
        import pytest

        @pytest.mark.fake_pacs(api_version="2.0")
        def test_version(fake_pacs): pass

        @pytest.mark.fake_pacs(version="1.8")
        def test_name(fake_pacs): pass

        @pytest.mark.fake_pacs("1.8")
        def test_position(fake_pacs): pass

        @pytest.mark.fake_pacs(slides="nowhere")
        def test_slides(fake_pacs): pass

        def test_operation(fake_pacs):
            fake_pacs.assert_called("createResults")
    """)
    done.assert_outcomes(errors=4, failed=1)
    done.stdout.fnmatch_lines(
        [
            "*fake_pacs can't be made: API version '2.0'*choose from 1.8*",
            "*the marker fake_pacs has no 'version'; it has api_version*",
            "*the marker fake_pacs takes names, came ('1.8',)*",
            "*no operation 'createResults': was createResult meant*",
        ]
    )


WITHOUT_EXTRAS = """
import importlib.abc, sys

class Lacking(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"flask", "click", "sqlalchemy", "jsonschema_rs", "yaml"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Lacking())
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


def test_without_the_extra_other_tests_run_and_the_fixture_says_what_is_missing(pytester: pytest.Pytester):
    """The wheel's base install is tried by `tools.check_install`; this is quick."""
    pytester.makeini("[pytest]\n")
    pytester.makepyfile("def test_other(): pass\n\ndef test_one(fake_pacs): pass\n")
    named = () if INSTALLED else ("-p", "fake_pacs.pytest_plugin")
    done = pytester.run(sys.executable, "-c", WITHOUT_EXTRAS, *named, "-p", "no:cacheprovider", "-p", "no:schemathesis")
    done.assert_outcomes(passed=1, errors=1)
    done.stdout.fnmatch_lines(["*the fixture fake_pacs needs the server's libraries*ia-api-kit[[]server]*"])


def test_workers_of_xdist_don_t_see_each_other(pytester: pytest.Pytester):
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(
        STORES
        + """
import pytest

@pytest.mark.parametrize("number", range(6))
def test_one(number, fake_pacs, sectra_client):
    assert stores(sectra_client).id == 1
    fake_pacs.assert_called("createResult", times=1)
"""
    )
    named = () if INSTALLED else ("-p", "fake_pacs.pytest_plugin")
    done = pytester.runpytest_subprocess(*named, "-p", "no:cacheprovider", "-n", "2")
    done.assert_outcomes(passed=6)


def test_names_of_options_and_settings_are_its_own(pytester: pytest.Pytester):
    done = pytester.runpytest_inprocess(*(() if INSTALLED else ("-p", "fake_pacs.pytest_plugin")), "--help")
    own = [line.strip() for line in done.outlines if "fake" in line and line.startswith("  ")]
    names = [line.split()[0] for line in own if line.startswith(("--", "fake"))]
    assert names
    assert all(name.startswith(("--fake-pacs-", "fake_pacs_")) for name in names)
