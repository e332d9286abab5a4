"""Watch the audits of accepted predictions one by one, and say when their bound is broken.

A bet against the bound: capital starts at 1 and every audit multiplies it by the likelihood
ratio of some higher error rate to the bound's. While the bound holds, capital has no reason to
grow: that it ever reaches 1 / (1 - confidence) has a probability of at most 1 - confidence,
however often one looks and whenever one stops. A share of the capital enters the game at every
audit, so that what was good for long and then turns bad is found as soon as what was never good.

Sources: I. Waudby-Smith, A. Ramdas, Estimating means of bounded random variables by betting,
JRSS B 86 (2024) 1-27, arXiv:2010.09686; the entering shares are Shiryaev and Roberts' statistic
with weights: J. Shin, A. Ramdas, A. Rinaldo, E-detectors, arXiv:2203.03532 (2022); the interval
is Robbins' mixture: H. Robbins, Annals of Mathematical Statistics 41 (1970) 1397-1409.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import lgamma, log, log1p
from typing import Literal, NamedTuple

CONFIDENCE = 0.9
WORSE = (1.5, 2.0, 3.0, 5.0)  # times the bound: error rates that are bet on to break it
BETTER = (0.0, 0.2, 0.5, 0.8)  # times the bound: those that are bet on to keep it
ALMOST_ALL_WRONG = 0.95  # a rate that is bet on is never above
HALVINGS = 60


class Verdict(NamedTuple):
    """What the audits say of the bound so far.

    ``low`` and ``high`` hold the error rate, if it has been one and the same all along, at
    every moment at once with the confidence asked for.
    """

    state: Literal["holds", "broken", "unknown"]
    judged: int
    errors: int
    low: float
    high: float
    broken_at: int | None  # how many audits had been judged when the bound was found broken


def monitor(audited: Sequence[bool], *, error: float, confidence: float = CONFIDENCE) -> Verdict:
    """Judge whether fewer than ``error`` of the accepted predictions are wrong.

    ``audited`` says of each audited task among the accepted, in the order they were judged,
    whether the prediction was right. "broken" stays so whatever follows: choose a new
    threshold and begin a new stream. "holds" needs evidence as strong as "broken"; without it,
    and without audits, the verdict is "unknown".

    A bound that holds all along is ever called broken with a probability of at most
    1 - ``confidence``; one that never holds is ever called holding with at most that. Neither
    presumes that the rate stays the same. Raises ``ValueError`` unless 0 < error, confidence < 1.
    """
    if not (0 < error < 1 and 0 < confidence < 1):
        raise ValueError("error and confidence must lie between 0 and 1")
    wrong = [not right for right in audited]
    needed = 1 / (1 - confidence)
    against = _capital(wrong, error, _rates(WORSE, error), _spread)
    broken_at = next((n for n, capital in enumerate(against, 1) if capital >= needed), None)
    kept = list(_capital(wrong, error, _rates(BETTER, error), _at_once))
    holds = broken_at is None and bool(kept) and kept[-1] >= needed
    low, high = interval(sum(wrong), len(wrong), confidence)
    state: Literal["holds", "unknown"] = "holds" if holds else "unknown"
    return Verdict("broken" if broken_at else state, len(wrong), sum(wrong), low, high, broken_at)


def interval(errors: int, judged: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the lowest and the highest error rate that the audits so far do not contradict.

    A rate is contradicted when Jeffreys' mixture of all rates makes the audits 1 / (1 -
    confidence) times as likely as it does. For a constant rate the intervals of all moments
    hold it together with the probability ``confidence``.
    """
    if not judged:
        return 0.0, 1.0
    mixed = _log_beta(errors + 0.5, judged - errors + 0.5) - _log_beta(0.5, 0.5)
    limit = mixed + log(1 - confidence)

    def contradicted(rate: float) -> bool:
        return _log_likelihood(errors, judged, rate) < limit

    mean = errors / judged
    return _edge(contradicted, 0.0, mean), _edge(contradicted, 1.0, mean)


def _edge(contradicted: Callable[[float], bool], outside: float, inside: float) -> float:
    """Return where ``contradicted`` begins between ``inside`` and ``outside``."""
    if not contradicted(outside):
        return outside
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if contradicted(middle) else (outside, middle)
    return outside


def _capital(
    wrong: Sequence[bool],
    error: float,
    rates: Sequence[float],
    entering: Callable[[int], float],
) -> Iterator[float]:
    """Yield the capital after each audit, the part that has not entered the game included.

    ``entering(n)`` is the part that enters before audit n, from 1 on; the parts sum to 1. Each
    is shared equally by the ``rates`` that are bet on.
    """
    playing = [0.0] * len(rates)
    waiting = 1.0
    for audit, failed in enumerate(wrong, 1):
        stake = entering(audit)
        waiting -= stake
        playing = [
            (capital + stake / len(rates)) * (rate / error if failed else (1 - rate) / (1 - error))
            for capital, rate in zip(playing, rates, strict=True)
        ]
        yield sum(playing) + waiting


def _spread(audit: int) -> float:
    """Return 1 / (n (n + 1)), which sums to 1 and falls slowly: late changes are found too."""
    return 1 / (audit * (audit + 1))


def _at_once(audit: int) -> float:
    return 1.0 if audit == 1 else 0.0


def _rates(factors: Sequence[float], error: float) -> list[float]:
    # A high bound leaves little room above it: no rate may reach 1, nor fall to the bound.
    highest = max(ALMOST_ALL_WRONG, (1 + error) / 2)
    return [min(factor * error, highest) for factor in factors]


def _log_likelihood(errors: int, judged: int, rate: float) -> float:
    if (rate == 0 and errors) or (rate == 1 and errors < judged):
        return float("-inf")
    if rate in {0.0, 1.0}:
        return 0.0
    return errors * log(rate) + (judged - errors) * log1p(-rate)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
