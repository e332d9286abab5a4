"""``expand``: objects in the place of their ids."""

from __future__ import annotations

from typing import Any

from payments.play.checkout import shown
from payments.play.errors import Refusal
from payments.play.state import State
from payments.play.store import Json

DEEPEST = 4


def expanded(state: State, answer: Json, paths: list[str]) -> Json:
    """Return ``answer`` with the id at each path, such as ``latest_charge.refunds``, filled in."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEEPEST:
            raise Refusal(f"You cannot expand more than {DEEPEST} levels.", param="expand")
        _expand(state, answer, parts)
    return answer


def _expand(state: State, node: Any, parts: list[str]) -> None:
    if isinstance(node, list):
        for inner in node:
            _expand(state, inner, parts)
        return
    if not (parts and isinstance(node, dict)):
        return
    part, *rest = parts
    if part not in node:
        raise Refusal(f"This property cannot be expanded ({part}).", param="expand")
    if isinstance(node[part], str):
        row = state.store.get(node[part])
        if row is None:
            raise Refusal(f"This property cannot be expanded ({part}).", param="expand")
        node[part] = shown(row.data)
    _expand(state, node[part], rest)
