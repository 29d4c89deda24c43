"""What holds of the repository as a whole."""

import subprocess

from tools.repository import ROOT

HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "npmjs" + ".com")


def committed() -> list[str]:
    """The files that are or would be committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_no_file_names_the_host_of_a_package_registry() -> None:
    for name in committed():
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b""
        assert not [host for host in HOSTS if host.encode() in content], name


def test_no_committed_file_is_larger_than_a_mebibyte() -> None:
    assert [name for name in committed() if (ROOT / name).is_file() and (ROOT / name).stat().st_size > 2**20] == []
