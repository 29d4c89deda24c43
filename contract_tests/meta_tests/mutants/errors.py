"""Mutants of errors."""

import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from fake_pacs.world import World
from meta_tests.mutant import Mutant, Response, Spoiler
from meta_tests.spoiling import instead, where

RESULTS = r"/results$"


def _refusals(change: Callable[[Response], Response], *statuses: int) -> Spoiler:
    """Changes refusals, of these statuses or of all."""

    def spoil(environ: WSGIEnvironment, response: Response) -> Response:
        wanted = response.status in statuses if statuses else response.status // 100 == 4
        return change(response) if wanted and response.body else response

    return spoil


def _html(response: Response) -> Response:
    return instead(response.status, b"<html><h1>Error</h1></html>", "text/html")(response)


def _without(name: str) -> Callable[[Response], Response]:
    def change(response: Response) -> Response:
        return replace(response, headers={k: v for k, v in response.headers.items() if k != name})

    return change


def _restated(status: int) -> Callable[[Response], Response]:
    """The same problem document with another status."""

    def change(response: Response) -> Response:
        body = json.dumps({**json.loads(response.body), "status": status}).encode()
        return replace(response, status=status, body=body)

    return change


def _violations(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Callable[[Response], Response]:
    def changed(response: Response) -> Response:
        problem = json.loads(response.body)
        problem["violations"] = change(problem.get("violations", []))
        return replace(response, body=json.dumps(problem).encode())

    return changed


def _where_said(words: str, status: int) -> Spoiler:
    """Another status where the refusal of a result says these words."""

    def change(response: Response) -> Response:
        return instead(status, b"{}")(response) if re.search(words.encode(), response.body) else response

    return where(RESULTS, change, status=400)


def _echoing(environ: WSGIEnvironment, response: Response) -> Response:
    if response.status != 401:
        return response
    problem = json.loads(response.body)
    problem["detail"] += f" It came as {environ.get('HTTP_AUTHORIZATION')}."
    return replace(response, body=json.dumps(problem).encode())


def _stored_first(world: World, app: WSGIApplication) -> WSGIApplication:
    """Stores whatever is posted as a result before the application looks at it."""

    def storing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        found = re.search(r"/applications/([^/]+)/results$", environ["PATH_INFO"])
        if environ["REQUEST_METHOD"] == "POST" and found:
            body = environ["wsgi.input"].read()
            environ["wsgi.input"] = io.BytesIO(body)
            said = {
                name: value.decode("latin-1")
                for name, value in re.findall(rb'"(slideId|displayResult)": ?"([^"]*)"', body)
            }
            if len(said) == 2 and world.hospital.slide(said[b"slideId"]):
                document = {name.decode(): text for name, text in said.items()} | {"data": {}}
                world.store.create_result("default", found[1], said[b"slideId"], document, [], world.ids.version())
        return app(environ, start_response)

    return storing


def _overwhelmed(environ: WSGIEnvironment, response: Response) -> Response:
    return instead(500, b"{}")(response) if len(environ["PATH_INFO"]) > 2000 else response


def _redirected(environ: WSGIEnvironment, response: Response) -> Response:
    path = environ["PATH_INFO"]
    if response.status != 404 or not path.endswith("/info/"):
        return response
    return replace(response, status=302, headers={**response.headers, "Location": path.rstrip("/")}, body=b"")


PROBLEMS = tuple(f"errors.problem-{status}" for status in (400, 401, 404, 405, 409, 415))

MUTANTS = (
    Mutant(
        "errors-html",
        "Errors are pages of HTML.",
        (*PROBLEMS, "errors.all-violations", "errors.pointers", "schema.getInfo"),
        why="Every refusal of every operation has another form.",
        spoil=_refusals(_html),
    ),
    Mutant(
        "errors-404-for-405",
        "A known path with another method is answered with 404.",
        ("errors.wrong-method-405",),
        spoil=_refusals(_restated(404), 405),
    ),
    Mutant(
        "errors-400-for-415",
        "Another media type is answered with 400.",
        ("errors.wrong-media-type-415",),
        spoil=_refusals(_restated(400), 415),
    ),
    Mutant(
        "errors-500-for-unreadable",
        "A body that can't be read makes the server fail.",
        ("errors.malformed-json-400", "errors.not-utf8-400", "errors.no-500-for-bodies"),
        spoil=_where_said("well-formed JSON|JSON in UTF-8", 500),
    ),
    Mutant(
        "errors-numbers-for-texts",
        "A number passes for a text.",
        ("errors.wrong-type-400",),
        spoil=_where_said('"pointer":"/displayResult","came":"5"', 201),
    ),
    Mutant(
        "errors-nan-taken",
        "NaN passes for a number.",
        ("errors.nan-400",),
        spoil=_where_said("no such constant", 201),
    ),
    Mutant(
        "errors-surrogates-taken",
        "Half a character passes for text.",
        ("errors.lone-surrogate-400",),
        spoil=_where_said("lone surrogates", 201),
    ),
    Mutant(
        "errors-500-for-nesting",
        "Deep nesting makes the server fail.",
        ("errors.deep-nesting-refused", "errors.no-500-for-bodies"),
        spoil=_where_said("nesting deeper", 500),
    ),
    Mutant(
        "errors-no-challenge",
        "At /info, 401 comes without WWW-Authenticate.",
        ("errors.challenge", "schema.getInfo"),
        spoil=where(r"/v1/info$", _without("WWW-Authenticate"), status=401),
    ),
    Mutant(
        "errors-no-allow",
        "405 comes without Allow.",
        ("errors.allow",),
        spoil=_refusals(_without("Allow"), 405),
    ),
    Mutant(
        "errors-token-echoed",
        "The error names the token that was refused.",
        ("errors.token-not-echoed",),
        spoil=_echoing,
    ),
    Mutant(
        "errors-first-only",
        "Only the first mistake is named.",
        ("errors.all-violations",),
        spoil=_refusals(_violations(lambda found: found[:1]), 400),
    ),
    Mutant(
        "errors-dotted-pointers",
        "Places are named with dots, not by JSON Pointer.",
        ("errors.pointers", "errors.all-violations"),
        spoil=_refusals(
            _violations(lambda found: [{**one, "pointer": one["pointer"].replace("/", ".")} for one in found]), 400
        ),
    ),
    Mutant(
        "errors-stored-anyway",
        "A result is stored before it is refused.",
        ("errors.changes-nothing",),
        wrap=_stored_first,
    ),
    Mutant(
        "errors-wrong-path-empty",
        "A path that isn't known is answered with an empty object.",
        ("errors.wrong-path-404",),
        spoil=where(r"/nothing$", instead(200, b"{}"), status=404),
    ),
    Mutant(
        "errors-redirect",
        "A slash too many is redirected.",
        ("errors.no-redirect",),
        spoil=_redirected,
    ),
    Mutant(
        "errors-500-for-long-paths",
        "A long path makes the server fail.",
        ("errors.no-500-for-addresses",),
        spoil=_overwhelmed,
    ),
)
