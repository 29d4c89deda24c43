"""Does requirements.lock agree with pyproject.toml? Needs no network: `python -m tools.check_lock`.

Each requirement of the project, its extras and its development group must be pinned in the lock within its bounds, and
the lock must name no requirement of the project that is gone. Whether the pins fit each other is the resolver's work
(`make lock`), and pip's when it installs them.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools.repository import PROJECT, ROOT

MEND = "run `make lock` and commit requirements.lock"


@dataclass(frozen=True)
class Pin:
    """One pinned distribution of the lock; `asked_for` says that the project itself requires it."""

    name: str
    version: Version
    asked_for: bool


def pins(lock: str) -> list[Pin]:
    """The pins of a lock as `uv pip compile` writes it; a name occurs once for each environment marker."""
    found = []
    for block in re.split(r"\n(?=\S)", lock.strip()):
        match = re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", block)
        if match is None:
            raise ValueError(f"requirements.lock: {block.splitlines()[0]!r} is no pin; expected NAME==VERSION")
        found.append(Pin(canonicalize_name(match[1]), Version(match[2]), "(pyproject.toml" in block))
    return found


def requirements(project: dict[str, Any]) -> Iterator[Requirement]:
    """What pyproject.toml requires: base, every extra, the development group; without references to itself."""
    own = canonicalize_name(project["project"]["name"])
    texts = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    for extra in project["project"].get("optional-dependencies", {}).values():
        texts += extra
    yield from (wanted for wanted in map(Requirement, texts) if canonicalize_name(wanted.name) != own)


def problems(project: dict[str, Any], lock: str) -> list[str]:
    """Where the two disagree, one sentence each."""
    pinned = pins(lock)
    found, wanted_names = [], set()
    for wanted in requirements(project):
        name = canonicalize_name(wanted.name)
        wanted_names.add(name)
        versions = [pin.version for pin in pinned if pin.name == name]
        if not versions:
            found.append(f"{wanted} is in pyproject.toml, but not in requirements.lock")
        found += [
            f"pyproject.toml wants {wanted}, requirements.lock has {version}"
            for version in versions
            if not wanted.specifier.contains(version, prereleases=True)
        ]
    gone = sorted({pin.name for pin in pinned if pin.asked_for} - wanted_names)
    return found + [f"{name} is in requirements.lock for a requirement that pyproject.toml lacks" for name in gone]


def main() -> int:
    """Prints every disagreement; the exit status says whether there was one."""
    found = problems(PROJECT, (ROOT / "requirements.lock").read_text("utf-8"))
    for problem in found:
        print(f"{problem}: {MEND}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
