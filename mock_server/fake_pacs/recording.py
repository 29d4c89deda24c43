"""One exchange into the journal: whose it was, and nothing of it that is secret."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fake_pacs.credentials import tenant_of
from fake_pacs.journal import Exchange
from fake_pacs.redaction import Redactor
from fake_pacs.world import World

PATH_SHOWN = 2000
"""So many characters of path and query are kept."""


@dataclass(frozen=True)
class Wire:
    """What went over the wire: the request's headers and target as they came, and both bodies where they are text."""

    headers: Sequence[tuple[str, str]]
    target: str
    request_body: bytes | None = None
    answer_body: bytes | None = None

    def header(self, name: str) -> str | None:
        """The first header of that name, None where there is none."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)


def record(world: World, exchange: Exchange, wire: Wire) -> None:
    """Writes the exchange into the journal, redacted: this is the one place where that happens.

    An exchange without a tenant goes to the one that its credentials name, whether they open anything or not.
    """
    hide = Redactor(wire.headers, wire.target, wire.request_body, wire.answer_body)
    world.journal.write(
        replace(
            exchange,
            tenant=exchange.tenant or tenant_of(wire.header("Authorization"), wire.target, world),
            method=hide.text(exchange.method[:20]),
            path=hide.text(exchange.path)[:PATH_SHOWN],
            violations=hide.violations(exchange.violations),
            oddities=hide.oddities(exchange.oddities),
            our_error=hide.text(exchange.our_error) if exchange.our_error else None,
            request_body=hide.body(wire.request_body),
            answer_body=hide.body(wire.answer_body),
        )
    )
