"""The Flask application: one request's way from HTTP to a handler and back. The only module that knows Flask."""

import logging
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from email.utils import format_datetime
from functools import partial
from ipaddress import IPv6Address
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from flask import Flask, Request, Response, current_app, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from fake_pacs.answering import PROBLEM, Answer, answer, broken, render
from fake_pacs.calls import Call, Reply
from fake_pacs.credentials import identify
from fake_pacs.faults.applying import serve_spoiled
from fake_pacs.faults.table import Outcome
from fake_pacs.handlers import CONTROL_HANDLERS, HANDLERS, Handler
from fake_pacs.journal import Exchange
from fake_pacs.reading import Upload, media_type_of, read_form, read_json, read_parameters, read_whole
from fake_pacs.recording import Wire, broke_off, record
from fake_pacs.redaction import Redactor
from fake_pacs.refusals import ON_THE_WIRE, Refusal, Refusals
from fake_pacs.routing import MatchedRule, Route, hint_for, routes
from fake_pacs.serving import CONNECTION_KEY, Limits, Refused
from fake_pacs.settings import Settings
from fake_pacs.tracking import Track, Watched
from fake_pacs.world import World, contract
from ia_api_spec import ApiVersion, Contract, Operation, Violation, effective, shown

LOG = logging.getLogger("fake_pacs")

Application = Flask
"""What `create_app` makes, by a name that other modules can use without knowing Flask."""

_HOST = re.compile(r"(?:[A-Za-z0-9._\-]+|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])(?::[0-9]{1,5})?")


def create_app(world: World, handlers: Mapping[str, Handler] = HANDLERS) -> Flask:
    """The emulator as a WSGI application, with the URL rules of the contract and of the control plane.

    `handlers` by operationId; others than the usual ones make an emulator that is wrong on purpose.
    """
    app = Flask("fake_pacs", static_folder=None)
    app.url_rule_class = MatchedRule
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    app.json.sort_keys = False  # type: ignore[attr-defined]  # one of the default provider
    served = _Served(world, handlers)
    for route in served.routes_of(app):
        served.spellings[route.rule] = route.spelling.name, route.spelling.defaults
        view = served.control if route.operation.id in CONTROL_HANDLERS else served.api
        _add(app, route, view)
    app.before_request(served.begin)
    app.register_error_handler(Exception, served.failed)
    app.after_request(served.end)
    return app


def _add(app: Flask, route: Route, view: Any) -> None:
    app.add_url_rule(
        route.rule,
        endpoint=route.operation.id,
        view_func=None,
        methods=[route.operation.method],
        provide_automatic_options=False,
    )
    app.view_functions[route.operation.id] = view


class _FlaskMessage:
    """A Flask request as the reading functions want it."""

    def __init__(self, defaults: Mapping[str, str]) -> None:
        asked = _asked()
        self.path_values: Mapping[str, str] = {**defaults, **(asked.view_args or {})}
        self.query_string = asked.query_string.decode("utf-8", "surrogateescape")
        self.content_type: str | None = asked.content_type
        self.content_length: int | None = asked.content_length
        self.stream = cast("BinaryIO", asked.stream)
        self.header = asked.headers.get


class _Served:
    """The views and hooks of one application."""

    def __init__(self, world: World, handlers: Mapping[str, Handler]) -> None:
        self.world = world
        self.handlers = handlers
        self.own = contract("ia-api", world.settings.version)
        self.control_plane = contract("fake-pacs", world.settings.version)
        self.base_path = self.own.base_path
        self.spellings: dict[str, tuple[str | None, Mapping[str, str]]] = {}

    def routes_of(self, app: Flask) -> Iterator[Route]:
        """The rules of the server's own version, and those of the control plane."""
        yield from routes(self.own, self.base_path, app.url_map)
        yield from routes(self.control_plane, "", app.url_map)

    def begin(self) -> None:
        """Starts the record of a request; bad hosts, undecodable paths and slashes in disguise are refused here."""
        asked, clock = _asked(), self.world.clock
        g.track = track = Track(clock.monotonic(), clock.now().isoformat(timespec="milliseconds"))
        track.done = self.world.metrics.begun()
        if not _is_host(asked.headers.get("Host", "localhost")):
            came = shown(asked.headers["Host"])
            raise _malformed("header", "Host", came, "a host name or address, perhaps with a port")
        _check_path(asked.environ.get("PATH_INFO", ""))
        if "%2f" in str(asked.environ.get("RAW_URI", "")).partition("?")[0].lower():
            detail = f"{asked.method} {asked.path[:500]} came with an encoded slash (%2F) in its path."
            raise Refusal(Refusals.UNKNOWN_PATH, detail, hint="No id has a slash in it, encoded or not.")

    def api(self, **_: str) -> Response:
        """Serves an operation of the IA-API: version, credentials, read and validate, handle, answer."""
        track, version = g.track, self._version()
        track.version = version
        contract_of_version = contract("ia-api", version)
        operation = contract_of_version.operations.get(str(request.endpoint))
        if operation is None:
            raise self._unknown_path(version)
        if not self.world.ready.is_set():
            raise Refusal(Refusals.NOT_READY, "The server is still being seeded.", hint="Ask GET /_fake_pacs/ready.")
        return self._serve(operation, contract_of_version, self.handlers[operation.id], version)

    def control(self, **_: str) -> Response:
        """Serves an operation of the control plane."""
        operation = self.control_plane.operations[str(request.endpoint)]
        return self._serve(operation, self.control_plane, CONTROL_HANDLERS[operation.id], None)

    def _serve(
        self, operation: Operation, contract_of_version: Contract, handler: Handler, version: ApiVersion | None
    ) -> Response:
        track: Track = g.track
        track.operation_id = operation.id
        track.spelling, defaults = self.spellings[str(request.url_rule)]
        message = _FlaskMessage(defaults)
        readings = read_parameters(operation, message)
        track.oddities.extend(readings.oddities)
        track.caller = identify(operation, message, readings, self.world)
        call = Call(operation.id, readings.values, track.caller, self._base_url())
        call, violations = self._with_body(operation, message, call)
        _refuse(operation, readings.violations + violations)

        def handled(world: World) -> Answer:
            return self._answer(handler(call, world), operation, contract_of_version, version)

        own = self.world.hospital.slide
        touch = self.world.faults.touch(call, message.header("Authorization"), own) if version is not None else None
        if touch is None:
            return self._respond(handled(self.world))
        track.touch = touch
        return self._respond(serve_spoiled(touch, self.world, request.environ.get(CONNECTION_KEY), handled))

    def _with_body(self, operation: Operation, message: _FlaskMessage, call: Call) -> tuple[Call, list[Violation]]:
        if not operation.bodies or (
            not operation.body_required and not message.content_type and not message.content_length
        ):
            return call, []
        limits = self.world.settings
        media_type = media_type_of(operation, message)
        schema = operation.bodies[media_type]
        if schema is None:
            g.track.upload = Upload(message, limits.upload_limit)
            return replace(call, upload=cast("BinaryIO", g.track.upload)), []
        raw = read_whole(message, limits.json_limit)
        g.track.request_body = raw
        reader = read_form if media_type == "application/x-www-form-urlencoded" else read_json
        body, violations = reader(schema, raw)
        return replace(call, body=body), violations

    def _answer(
        self, reply: Reply, operation: Operation, contract_of_version: Contract, version: ApiVersion | None
    ) -> Answer:
        g.track.oddities.extend(reply.oddities)
        own = self.world.settings.version_headers if version is not None else {}
        return answer(reply, operation.id, contract_of_version, version, own)

    def _respond(self, out: Answer) -> Response:
        track: Track = g.track
        if out.broken:
            track.our_error = out.broken
            plain = f"{track.operation_id} was about to break its contract; the journal says how"
            LOG.error("%s", out.broken, extra={"plain": plain})
        if isinstance(out.body, bytes) and out.headers.get("Content-Type", "").partition(";")[0].endswith("json"):
            track.answer_body = out.body
        streamed = not isinstance(out.body, bytes)
        response = Response(out.body, status=out.status, direct_passthrough=streamed)
        response.headers.remove("Content-Type")
        response.headers.update(out.headers)
        return response

    def failed(self, error: Exception) -> Response:
        """Renders whatever was raised: refusals as they are, unknown paths and methods, our own defects as a 500."""
        try:
            refusal = self._refusal_for(error)
        except Refusal as instead:
            refusal = instead
        except Exception:  # the last resort: rendering a refusal failed
            LOG.exception("rendering %r failed", error, extra={"plain": "rendering a refusal failed"})
            refusal = Refusal(Refusals.INTERNAL_ERROR, "The server failed while it rendered a refusal.")
        wire, track = _wire(), g.track
        refusal = Redactor(wire.headers, wire.target, track.request_body).refusal(refusal)
        if not track.violations:
            track.violations.extend(refusal.violations)
        if refusal.status == 500:
            track.our_error = track.our_error or refusal.detail
        return self._respond(self._refusal_answer(refusal))

    def _refusal_for(self, error: Exception) -> Refusal:
        if isinstance(error, Refusal):
            return self._tenant_gone(error) if error.refused is Refusals.UNKNOWN_TENANT else error
        if isinstance(error, Refused):
            return Refusal(ON_THE_WIRE[error.status], error.detail)
        if isinstance(error, NotFound):
            return self._unknown_path(None)
        if isinstance(error, MethodNotAllowed):
            return self._wrong_method(error)
        if isinstance(error, HTTPException) and (error.code or 500) < 500:
            return Refusal(Refusals.MALFORMED_MESSAGE, error.description or "The HTTP message is malformed.")
        plain = f"{g.track.operation_id or 'a request'} failed; the journal says how"
        LOG.exception("%s %s failed", request.method, request.path, extra={"plain": plain})
        g.track.our_error = "".join(traceback.format_exception(error)).strip()
        return Refusal(
            Refusals.INTERNAL_ERROR,
            "The server failed; its log and its journal say how.",
            hint="This is a defect of fake-pacs: please report it.",
        )

    def _tenant_gone(self, refusal: Refusal) -> Refusal:
        """The caller's own tenant can only be unknown where it was removed after its credentials were looked at."""
        if g.track.operation_id == "removeTenant":
            return refusal
        challenge = {"WWW-Authenticate": 'Bearer realm="fake-pacs", error="invalid_token"'}
        return Refusal(Refusals.UNAUTHENTICATED, "The tenant was removed meanwhile.", headers=challenge)

    def _refusal_answer(self, refusal: Refusal) -> Answer:
        track: Track = g.track
        undeclared = self._undeclared(refusal, track)
        if undeclared:
            return broken(undeclared, [])
        return Answer(refusal.status, {"Content-Type": PROBLEM, **(refusal.headers or {})}, render(refusal.problem()))

    def _undeclared(self, refusal: Refusal, track: Track) -> str | None:
        """What is wrong with a refusal that the operation's contract doesn't know."""
        exempt = (Refusals.NOT_READY, Refusals.INTERNAL_ERROR, *ON_THE_WIRE.values())
        if track.operation_id is None or refusal.refused in exempt:
            return None
        known = self.control_plane if track.version is None else contract("ia-api", track.version)
        if refusal.status in known.operations[track.operation_id].answers:
            return None
        who = f"The operation {track.operation_id}"
        return f"{who} refused with {refusal.status}, which its contract doesn't declare: {refusal}"

    def end(self, response: Response) -> Response:
        """Writes the exchange into the journal; answers of the API carry the server's versions, whatever they are."""
        track: Track = g.track
        asked = _asked()
        own = self.world.settings.version_headers if asked.path.startswith(self.base_path) else {}
        for name, value in own.items():
            response.headers.setdefault(name, value)
        exchange = Exchange(
            at=track.at,
            tenant=track.caller.tenant if track.caller else None,
            method=asked.method,
            path=asked.full_path.rstrip("?"),
            operation_id=track.operation_id,
            spelling=track.spelling,
            effective_version=str(track.version) if track.version else None,
            status=response.status_code,
            duration_ms=round((self.world.clock.monotonic() - track.began) * 1000, 3),
            violations=tuple(track.violations[:100]),
            oddities=tuple(track.oddities[:100]),
            our_error=track.our_error,
            faults=tuple(track.touch.marks) if track.touch else (),
        )
        response.headers.setdefault("Date", format_datetime(self.world.clock.now(), usegmt=True))
        received = track.upload.received if track.upload else len(track.request_body or b"")
        wire = _wire(track.request_body, track.answer_body, received, response.content_length or 0)
        written = record(self.world, exchange, wire)
        if connection := asked.environ.get(CONNECTION_KEY):
            connection.when_it_fails(partial(broke_off, self.world, written, wire))
        if track.touch:
            track.touch.done(Outcome(written.number, response.status_code, track.answer_body, wire.answered))
        _when_out(response, track.done)
        return response

    def _version(self) -> ApiVersion:
        asked = request.headers.get("X-Sectra-ApiVersion")
        if asked is None:
            return effective(None, self.world.settings.version)
        try:
            return effective(ApiVersion(asked.strip()), self.world.settings.version)
        except ValueError:
            expected = "numbers separated by dots, such as 1.9"
            violation = Violation("header", "X-Sectra-ApiVersion", shown(asked), expected)
            raise Refusal(Refusals.MALFORMED_VERSION, f"The version in {violation}.", violations=[violation]) from None

    def _base_url(self) -> str:
        public = self.world.settings.public_url
        root = (public or f"{request.scheme}://{request.host}").rstrip("/")
        return root if root.endswith(self.base_path) else root + self.base_path

    def _unknown_path(self, version: ApiVersion | None) -> Refusal:
        detail = f"{request.method} {request.path[:500]} is no operation of this API."
        newer = self.own.operations.get(str(request.endpoint)) if version else None
        if newer is None:
            return Refusal(Refusals.UNKNOWN_PATH, detail, hint=hint_for(request.path, self.base_path, self.own))
        since = newer.node.get("x-introduced-in", "a later version")
        because = f"the request was served as {version} because of X-Sectra-ApiVersion"
        hint = f"The operation {newer.id} came with {since}; {because}."
        return Refusal(Refusals.UNKNOWN_PATH, detail, hint=hint)

    def _wrong_method(self, error: MethodNotAllowed) -> Refusal:
        version = self._version()
        adapter = current_app.create_url_adapter(request)
        known = {*contract("ia-api", version).operations, *CONTROL_HANDLERS}
        candidates = sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"})
        allowed = [method for method in candidates if adapter and adapter.match(method=method)[0] in known]
        if not allowed:
            return self._unknown_path(version)
        return Refusal(
            Refusals.METHOD_NOT_ALLOWED,
            f"The path {request.path[:500]} takes {' and '.join(allowed)}, not {request.method[:20]}.",
            headers={"Allow": ", ".join(allowed)},
        )


def _when_out(response: Response, done: Callable[[], None]) -> None:
    """Has `done` called when the answer is out, or given up; a stream that is passed through knows no such calls."""
    if response.direct_passthrough:
        response.response = Watched(response.response, done)
    else:
        response.call_on_close(done)


def _refuse(operation: Operation, violations: list[Violation]) -> None:
    """Refused: INVALID_REQUEST with all violations, if there are any."""
    if not violations:
        return
    places = "1 place" if len(violations) == 1 else f"{len(violations)} places, first"
    detail = f"The request to {operation.id} breaks the contract in {places}: {violations[0]}."
    raise Refusal(Refusals.INVALID_REQUEST, detail, violations=violations)


def _asked() -> Request:
    """The request itself: each look at Flask's `request` searches for it again."""
    return request._get_current_object()  # type: ignore[attr-defined,no-any-return]


def _wire(
    request_body: bytes | None = None, answer_body: bytes | None = None, received: int = 0, answered: int = 0
) -> Wire:
    """What came over the wire, and what is known of both bodies."""
    asked = _asked()
    target = asked.environ.get("RAW_URI") or asked.full_path
    return Wire(asked.headers.to_wsgi_list(), target, request_body, answer_body, received, answered)


def http_limits(settings: Settings) -> Limits:
    """The HTTP server's limits: it refuses a body that no operation would take before credentials are looked at."""
    return Limits(body_bytes=max(settings.upload_limit, settings.json_limit))


def _is_host(text: str) -> bool:
    """Whether a URL can hold that host, perhaps with a port."""
    found = _HOST.fullmatch(text)
    if found is None or found["ipv6"] is None:
        return found is not None
    try:
        IPv6Address(found["ipv6"])
    except ValueError:
        return False
    return True


def _check_path(path: str) -> None:
    """Refuses a path (decoded bytes as PEP 3333 gives them) that isn't UTF-8, which else were replaced silently."""
    for number, segment in enumerate(path.split("/")):
        try:
            segment.encode("latin-1").decode("utf-8")
        except UnicodeDecodeError:
            came = shown(quote(segment, encoding="latin-1"))
            raise _malformed("path", f"segment {number}", came, "percent-encoded UTF-8") from None


def _malformed(part: str, pointer: str, came: str, expected: str) -> Refusal:
    violation = Violation(part, pointer, came, expected)
    detail = f"The HTTP message is malformed in {violation}."
    return Refusal(Refusals.MALFORMED_MESSAGE, detail, violations=[violation])
