"""Results on their way between the wire and the store."""

from collections.abc import Mapping
from typing import Any

from fake_pacs.store import StoredResult

OF_THE_SERVER = ("id", "versionId")
"""Members of a result that the server assigns; what callers send under these names is no part of the document."""


def on_wire(stored: StoredResult) -> dict[str, Any]:
    """A stored result as it is answered: nothing that callers need is missing or null; the rest is as it was sent."""
    states = {attachment.name: attachment.state for attachment in stored.attachments}
    document = stored.document
    answered = {
        "id": stored.id,
        "versionId": stored.version_id,
        **document,
        "applicationVersion": document.get("applicationVersion") or "",
        "displayProperties": document.get("displayProperties") or {},
    }
    answered["attachments"] = [{**sent, "state": states[sent["name"]]} for sent in document.get("attachments") or ()]
    return answered


def document_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a result that came."""
    return {name: value for name, value in body.items() if name not in OF_THE_SERVER}


def attachment_names(body: Mapping[str, Any]) -> list[str]:
    """The declared names, each once: the contract sees to that."""
    return [attachment["name"] for attachment in body.get("attachments") or ()]
