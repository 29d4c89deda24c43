"""One exchange into the journal: whose it was, and nothing of it that is secret."""

import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from fake_pacs.calls import Oddity
from fake_pacs.credentials import tenant_of
from fake_pacs.framing import FileChanged
from fake_pacs.imaging.errors import SlideUnreadable
from fake_pacs.journal import Exchange
from fake_pacs.logs import tell, told
from fake_pacs.redaction import BODY_SHOWN, REDACTED, Redactor
from fake_pacs.refusals import TYPE_PREFIX
from fake_pacs.store import ContentReplacedError
from fake_pacs.world import World

LOG = logging.getLogger("fake_pacs")

CHANGED = (FileChanged, SlideUnreadable, ContentReplacedError)
"""What breaks an answer off without anybody's defect: its content is no longer what was announced."""

PATH_SHOWN = 2000
"""So many characters of path and query are kept."""

METHOD_SHOWN = 20
"""So many characters of a method are kept."""

_MOST_HELD = 2 * BODY_SHOWN + 4096
"""An exchange that holds on to more bytes, with its usual headers, is redacted at once."""

_HEADER_HELD = 180
"""So many bytes Python needs for a header beside its characters: thousands of short ones fit into a head."""


@dataclass(frozen=True, repr=False)
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

    @property
    def size(self) -> int:
        """How many bytes it holds on to, about."""
        head = len(self.target) + sum(_HEADER_HELD + len(name) + len(value) for name, value in self.headers)
        return head + len(self.request_body or b"") + len(self.answer_body or b"")

    def header(self, name: str) -> str | None:
        """The first header of that name, None where there is none."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)


def record(world: World, exchange: Exchange, wire: Wire) -> Exchange:
    """Writes the exchange into journal, metrics and log, redacted, and answers it with its number; nobody else does.

    What is answered may hold secrets yet. An exchange without a tenant goes to the one that its credentials name,
    whether they open anything or not.
    """
    exchange = exchange if exchange.tenant else _owned(exchange, wire, world)
    logged = told()
    if not logged and _can_wait(exchange, wire):
        written = replace(exchange, number=world.journal.write(exchange, partial(_redacted, wire=wire), wire.size))
    else:
        redacted = _redacted(exchange, wire)
        written = replace(redacted, number=world.journal.write(redacted))
    problem = _problem(wire.answer_body)
    world.metrics.observe(written, problem, wire.received, wire.answered)
    if logged:
        tell(written, problem, wire.received, wire.answered)
    return written


def _can_wait(exchange: Exchange, wire: Wire) -> bool:
    """Whether its secrets may be looked for when somebody reads it, as nearly nobody does: that takes its time.

    Not what is told at once elsewhere, and not where more would be kept meanwhile than is kept then.
    """
    if exchange.our_error or exchange.violations or len(exchange.method) > METHOD_SHOWN:
        return False
    return wire.size <= _MOST_HELD


def _redacted(exchange: Exchange, wire: Wire) -> Exchange:
    """What may be shown of the exchange; where that can't be told, nothing that its caller wrote, and why."""
    try:
        return _without_secrets(exchange, wire)
    except Exception as error:  # whatever it is, it must not cost the tenant all its other exchanges
        # of the error the place only: its text may hold what was to be hidden
        trouble = (
            f"redaction failed: {type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}".strip()
        )
        kept = replace(exchange, method=REDACTED, path=REDACTED, violations=(), oddities=())
        return replace(kept, our_error=trouble, request_body=REDACTED, answer_body=REDACTED)


def _without_secrets(exchange: Exchange, wire: Wire) -> Exchange:
    hide = Redactor(wire.headers, wire.target, wire.request_body, wire.answer_body)
    return replace(
        exchange,
        method=hide.text(exchange.method[:METHOD_SHOWN]),
        path=hide.text(exchange.path)[:PATH_SHOWN],
        violations=hide.violations(exchange.violations),
        oddities=hide.oddities(exchange.oddities),
        our_error=hide.text(exchange.our_error) if exchange.our_error else None,
        request_body=hide.body(wire.request_body),
        answer_body=hide.body(wire.answer_body),
    )


def broke_off(world: World, written: Exchange, wire: Wire, error: Exception, sent: bool) -> bool:
    """Told of an answer that went wrong after it was journalled; whether that is a defect of fake-pacs.

    A defect is counted, and stands with the exchange; where no head was `sent`, a 500 goes out. It is none where what
    the answer is made of changed meanwhile: a file of a slide on disk, an attachment that somebody replaced.
    """
    what = written.operation_id or "a request"
    if isinstance(error, CHANGED):
        changed = "what it is made of changed meanwhile"
        oddity = Oddity("broken-off", "answer", f"{changed}: {error}")
        shown = _redacted(replace(written, oddities=(*written.oddities, oddity)), wire)
        plain = f"{what} broke off: {changed}"
        LOG.warning("%s %s broke off: %s", shown.method, shown.path, error, extra={"plain": plain})
        world.journal.amend(shown)
        return False
    trouble = "".join(traceback.format_exception(error)).strip()
    status = written.status if sent else 500
    shown = _redacted(replace(written, status=status, our_error=f"the answer broke off: {trouble}"), wire)
    plain = f"the answer of {what} broke off; the journal says how"
    LOG.error("%s %s broke off", shown.method, shown.path, exc_info=error, extra={"plain": plain})
    world.journal.amend(shown)
    world.metrics.broke_off()
    return True


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
