"""How many tasks will come out right: the model's confidence, corrected by gold.

Confidences are believed through a line on the log-odds scale, logit P(right) = a + b logit c.
Gold tasks say what a and b are; with few or none of them a site-wide prior speaks. It is as
wide as crowds differ: models are over-confident by 14 to 18 points on average, and by nothing
or by thirty on one crowd or another, so without gold the interval is wide, as it should be.

Sources: J. Platt, Probabilistic Outputs for Support Vector Machines (1999), made Bayesian on a
grid. The prior: a and b fitted with the whole truth on 14 public crowds (those of ``make
bench-forecast``) came to -0.2 ± 0.5 and 0.6 ± 0.25, on half of them to -0.2 and 0.7, on the
other half to -0.2 and 0.55.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

INTERCEPT = -0.2, 0.5  # mean and standard deviation of a over crowds
SLOPE = 0.6, 0.25  # the same of b
INTERCEPTS = np.linspace(-3.0, 2.5, 45)
SLOPES = np.linspace(0.0, 2.0, 21)
DRAWS = 400
DRIFT = 0.2  # log-odds by which the batch may differ from its pilot beyond chance
UNKNOWN_DRIFT = 0.4  # the same where the confidences are simulated
SUREST = 0.99  # beyond, the model's confidence says no more
TIE = 1e-9


class Trust(NamedTuple):
    """Draws of a and b, as columns."""

    intercepts: Floats
    slopes: Floats

    def accuracy(self, confidences: Floats, weights: Floats | None = None) -> Floats:
        """Return by draw the mean probability to be right; ``weights`` are draws x tasks."""
        share = expit(self.intercepts + self.slopes * logit(confidences))
        mean: Floats = share.mean(axis=1) if weights is None else (share * weights).sum(axis=1)
        return mean


def trust(confidences: Floats, right: Floats, random: np.random.Generator) -> Trust:
    """Draw from the posterior of a and b, given gold tasks; with none, from the prior.

    ``right`` is 1 where the gold task came out right, or its share in a tie.
    """
    a, b = (axis.reshape(-1, 1) for axis in np.meshgrid(INTERCEPTS, SLOPES))
    log_odds = a + b * logit(confidences)
    likelihood = -np.logaddexp(0, -log_odds) * right - np.logaddexp(0, log_odds) * (1 - right)
    prior = ((a - INTERCEPT[0]) / INTERCEPT[1]) ** 2 + ((b - SLOPE[0]) / SLOPE[1]) ** 2
    logs = likelihood.sum(axis=1) - prior[:, 0] / 2
    weights = np.exp(logs - logs.max())
    drawn = random.choice(len(weights), DRAWS, p=weights / weights.sum())
    return Trust(a[drawn], b[drawn])


def accuracy_draws(
    believed: Trust, pilot: Floats, before: Floats, after: Floats, random: np.random.Generator
) -> Floats:
    """Draw the probability that a further task comes out right.

    ``pilot`` are confidences of the pilot's tasks, ``before`` and ``after`` simulated ones of
    the pilot and of the rest: what the model learns on the way. Without ``pilot`` or ``before``
    the simulated ``after`` has to do.
    """
    after = _summary(after)
    if not len(pilot) or not len(before):
        return drifted(believed.accuracy(after), UNKNOWN_DRIFT, random)
    weights = random.dirichlet(np.ones(len(pilot)), DRAWS)
    learned = believed.accuracy(after) - believed.accuracy(_summary(before))
    return drifted(believed.accuracy(pilot, weights) + learned, DRIFT, random)


def drifted(shares: Floats, deviation: float, random: np.random.Generator) -> Floats:
    """Return ``shares`` with their log-odds disturbed."""
    return expit(logit(shares, 0.999) + deviation * random.standard_normal(len(shares)))


def counted(shares: Floats, tasks: int, random: np.random.Generator) -> Floats:
    """Return shares of so many tasks, each of which has the chance ``shares``."""
    found: Floats = random.binomial(tasks, shares) / tasks
    return found


def right_shares(evidence: Floats, truth: Ints) -> Floats:
    """Return by task the chance to be right when ties are broken at random."""
    tied = evidence >= evidence.max(axis=1, keepdims=True) - TIE
    right: Floats = tied[np.arange(len(truth)), truth] / tied.sum(axis=1)
    return right


def logit(shares: Floats, surest: float = SUREST) -> Floats:
    """Return log-odds, of shares kept below ``surest`` and above its complement."""
    kept = np.clip(shares, 1 - surest, surest)
    odds: Floats = np.log(kept / (1 - kept))
    return odds


def expit(log_odds: Floats) -> Floats:
    """Return the share with these log-odds."""
    share: Floats = 1 / (1 + np.exp(-log_odds))
    return share


def _summary(confidences: Floats) -> Floats:
    """Return at most a hundred quantiles, which have the same mean of anything smooth."""
    if len(confidences) <= 100:  # noqa: PLR2004 - see above
        return confidences
    quantiles: Floats = np.quantile(confidences, (np.arange(100) + 0.5) / 100)
    return quantiles
