"""The app under test: how it is called, the PACS that is played around it, and every exchange that was had."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fake_pacs.embedding import SOFTWARE_VERSIONS, AppAnswer, Outbound, UrlError, invocations
from ia_api_contract.app_corner import Outline
from ia_api_contract.app_pacs import AppPacs
from ia_api_contract.check import Check
from ia_api_contract.exchanges import Answer, Exchange, Redactor
from ia_api_contract.outcomes import Failed, Outcome
from ia_api_spec import VERSIONS, ApiVersion, Contract

AREA: Outline = ((0.55, 0.15), (0.8, 0.15), (0.85, 0.25), (0.78, 0.32), (0.55, 0.3))
OTHER_AREA: Outline = ((0.2, 0.35), (0.35, 0.33), (0.36, 0.45), (0.22, 0.46))
"""What the user draws, in image widths: simple outlines that lie elsewhere if anybody exchanges the axes."""

MOST_TOLD = 60
"""So many exchanges of one check are told."""


@dataclass(frozen=True)
class AppOptions:
    """What the user said. `timeout` is in seconds, for each answer; `public_url` is where the app reaches the PACS."""

    url: str
    versions: tuple[ApiVersion, ...] = VERSIONS
    timeout: float = 60.0
    host: str = "localhost"
    port: int = 0
    public_url: str | None = None
    slide: Path | None = None
    allow_link_local: bool = False


@dataclass
class AppTarget:
    """An app that is checked as something that a PACS of one version talks to."""

    options: AppOptions
    version: ApiVersion
    redactor: Redactor = field(default_factory=Redactor)
    memory: dict[str, Any] = field(default_factory=dict)
    """What is dear to make and is the same for all checks of a run, by name."""

    lent: AppPacs | None = None
    """A PACS that runs already, and isn't stopped."""

    def __post_init__(self) -> None:
        self._current: list[Exchange] = []
        self._own: AppPacs | None = None

    @cached_property
    def contract(self) -> Contract:
        """The app's side of the contract."""
        return Contract.of("ia-app", self.version)

    @property
    def pacs(self) -> AppPacs:
        """The PACS, which serves."""
        if self.lent is None and self._own is None:
            self.start()
        pacs = self.lent or self._own
        assert pacs is not None
        return pacs

    def start(self) -> None:
        """Starts the PACS, unless one was lent. Raises `OSError` or `ValueError` where it can't be."""
        if self.lent is None:
            pacs = AppPacs(self.version, slide=self.options.slide, public_url=self.options.public_url)
            try:
                self._own = pacs.run(self.options.port, self.options.host)
            except OSError:
                pacs.stop()  # removes what it has written
                raise

    def close(self) -> None:
        """Stops the PACS that it started."""
        if self._own is not None:
            self._own.stop()
            self._own = None

    # Calling the app

    @cached_property
    def _outbound(self) -> Outbound:
        headers = {
            "X-Sectra-ApiVersion": str(self.version),
            "X-Sectra-SoftwareVersion": SOFTWARE_VERSIONS[str(self.version)],
        }
        return Outbound(allow_link_local=self.options.allow_link_local, headers=headers)

    def url(self, name: str = "") -> str:
        """The app's URL, or the one of `info` or `imagenotification`."""
        return f"{self.options.url.rstrip('/')}/{name}" if name else self.options.url

    def get(self, name: str = "", headers: Mapping[str, str] | None = None, url: str | None = None) -> Answer:
        """What the app answers to a GET. Raises `Failed` where nothing usable comes."""
        asked = url or self.url(name)
        try:
            came = self._outbound.get(asked, self.options.timeout, headers)
        except UrlError as error:
            raise Failed(str(error)) from error
        return self._kept("GET", asked, b"", came, headers)

    def post(self, document: Any, name: str = "", timeout: float | None = None) -> Answer:
        """What the app answers to a POST of JSON. Raises `Failed` where nothing usable comes."""
        asked = self.url(name)
        try:
            came = self._outbound.post(asked, document, timeout or self.options.timeout)
        except UrlError as error:
            raise Failed(str(error)) from error
        return self._kept("POST", asked, _rendered(document), came, {"Content-Type": "application/json"})

    def _kept(self, method: str, url: str, body: bytes, came: AppAnswer, headers: Mapping[str, str] | None) -> Answer:
        answer = None if came.status is None else Answer(came.status, dict(came.headers), came.body)
        self.keep(Exchange(method, url, dict(headers or {}), body, answer, came.seconds, came.trouble, "pacs"))
        if came.trouble or answer is None:
            raise Failed(f"{method} {url}: {came.trouble or 'no answer came'}")
        return answer

    # What it says of itself

    def registration(self) -> Mapping[str, Any]:
        """The app's registration, asked for once. Raises `Failed` where there is none that could be used."""
        if "registration" not in self.memory:
            answer = self.get()
            document = answer.json
            if answer.status != 200 or not isinstance(document, dict):
                raise Failed(f"the app can't be registered: its URL answered with {answer}")
            if violations := self.contract.schema("Registration").violations(document, "registration"):
                raise Failed(f"the app can't be registered: {violations[0]}")
            self.memory["registration"] = document
        found: Mapping[str, Any] = self.memory["registration"]
        return found

    @property
    def application(self) -> str:
        """The app's id."""
        return str(self.registration()["applicationId"])

    @property
    def asks_for(self) -> str:
        """The input that the app wants its users to give."""
        return str(self.registration()["inputTemplate"]["type"])

    def given(
        self, sort: str | None = None, tagged: bool = True, areas: tuple[Outline, Outline] = (AREA, OTHER_AREA)
    ) -> dict[str, Any]:
        """What the user gives: the input that the app asked for, or another sort; `areas` is what is drawn."""
        template = self.registration()["inputTemplate"]
        tags = (template.get("content") or {}).get("tags") or []
        sort = sort or self.asks_for
        if sort == "taggedPolygon":
            return invocations.tagged_polygon(areas[0], tags if tagged else (), 0 if tags and tagged else None)
        return invocations.multi_area(areas) if sort == "multiArea" else invocations.whole_slide()

    def notices(self) -> bool:
        """Whether the app takes image notifications, as far as is known: an app may do without."""
        return bool(self.memory.get("notices", True))

    # What the runner asks

    def keep(self, exchange: Exchange) -> None:
        """Keeps an exchange for the report of the check that is at work."""
        self._current.append(exchange)

    @contextmanager
    def recording(self) -> Iterator[Sequence[Exchange]]:
        """The exchanges made inside the block."""
        kept: list[Exchange] = []
        before, self._current = self._current, kept
        try:
            yield kept
        finally:
            self._current = before

    def need_writes(self) -> None:
        """Everything may be stored: the PACS is ours."""

    def why_not(self, check: Check) -> str | None:
        """Nothing leaves checks out."""
        return None

    def told(self, outcome: Outcome, exchanges: Sequence[Exchange]) -> Sequence[Exchange]:
        """All of them, whatever the outcome, as far as a page can hold."""
        return exchanges[:MOST_TOLD]


def check_url(name: str, url: str) -> None:
    """Raises `ValueError` for what is no URL to which paths can be appended; `name` says where it came from."""
    try:
        parts = urlsplit(url)
        fit = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
        fit = fit and parts.port != 0 and url.isascii() and " " not in url
    except ValueError:
        fit = False
    if "@" in url.partition("://")[2].partition("/")[0]:
        came = "a URL with a user or password (not repeated here)"
        raise ValueError(f"{name} came as {came}: expected one without; reports would tell it")
    if not fit:
        came = re.sub(r"([?#]).+", r"\1…", url, count=1, flags=re.DOTALL)  # a query may hold a secret
        raise ValueError(f"{name} came as {came!r}: expected a URL without query, such as http://localhost:9000/hook")


def _rendered(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
