"""How good is a worker, and how sure can one be: right answers out of all → an interval.

Pure Python, because the web process shows these figures and never imports scipy.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, isclose, lgamma, log, log1p, sqrt
from typing import NamedTuple

TAIL = 0.025  # left out on each side of the 95 % interval
PRIOR = 0.5  # Jeffreys' prior for a proportion: half a right and half a wrong answer
TINY = 1e-300  # keeps the continued fraction from dividing by zero


class Estimate(NamedTuple):
    """Probability that the next answer is right, with its 95 % interval, all in [0, 1]."""

    estimate: float
    low: float
    high: float
    answers: int


@lru_cache(maxsize=4096)
def estimate(right: int, answers: int) -> Estimate:
    """Estimate a probability from ``right`` successes in ``answers`` trials.

    The estimate is the mean of the posterior Beta(right + ½, wrong + ½), the bounds are its
    equal-tailed 95 % quantiles, and the bound on the side of a perfect or hopeless record is
    1 or 0. With no answers that says ½, anywhere from 0 to 1. Raises ``ValueError`` unless
    0 ≤ right ≤ answers.

    Source: L. Brown, T. Cai, A. DasGupta, Interval Estimation for a Binomial Proportion,
    Statistical Science 16 (2001), section 4.1: near its nominal coverage from few answers on,
    where the textbook interval p ± 2 s collapses to a point after three right answers.
    """
    if not 0 <= right <= answers:
        raise ValueError(f"{right} right out of {answers} answers is not possible")
    a, b = right + PRIOR, answers - right + PRIOR
    return Estimate(
        estimate=a / (a + b),
        low=_quantile(TAIL, a, b) if right else 0.0,
        high=1 - _quantile(TAIL, b, a) if right < answers else 1.0,
        answers=answers,
    )


def _quantile(share: float, a: float, b: float) -> float:
    """Return x with I_x(a, b) = ``share``: Newton's steps, bisection where one leaves the bracket.

    Always asked for a lower tail (an upper one is the lower tail of the mirrored
    distribution), so that bounds close to 1 lose no digits.
    """
    below, above = 0.0, 1.0
    mean = a / (a + b)
    deviation = sqrt(mean * (1 - mean) / (a + b + 1))
    x = max(mean - 2 * deviation, mean / 2)  # two deviations leave out about TAIL
    for _ in range(100):  # pragma: no branch - about 10 are needed, by bisection alone 50
        excess = _cumulative(x, a, b) - share
        below, above = (below, x) if excess > 0 else (x, above)
        density = _density(x, a, b)  # 0 where it underflows, far from the answer
        step = x - excess / density if density else below
        following = step if below < step < above else (below + above) / 2
        if isclose(following, x, rel_tol=1e-10):
            break
        x = following
    return x


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _density(x: float, a: float, b: float) -> float:
    return exp((a - 1) * log(x) + (b - 1) * log1p(-x) - _log_beta(a, b))


def _cumulative(x: float, a: float, b: float) -> float:
    """Return I_x(a, b), the regularised incomplete beta function; fast for x below the mean."""
    front = exp(a * log(x) + b * log1p(-x) - _log_beta(a, b)) / a
    return front * _continued_fraction(x, a, b)


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Evaluate DLMF 8.17.22 by Lentz's method; takes about √max(a, b) terms."""
    c, d = 1.0, 1 / _off_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 100_000):  # pragma: no branch - a million answers need about 1,000
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _off_zero(1 + term * d)
            c = _off_zero(1 + term / c)
            value *= c * d
        if isclose(c * d, 1, rel_tol=1e-14):
            break
    return value


def _off_zero(x: float) -> float:
    return x if abs(x) > TINY else TINY
