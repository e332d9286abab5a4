"""What the requester does, over the REST API alone: forecast, publish, review."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from marketplace.demo.digits import DIGITS, Scan
from marketplace.simulation.client import Caller

QUESTION = "digit"
INTERFACE = [
    {"type": "image", "value": "${image}"},
    {"type": "choice", "name": QUESTION, "options": list(DIGITS), "title": "Which digit is this?"},
]
AT_ONCE = 1_000  # scans put up for review by one request
INSTRUCTIONS = "Choose the digit that was written. If you cannot tell, choose the likeliest one."


@dataclass(frozen=True)
class Published:
    """The batch as it went to the crowd."""

    project_id: int
    batch_id: int
    upload: dict[str, Any]
    quote: dict[str, Any]
    forecast: dict[str, Any]  # made before anything was committed


class Reviewed(NamedTuple):
    """What a reviewer did with the scans on which the crowd had been uncertain."""

    scans: int
    corrected: int


def publish(
    requester: Caller,
    *,
    scans: Sequence[Scan],
    gold: Sequence[Scan],
    policy: Mapping[str, Any],
    deposit: Callable[[int], None],
) -> Published:
    """Publish ``scans``, with ``gold`` among them, as a new project, and forecast it before.

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
    batch = requester.post(f"projects/{project['id']}/batches", policy).body
    address = f"batches/{batch['id']}"
    upload = requester.upload(f"{address}/tasks", rows(scans, gold)).body
    quote = requester.post(f"{address}/quote").body
    forecast = requester.post(f"{address}/forecast", {"basis": "assumptions"}).body
    deposit(quote["total"])
    requester.post(f"{address}/publish")
    return Published(project["id"], batch["id"], upload, quote, forecast)


def review(requester: Caller, *, batch_id: int, below: float, truth: Mapping[str, str]) -> Reviewed:
    """Decide on every scan whose confidence is less than ``below``.

    The reviewer is simulated, and knows the ``truth``, by the name of the scan.
    """
    address = f"batches/{batch_id}/reviews"
    scans = corrected = 0
    while True:
        requester.post(address, {"below": below, "limit": AT_ONCE})
        waiting = requester.get(f"{address}?limit=200")["results"]
        if not waiting:
            return Reviewed(scans, corrected)
        for row in waiting:
            right = {QUESTION: truth[row["external_id"]]}
            scans += 1
            if row["consensus"] == right:
                requester.post(f"reviews/{row['id']}/accept")
            else:
                corrected += 1
                requester.post(f"reviews/{row['id']}/fix", {"value": right})


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
