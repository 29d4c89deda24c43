"""A bad app: the example app that is wrong in one way, and the requirement that must notice."""

import io
import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import requests
from werkzeug.serving import WSGIRequestHandler, make_server

from example_app.app import create_app
from example_app.work import NucleiCounter
from meta_tests.mutant import Response, Spoiler, spoiling
from sectra_client.schemas import InputType
from sectra_client.schemas.invocation import InvocationBase

Document = dict[str, Any]
Incoming = Callable[[Document], Document | Response]
"""Changes an invocation before the app sees it, or answers in the app's place."""


@dataclass(frozen=True)
class BadApp:
    """One bad app: `breaks` is the requirement that must fail, `why` explains others that fail, too.

    `counter` makes what works on invocations, `spoil` changes answers on the wire, `incoming` what the app is sent,
    `wrap` puts something before it. `version` is one in which it shows. `timeout` in seconds is what it is given.
    """

    id: str
    what: str
    breaks: str
    why: str = ""
    asks_for: InputType = InputType.WHOLE_SLIDE
    counter: Callable[[], NucleiCounter] = NucleiCounter
    spoil: Spoiler | None = None
    incoming: Incoming | None = None
    wrap: Callable[[WSGIApplication], WSGIApplication] | None = None
    version: str = "1.10"
    timeout: float = 8.0


def application(bad: BadApp) -> WSGIApplication:
    """The app as it is served."""
    app: WSGIApplication = create_app(bad.asks_for, bad.counter()).wsgi_app
    app = _receiving(app, bad.incoming) if bad.incoming else app
    app = spoiling(app, bad.spoil) if bad.spoil else app
    return bad.wrap(app) if bad.wrap else app


class _Silent(WSGIRequestHandler):
    """Logs nothing: what bad apps do wrong is known."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Keeps it."""


@contextmanager
def serving(app: WSGIApplication) -> Iterator[str]:
    """The app on a free port: its URL."""
    logging.getLogger("example_app").setLevel(logging.CRITICAL + 1)
    server = make_server("localhost", 0, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.port}/hook"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def running(bad: BadApp) -> Any:
    """The bad app, serving on a free port: a context manager of its URL."""
    return serving(application(bad))


# How apps are made wrong


def answers(method: str, path: str, change: Callable[[Response], Response]) -> Spoiler:
    """Spoils what is answered to these requests: a path such as `/hook`."""

    def spoil(environ: WSGIEnvironment, response: Response) -> Response:
        wanted = environ["REQUEST_METHOD"] == method and environ.get("PATH_INFO") == path
        return change(response) if wanted else response

    return spoil


def json_of(change: Callable[[Document], Document | None]) -> Callable[[Response], Response]:
    """Changes the JSON of a good answer: what `change` returns, or what it made of the document."""

    def changed(response: Response) -> Response:
        if response.status != 200 or not response.body.strip():
            return response
        document = json.loads(response.body)
        result = change(document)
        return replace(response, body=json.dumps(document if result is None else result).encode())

    return changed


def with_header(name: str, value: str | None) -> Callable[[Response], Response]:
    """Another value of a header, or none."""

    def changed(response: Response) -> Response:
        kept = {known: text for known, text in response.headers.items() if known.lower() != name.lower()}
        return replace(response, headers=kept if value is None else {**kept, name: value})

    return changed


def refused(status: int) -> Response:
    """What an app answers that gives up."""
    return Response(status, {"Content-Type": "text/plain"}, b"no")


def refusing(status: int, when: Callable[[Document], bool]) -> Incoming:
    """Refuses some invocations."""
    return lambda document: refused(status) if when(document) else document


def is_press(document: Document) -> bool:
    """Whether a button was pressed."""
    data = document.get("input", {}).get("data") or {}
    content = (data.get("result") or {}).get("content")
    actions = content.get("actions") or () if isinstance(content, dict) else ()
    return document.get("action") == "modify" and any(action["state"] == 1 for action in actions)


def is_action(action: str) -> Callable[[Document], bool]:
    """Whether an invocation has that action."""
    return lambda document: document.get("action") == action


def ask(invocation: InvocationBase, method: str, path: str, token: str | None = None, **options: Any) -> Any:
    """Asks the PACS past the client, which would know better."""
    callback = invocation.callbackInfo
    headers = {"Authorization": f"Bearer {token or callback.token}"}
    return requests.request(method, callback.url + path, headers=headers, timeout=10, **options)


def _receiving(app: WSGIApplication, incoming: Incoming) -> WSGIApplication:
    def received(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST":
            return app(environ, start_response)
        came = incoming(json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
        if isinstance(came, Response):
            start_response(f"{came.status} Refused", list(came.headers.items()))
            return [came.body]
        body = json.dumps(came).encode()
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return app(environ, start_response)

    return received
