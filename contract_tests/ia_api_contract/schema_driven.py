"""Checks that are made from the contract itself: Schemathesis asks every operation, validly and invalidly.

What the requests are is decided by the contract, the seed and `--max-examples`; the same run makes the same requests.
Schemathesis is imported when the first of these checks is made, as it takes most of a second.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ia_api_contract.check import Check
from ia_api_contract.downloads import download
from ia_api_contract.outcomes import Failed, Skipped
from ia_api_contract.target import LARGEST, Target
from ia_api_spec import NEWEST, Contract, Operation

if TYPE_CHECKING:
    from ia_api_contract.schema_driven_run import Finding

READING_POSTS = frozenset({"createToken"})
"""Operations that store nothing that anybody sees, though they are no GET."""


def _of_operation(operation_id: str) -> Callable[[Target], None]:
    def probe(target: Target) -> None:
        from ia_api_contract.schema_driven_run import examine

        if operation_id == "getSlideFiles":
            _need_small_files(target)
        _tell(examine(target, operation_id))

    return probe


def _need_small_files(target: Target) -> None:
    """Raises `Skipped` where the slide's files are too large to be asked for often, and to be held in memory."""
    with download(target, target.slide, LARGEST + 1) as found:
        if len(found.body) > LARGEST:
            raise Skipped(f"the files of {target.slide} are more than {LARGEST} bytes: name a smaller slide")


def along_links(target: Target) -> None:
    """Requests made of earlier answers are answered as the contract describes it."""
    from ia_api_contract.schema_driven_run import walk

    _tell(walk(target))


def _tell(findings: "Sequence[Finding]") -> None:
    """Raises `Failed` with the first finding of each kind."""
    from ia_api_contract.schema_driven_run import SHOWN

    if not findings:
        return
    told = [_told(finding) for finding in findings[:SHOWN]]
    more = [f"… and {len(findings) - SHOWN} kinds more"] if len(findings) > SHOWN else []
    raise Failed("\n".join(told + more))


def _told(finding: "Finding") -> str:
    exchange = finding.exchange
    asked = f"{exchange.method} {exchange.url}" if exchange else "a request"
    came = exchange.answer if exchange and exchange.answer else "no answer"
    said = finding.text.strip().replace("\n", "\n  ")
    return f"{asked}\n  came: {came}\n  {said} ({finding.name})"


def _check(operation: Operation) -> Check:
    return Check(
        f"schema.{operation.id}",
        f"{operation.id} answers valid and invalid requests as its schemas say: status, headers, body.",
        operation.id,
        "A client is written against the contract's schemas; what they don't say, it doesn't expect.",
        _of_operation(operation.id),
        since=operation.node.get("x-introduced-in", "1.8"),
        writes=operation.method != "GET" and operation.id not in READING_POSTS,
    )


STATEFUL = Check(
    "schema.stateful",
    "Requests made of earlier answers, along the contract's links, are answered as the schemas say.",
    "createResult 201",
    "An app reads an id or a versionId from one answer and sends it in the next request.",
    along_links,
)

CHECKS: tuple[Check, ...] = (*map(_check, Contract.of("ia-api", NEWEST).operations.values()), STATEFUL)
