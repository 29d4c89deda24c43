"""Answers without the credentials that a server may repeat in them."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace

from sectra_client.utils.errors import SectraError
from sectra_client.wire.messages import Answer

SHOWN_INSTEAD = "[secret]"


def redacted(answer: Answer, secrets: Iterable[str]) -> Answer:
    """The answer with `[secret]` for each of the secrets, in its body and in its headers; also where they are escaped
    as in JSON or percent-encoded.
    """
    pattern = _all_forms(secrets)
    if pattern is None:
        return answer
    headers = {name: _header(pattern, value) for name, value in answer.headers.items()}
    body = pattern.sub(SHOWN_INSTEAD, answer.body.decode("utf-8", "surrogateescape"))
    return replace(answer, headers=headers, body=body.encode("utf-8", "surrogateescape"))


def redact(error: SectraError, secrets: Iterable[str]) -> None:
    """Takes the secrets out of an error's text, and what it came from, where they may be, too, off the error."""
    pattern = _all_forms(secrets)
    if pattern is not None:
        error.args = tuple(pattern.sub(SHOWN_INSTEAD, arg) if isinstance(arg, str) else arg for arg in error.args)
    error.__cause__ = error.__context__ = None


def _all_forms(secrets: Iterable[str]) -> re.Pattern[str] | None:
    """What finds any of the secrets in any form; None where there are none."""
    alternatives = "|".join(_pattern(secret) for secret in sorted(set(secrets), key=len, reverse=True) if secret)
    return re.compile(alternatives) if alternatives else None


def _header(pattern: re.Pattern[str], value: str) -> str:
    """Header values come as latin-1, whatever the server meant."""
    text = value.encode("latin-1", "replace").decode("utf-8", "surrogateescape")
    return pattern.sub(SHOWN_INSTEAD, text).encode("utf-8", "surrogateescape").decode("latin-1")


def _pattern(secret: str) -> str:
    return "".join(_any_form(character) for character in secret)


def _any_form(character: str) -> str:
    """The character as it is, as JSON escapes it (`\\/`, `\\u002f`), percent-encoded, and `+` for a blank."""
    utf16 = character.encode("utf-16-be")
    units = "".join(rf"\\u{utf16[at : at + 2].hex()}" for at in range(0, len(utf16), 2))
    percent = "".join(f"%{byte:02x}" for byte in character.encode("utf-8"))
    json_form = re.escape(json.dumps(character)[1:-1])
    slashed = r"|\\/" if character == "/" else ""
    plus = r"|\+" if character == " " else ""
    return f"(?:{re.escape(character)}|{json_form}|(?i:{units}|{percent}){slashed}{plus})"
