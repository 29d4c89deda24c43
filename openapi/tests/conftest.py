"""What the tests of the contract share."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from ia_api_spec import Contract, load, narrow


@pytest.fixture(scope="session")
def sources() -> dict[str, Any]:
    """The annotated documents by name; tests must leave them as they are."""
    return {name: load(name) for name in ("ia-api", "ia-app", "fake-pacs")}


@pytest.fixture(scope="session")
def narrowed(sources: dict[str, Any]):
    """The document of a name in a version, narrowed once."""
    return cache(lambda name, version: narrow(sources[name], version))


@pytest.fixture(scope="session")
def contract():
    """The compiled contract of a name and a version, made once."""
    return cache(lambda name="ia-api", version="1.10": Contract.of(name, version))


@pytest.fixture(scope="session")
def everything():
    """Every node below a node, as (pointer, node), itself first."""

    def walk(node: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
        yield pointer, node
        children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for name, child in children:
            yield from walk(child, f"{pointer}/{name}")

    return walk
