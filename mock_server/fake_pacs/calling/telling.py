"""Calls of apps in the log and in the metrics: the one place that tells of them."""

import json
from typing import Any

from fake_pacs import logs
from fake_pacs.calling.values import OPERATIONS, Delivery
from fake_pacs.hospital import thawed
from fake_pacs.world import World


def told(world: World, delivery: Delivery) -> Delivery:
    """Logs and counts a call that was made, judged; gives the delivery back."""
    if delivery.answer is not None:
        logs.tell_call(delivery, sent_size(thawed(delivery.invocation)) if delivery.invocation is not None else 0)
        codes = [finding.code for finding in delivery.findings]
        world.metrics.observe_call(OPERATIONS[delivery.kind], delivery.answer.status, delivery.answer.seconds, codes)
    return delivery


def sent_size(value: Any) -> int:
    """How many bytes a JSON value has in an invocation."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode("utf-8", "surrogatepass"))
