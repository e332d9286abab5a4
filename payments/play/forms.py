"""Form bodies as Stripe reads them: ``a[b][0][c]=v`` is a list inside a map inside a map."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from payments.play.store import Json

# ``a[b][]`` has the parts ``a``, ``b`` and an empty one.
PART = re.compile(r"[^\[\]]+|(?<=\[)(?=\])")


def decode(text: str) -> Json:
    """Return the parameters of a form body or a query; every leaf is a string."""
    root: Json = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        *branches, leaf = PART.findall(name)
        node = root
        for part in branches:
            node = node.setdefault(part, {})
        node[leaf or str(len(node))] = value
    return {name: _lists(value) for name, value in root.items()}


def _lists(value: Any) -> Any:
    """Turn each map whose keys are all numbers into a list in their order."""
    if not isinstance(value, dict):
        return value
    if all(name.isdigit() for name in value):
        return [_lists(value[name]) for name in sorted(value, key=int)]
    return {name: _lists(inner) for name, inner in value.items()}


def is_true(value: object) -> bool:
    """Say whether a parameter says yes, in a form or in JSON."""
    return value in {"true", True}
