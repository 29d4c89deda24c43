"""What a schema expected, in words that a caller can act on."""

from collections.abc import Callable, Mapping
from typing import Any

from ia_api_spec.violations import shown

_ARTICLES = {
    "object": "an object",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}

_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "type": lambda said: " or ".join(_ARTICLES[name] for name in sorted(said["types"], key=list(_ARTICLES).index)),
    "enum": lambda said: "one of " + ", ".join(shown(option) for option in said["options"]),
    "const": lambda said: shown(said["expected_value"]),
    "minItems": lambda said: f"at least {said['limit']} items",
    "maxItems": lambda said: f"at most {said['limit']} items",
    "minLength": lambda said: f"at least {said['limit']} characters",
    "maxLength": lambda said: f"at most {said['limit']} characters",
    "minimum": lambda said: f"at least {said['limit']}",
    "maximum": lambda said: f"at most {said['limit']}",
    "exclusiveMinimum": lambda said: f"more than {said['limit']}",
    "exclusiveMaximum": lambda said: f"less than {said['limit']}",
    "pattern": lambda said: f"text that matches {said['pattern']}",
    "format": lambda said: f"a valid {said['format']}",
}


def expectation(kind: str, said: Mapping[str, Any], message: str) -> str:
    """What a failed keyword expected; keywords that the contract doesn't use fall back to the validator's message."""
    words = _WORDS.get(kind)
    return words(said) if words else message
