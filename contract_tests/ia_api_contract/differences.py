"""How an answer differs from the contract, and how well the contract knows better."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ia_api_contract.exchanges import Answer
from ia_api_contract.reports.model import SOURCES
from ia_api_spec import Contract, Operation


@dataclass(frozen=True)
class Difference:
    """One way in which answers of an operation differ; `codes` is the evidence of what the contract says there."""

    address: str
    text: str
    codes: str


def differences(
    operation: Operation, contract: Contract, answer: Answer, hidden: Collection[str] = ()
) -> Iterator[Difference]:
    """Everything in an answer that the contract doesn't allow: status, media type, headers, body.

    What came in a member whose name is `hidden` isn't told.
    """
    declared = operation.answers.get(answer.status)
    if declared is None:
        text = f"answers {answer.status}, which the contract doesn't declare"
        yield Difference(operation.id, text, _codes(operation.node))
        return
    address = f"{operation.id} {answer.status}"
    codes = _codes(contract.resolve(operation.node["responses"][str(answer.status)])) or _codes(operation.node)
    for name in sorted(declared.required_headers):
        if name.lower() not in answer.headers:
            yield Difference(address, f"has no header {name}", codes)
    if not declared.content:
        if answer.body:
            yield Difference(address, f"has a body of {answer.media_type or 'no media type'}", codes)
        return
    if answer.media_type not in declared.content:
        yield Difference(address, f"is {answer.media_type or 'of no media type'}", codes)
        return
    schema = declared.content[answer.media_type]
    if schema is not None and answer.json is None and answer.body != b"null":
        yield Difference(address, "is no JSON", codes)
    elif schema is not None:
        for violation in schema.violations(answer.json, "body"):
            place = _general(violation.pointer)
            came = "something else" if set(violation.pointer.split("/")) & set(hidden) else violation.came
            yield Difference(address, f"body {place}: expected {violation.expected}, came {came}", codes)


def summary(found: Mapping[Difference, int]) -> str:
    """The differences as text, what is best known first."""
    if not found:
        return "No answer differs from the contract.\n"
    lines = [f"{len(found)} differences from the contract, by how the contract knows better:"]
    for codes in sorted({difference.codes for difference in found}, key=_strength):
        lines.append(f"  {codes}: " + ", ".join(SOURCES[code] for code in codes.split()))
        told = sorted((item for item in found.items() if item[0].codes == codes), key=lambda item: str(item[0]))
        lines += [f"    {item.address}: {item.text} ({_times(count)})" for item, count in told]
    return "\n".join(lines) + "\n"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _strength(codes: str) -> tuple[int, str]:
    return min("SVCA".index(code) for code in codes.split()), codes


def _general(pointer: str) -> str:
    """The pointer with every index of a list as `*`, so that equal differences are told once."""
    return "/".join("*" if step.isdigit() else step for step in pointer.split("/")) or "as a whole"


def _codes(node: Mapping[str, Any]) -> str:
    return " ".join(dict.fromkeys(entry["code"] for entry in node.get("x-evidence", ())))
