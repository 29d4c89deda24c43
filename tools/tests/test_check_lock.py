"""The check of the lock finds what it is there to find."""

from typing import Any

import pytest
from tools.check_lock import problems

LOCK = """flask==3.1.3
    # via ia-api-kit (pyproject.toml)
numpy==2.4.6 ; python_full_version < '3.12'
    # via tifffile
numpy==2.5.5 ; python_full_version >= '3.12'
    # via tifffile
ruff==0.17.6
    # via ia-api-kit (pyproject.toml:dev)
"""


def project(*server: str, base: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "project": {
            "name": "ia-api-kit",
            "dependencies": list(base),
            "optional-dependencies": {"server": list(server), "all": ["ia_api_kit[server]"]},
        },
        "dependency-groups": {"dev": ["ruff>=0.14"]},
    }


def test_a_lock_that_agrees_has_no_problems() -> None:
    assert problems(project("Flask>=3.1,<4"), LOCK) == []


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (("Flask>=3.1,<4", "h11"), "h11 is in pyproject.toml, but not in"),
        (("flask>=4",), "pyproject.toml wants flask>=4, requirements.lock has 3.1.3"),
        ((), "flask is in requirements.lock for a requirement that pyproject.toml lacks"),
        (("flask", "numpy<2.5"), "pyproject.toml wants numpy<2.5, requirements.lock has 2.5.5"),
    ],
)
def test_each_disagreement_is_named(server: tuple[str, ...], said: str) -> None:
    (problem,) = problems(project(*server), LOCK)
    assert problem.startswith(said)


def test_a_line_that_is_no_pin_is_an_error() -> None:
    with pytest.raises(ValueError, match="'flask>=3' is no pin"):
        problems(project("flask"), "flask>=3\n")
