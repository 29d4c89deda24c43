"""From the contract's paths to URL rules, and from an unknown path to a hint at what was probably meant."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.routing import BaseConverter, Map, Rule

from ia_api_spec import Contract, Operation, Spelling

_PARAMETER = re.compile(r"\{([^}]+)\}")


@dataclass(frozen=True)
class Route:
    """One URL rule: what it is written as, the operation behind it and the spelling of it."""

    rule: str
    operation: Operation
    spelling: Spelling


class MatchedRule(Rule):
    """A rule that only matches the methods it names, and that no URL is made of.

    werkzeug adds HEAD to every GET, and compiles two functions for making URLs of each rule: most of what a start took.
    """

    def __init__(self, string: str, *arguments: Any, **options: Any) -> None:
        super().__init__(string, *arguments, **options)
        self.methods = {method.upper() for method in options["methods"]}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        return _no_url


def _no_url(*_: Any, **__: Any) -> tuple[str, str]:
    raise RuntimeError("a rule of the contract is matched, no URL is made of it: take its path from the contract")


def routes(contract: Contract, prefix: str, url_map: Map) -> Iterator[Route]:
    """The rules of every operation in every spelling; converters for parameters with a pattern are added to the map."""
    for operation in contract.operations.values():
        patterns = {
            parameter.name: parameter.node["x-path-pattern"]
            for parameter in operation.parameters
            if "x-path-pattern" in parameter.node
        }
        for spelling in operation.spellings:
            yield Route(prefix + _rule(spelling.path, patterns, url_map), operation, spelling)


def _rule(path: str, patterns: Mapping[str, str], url_map: Map) -> str:
    def placeholder(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in patterns:
            return f"<{name}>"
        key = f"of_{name}"
        url_map.converters[key] = type(f"Of{name}", (BaseConverter,), {"regex": patterns[name]})
        return f"<{key}:{name}>"

    return _PARAMETER.sub(placeholder, path)


def hint_for(path: str, prefix: str, contract: Contract) -> str:
    """What the caller of an unknown path probably meant: a missing base path, a misspelt segment, or nothing known."""
    templates = [spelling.path for operation in contract.operations.values() for spelling in operation.spellings]
    if not path.startswith(prefix + "/"):
        if any(_fits(template, path) for template in templates):
            return f"The IA-API is served under {prefix}: ask for {prefix}{path}."
        return f"The IA-API is served under {prefix}, the control plane under /_fake_pacs."
    inside = path.removeprefix(prefix)
    if inside.endswith("/") and any(_fits(template, inside.rstrip("/")) for template in templates):
        return f"Without the slash at the end, {inside.rstrip('/')} is served."
    meant = _closest(inside, templates)
    return f"Was {meant} meant?" if meant else "GET /_fake_pacs/openapi.json tells what is served."


def _fits(template: str, path: str) -> bool:
    steps, asked = template.split("/"), path.split("/")
    return len(steps) == len(asked) and all(
        "{" in step or step == came for step, came in zip(steps, asked, strict=True)
    )


def _closest(path: str, templates: Iterable[str]) -> str | None:
    """The template from which the path differs only by one segment that looks alike."""
    asked = path.split("/")
    for template in templates:
        steps = template.split("/")
        if len(steps) != len(asked):
            continue
        wrong = [(step, came) for step, came in zip(steps, asked, strict=True) if "{" not in step and step != came]
        if len(wrong) == 1 and difflib.SequenceMatcher(None, *wrong[0]).ratio() > 0.75:
            return template
    return None
