"""What the HTTP server refuses by itself: answered like any other refusal, and journalled."""

from collections.abc import Callable, Mapping

from fake_pacs.answering import render
from fake_pacs.journal import Exchange
from fake_pacs.recording import Wire, record
from fake_pacs.redaction import Redactor
from fake_pacs.refusals import ON_THE_WIRE, Refusal
from fake_pacs.serving import WireRefusal
from fake_pacs.world import World, contract


def server_problem(world: World) -> Callable[[WireRefusal], tuple[bytes, Mapping[str, str]]]:
    """What the HTTP server asks for body and headers of the answers to messages that no application should see."""
    base_path = contract("ia-api", world.settings.version).base_path

    def render_problem(refused: WireRefusal) -> tuple[bytes, Mapping[str, str]]:
        hide = Redactor(refused.headers, refused.target)
        body = render(hide.refusal(Refusal(ON_THE_WIRE[refused.status], refused.detail)).problem())
        if refused.answered != refused.status:  # else the application met the refusal itself, and journalled it
            _record(world, refused, body)
        within = not refused.path or refused.path.startswith(base_path)
        return body, world.settings.version_headers if within else {}

    return render_problem


def _record(world: World, refused: WireRefusal, body: bytes) -> None:
    exchange = Exchange(
        at=world.clock.now().isoformat(timespec="milliseconds"),
        tenant=None,
        method=refused.method,
        path=refused.target,
        operation_id=None,
        spelling=None,
        effective_version=None,
        status=refused.status,
        duration_ms=0.0,
        our_error=refused.detail if refused.status == 500 else None,
    )
    record(world, exchange, Wire(refused.headers, refused.target, answer_body=body, answered=len(body)))
