"""The rules of a batch whose requester wrote none: graded, and slow to accuse.

Their figures suit jobs on which a careful worker is right four times of five. On harder jobs
lower the accuracies: measure what usual workers reach on the gold first.
"""

from __future__ import annotations

from typing import Any

from tasks.rules.parse import parse

JSON: list[dict[str, Any]] = [
    {  # half wrong among five: one honest worker in six, so check and do nothing else
        "collector": "gold",
        "history": 10,
        "if": [
            {"field": "accuracy", "op": "<=", "value": 0.5},
            {"field": "answers", "op": ">=", "value": 5},
        ],
        "then": {"action": "more_gold", "gold_rate": 0.3},
    },
    {
        "collector": "gold",
        "history": 10,
        "if": [
            {"field": "accuracy", "op": "<=", "value": 0.4},
            {"field": "answers", "op": ">=", "value": 8},
        ],
        "then": {"action": "limit", "live": 2},
    },
    {  # a failed run of gold
        "collector": "gold",
        "history": 10,
        "if": [
            {"field": "accuracy", "op": "<=", "value": 0.2},
            {"field": "answers", "op": ">=", "value": 10},
        ],
        "then": {"action": "pause", "hours": 24},
    },
    {
        "collector": "gold",
        "history": 20,
        "if": [
            {"field": "accuracy", "op": "<=", "value": 0.45},
            {"field": "answers", "op": ">=", "value": 20},
        ],
        "then": {"action": "ask_human"},
    },
    {
        "collector": "spam",
        "if": [
            {"field": "probability", "op": ">", "value": 0.5},
            {"field": "answers", "op": ">=", "value": 5},
        ],
        "then": {"action": "more_gold", "gold_rate": 0.2},
    },
    {
        "collector": "spam",
        "if": [
            {"field": "probability", "op": ">", "value": 0.9},
            {"field": "answers", "op": ">=", "value": 20},
        ],
        "then": {"action": "ask_human"},
    },
    {
        "collector": "speed",
        "history": 20,
        "if": [
            {"field": "fast_share", "op": ">", "value": 0.5},
            {"field": "answers", "op": ">=", "value": 10},
        ],
        "then": {"action": "limit", "live": 2},
    },
    {
        "collector": "rejections",
        "history": 20,
        "if": [
            {"field": "rate", "op": ">=", "value": 0.5},
            {"field": "answers", "op": ">=", "value": 10},
        ],
        "then": {"action": "ask_human"},
    },
]
DEFAULTS = parse(JSON)
