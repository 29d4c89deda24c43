"""Mutants of versions."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from wsgiref.types import WSGIEnvironment

from ia_api_spec import ApiVersion
from meta_tests.mutant import Mutant, Response, Spoiler
from meta_tests.spoiling import INFO, Change, instead, members, with_members

STATE = {"status": "NotSet", "versionId": "0"}
CASE_IMAGES = r"/request/images/info$|/requests/[^/]+/images/info$"
QUALITY_CONTROL = r"/qualityControl$"
HEADERS = ("X-Sectra-ApiVersion", "X-Sectra-SoftwareVersion")

Asked = Callable[[ApiVersion | None], bool]


def _asked(environ: WSGIEnvironment) -> ApiVersion | None:
    """The version that the caller names, None where it names none or nonsense."""
    try:
        return ApiVersion(environ.get("HTTP_X_SECTRA_APIVERSION", ""))
    except ValueError:
        return None


def _older(than: str) -> Asked:
    return lambda version: version is not None and version < ApiVersion(than)


def _where(path: str, asked: Asked, change: Change, status: int = 200) -> Spoiler:
    """Changes the answers of paths that match to callers of such versions, if they have that status."""

    def spoil(environ: WSGIEnvironment, response: Response) -> Response:
        fits = response.status == status and re.search(path, environ["PATH_INFO"]) and asked(_asked(environ))
        return change(response) if fits else response

    return spoil


def _each(*spoilers: Spoiler) -> Spoiler:
    def spoil(environ: WSGIEnvironment, response: Response) -> Response:
        for spoiler in spoilers:
            response = spoiler(environ, response)
        return response

    return spoil


def _newest_to(asked: Asked) -> Spoiler:
    """What a server does that serves these callers as those of 1.10."""
    return _each(
        _where(CASE_IMAGES, asked, instead(200, b"[]"), status=404),
        _where(QUALITY_CONTROL, asked, instead(400, b"{}"), status=404),
        _where(INFO, asked, with_members(qualityControl=STATE)),
    )


def _echoed(environ: WSGIEnvironment, response: Response) -> Response:
    asked = environ.get("HTTP_X_SECTRA_APIVERSION")
    if asked is None or not environ["PATH_INFO"].endswith("/v1/info"):
        return response
    return replace(response, body=json.dumps({**json.loads(response.body), "apiVersion": asked}).encode())


def _guessed(environ: WSGIEnvironment, response: Response) -> Response:
    sent = environ.get("HTTP_X_SECTRA_APIVERSION")
    is_nonsense = sent is not None and _asked(environ) is None
    return instead(200, b"{}")(response) if is_nonsense and response.status == 400 else response


def _bare(errors: bool) -> Spoiler:
    """Answers, or errors, without the two headers."""

    def spoil(environ: WSGIEnvironment, response: Response) -> Response:
        if (response.status >= 400) != errors:
            return response
        return replace(response, headers={name: v for name, v in response.headers.items() if name not in HEADERS})

    return spoil


def _unrouted(environ: WSGIEnvironment, response: Response) -> Response:
    is_put = environ["REQUEST_METHOD"] == "PUT" and re.search(r"/results/\d+$", environ["PATH_INFO"])
    return replace(response, status=404) if is_put and response.status == 400 else response


MUTANTS = (
    Mutant(
        "versions-echoed",
        "/info reports the version that the caller speaks.",
        ("versions.info-own",),
        spoil=_echoed,
    ),
    Mutant(
        "versions-operation-missing",
        "A replacement that breaks the contract is answered as if the operation weren't there.",
        ("versions.its-operations",),
        spoil=_unrouted,
    ),
    Mutant(
        "versions-1.9-operation-in-1.8",
        "The images of a case are served to callers of 1.8.",
        ("versions.newer-operations-404",),
        spoil=_where(CASE_IMAGES, _older("1.9"), instead(200, b"[]"), status=404),
    ),
    Mutant(
        "versions-1.10-member-in-1.8",
        "Slide info shows quality control to callers of 1.8.",
        ("versions.newer-members-absent",),
        spoil=_where(INFO, _older("1.9"), with_members(qualityControl=STATE)),
    ),
    Mutant(
        "versions-header-ignored",
        "Every caller is served in the server's own version.",
        ("versions.newer-operations-404", "versions.newer-members-absent", "versions.numeric-order"),
        spoil=_newest_to(_older("1.10")),
    ),
    Mutant(
        "versions-text-order",
        'Versions are ordered as text: "1.9" is newer than the server\'s "1.10" and is served as 1.10.',
        ("versions.newer-operations-404", "versions.newer-members-absent", "versions.numeric-order"),
        spoil=_newest_to(lambda version: version == ApiVersion("1.9")),
    ),
    Mutant(
        "versions-newer-caller-refused",
        "A caller of a version that the server hasn't reached is refused.",
        ("versions.newer-caller-falls-back",),
        spoil=_where(INFO, lambda version: version is not None and version > ApiVersion("1.10"), instead(400)),
    ),
    Mutant(
        "versions-older-caller-refused",
        "A caller of a version before 1.8 is refused.",
        ("versions.older-caller-as-1.8",),
        spoil=_where(INFO, _older("1.8"), instead(400)),
    ),
    Mutant(
        "versions-malformed-guessed",
        "A version that is none is served in some version.",
        ("versions.malformed-400",),
        spoil=_guessed,
    ),
    Mutant(
        "versions-oldest-without-header",
        "Callers without a version are served in 1.8.",
        ("versions.own-without-header",),
        spoil=_where(
            INFO,
            lambda version: version is None,
            members(lambda info: {name: value for name, value in info.items() if name != "qualityControl"}),
        ),
    ),
    Mutant(
        "versions-bare-answers",
        "Answers lack the two X-Sectra headers.",
        ("versions.headers-on-answers", "schema.getInfo"),
        spoil=_bare(errors=False),
        why="The contract requires both headers on every answer, so no answer of any operation fits its schema.",
    ),
    Mutant(
        "versions-bare-errors",
        "Errors lack the two X-Sectra headers.",
        ("versions.headers-on-errors", "schema.getInfo"),
        spoil=_bare(errors=True),
        why="The contract requires both headers on every answer, so no error of any operation fits its schema.",
    ),
)
