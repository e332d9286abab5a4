"""Is a count too large for chance, and how many of many such findings may be believed?

Sources: Y. Hong, On Computing the Distribution Function for the Poisson Binomial Distribution,
Computational Statistics & Data Analysis 59 (2013); Y. Benjamini, Y. Hochberg, Controlling the
False Discovery Rate, Journal of the Royal Statistical Society B 57 (1995).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray


def chance_of_at_least(count: int, probabilities: Iterable[float]) -> float:
    """Return the chance of ``count`` or more successes in independent trials, exactly.

    Each trial has its own probability. No trials at all leave only a count of 0 possible.
    """
    counts = np.ones(1)
    for probability in probabilities:
        counts = np.convolve(counts, [1 - probability, probability])
    return float(min(counts[max(count, 0) :].sum(), 1.0))


def chance_of_at_most(count: int, probabilities: Iterable[float]) -> float:
    """Return the chance of ``count`` successes or fewer; trials as in ``chance_of_at_least``."""
    failures = [1 - probability for probability in probabilities]
    return chance_of_at_least(len(failures) - count, failures)


def discoveries(
    p_values: ArrayLike, *, level: float, tests: float | None = None
) -> NDArray[np.bool_]:
    """Say which of the ``p_values`` to believe, so that about ``level`` of those are false.

    ``tests`` is how many tests were made, where those with large p-values are not listed.
    Source: Benjamini and Hochberg's step-up rule.
    """
    values = np.asarray(p_values, float)
    ordered = np.sort(values)
    ranks = np.arange(1, values.size + 1)
    passing = np.flatnonzero(ordered <= level * ranks / (tests or max(values.size, 1)))
    if not passing.size:
        return np.zeros(values.size, bool)
    believed: NDArray[np.bool_] = values <= ordered[passing[-1]]
    return believed
