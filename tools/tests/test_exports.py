"""What each package offers: `__all__` is the one list, and it is true."""

import importlib
from types import ModuleType

import pytest
from tools.repository import PACKAGES


@pytest.mark.parametrize("package", PACKAGES)
def test_every_exported_name_is_there_and_every_public_name_is_exported(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
    public = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType) and _is_of(package, value)
    }
    assert public <= set(module.__all__)


def _is_of(package: str, value: object) -> bool:
    return str(getattr(value, "__module__", "")).partition(".")[0] == package
