"""What to set aside for top-ups before anybody knows how long the work takes.

A pilot's times bound the job's median from above; the reserve pays the floor for that bound.
Amounts are whole minor units, times whole seconds, rounded up.

Source of the bound: order statistics as a confidence limit of a median, with the binomial
distribution (any textbook on non-parametric statistics).
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.wages.floor import HOUR

PILOT_MIN = 5  # answers; fewer bound nothing
CHANCE_PERCENT = 6  # at most, that the median lies above the bound
RESERVE_LEAST = 1_000  # basis points of the reward
RESERVE_SPREAD = 12_000  # basis points: workers and tasks differ, so the bound alone is too little
WHOLE = 10_000  # basis points


def upper_rank(n: int) -> int:
    """Return which of ``n`` ordered times bounds the median from above; the first has rank 1.

    The lowest rank that all but ``CHANCE_PERCENT`` of pilots this large hold to.
    Raises ``ValueError`` below ``PILOT_MIN``, where none does.
    """
    if n < PILOT_MIN:
        raise ValueError(f"A bound on the median takes {PILOT_MIN} times or more, not {n}.")
    # Of the 2^n ways to lie around the median, those that leave ``rank`` times or more below it.
    rank, ways, below = n, 1, 1
    while 100 * (below + ways * rank // (n - rank + 1)) <= CHANCE_PERCENT * 2**n:
        ways = ways * rank // (n - rank + 1)
        below += ways
        rank -= 1
    return rank


def upper_seconds(times: Sequence[int], estimate: int) -> int:
    """Return a time that the job's median hardly exceeds: from a pilot, or by ``estimate``.

    With fewer than ``PILOT_MIN`` times it is one and a half times the estimate.
    """
    if len(times) < PILOT_MIN:
        return -(-3 * estimate // 2)
    return sorted(times)[upper_rank(len(times)) - 1]


def reserve_each(reward: int, per_hour: int, upper: int) -> int:
    """Return the reserve per wanted answer, where their median is at most ``upper`` seconds."""
    least = -(-reward * RESERVE_LEAST // WHOLE)
    spread = -(-RESERVE_SPREAD * per_hour * upper // (WHOLE * HOUR))
    return max(least, spread - reward)
