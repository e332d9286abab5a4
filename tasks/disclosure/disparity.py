"""Does one group fare worse than all others together? Shares with intervals; no Django.

A person counts once, however many answers they gave, so that the intervals are of people. Each
brings a share in [0, 1]; a mean of those varies at most as if each were all or nothing, so the
interval of a proportion holds, and is rather too wide.

Source: four-fifths rule, Uniform Guidelines on Employee Selection Procedures (1978), 29 CFR
1607.4 D; ``tasks.aggregation.skill`` for the intervals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tasks.aggregation.skill import Estimate, estimate

FIFTHS = 0.8  # of what others have: less is a disparity
PEOPLE = 10  # in the group, and among the others; fewer prove nothing and could be told apart


class Disparity(NamedTuple):
    """One group against the rest; shares with their 95 % intervals, and how many people."""

    measure: str
    group: str
    own: Estimate
    others: Estimate
    is_alert: bool


def compare(
    measure: str, shares: Mapping[str, Sequence[float]], *, is_harm: bool = False
) -> list[Disparity]:
    """Compare each group of at least ``PEOPLE`` with all others, in the order of their names.

    ``shares`` has for each group one share per person: of something good, or of a harm. It is an
    alert when the group has less than ``FIFTHS`` of the others' good, or they of its harm, and the
    intervals do not overlap.
    """
    found = []
    for group in sorted(shares):
        others = [share for name in sorted(shares) if name != group for share in shares[name]]
        if min(len(shares[group]), len(others)) >= PEOPLE:
            own, rest = _estimated(shares[group]), _estimated(others)
            worse, better = (rest, own) if is_harm else (own, rest)
            is_alert = worse.high < better.low and worse.estimate < FIFTHS * better.estimate
            found.append(Disparity(measure, group, own, rest, is_alert))
    return found


def _estimated(shares: Sequence[float]) -> Estimate:
    return estimate(round(sum(sorted(shares))), len(shares))
