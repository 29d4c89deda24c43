"""Bad apps: registration and version check."""

import threading
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from meta_tests.apps.bad_app import BadApp, Document, answers, json_of, refused, with_header
from meta_tests.mutant import Response, Spoiler


def _registers(**members: object) -> Spoiler:
    return answers("GET", "/hook", json_of(lambda document: {**document, **members}))


def _without_manufacturer(document: Document) -> None:
    del document["manufacturer"]


def _always_itself(environ: WSGIEnvironment, response: Response) -> Response:
    url = f"http://localhost:{environ['SERVER_PORT']}/hook"
    return answers("GET", "/hook", json_of(lambda document: {**document, "url": url}))(environ, response)


def _elsewhere(document: Document) -> None:
    document["url"] += "/elsewhere"


def _tagged(document: Document) -> None:
    document["inputTemplate"]["content"] = {"tags": ["tumour", "tumour"]}


def _another_name(document: Document) -> None:
    document["displayName"] = f"Nuclei {uuid.uuid4()}"


def _headless(response: Response) -> Response:
    return with_header("X-Sectra-SoftwareVersion", None)(response)


def _informs(**members: object) -> Spoiler:
    return answers("GET", "/hook/info", json_of(lambda document: {**document, **members}))


def _instead(status: int, headers: dict[str, str], chunks: Iterable[bytes], method: str = "GET") -> object:
    def wrap(app: WSGIApplication) -> WSGIApplication:
        def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            if environ["REQUEST_METHOD"] != method:
                return app(environ, start_response)
            start_response(f"{status} Wrong", list(headers.items()))
            return chunks

        return wrapped

    return wrap


def _for_ever() -> Iterator[bytes]:
    while True:
        yield b" " * 65536


def _hanging(app: WSGIApplication) -> WSGIApplication:
    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        threading.Event().wait(3)
        return app(environ, start_response)

    return wrapped


APPS: tuple[BadApp, ...] = (
    BadApp(
        "registration-fails",
        "Answers GET with 500.",
        "app.registration-answered",
        spoil=answers("GET", "/hook", lambda response: refused(500)),
    ),
    BadApp(
        "registration-hangs",
        "Answers nothing in time.",
        "app.registration-answered",
        wrap=_hanging,
        timeout=0.5,
    ),
    BadApp(
        "registration-redirects",
        "Sends the PACS elsewhere.",
        "app.registration-answered",
        wrap=_instead(302, {"Location": "http://localhost:9/"}, [b""]),  # type: ignore[arg-type]
    ),
    BadApp(
        "registration-endless",
        "Never stops answering.",
        "app.registration-answered",
        wrap=lambda app: _instead(200, {"Content-Type": "application/json"}, _for_ever())(app),  # type: ignore[operator]
    ),
    BadApp(
        "registration-html",
        "Answers a web page.",
        "app.registration-members",
        spoil=answers("GET", "/hook", lambda response: Response(200, {"Content-Type": "text/html"}, b"<h1>It works")),
        why="A web page is called text/html, and whoever sends it knows nothing of version headers.",
    ),
    BadApp(
        "registration-without-manufacturer",
        "Leaves out a required member.",
        "app.registration-members",
        spoil=answers("GET", "/hook", json_of(_without_manufacturer)),
    ),
    BadApp(
        "registration-as-text",
        "Calls its JSON text/plain.",
        "app.registration-media-type",
        spoil=answers("GET", "/hook", with_header("Content-Type", "text/plain")),
    ),
    BadApp(
        "registration-id-with-blank",
        "Has a blank in its id.",
        "app.registration-id",
        spoil=_registers(applicationId="example nuclei"),
    ),
    BadApp("registration-nameless", "Has a blank name.", "app.registration-names", spoil=_registers(displayName=" ")),
    BadApp(
        "registration-url-elsewhere",
        "Gives a URL at which nothing answers.",
        "app.registration-url",
        spoil=answers("GET", "/hook", json_of(_elsewhere)),
    ),
    BadApp(
        "registration-one-url",
        "Gives the URL that it knows itself by, whatever the PACS calls it.",
        "app.registration-host",
        spoil=_always_itself,
    ),
    BadApp(
        "registration-tags-twice",
        "Has a tag twice, and for a whole slide.",
        "app.registration-tags",
        spoil=answers("GET", "/hook", json_of(_tagged)),
    ),
    BadApp(
        "registration-changes",
        "Has another name each time.",
        "app.registration-same",
        spoil=answers("GET", "/hook", json_of(_another_name)),
    ),
    BadApp(
        "registration-headless",
        "Sends no X-Sectra-SoftwareVersion with its registration.",
        "app.registration-headers",
        spoil=answers("GET", "/hook", _headless),
    ),
    BadApp(
        "info-missing",
        "Has no /info.",
        "app.info-answered",
        spoil=answers("GET", "/hook/info", lambda response: replace(response, status=404)),
    ),
    BadApp("info-number", "Has a number for a version.", "app.info-members", spoil=_informs(softwareVersion=1)),
    BadApp("info-latest", "Calls its version “latest”.", "app.info-version", spoil=_informs(apiVersion="latest")),
)
