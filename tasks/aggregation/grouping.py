"""How far the answers to one task agree, where they have no classes: texts, boxes, spans, numbers.

Answers that say the same, within a tolerance, form a group. Confidence is the share of the
largest group, shrunk as a share of few answers must be: two of two say less than nine of ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tasks.aggregation.overlap import list_similarity
from tasks.aggregation.text import normalise

SAME = 0.8  # similarity from which two lists of objects say the same
NEAR = 0.02  # relative difference up to which two numbers do
ACCURACY = 0.75  # of one more answer, where nothing is learnt about workers
DOUBT = 0.5  # pseudo-answers against the group


class Grouping(NamedTuple):
    """The largest group of answers to one task."""

    size: int
    answers: int

    @property
    def confidence(self) -> float:
        """The group's share of the answers, and half a doubt."""
        return self.size / (self.answers + DOUBT) if self.answers else 0.0


def grouped(values: Sequence[Any], kind: str) -> Grouping:
    """Return the largest group among ``values``, answers to a question of that ``kind``.

    A group is all that is the same as one of its answers; of equal groups it does not matter
    which. No answers make an empty group.
    """
    size = max(
        (sum(same_answer(one, other, kind) for other in values) for one in values), default=0
    )
    return Grouping(size, len(values))


def same_answer(one: Any, other: Any, kind: str) -> bool:
    """Whether two answers to a question of that ``kind`` say the same, within its tolerance."""
    if one == other:
        return True
    if kind == "text":
        return normalise(one) == normalise(other)
    if kind == "number":
        return bool(abs(one - other) <= NEAR * max(abs(one), abs(other)))
    if isinstance(one, list) and all(isinstance(each, dict) for each in (*one, *other)):
        return list_similarity(one, other, kind) >= SAME
    return False
