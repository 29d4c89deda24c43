"""The fake PACS inside a Python process: `MockSectraServer`, in a thread, for tests and scripts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from fake_pacs import snapshots
from fake_pacs.answering import render
from fake_pacs.app import Application, create_app, http_limits
from fake_pacs.calling import invocations, judging
from fake_pacs.calling.callback import callback_url
from fake_pacs.calling.deliveries import DeliveryPolicy
from fake_pacs.calling.outbound import Outbound, UrlError
from fake_pacs.calling.values import AppAnswer, Delivery, Finding, RegisteredApp
from fake_pacs.calling.workstation import Workstation
from fake_pacs.calls import Call, Reply
from fake_pacs.catalog import from_metadata
from fake_pacs.certificates import TlsFiles
from fake_pacs.clock import Clock, Ids
from fake_pacs.demo import as_mapping, as_paths, demo_slides, given_slides, named_application, with_applications
from fake_pacs.embedding_app_side import AppAnswerError, AppSide
from fake_pacs.embedding_faults import FaultSide
from fake_pacs.faults.latency import Latency
from fake_pacs.handlers import HANDLERS, Handler
from fake_pacs.handlers.tiles import FORMATS
from fake_pacs.hospital import Case, Hospital, Slide
from fake_pacs.imaging.openslide_picture import OpenSlidePicture
from fake_pacs.imaging.slide_reader import SlideReader
from fake_pacs.incidents.incident import Incident
from fake_pacs.incidents.values import Verdict
from fake_pacs.journal import Exchange, Journal
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.result_documents import on_wire
from fake_pacs.serving import CONNECTION_KEY, HttpServer
from fake_pacs.settings import DEFAULT_TENANT, SOFTWARE_VERSIONS, Settings, SettingsError, refuse_strangers
from fake_pacs.sql_store import SqlStore
from fake_pacs.store import Credential, Store
from fake_pacs.views import AttributeView
from fake_pacs.wire_refusals import server_problem
from fake_pacs.world import World, contract
from ia_api_spec import NEWEST

__all__ = [
    "CONNECTION_KEY",
    "DEFAULT_TENANT",
    "HANDLERS",
    "SOFTWARE_VERSIONS",
    "AppAnswer",
    "AppAnswerError",
    "BrokenContractError",
    "Call",
    "Case",
    "Credential",
    "Delivery",
    "DeliveryPolicy",
    "Exchange",
    "Finding",
    "Handler",
    "Hospital",
    "Incident",
    "Journal",
    "Latency",
    "MockSectraServer",
    "OpenSlidePicture",
    "Outbound",
    "Refusal",
    "Refusals",
    "RegisteredApp",
    "Reply",
    "SettingsError",
    "Slide",
    "UrlError",
    "Verdict",
    "Workstation",
    "World",
    "callback_url",
    "create_app",
    "invocations",
    "judging",
    "on_wire",
]
"""The embedding interface: a server in a thread, and what it takes to make one that refuses on purpose."""

USUAL_PORT = 8001
"""Where the command line and `run()` serve unless told otherwise."""


class BrokenContractError(AssertionError):
    """The fake PACS answered something that its own contract forbids: a defect of fake-pacs, not of the caller."""


class MockSectraServer(AppSide, FaultSide):
    """A fake PACS in a thread: `with MockSectraServer().run(port=0) as pacs: ... pacs.url`.

    Given `slides` (metadata by slide id) and `slide_files` (paths by slide id) replace the demo hospital's cases; none
    given means the demo hospital. `slide_files` may hold any bytes: metadata are read from them where they are a slide,
    plausible ones made where not. `applications` are registered beside those of the demo hospital, `ID` or `ID=NAME`.
    `invent=True` answers for any slide id and any application id, as the community's mock does; strict is the default.

    Leaving the context raises `BrokenContractError` if the server broke its own contract meanwhile.
    """

    def __init__(
        self,
        api_version: str = str(NEWEST),
        software_version: str = "4.2.0.0",
        token: str = "dev-token",
        slides: Mapping[str, Any] | None = None,
        slide_files: Mapping[str, Path | Sequence[Path]] | None = None,
        *,
        applications: Iterable[str] = (),
        invent: bool = False,
        users: Iterable[tuple[str, str]] = (("dev", "dev"),),
        control_token: str = "dev-control",
        missing_version: Literal["refuse", "accept"] = "refuse",
        files: Literal["auto", "multipart"] = "auto",
        public_url: str | None = None,
        seed: int | None = None,
        state: Path | None = None,
        store: Store | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
        tls: TlsFiles | None = None,
        allow_link_local: bool = False,
        app_ca: str | None = None,
    ) -> None:
        self.api_version = api_version
        self.software_version = software_version
        self.token = token
        self.control_token = control_token
        settings = Settings(
            api_version=api_version,
            software_version=software_version,
            token=token,
            control_token=control_token,
            users=tuple(users),
            public_url=public_url,
            invent_slides=invent,
            invent_applications=invent,
            missing_version=missing_version,
            files=files,
            seed=seed,
            allow_link_local=allow_link_local,
            app_ca=app_ca,
        )
        if isinstance(applications, str):
            raise TypeError(
                f"applications came as the text {applications!r}; expected a list of ids: [{applications!r}]"
            )
        given = slides is not None or slide_files is not None
        self._reader = SlideReader()
        chosen = given_slides(slides or {}, slide_files or {}, self._reader) if given else demo_slides(self._reader)
        hospital = with_applications(chosen, map(named_application, applications))
        self.world = World(settings, hospital, store or SqlStore(state), clock, ids)
        for slide in chosen if given else ():
            self._check(slide)
        self.world.seed()
        self._tls = tls
        self._host, self._asked_port = "localhost", USUAL_PORT
        self._server: HttpServer | None = None

    def run(self, port: int = USUAL_PORT, host: str = "localhost") -> Self:
        """Serves in a thread on that port (0: any free one) and returns the server itself."""
        self._host, self._asked_port = host, port
        self.start()
        return self

    def start(self) -> None:
        """Serves in a thread, where `run` was told to, else on port 8001 of localhost; returns when it answers."""
        refuse_strangers(self._host, self.world.settings)
        if self._server is not None:
            raise RuntimeError(f"the server runs already, at {self.url}: stop it first")
        server = HttpServer(
            self.create_app(),
            host=self._host,
            port=self._asked_port,
            tls=self._tls,
            render_problem=server_problem(self.world),
            limits=http_limits(self.world.settings),
            went_wrong=lambda text: self.world.journal.went_wrong(None, text),
        )
        server.start()
        self._server = server
        self.world.address = self.root_url
        self.world.refuse_connections = server.refuse_connections

    def stop(self) -> None:
        """Stops serving, within a second; what is stored stays until the object is gone."""
        if self._server is not None:
            self._server.stop()
            self._server = self.world.refuse_connections = None
            self.world.address = None
        self._reader.close()

    def __enter__(self) -> Self:
        """Serves on any free port, unless it was told otherwise before: `with server.run(port=9000):`."""
        if self._server is None:
            self.run(port=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is None:
            self.raise_for_errors()

    def raise_for_errors(self) -> None:
        """Raises `BrokenContractError` if the server itself went wrong since it was made."""
        if errors := self.world.journal.our_errors:
            raise BrokenContractError("fake-pacs went wrong by itself:\n" + "\n".join(errors))

    @property
    def port(self) -> int:
        """The port that it listens on. Raises `RuntimeError` before it serves."""
        if self._server is None:
            raise RuntimeError("the server doesn't run: call run(), start() or enter it as a context")
        return self._server.port

    @property
    def root_url(self) -> str:
        """The server's root, where the control plane lies."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    @property
    def url(self) -> str:
        """What a client is given: the base URL of the IA-API, without a trailing slash."""
        return self.root_url + contract("ia-api", self.world.settings.version).base_path

    def create_app(self) -> Application:
        """The emulator as a WSGI application of its own, for a test client or another server."""
        return create_app(self.world)

    def add_slide(self, metadata: Any) -> None:
        """Adds a slide with these metadata (a model or a mapping with an `id`), or replaces the one of that id.

        Raises `ValueError` for metadata that no answer could carry, naming every place.
        """
        slide = from_metadata(as_mapping(metadata), reader=self._reader)
        self._check(slide)
        self.world.add_slide(slide)

    def add_slide_files(self, slide_id: str, files: Path | Sequence[Path]) -> None:
        """Gives a slide these files, whatever their bytes; an unknown slide is added."""
        known = self.world.hospital.slide(slide_id)
        metadata = known.metadata() if known else {}
        slide = from_metadata({**metadata, "id": slide_id}, as_paths(files), self._reader)
        if known:
            slide = replace(known, files=slide.files)
        self._check(slide)
        self.world.add_slide(slide)

    @staticmethod
    def read_result(document: dict[str, Any]) -> Any:
        """What `get_results` makes of a stored result; `sectra_client.mock_server` makes the client's model of it."""
        return AttributeView(document)

    def get_results(self, app_id: str, slide_id: str) -> list[Any]:
        """The results that an application stored on a slide, ordered by id, read past HTTP."""
        stored = self.world.store.results(DEFAULT_TENANT, app_id, slide_id)
        return [type(self).read_result(on_wire(result)) for result in stored]

    def save_snapshot(self, path: Path, tenant: str = DEFAULT_TENANT) -> None:
        """Saves all that the tenant holds to a file (docs/snapshots.md); no credentials are in it."""
        with snapshots.new_file(path) as file:
            snapshots.save(self.world, tenant, file)

    def load_snapshot(self, path: Path, tenant: str = DEFAULT_TENANT) -> dict[str, Any]:
        """Puts a snapshot in the place of all that the tenant holds, and says how much that is.

        Raises `SnapshotError`, a `ValueError` that names the lines, and changes nothing then.
        """
        with path.open("rb") as file:
            return snapshots.load(self.world, tenant, file)

    def _check(self, slide: Slide) -> None:
        """Raises `ValueError` for a slide whose metadata would break the contract when they are answered."""
        metadata = slide.metadata() | {"qualityControl": {"status": "NotSet", "versionId": "0"}}
        broken = _unwritable(metadata) or _unservable(metadata)
        if not broken:
            violations = contract("ia-api", NEWEST).schema("ImageMetadata").violations(metadata, "metadata")
            broken = [str(violation) for violation in violations]
        if broken:
            places = "\n".join(f"  {place}" for place in broken)
            raise ValueError(f"the metadata of slide {slide.id!r} break the contract:\n{places}")


def _unservable(metadata: Mapping[str, Any]) -> list[str]:
    """What the contract's schema can't say and tiles can't be served with, each with its place."""
    tile, planes = metadata["tileSize"], metadata["focalPlanes"]
    wrong = [] if tile["width"] == tile["height"] else [f"/tileSize: came {tile}, expected a square: tiles are"]
    for index, plane in enumerate(planes):
        if set(str(plane["id"])) & set("/_"):
            wrong.append(f"/focalPlanes/{index}/id: came {plane['id']!r}, expected an id without / and _")
    for index, known in enumerate(metadata["availableTileFormats"]):
        if known["extension"] not in FORMATS:
            came, expected = repr(known["extension"]), " or ".join(FORMATS)
            wrong.append(f"/availableTileFormats/{index}/extension: came {came}, expected {expected}")
    return wrong


def _unwritable(metadata: Mapping[str, Any]) -> list[str]:
    """The members that JSON can't say: dates, NaN, text with lone surrogates."""
    found = []
    for name, member in metadata.items():
        try:
            render(member)
        except (TypeError, ValueError) as error:
            found.append(f"metadata /{name}: came {member!a}, expected what JSON can say ({error})")
    return found
