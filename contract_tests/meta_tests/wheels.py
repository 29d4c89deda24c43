"""The built wheel on every Python there is: `python -m meta_tests.wheels [VERSION …]` (uses the index, as pip does).

The wheel is built once. For each Python (3.11 and newer) it is installed with the extras `contract` and `server` into
an environment of its own; from an empty folder, the quick suite runs against the installed `fake-pacs serve`.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.check_install import SCRIPTS, InstallError, run, succeed
from tools.wheel_files import build

OLDEST, NEWEST_TRIED = 11, 20

EXTRAS = "contract,server"


def pythons() -> dict[str, Path]:
    """The Pythons that are found, by version such as `3.12`: through PATH, and those of pyenv."""
    found: dict[str, Path] = {}
    for minor in range(OLDEST, NEWEST_TRIED):
        version = f"3.{minor}"
        for path in _candidates(version):
            if _version_of(path) == version:
                found.setdefault(version, path)
    return found


def _candidates(version: str) -> Iterator[Path]:
    if on_path := shutil.which(f"python{version}"):
        yield Path(on_path)
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(root.glob(f"versions/{version}.*/bin/python"), reverse=True)


def _version_of(python: Path) -> str | None:
    """The version of an interpreter; None where it doesn't run (a shim of a version that isn't chosen)."""
    command = [str(python), "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def try_python(python: Path, wheel: Path, folder: Path) -> str:
    """Installs the wheel and runs the suite; what the suite said last. Raises `InstallError`."""
    environment = folder / "environment"
    empty = folder / "empty"
    empty.mkdir(parents=True)
    succeed([str(python), "-m", "venv", str(environment)], folder)
    scripts = environment / SCRIPTS
    succeed([str(scripts / "python"), "-m", "pip", "install", "--quiet", f"{wheel}[{EXTRAS}]"], folder)
    with _serving(scripts, empty) as url:
        done = run([str(scripts / "ia-api-contract"), "server", url, "--quick"], empty)
    if done.returncode:
        raise InstallError(f"the quick suite ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    if left := list(empty.iterdir()):
        raise InstallError(f"the suite left files where the user stands: {', '.join(path.name for path in left)}")
    return done.stdout.strip().splitlines()[-2]


@contextmanager
def _serving(scripts: Path, folder: Path) -> Iterator[str]:
    """The installed server's URL, while the block runs."""
    command = [str(scripts / "fake-pacs"), "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            urls = (re.search(r"URL\s+(http\S+)", line) for line in server.stdout)
            url = next((found[1] for found in urls if found), None)
            if url is None:
                raise InstallError("fake-pacs serve ended without saying its URL")
            yield url
        finally:
            server.terminate()


def main(wanted: list[str]) -> int:
    """Tries the wheel on each Python; the exit status says whether all was well."""
    found = {version: path for version, path in pythons().items() if not wanted or version in wanted}
    if not found or set(wanted) - set(found):
        print(f"not found: {', '.join(set(wanted) - set(found)) or 'any Python of 3.11 or newer'}", file=sys.stderr)
        return 2
    failed = 0
    with tempfile.TemporaryDirectory(prefix="ia-api-kit wheels ") as name:
        wheel = build(Path(name))
        for version, python in found.items():
            began = time.monotonic()
            try:
                said = try_python(python, wheel, Path(name) / version)
            except InstallError as error:
                failed += 1
                said = f"FAILED: {error}"
            print(f"Python {version} ({python}, {time.monotonic() - began:.0f} s): {said}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
