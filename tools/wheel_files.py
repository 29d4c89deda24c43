"""The files of the wheel, as a committed list: `python -m tools.wheel_files [--check]`.

So a review shows when the wheel gains or loses a file.
"""

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tools.repository import ROOT, relative

LIST = ROOT / "tools" / "wheel-files.txt"


def build(folder: Path) -> Path:
    """Builds the wheel into a folder and returns its path. Raises `CalledProcessError`."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def names(wheel: Path) -> list[str]:
    """What is in a wheel, sorted; the version in the name of its metadata folder is left out."""
    with zipfile.ZipFile(wheel) as archive:
        return sorted(re.sub(r"^(\w+)-[^/]+\.dist-info/", r"\1.dist-info/", name) for name in archive.namelist())


def difference(listed: list[str], found: list[str]) -> list[str]:
    """How the wheel differs from the list, a line for each file."""
    gained = [f"+ {name}" for name in found if name not in listed]
    return [f"- {name}" for name in listed if name not in found] + gained


def main(arguments: list[str]) -> int:
    """Writes the list, or with `--check` compares it; the exit status says whether it was current."""
    if arguments not in ([], ["--check"]):
        print(f"unknown arguments {arguments}: there is only --check", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        found = names(build(Path(folder)))
    if not arguments:
        LIST.write_text("\n".join(found) + "\n", "utf-8", newline="\n")
        return 0
    changes = difference(LIST.read_text("utf-8").splitlines(), found)
    if changes:
        said = "\n".join(changes)
        print(f"the wheel is not what {relative(LIST)} lists; run `make generate`:\n{said}", file=sys.stderr)
    return 1 if changes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
