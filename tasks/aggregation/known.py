"""Does an answer say what is known? One rule for gold, exams, training and reviews.

Kept apart from ``grouping``, because the web process compares too and does without scipy until
it meets answers that are lists of objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Kinds whose answers are right or wrong; all others are compared within a tolerance.
EXACT = frozenset({"choice", "pairwise", "rating", "ranking"})


def agrees(said: Mapping[str, Any], known: Mapping[str, Any], kinds: Mapping[str, str]) -> bool:
    """Whether ``said`` says the same as ``known`` of every element that ``known`` names.

    ``kinds`` has the kind of question of each element by name; one it does not name is compared
    exactly. What ``said`` says beyond that does not matter, and nothing known is always agreed to.
    """
    return all(
        name in said and _same(said[name], value, kinds.get(name, "choice"))
        for name, value in known.items()
    )


def comparable(names: Mapping[str, Any], kinds: Mapping[str, str]) -> bool:
    """Whether answers to all elements in ``names`` are the same only when they are equal."""
    return all(kinds.get(name, "choice") in EXACT for name in names)


def _same(one: Any, other: Any, kind: str) -> bool:
    if one == other:
        return True
    if kind in EXACT:
        return False
    from tasks.aggregation.grouping import same_answer  # noqa: PLC0415 - scipy, see above

    return same_answer(one, other, kind)
