"""How far apart two answers are, by the type of the question.

Sources: K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011) for nominal, ordinal,
interval and ratio; R. Passonneau, Measuring Agreement on Set-valued Items (LREC 2006) for MASI;
R. Fagin et al., Comparing Partial Rankings (SIAM J. Discrete Math. 20, 2006) for ties in rankings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Any, Literal, NamedTuple

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.overlap import KINDS, list_similarity
from tasks.aggregation.text import normalise
from tasks.agreement.edits import relative_distance

Scale = Literal["nominal", "ordinal", "interval", "pairs"]


class Distance(NamedTuple):
    """What counts as disagreement, and how much.

    ``between`` takes two answers as ``read`` returns them and is symmetric, at least 0, and 0
    for equal answers. ``scale`` names a closed form that sums over all pairs without looking
    at each; "pairs" has none. An ordinal distance is taken between mid-ranks, not answers.
    """

    name: str
    between: Callable[[Any, Any], float]
    read: Callable[[Any], Any]
    scale: Scale = "pairs"


def distance_of(kind: str) -> Distance:
    """Return the distance by which answers to questions of type ``kind`` are compared.

    Raises ``UnsupportedLabels`` when there is none for this type.
    """
    if kind in KINDS:
        return overlap(kind)
    if kind not in _BY_KIND:
        known = ", ".join(sorted([*_BY_KIND, *KINDS]))
        raise UnsupportedLabels(f"No agreement is measured for {kind!r}: choose from {known}.")
    return _BY_KIND[kind]


def overlap(kind: str) -> Distance:
    """Return 1 - overlap of two lists of boxes, spans and the like: ``list_similarity``."""

    def between(first: Any, second: Any) -> float:
        return 1.0 - list_similarity(first, second, kind)

    return Distance(f"1 - overlap of {kind.replace('_', ' ')}", between, as_it_is)


def as_it_is(value: Any) -> Any:
    """Return ``value``: what the types without a reading of their own use."""
    return value


def number(value: Any) -> float:
    """Read a finite number; raises ``UnsupportedLabels`` for anything else."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        raise UnsupportedLabels(f"{value!r} is not a number.")
    return found + 0.0  # minus zero is zero


def amount(value: Any) -> float:
    """Read a finite number of at least 0; raises ``UnsupportedLabels`` for anything else."""
    found = number(value)
    if found < 0:
        raise UnsupportedLabels(f"{value!r} is below 0: a ratio scale starts there.")
    return found


def options(value: Iterable[str]) -> list[str]:
    """Read the options ticked: sorted, each once."""
    return sorted(set(value))


def different(first: object, second: object) -> float:
    """Return 0 for equal answers and 1 for all others."""
    return float(first != second)


def squared(first: float, second: float) -> float:
    """Return the squared difference of two numbers."""
    return (first - second) ** 2


def ratio(first: float, second: float) -> float:
    """Return the squared difference of two amounts as a share of their sum."""
    return ((first - second) / (first + second)) ** 2 if first != second else 0.0


def jaccard(first: Iterable[str], second: Iterable[str]) -> float:
    """Return the share of all options ticked that only one of two ticked; 0 if none did."""
    one, other = set(first), set(second)
    return 1.0 - len(one & other) / len(one | other) if one | other else 0.0


def masi(first: Iterable[str], second: Iterable[str]) -> float:
    """Return Jaccard's distance, made larger where neither set is the other.

    The overlap counts in full for equal sets, ⅔ where one holds the other, ⅓ where both have
    options of their own. Two empty sets agree.
    """
    one, other = set(first), set(second)
    if one == other:
        return 0.0
    weight = 2 / 3 if one <= other or other <= one else 1 / 3
    return 1.0 - weight * len(one & other) / len(one | other)


def tiers(value: Iterable[Any]) -> list[list[str]]:
    """Read a ranking, best first, as tiers of items; a tier is an item or a list of tied ones."""
    return [sorted(tier) if isinstance(tier, list) else [str(tier)] for tier in value]


def kendall(first: list[list[str]], second: list[list[str]]) -> float:
    """Return (1 - τ) / 2: the share of pairs of items that two rankings order differently.

    A pair that is tied in one ranking only counts half. Items that a ranking leaves out stand
    tied behind those it has. With fewer than two items there is nothing to order: 0.
    """
    one, other = _places(first), _places(second)
    items = sorted(one.keys() | other.keys())
    if len(items) <= 1:
        return 0.0
    behind = len(items)
    apart = 0.0
    for a, b in combinations(items, 2):
        mine = _sign(one.get(a, behind) - one.get(b, behind))
        theirs = _sign(other.get(a, behind) - other.get(b, behind))
        apart += abs(mine - theirs) / 2
    return apart / math.comb(len(items), 2)


def _places(ranking: list[list[str]]) -> dict[str, int]:
    return {item: place for place, tier in enumerate(ranking) for item in tier}


def _sign(difference: int) -> int:
    return (difference > 0) - (difference < 0)


NOMINAL = Distance("nominal", different, as_it_is, "nominal")
ORDINAL = Distance("ordinal", squared, number, "ordinal")
INTERVAL = Distance("interval", squared, number, "interval")
RATIO = Distance("ratio", ratio, amount)
MASI = Distance("MASI", masi, options)
JACCARD = Distance("Jaccard", jaccard, options)
SAME_TEXT = Distance("nominal on normalised text", different, normalise, "nominal")
EDITS = Distance("edit distance / length", relative_distance, normalise)
KENDALL = Distance("(1 - Kendall's τ) / 2", kendall, tiers)

_BY_KIND = {
    "choice": NOMINAL,
    "pairwise": NOMINAL,
    "multiple_choice": MASI,
    "text": EDITS,
    "rating": ORDINAL,
    "number": INTERVAL,
    "ranking": KENDALL,
}
