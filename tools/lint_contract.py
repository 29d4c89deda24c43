"""Lints the OpenAPI documents with redocly, which needs Node: `python -m tools.lint_contract`.

Without Node it says so and passes; under CI=true it fails. A warning counts as an error.
"""

import json
import os
import shutil
import subprocess
import sys
from typing import Any

from tools.repository import ROOT, in_ci

REDOCLY = ROOT / "node_modules" / "@redocly" / "cli" / "bin" / "cli.js"
INSTALLED = ROOT / "node_modules" / ".package-lock.json"
LOCK = ROOT / "package-lock.json"


def installed() -> bool:
    """Whether node_modules is what package-lock.json says, as far as the times of the files tell."""
    return REDOCLY.exists() and INSTALLED.exists() and INSTALLED.stat().st_mtime >= LOCK.stat().st_mtime


def install(npm: str) -> None:
    """Installs the pinned packages. Raises `CalledProcessError` with npm's words on standard error."""
    subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=ROOT, check=True)
    INSTALLED.touch()


def lint(node: str) -> list[str]:
    """Everything that redocly has to say of the documents that redocly.yaml names, errors and warnings alike.

    Raises `RuntimeError` with its words where it doesn't get as far as linting.
    """
    command = [node, str(REDOCLY), "lint", "--format=json", "--max-problems=1000"]
    environment = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    try:
        return problems_of(done.stdout)
    except ValueError:
        raise RuntimeError(f"redocly failed with status {done.returncode}:\n{done.stdout}{done.stderr}") from None


def problems_of(said: str) -> list[str]:
    """The problems in what redocly says: a JSON document for each OpenAPI document, one after the other.

    Raises `ValueError` for anything else, and where there is none.
    """
    problems, rest = list[str](), said.strip()
    while rest or not said.strip():
        report, end = json.JSONDecoder().raw_decode(rest)
        problems += map(_line, report["problems"])
        rest = rest[end:].strip()
    return problems


def _line(problem: dict[str, Any]) -> str:
    place = problem["location"][0] if problem["location"] else {}
    file = place.get("source", {}).get("ref", "the documents")
    return f"{problem['severity']}: {file} {place.get('pointer', '')}: {problem['message']} ({problem['ruleId']})"


def main() -> int:
    """Lints where Node is; the exit status says whether the documents are clean."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        print("The OpenAPI documents were not linted: Node and npm are not installed.", file=sys.stderr)
        return 1 if in_ci() else 0
    try:
        if not installed():
            install(npm)
        problems = lint(node)
    except (RuntimeError, subprocess.CalledProcessError) as error:
        problems = [str(error)]
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
