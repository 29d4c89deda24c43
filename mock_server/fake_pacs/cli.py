"""The command `fake-pacs`."""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import click

from fake_pacs import logs
from fake_pacs.app import create_app, http_limits
from fake_pacs.catalog import CatalogError
from fake_pacs.certificates import CertificateError, TlsFiles, self_signed, server_context
from fake_pacs.cli_act import act, deliveries
from fake_pacs.cli_apps import apps
from fake_pacs.cli_doctor import doctor
from fake_pacs.cli_exec import exec_command
from fake_pacs.cli_faults import clock, faults, incident
from fake_pacs.cli_make_slide import make_slide
from fake_pacs.cli_slides import SlidePath, Telling, read_slides, refuse_lone_options, slides, watching
from fake_pacs.cli_snapshot import snapshot
from fake_pacs.cli_wait import wait
from fake_pacs.demo import demo_slides, named_application, with_applications
from fake_pacs.hospital import Application, Hospital
from fake_pacs.imaging.slide_reader import SlideReader
from fake_pacs.refusals import Refusal
from fake_pacs.serving import HttpServer, ListenError
from fake_pacs.settings import (
    WELL_KNOWN_CONTROL_TOKEN,
    WELL_KNOWN_TOKEN,
    WELL_KNOWN_USER,
    Settings,
    SettingsError,
    is_loopback,
    refuse_strangers,
)
from fake_pacs.sql_store import SqlStore
from fake_pacs.store import StoreError
from fake_pacs.wire_refusals import server_problem
from fake_pacs.world import World, contract
from ia_api_spec import NEWEST, VERSIONS


@dataclass(frozen=True)
class Listening:
    """Where the server listens, and with which certificate."""

    host: str
    port: int
    tls: TlsFiles | None


class _User(click.ParamType[tuple[str, str]]):
    name = "NAME:PASSWORD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, colon, password = str(value).partition(":")
        if not name or not colon or not password:
            self.fail(f"{value!r}: expected a name and a password with a colon between, such as dev:dev", param, ctx)
        return name, password


class _Application(click.ParamType[Application]):
    name = "ID[=NAME]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Application:
        try:
            return value if isinstance(value, Application) else named_application(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Kinds(click.ParamType[frozenset[str]]):
    name = "slides,applications"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[str]:
        kinds = value if isinstance(value, frozenset) else frozenset(part.strip() for part in str(value).split(","))
        if unknown := sorted(kinds - {"slides", "applications"}):
            self.fail(f"can't invent {', '.join(map(repr, unknown))}: choose slides, applications or both", param, ctx)
        return kinds


@click.group(context_settings={"auto_envvar_prefix": "FAKE_PACS", "help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ia-api-kit", prog_name="fake-pacs")
def main() -> None:
    """A fake PACS for people who write pathology AI: IA-API 1.8, 1.9 and 1.10, on your machine."""


@main.command(short_help="Serve the IA-API until interrupted.")
@click.option("--host", default="localhost", show_default=True, help="Address to listen on.")
@click.option("--port", default=8001, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 is any free one.")
@click.option(
    "--api-version",
    default=str(NEWEST),
    show_default=True,
    type=click.Choice([str(version) for version in VERSIONS]),
    help="The IA-API version that the server is.",
)
@click.option("--software-version", help="The software version that it reports.  [default: that of the API version]")
@click.option("--token", help="The development token.  [default on loopback: dev-token]")
@click.option("--control-token", help="Opens the control plane, /_fake_pacs.  [default on loopback: dev-control]")
@click.option(
    "--user", multiple=True, type=_User(), help="A user for /token; may be repeated.  [default on loopback: dev:dev]"
)
@click.option(
    "--app",
    "apps",
    multiple=True,
    type=_Application(),
    envvar="FAKE_PACS_SERVE_APP",
    help="Registers an application; may be repeated.",
)
@click.option(
    "--slides",
    multiple=True,
    type=SlidePath(path_type=Path),
    help="Slide files or a folder of them, in place of the demo cases; may be repeated.",
)
@click.option("--strict-slides", is_flag=True, help="Opens every slide and refuses to start if one can't be served.")
@click.option("--watch", is_flag=True, help="New slides join, changed and removed ones follow, while serving.")
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that keeps what is stored.  [default: in memory]",
)
@click.option("--seed", type=int, help="Makes a run of one client in sequence reproducible: ids, versions, times.")
@click.option("--public-url", help="How apps reach this server, in callbackInfo.  [default: as the caller reached it]")
@click.option(
    "--invent", type=_Kinds(), default=frozenset(), help="Makes up what is asked for: slides, applications or both."
)
@click.option(
    "--missing-version",
    type=click.Choice(["refuse", "accept"]),
    default="refuse",
    show_default=True,
    help="What to do with an update without versionId.",
)
@click.option(
    "--files",
    type=click.Choice(["auto", "multipart"]),
    default="auto",
    show_default=True,
    help="multipart answers also a single file as multipart/related.",
)
@click.option("--allow-link-local", is_flag=True, help="Apps may live at link-local and cloud metadata addresses.")
@click.option("--app-ca", type=click.Path(), help="Authorities trusted where apps are called by https, PEM.")
@click.option(
    "--log",
    type=click.Choice(["json", "text"]),
    help="Logs each exchange to standard error, one line each, without tokens and PHI; with json nothing else is said.",
)
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate for https, PEM.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its private key, PEM.")
@click.option("--tls", type=click.Choice(["self-signed"]), help="https with a certificate made now.")
def serve(host: str, port: int, **options: Any) -> None:
    """Serve the IA-API until interrupted.

    Without --slides it is the demo hospital. Every option can come from the environment, as FAKE_PACS_SERVE_PORT.
    """

    def until_interrupted(world: World, server: HttpServer, listening: Listening) -> None:
        def greet() -> None:
            if options["log"] != "json":
                click.echo(_greeting(world, server, listening))
                sys.stdout.flush()

        server.serve_forever(greet)

    serving(host, port, options, until_interrupted)


Work = Callable[[World, HttpServer, Listening], None]
"""What is done while the server serves."""


def serving(host: str, port: int, options: dict[str, Any], work: Work) -> None:
    """Serves as the options of `serve` say while the work is done; raises `ClickException` for what can't be."""
    logs.configure(options["log"])
    try:
        settings = _settings(host, options)
        _check_seed(options)
        listening = Listening(host, port, _tls(options, host))
        if listening.tls:
            server_context(listening.tls)
        refuse_lone_options(options)
        watched, strict = options["watch"], options["strict_slides"]
        paths, telling = options["slides"], Telling(in_log=options["log"] == "json")
        reading = read_slides(paths, strict=strict, may_be_empty=watched, telling=telling) if paths else None
        found = reading.loaded.slides if reading else demo_slides(SlideReader())
        with SqlStore(options["state"]) as store:
            world = World(settings, with_applications(found, options["apps"]), store)
            with watching(reading, world, telling=telling) if reading and watched else nullcontext():
                _serve(world, listening, work)
    except (SettingsError, CatalogError, CertificateError, ListenError, StoreError, Refusal) as error:
        raise click.ClickException(str(error)) from error


def _settings(host: str, options: dict[str, Any]) -> Settings:
    """The settings of the options. Raises `SettingsError` for a server that strangers could enter."""
    token, control_token, users = options["token"], options["control_token"], options["user"]
    invent = options["invent"]
    settings = Settings(
        api_version=options["api_version"],
        software_version=options["software_version"],
        token=WELL_KNOWN_TOKEN if token is None else token,
        control_token=WELL_KNOWN_CONTROL_TOKEN if control_token is None else control_token,
        users=tuple(users) or ((WELL_KNOWN_USER,) if is_loopback(host) else ()),
        public_url=_url(options["public_url"]),
        invent_slides="slides" in invent,
        invent_applications="applications" in invent,
        missing_version=options["missing_version"],
        files=options["files"],
        seed=options["seed"],
        allow_link_local=options["allow_link_local"],
        app_ca=options["app_ca"],
    )
    refuse_strangers(host, settings)
    return settings


def _check_seed(options: dict[str, Any]) -> None:
    """Raises `SettingsError` for a seed on a state from before: old versionIds would come again and pass for new."""
    if options["seed"] is not None and options["state"] is not None and options["state"].exists():
        raise SettingsError(
            f"--seed makes the same ids again, and {options['state']} holds those of an earlier run: "
            "name a new --state file, or leave --seed out"
        )


def _url(text: str | None) -> str | None:
    if text is None:
        return None
    parts = urlsplit(text)
    whole = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
    if not whole or any(character.isspace() for character in text):
        expected = "http or https, a host, perhaps a port and a path, such as http://pacs.example:8001"
        raise SettingsError(f"--public-url came as {text!r}; expected {expected}")
    return text.rstrip("/")


def _tls(options: dict[str, Any], host: str) -> TlsFiles | None:
    certificate, key = options["tls_cert"], options["tls_key"]
    if options["tls"] and (certificate or key):
        raise SettingsError("--tls self-signed makes a certificate: give either it, or --tls-cert and --tls-key")
    if options["tls"]:
        return self_signed([host])
    if bool(certificate) != bool(key):
        raise SettingsError("--tls-cert and --tls-key go together: give both")
    return TlsFiles(certificate, key) if certificate else None


main.add_command(exec_command(serve, serving))
main.add_command(wait)
main.add_command(doctor)
main.add_command(slides)
main.add_command(make_slide)
main.add_command(snapshot)
main.add_command(apps)
main.add_command(act)
main.add_command(deliveries)
main.add_command(faults)
main.add_command(clock)
main.add_command(incident)


def _serve(world: World, listening: Listening, work: Work) -> None:
    server = HttpServer(
        create_app(world),
        host=listening.host,
        port=listening.port,
        tls=listening.tls,
        render_problem=server_problem(world),
        limits=http_limits(world.settings),
        went_wrong=lambda text: world.journal.went_wrong(None, text),
    )
    server.start()
    world.address = _root(server, listening)
    world.refuse_connections = server.refuse_connections
    try:
        world.seed()
        own, base = world.settings, contract("ia-api", world.settings.version).base_path
        said = {"apiVersion": own.api_version, "softwareVersion": own.software}
        logs.event("start", url=world.address + base, **said)
        work(world, server, listening)
    finally:
        server.stop()
        logs.event("stop", requests=world.journal.written)


def _root(server: HttpServer, listening: Listening) -> str:
    """The URL that the server listens at, without a path."""
    host = f"[{listening.host}]" if ":" in listening.host else listening.host
    return f"{server.scheme}://{host}:{server.port}"


def _greeting(world: World, server: HttpServer, listening: Listening) -> str:
    root = _root(server, listening)
    base = contract("ia-api", world.settings.version).base_path
    own = world.settings
    known = own.token == WELL_KNOWN_TOKEN
    ca = f"\n  CA file     {listening.tls.certificate}" if listening.tls else ""
    return (
        f"fake-pacs serves IA-API {own.api_version} ({own.software})\n"
        f"  URL         {root}{base}\n"
        f"  token       {own.token if known else '(the one you gave)'}\n"
        f"  holds       {_counted(world.hospital)}\n"
        f"  API page    {root}/_fake_pacs/api\n"
        f"  hospital    {root}/_fake_pacs/hospital{ca}\n"
        "Stop it with Ctrl-C."
    )


def _counted(hospital: Hospital) -> str:
    counts: list[tuple[int, Literal["case", "slide", "application"]]] = [
        (len(hospital.cases), "case"),
        (len(hospital.slides), "slide"),
        (len(hospital.applications), "application"),
    ]
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts)
