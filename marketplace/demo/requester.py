"""What the requester does, over the REST API alone: publish, watch, download."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from marketplace.demo.digits import DIGITS, Scan
from marketplace.demo.plan import Terms
from marketplace.simulation.client import Caller

QUESTION = "digit"
INTERFACE = [
    {"type": "image", "value": "${image}"},
    {"type": "choice", "name": QUESTION, "options": list(DIGITS), "title": "Which digit is this?"},
]
INSTRUCTIONS = "Choose the digit that was written. If you cannot tell, choose the likeliest one."


@dataclass(frozen=True)
class Published:
    """The batch as it went to the crowd."""

    project_id: int
    batch_id: int
    upload: dict[str, Any]
    quote: dict[str, Any]


def publish(
    requester: Caller,
    *,
    scans: Sequence[Scan],
    gold: Sequence[Scan],
    terms: Terms,
    deposit: Callable[[int], None],
) -> Published:
    """Publish ``scans``, with ``gold`` among them, as a new project.

    ``deposit`` is called with the minor units that the quote names, so that the demo leaves what
    is in the wallet already to those who log in later.
    """
    project = requester.post(
        "projects",
        {
            "title": "Handwritten digits (demo)",
            "instructions": INSTRUCTIONS,
            "interface": INTERFACE,
        },
    ).body
    batch = requester.post(f"projects/{project['id']}/batches", vars(terms)).body
    address = f"batches/{batch['id']}"
    upload = requester.upload(f"{address}/tasks", rows(scans, gold)).body
    quote = requester.post(f"{address}/quote").body
    deposit(quote["total"])
    requester.post(f"{address}/publish")
    return Published(project["id"], batch["id"], upload, quote)


def rows(scans: Sequence[Scan], gold: Sequence[Scan]) -> bytes:
    """Write the upload as NDJSON; gold is known by its answer only."""
    lines = [
        {"external_id": scan.name, "input": {"image": scan.data_uri()}, "gold": known}
        for scan, known in [
            *((scan, None) for scan in scans),
            *((scan, scan.digit) for scan in gold),
        ]
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()
