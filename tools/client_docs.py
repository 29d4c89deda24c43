"""The parts of docs/client.md that are made from the code: the methods of the client, and the tree of its errors."""

import inspect
from collections.abc import Iterator

from ia_api_spec import Contract, load
from sectra_client import SectraClient
from sectra_client.operations import METHODS
from sectra_client.utils import errors


def methods_table() -> str:
    """A row for each public method: its first sentence, its operation, and the version that brought it."""
    operations = Contract(load("ia-api")).operations
    of_method = {method: operation for operation, method in METHODS.items()}
    lines = ["| method | what it does | operation | since |", "|---|---|---|---|"]
    for name, text in _methods():
        operation = of_method.get(name)
        since = operations[operation].node.get("x-introduced-in", "–") if operation else "–"
        lines.append(f"| `{name}` | {text} | {f'`{operation}`' if operation else '–'} | {since} |")
    return "\n".join(lines) + "\n"


def _methods() -> Iterator[tuple[str, str]]:
    """Each public method and property with the first sentence of its docstring, in the order of the code."""
    for name, member in vars(SectraClient).items():
        if not name.startswith("_"):
            text = " ".join((inspect.getdoc(getattr(SectraClient, name)) or "").split())
            assert text, f"SectraClient.{name} has no docstring"
            yield name, text.partition(". ")[0].removesuffix(".") + "."
            assert callable(member) or isinstance(member, property | classmethod | staticmethod)


def error_tree() -> str:
    """The tree that the docstring of `sectra_client.utils.errors` draws."""
    _, begin, tree = inspect.cleandoc(errors.__doc__ or "").partition("SectraError\n")
    if not begin:
        raise ValueError("the docstring of sectra_client.utils.errors draws no tree that begins with SectraError")
    return f"```text\n{begin}{tree.rstrip()}\n```\n"
