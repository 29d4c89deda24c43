"""The annotated OpenAPI documents: read from their YAML sources and bundled into one document each."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ia_api_spec.marks import check_marks
from ia_api_spec.tree import DATA, MAPS_OF_NAMES, Document, part_of, references

FOLDER = Path(__file__).parent / "documents"

NAMES = ("ia-api", "ia-app", "fake-pacs")
"""The documents: what the PACS serves, what an app serves, and the emulator's own control plane."""


def load(name: str) -> Document:
    """The annotated document of that name, with every reference into `schemas/` bundled into its components.

    Reads YAML, which takes a moment: servers read the narrowed snapshots instead (`snapshots.py`). Raises `ValueError`
    for a name that is none of `NAMES`, for a dangling reference, for two schemas or keys of one name and for a version
    mark that isn't quoted.
    """
    if name not in NAMES:
        raise ValueError(f"no document {name!r}: there are {', '.join(NAMES)}")
    return bundle(FOLDER / f"{name}.yaml")


def bundle(path: Path) -> Document:
    """The document in that file, bundled with what it refers to in `schemas/` beside it; raises like `load`."""
    document = _Bundler(path.parent / "schemas").bundle(_read(path))
    check_marks(document)
    if dangling := [
        f"{target!r} at {pointer}" for pointer, target in references(document) if part_of(document, target) is None
    ]:
        raise ValueError(f"dangling reference {', '.join(dangling)} in {path.name}")
    return document


class _Bundler:
    """Turns references into other files into references into `#/components/schemas`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Document] = {}
        self._schemas: dict[str, Any] = {}
        self._origin: dict[str, str] = {}

    def bundle(self, document: Document) -> Document:
        inline = document.get("components", {}).pop("schemas", {})
        for name, schema in inline.items():
            self._adopt_inline(name, schema)
        bundled: Document = self._rewrite(document, "")
        if self._schemas:
            bundled.setdefault("components", {})["schemas"] = dict(sorted(self._schemas.items()))
        return bundled

    def _adopt_inline(self, name: str, schema: Any) -> None:
        reference = schema.get("$ref", "")
        if "#" in reference and not reference.startswith("#"):
            self._resolve(reference, "")
            return
        self._claim(name, "")
        self._schemas[name] = self._rewrite(schema, "")

    def _rewrite(self, node: Any, file: str, named: bool = False) -> Any:
        if isinstance(node, list):
            return [self._rewrite(item, file) for item in node]
        if not isinstance(node, dict):
            return node
        if named:
            return {name: self._rewrite(part, file) for name, part in node.items()}
        rewritten = {key: self._keyword(key, value, file) for key, value in node.items()}
        if isinstance(node.get("propertyName"), str) and "mapping" in node:
            rewritten["mapping"] = {value: self._resolve(target, file) for value, target in node["mapping"].items()}
        return rewritten

    def _keyword(self, key: str, value: Any, file: str) -> Any:
        if key in DATA:
            return copy.deepcopy(value)
        if key == "$ref" and isinstance(value, str):
            return self._resolve(value, file)
        return self._rewrite(value, file, named=key in MAPS_OF_NAMES)

    def _resolve(self, reference: str, file: str) -> str:
        """Adopts what a reference points to and returns where it now is."""
        target, _, name = reference.partition("#/")
        if not target and (not file or name.startswith("components/")):
            return reference
        source = target.removeprefix("schemas/") or file
        self._claim(name, source)
        if name not in self._schemas:
            self._schemas[name] = {}  # stands there while the schema is read: it may refer to itself
            self._schemas[name] = self._rewrite(self._find(source, name, reference), source)
        return f"#/components/schemas/{name}"

    def _claim(self, name: str, source: str) -> None:
        if self._origin.setdefault(name, source) != source:
            files = " and ".join(file or "the document itself" for file in (self._origin[name], source))
            raise ValueError(f"two schemas named {name!r}: in {files}")

    def _find(self, source: str, name: str, reference: str) -> Any:
        if source not in self._files:
            self._files[source] = _read(self._folder / source)
        if name not in self._files[source]:
            raise ValueError(f"dangling reference {reference!r}: schemas/{source} has no {name!r}")
        return self._files[source][name]


def _read(path: Path) -> Document:
    """The YAML mapping in a file. Raises `ValueError` for a missing file and for a key that stands there twice."""
    import yaml  # servers never come here: the import costs them nothing

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ValueError(f"no file {path}") from None
    root = loader.get_single_node()
    if twice := sorted(_repeated(root)):
        raise ValueError(f"keys that stand twice in one mapping of {path.name}: {', '.join(twice)}")
    document: Document = loader.construct_document(root)
    return document


def _repeated(node: Any) -> Iterator[str]:
    """Keys of YAML mappings that stand there twice, where the parser would silently take the last, with their lines."""
    pairs = node.value if node.id == "mapping" else []
    seen: set[str] = set()
    for key, _ in pairs:
        if key.value in seen:
            yield f"{key.value} (line {key.start_mark.line + 1})"
        seen.add(key.value)
    for child in [value for _, value in pairs] or (node.value if node.id == "sequence" else ()):
        yield from _repeated(child)
