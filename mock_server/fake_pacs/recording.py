"""One exchange into the journal: whose it was, and nothing of it that is secret."""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fake_pacs.credentials import tenant_of
from fake_pacs.journal import Exchange
from fake_pacs.logs import tell
from fake_pacs.redaction import Redactor
from fake_pacs.refusals import TYPE_PREFIX
from fake_pacs.world import World

PATH_SHOWN = 2000
"""So many characters of path and query are kept."""


@dataclass(frozen=True)
class Wire:
    """What went over the wire: the request's headers and target as they came, and both bodies where they are text.

    `received` and `answered` count the bytes of both bodies, text or not.
    """

    headers: Sequence[tuple[str, str]]
    target: str
    request_body: bytes | None = None
    answer_body: bytes | None = None
    received: int = 0
    answered: int = 0

    def header(self, name: str) -> str | None:
        """The first header of that name, None where there is none."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)


def record(world: World, exchange: Exchange, wire: Wire) -> int:
    """Writes the exchange into journal, metrics and log, redacted, and answers its number: the one place that does.

    An exchange without a tenant goes to the one that its credentials name, whether they open anything or not.
    """
    hide = Redactor(wire.headers, wire.target, wire.request_body, wire.answer_body)
    exchange = exchange if exchange.tenant else _owned(exchange, wire, world)
    redacted = replace(
        exchange,
        method=hide.text(exchange.method[:20]),
        path=hide.text(exchange.path)[:PATH_SHOWN],
        violations=hide.violations(exchange.violations),
        oddities=hide.oddities(exchange.oddities),
        our_error=hide.text(exchange.our_error) if exchange.our_error else None,
        request_body=hide.body(wire.request_body),
        answer_body=hide.body(wire.answer_body),
    )
    number = world.journal.write(redacted)
    problem = _problem(wire.answer_body)
    world.metrics.observe(redacted, problem, wire.received, wire.answered)
    tell(replace(redacted, number=number), problem, wire.received, wire.answered)
    return number


def _owned(exchange: Exchange, wire: Wire, world: World) -> Exchange:
    """The exchange with the tenant that its credentials name; a store that can't tell is an error of ours in it."""
    try:
        return replace(exchange, tenant=tenant_of(wire.header("Authorization"), wire.target, world))
    except Exception as error:  # whatever it is, it must not cost the exchange its place in the journal
        trouble = "".join(traceback.format_exception(error)).strip()
        return replace(exchange, our_error=exchange.our_error or trouble)


def _problem(answer_body: bytes | None) -> str | None:
    """The name of the refusal that was answered, None where it was none: problems of ours begin with their type."""
    head, _, rest = (answer_body or b"")[:200].decode("utf-8", "replace").partition(TYPE_PREFIX)
    return rest.partition('"')[0] if head == '{"type":"' else None
