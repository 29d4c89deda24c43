"""Results on their way between the wire and the store."""

import json
from collections.abc import Mapping
from typing import Any

from fake_pacs.calls import JsonObject
from fake_pacs.store import StoredResult

OF_THE_SERVER = ("id", "versionId")
"""Members of a result that the server assigns; what callers send under these names is no part of the document."""


def on_wire(stored: StoredResult) -> dict[str, Any]:
    """A stored result as it is answered: nothing that callers need is missing or null; the rest is as it was sent.

    With the text that is stored, where that says all but the ids: it need not be written anew.
    """
    document = stored.document
    states = {attachment.name: attachment.state for attachment in stored.attachments}
    completed = {
        "applicationVersion": document.get("applicationVersion") or "",
        "displayProperties": document.get("displayProperties") or {},
        "attachments": [{**sent, "state": states[sent["name"]]} for sent in document.get("attachments") or ()],
    }
    ids = {"id": stored.id, "versionId": stored.version_id}
    answered = {**ids, **document, **completed}
    if stored.text is None or any(name not in document or document[name] != completed[name] for name in completed):
        return answered
    return JsonObject(answered, f"{json.dumps(ids)[:-1]}, {stored.text.lstrip()[1:]}")


def document_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a result that came."""
    return {name: value for name, value in body.items() if name not in OF_THE_SERVER}


def text_of(body: Mapping[str, Any]) -> str | None:
    """The JSON text of what is kept of a result that came, None where not all of it is, or where it has none.

    Strict parsing took it for what it says, so it need not be written anew.
    """
    return body.text if isinstance(body, JsonObject) and not any(name in body for name in OF_THE_SERVER) else None


def attachment_names(body: Mapping[str, Any]) -> list[str]:
    """The declared names, each once: the contract sees to that."""
    return [attachment["name"] for attachment in body.get("attachments") or ()]
