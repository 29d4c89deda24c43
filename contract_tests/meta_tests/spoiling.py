"""What mutants have in common: spoiling the answers of some paths, and handlers that change what the right one does."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from wsgiref.types import WSGIEnvironment

from fake_pacs.calls import Call, Reply
from fake_pacs.handlers import Handler
from fake_pacs.refusals import Refusal
from fake_pacs.world import World
from meta_tests.mutant import BrokenHandler, Response, Spoiler

Change = Callable[[Response], Response]

INFO = r"/slides/[^/]+/info$"


def where(path: str, change: Change, status: int = 200) -> Spoiler:
    """Changes the answers of paths that match, if they have that status."""

    def spoil(environ: WSGIEnvironment, response: Response) -> Response:
        fits = response.status == status and re.search(path, environ["PATH_INFO"])
        return change(response) if fits else response

    return spoil


def members(change: Callable[[Any], Any]) -> Change:
    """Changes a JSON body."""
    return lambda response: replace(response, body=json.dumps(change(json.loads(response.body))).encode())


def with_members(**given: Any) -> Change:
    """Puts these members into a JSON object."""
    return members(lambda document: {**document, **given})


def instead(status: int, body: bytes = b"", media_type: str = "application/json") -> Change:
    """Another answer in place of the right one."""
    return lambda response: replace(
        response, status=status, body=body, headers={**response.headers, "Content-Type": media_type}
    )


def asked(change: Callable[[Mapping[str, Any], Call], Mapping[str, Any]]) -> BrokenHandler:
    """A handler that understands other parameters than those that were sent."""

    def broken(call: Call, world: World, right: Handler) -> Reply:
        return right(replace(call, parameters={**call.parameters, **change(call.parameters, call)}), world)

    return broken


def answered(change: Callable[[Any, Call, World], Any]) -> BrokenHandler:
    """A handler that answers another body than the right one."""

    def broken(call: Call, world: World, right: Handler) -> Reply:
        reply = right(call, world)
        return replace(reply, body=change(reply.body, call, world))

    return broken


def not_refused(answer: Callable[[Call], Reply]) -> BrokenHandler:
    """A handler that answers something where the right one refuses."""

    def broken(call: Call, world: World, right: Handler) -> Reply:
        try:
            return right(call, world)
        except Refusal:
            return answer(call)

    return broken
