"""Makes the committed snapshots of the narrowed documents: `python -m ia_api_spec.snapshots`.

With `--check` it compares them with what the YAML sources make and exits with 1 on a difference.
"""

import json
import sys

from ia_api_spec.committed import FOLDER, file_name
from ia_api_spec.documents import load
from ia_api_spec.narrowing import narrow
from ia_api_spec.tree import Document
from ia_api_spec.versions import VERSIONS


def make() -> dict[str, str]:
    """Every snapshot by file name, made anew from the sources."""
    made = {file_name("fake-pacs", VERSIONS[-1]): _render(load("fake-pacs"))}
    for name in ("ia-api", "ia-app"):
        document = load(name)
        for version in VERSIONS:
            made[file_name(name, version)] = _render(narrow(document, version))
    return made


def differences() -> list[str]:
    """The snapshot files that aren't what the sources make."""
    made = make()
    there = {path.name for path in FOLDER.glob("*.json")}
    stale = [
        name for name, content in made.items() if name not in there or (FOLDER / name).read_text("utf-8") != content
    ]
    return sorted(stale + list(there - made.keys()))


def write() -> None:
    """Writes every snapshot, and removes what is none."""
    FOLDER.mkdir(exist_ok=True)
    made = make()
    for path in FOLDER.glob("*.json"):
        if path.name not in made:
            path.unlink()
    for name, content in made.items():
        (FOLDER / name).write_text(content, "utf-8", newline="\n")


def _render(document: Document) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Writes the snapshots, or with `--check` compares them; the exit status says which it was."""
    if arguments == ["--check"]:
        for name in (stale := differences()):
            print(f"{FOLDER / name} is not what the sources make: run python -m ia_api_spec.snapshots")
        return 1 if stale else 0
    if arguments:
        print(f"unknown arguments {arguments}: there is only --check")
        return 2
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
