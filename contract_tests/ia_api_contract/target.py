"""The server under test: how it is reached, what it holds, and every exchange that was had with it."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests
from urllib3.exceptions import HTTPError

from ia_api_contract.check import Check
from ia_api_contract.exchanges import Answer, Exchange, Redactor
from ia_api_contract.holdings import Holdings
from ia_api_contract.outcomes import Failed, Outcome, Skipped
from ia_api_spec import ApiVersion, Contract

TIMEOUT = (5.0, 30.0)
"""Seconds to connect, and seconds of silence while an answer is read."""

LONGEST = 120.0
"""Seconds that a whole answer may take: one that dribbles in never ends the silence, nor the run."""

LARGEST = 64 * 2**20
"""Bytes of an answer that are taken in; slide files, which are larger, have `downloads.download`."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
STORELESS = frozenset({"/token", "/info"})
"""Paths at which no method stores anything: also a target that is read only is asked there."""

TOLD_EXCHANGES = 10
"""So many last exchanges are told of a check that didn't pass: slides are large, and a report is read by people."""

KEPT_EXCHANGES = 200
"""So many exchanges of one check are kept; a check that makes thousands needs its last ones."""


@dataclass(frozen=True)
class Options:
    """What the user said about the target."""

    url: str
    token: str
    api_version: ApiVersion
    app_id: str | None = None
    slide_id: str | None = None
    accession: str | None = None
    user: str | None = None
    password: str | None = None
    control_token: str | None = None
    read_only: bool = False
    max_examples: int = 30
    quick: bool = False
    seed: int = 0
    verify: bool | str = True


@dataclass
class Target:
    """The server under test. Checks ask it with `ask` (an operation of the contract) or `send` (any request)."""

    options: Options
    contract: Contract
    holdings: Holdings
    redactor: Redactor = field(default_factory=Redactor)
    memory: dict[str, Any] = field(default_factory=dict)
    """What is dear to make and is the same for all checks of a run, by name."""

    heard: Callable[[Exchange], None] | None = None
    """Hears of every exchange that is had with the target, whatever for."""

    def __post_init__(self) -> None:
        self._threads = threading.local()
        self._current: list[Exchange] = []
        self.redactor.learn(self.options.token)
        self.redactor.learn_user(self.options.user, self.options.password)
        self.redactor.learn(self.options.control_token)

    @property
    def version(self) -> ApiVersion:
        """The version that the target is checked as; every request names it."""
        return self.options.api_version

    # What it holds

    @property
    def slide(self) -> str:
        """A slide that the target has."""
        return self.holdings.slides[0]

    @property
    def application(self) -> str:
        """An application that is registered with the target."""
        return self.holdings.applications[0]

    # Asking

    def ask(
        self,
        operation_id: str,
        *,
        spelling: str | None = None,
        json_body: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = "",
        version: str | None = "",
        media_type: str | None = None,
        **parameters: Any,
    ) -> Answer:
        """Asks an operation of the contract; path and query parameters by name, None leaves one out.

        `token` and `version` are the target's unless given; None sends none. `json_body` is sent as JSON, `body` as it
        is. Raises `Failed` where no answer comes.
        """
        operation = self.contract.operations[operation_id]
        path = next(known.path for known in operation.spellings if known.name == spelling)
        places = {parameter.name: parameter.location for parameter in operation.parameters}
        query: dict[str, str] = {}
        for name, value in parameters.items():
            if places.get(name, "query") == "path":
                path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
            elif value is not None:
                query[name] = str(value).lower() if isinstance(value, bool) else str(value)
        sent = dict(headers or {})
        if json_body is not None:
            body = json.dumps(json_body).encode()
            sent.setdefault("Content-Type", "application/json")
        if media_type:
            sent["Content-Type"] = media_type
        text = path + (f"?{urlencode(query)}" if query else "")
        return self.send(operation.method, text, body=body, headers=sent, token=token, version=version)

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = "",
        version: str | None = "",
    ) -> Answer:
        """Sends any request to a path below the base URL, unchanged, and follows no redirect.

        Raises `Failed` where no answer comes, `Skipped` for what a target that is read only might store.
        """
        if method not in SAFE_METHODS and path.partition("?")[0] not in STORELESS:
            self.need_writes()
        sent = dict(headers or {})
        chosen = self.options.token if token == "" else token
        if chosen is not None:
            sent.setdefault("Authorization", f"Bearer {chosen}")
        asked = str(self.version) if version == "" else version
        if asked is not None:
            sent.setdefault("X-Sectra-ApiVersion", asked)
        return self._exchange(method, self.options.url + path, sent, body)

    def root(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Sends a request to a path of the server's root, where an emulator's control plane lies."""
        parts = urlsplit(self.options.url)
        return self._exchange(method, f"{parts.scheme}://{parts.netloc}{path}", dict(headers or {}), body)

    def _exchange(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        prepared = requests.Request(method, url, headers=headers, data=body).prepare()
        prepared.url = url  # requests would tidy the path; a check sends what it says
        began = time.monotonic()
        try:
            response = self._session().send(
                prepared, allow_redirects=False, stream=True, timeout=TIMEOUT, verify=self.options.verify
            )
            content = _whole(response, began + LONGEST)
        except (requests.RequestException, HTTPError, OSError) as error:
            self.keep(Exchange(method, url, headers, body or b"", None, time.monotonic() - began, str(error)))
            raise Failed(f"{method} {self.redactor.text(url)} got no complete answer: {error}") from error
        answer = Answer(
            response.status_code, {name.lower(): value for name, value in response.headers.items()}, content
        )
        self.keep(Exchange(method, url, headers, body or b"", answer, time.monotonic() - began))
        return answer

    def _session(self) -> requests.Session:
        """A session for each thread: connections are kept, cookies and the environment's proxies are not."""
        if not hasattr(self._threads, "session"):
            session = requests.Session()
            session.trust_env = False
            self._threads.session = session
        found: requests.Session = self._threads.session
        return found

    def keep(self, exchange: Exchange) -> None:
        """Keeps an exchange that was had with the target, for the report of the check that is at work."""
        if exchange.answer:
            self.redactor.learn_from(exchange.answer)
        if self.heard:
            self.heard(exchange)
        self._current.append(exchange)
        del self._current[:-KEPT_EXCHANGES]

    @contextmanager
    def recording(self) -> Iterator[Sequence[Exchange]]:
        """The exchanges made inside the block."""
        kept: list[Exchange] = []
        self._current = kept
        yield kept

    # What the runner asks

    def why_not(self, check: Check) -> str | None:
        """Why the options leave the check out."""
        return "left out by --quick" if check.effort == "full" and self.options.quick else None

    def told(self, outcome: Outcome, exchanges: Sequence[Exchange]) -> Sequence[Exchange]:
        """The last exchanges of a check that didn't pass."""
        return () if outcome is Outcome.PASS else exchanges[-TOLD_EXCHANGES:]

    # Storing, for checks that need something stored

    def need_writes(self) -> None:
        """Raises `Skipped` on a target that must not be written to."""
        if self.options.read_only:
            raise Skipped("the run is --read-only")

    def result(self, **members: Any) -> dict[str, Any]:
        """A small valid result for the target's slide, with these members in place of its own."""
        document: dict[str, Any] = {
            "slideId": self.slide,
            "displayResult": "written by ia-api-contract",
            "displayProperties": {"Check": "ia-api-contract"},
            "applicationVersion": "1.0",
            "attachments": [],
            "data": {
                "context": {"by": "ia-api-contract"},
                "result": {
                    "type": "primitive",
                    "content": [{"labels": [{"location": {"x": 0.1, "y": 0.1}, "label": "x"}]}],
                },
            },
        }
        return {**document, **members}

    def stored(self, **members: Any) -> dict[str, Any]:
        """A result that was stored just now, as the target answered. Raises `Failed` unless that was a 2xx of JSON.

        That it is 201 exactly is a check of its own, and no reason to fail all others.
        """
        self.need_writes()
        answer = self.ask("createResult", applicationId=self.application, json_body=self.result(**members))
        if answer.status // 100 != 2 or not isinstance(answer.json, dict):
            raise Failed(f"storing a result was answered with {answer}; expected 201 and the stored result")
        return answer.json


def _whole(response: requests.Response, deadline: float) -> bytes:
    """The body, whatever its framing. Raises `OSError` for one that has no end in time or in size."""
    pieces: list[bytes] = []
    size = 0
    while piece := response.raw.read1(2**16, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        trouble = f"more than {LARGEST} bytes" if size > LARGEST else f"{size} bytes in {LONGEST:g} s, and no end"
        if size > LARGEST or time.monotonic() > deadline:
            response.close()
            raise OSError(f"the answer was given up: {trouble}")
    response.raw.release_conn()
    return b"".join(pieces)
