"""The parts of the documents that are made from the code: `python -m tools.generate_docs [--check]`.

- README.md, between the markers: the table operation × version × evidence, from the contract; the figures of the last
  `make bench`, from benchmarks/results.json;
- docs/client.md, between markers: the methods of the client and the tree of its errors;
- docs/cli.md: the help of `fake-pacs`, from click;
- docs/refusals.md: the catalogue of refusals, from `fake_pacs.refusals`;
- docs/contract-suite.md, between markers: the list of checks;
- docs/app-suite.md, between markers: the list of requirements;
- docs/faults.md, between markers: kinds of faults, slides that misbehave, incidents.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from benchmarks.bench.figures import RESULTS, Run
from benchmarks.bench.pages import page

from fake_pacs import cli
from fake_pacs.refusals import TYPE_PREFIX, Refusals
from ia_api_contract import app_suite
from ia_api_contract.reports import listing
from ia_api_spec import VERSIONS, ApiVersion, Contract, Operation, load
from tools.client_docs import error_tree, methods_table
from tools.fault_docs import incidents_table, kinds_table, slides_table
from tools.repository import ROOT, relative

MADE = "<!-- Made by `make generate` from the code; don't edit. -->\n\n"


def documents() -> dict[Path, str]:
    """Every generated document as it should be, by path. Raises `ValueError` where one lacks its markers."""
    readme, client = ROOT / "README.md", ROOT / "docs" / "client.md"
    of_client = with_part(client.read_text("utf-8"), "methods", methods_table())
    front = with_part(readme.read_text("utf-8"), "operations", operations_table())
    suite, faults = ROOT / "docs" / "contract-suite.md", ROOT / "docs" / "faults.md"
    apps = ROOT / "docs" / "app-suite.md"
    going_wrong = with_part(faults.read_text("utf-8"), "kinds", kinds_table())
    going_wrong = with_part(going_wrong, "slides", slides_table())
    return {
        readme: with_part(front, "figures", figures_table()),
        client: with_part(of_client, "errors", error_tree()),
        ROOT / "docs" / "cli.md": MADE + command_line(),
        ROOT / "docs" / "refusals.md": MADE + refusals(),
        suite: listing.with_list(suite.read_text("utf-8")),
        apps: with_part(apps.read_text("utf-8"), "requirements", app_suite.markdown()),
        faults: with_part(going_wrong, "incidents", incidents_table()),
    }


def with_part(text: str, name: str, made: str) -> str:
    """The text with what was made between the markers of that name. Raises `ValueError` where they are missing."""
    first, last = f"<!-- {name}: made by `make generate`, don't edit -->", f"<!-- /{name} -->"
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"the document needs the markers {first} and {last}, in this order")
    return f"{before}{begin}\n\n{made}\n{end}{after}"


def figures_table() -> str:
    """What the last whole run of the benchmark found."""
    if not RESULTS.exists():
        return "No whole run is recorded yet: `make bench` makes one.\n"
    return page(Run.from_json(json.loads(RESULTS.read_text("utf-8"))))


def operations_table() -> str:
    """A row for each operation of `ia-api.yaml`: its request, the versions that have it, and how it is known."""
    titles = " | ".join(str(version) for version in VERSIONS)
    lines = [
        f"| operation | request | {titles} | known from | answers that are assumed |",
        f"|---|---|{'---|' * len(VERSIONS)}---|---|",
    ]
    contract = Contract(load("ia-api"))
    lines += [_row(operation, contract) for operation in contract.operations.values()]
    return "\n".join(lines) + "\n"


def _row(operation: Operation, contract: Contract) -> str:
    since = ApiVersion(operation.node.get("x-introduced-in", str(VERSIONS[0])))
    has = " | ".join("●" if version >= since else "–" for version in VERSIONS)
    requests = "<br>".join(f"`{operation.method} {spelling.path}`" for spelling in operation.spellings)
    evidence = ", ".join(sorted(set(_codes(operation.node)), key="SVCA".index))
    return f"| `{operation.id}` | {requests} | {has} | {evidence} | {', '.join(_assumed(operation, contract)) or '–'} |"


def _codes(node: Mapping[str, Any]) -> Iterator[str]:
    yield from (evidence["code"] for evidence in node["x-evidence"])


def _assumed(operation: Operation, contract: Contract) -> Iterator[str]:
    for status, answer in operation.node["responses"].items():
        if set(_codes(contract.resolve(answer))) == {"A"}:
            yield status


def command_line() -> str:
    """The help of `fake-pacs` and of each of its commands, and the environment variables."""
    top = _context(cli.main, None)
    return "\n".join(["# The command `fake-pacs`\n", _help(top), *_commands(cli.main, top)])


def _commands(group: click.Group, parent: click.Context) -> Iterator[str]:
    """Each command of a group with its options, and those of the groups in it."""
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        assert command is not None
        context = _context(command, parent)
        yield from (f"## `{context.command_path}`\n", _help(context))
        if isinstance(command, click.Group):
            yield from _commands(command, context)
        elif any(isinstance(option, click.Option) for option in command.params):
            yield _variables(context)


def _context(command: click.Command, parent: click.Context | None) -> click.Context:
    settings = command.context_settings if parent is None else {}
    name = "fake-pacs" if parent is None else command.name
    return click.Context(command, parent, info_name=name, terminal_width=100, max_content_width=100, **settings)


def _help(context: click.Context) -> str:
    return f"```text\n{context.get_help().rstrip()}\n```\n"


def _variables(context: click.Context) -> str:
    options = [option for option in context.command.params if isinstance(option, click.Option)]
    prefix = context.auto_envvar_prefix
    rows = [f"| `{option.opts[-1]}` | `{prefix}_{(option.name or '').upper()}` |" for option in options]
    return "Each option can come from the environment:\n\n| option | variable |\n|---|---|\n" + "\n".join(rows) + "\n"


def refusals() -> str:
    """The catalogue of refusals, by status."""
    kinds = sorted((kind.value for kind in Refusals), key=lambda kind: (kind.status, kind.name))
    rows = [f"| {kind.status} | `{TYPE_PREFIX}{kind.name}` | {kind.title} |" for kind in kinds]
    return f"{_REFUSALS}\n| status | `type` | `title` |\n|---|---|---|\n" + "\n".join(rows) + "\n"


_REFUSALS = """# What the fake PACS refuses, and how it says so

Every answer outside 2xx is `application/problem+json` (RFC 9457) and one of these, unless a fault asked for it
([faults.md](faults.md); its `type` ends in `injected-fault`). `detail` says what was wrong with
this request, `hint` what to do about it, and `violations` lists every place that broke the contract: where `in` the
message, by JSON `pointer`, what `came`, and what was `expected`.

The form of error answers is assumed (A): nothing is publicly known of it, and a real PACS will answer with other texts.
"""


def main(arguments: list[str]) -> int:
    """Writes the documents, or with `--check` compares them; the exit status says whether they were current."""
    if arguments not in ([], ["--check"]):
        print(f"unknown arguments {arguments}: there is only --check", file=sys.stderr)
        return 2
    stale = [path for path, text in documents().items() if not path.exists() or path.read_text("utf-8") != text]
    if arguments:
        for path in stale:
            print(f"{relative(path)} is not what the code makes: run `make generate`", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(documents()[path], "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
