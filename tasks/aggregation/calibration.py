"""Honest confidence: how far posteriors can be believed, measured on gold tasks.

Models of independent workers are over-confident, because real workers share mistakes. Gold
shows by how much: one number, the temperature, brings the posteriors of a batch back to what
they are worth. Twenty gold tasks help, fifty are enough.

Sources: C. Guo et al., On Calibration of Modern Neural Networks, ICML (2017); the expected
calibration error is that of M. Naeini et al., AAAI (2015), with bins of equal width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation.skill import Estimate, estimate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EXPONENTS = np.geomspace(0.02, 2.0, 93)  # 5 % apart
PULL = 1.0  # log-likelihood lost where the exponent is e or 1/e: a few gold tasks' worth
IMPOSSIBLE = 1e-12
SURPRISE = 1e-4  # one gold task, perhaps wrong itself, must not decide alone
BINS = 10


class Bin(NamedTuple):
    """One row of a reliability diagram: tasks whose confidence lies in [low, high)."""

    low: float
    high: float  # the last bin holds 1 as well
    confidence: float  # their mean
    accuracy: Estimate  # share of right ones, with its 95 % interval


def tempered(posteriors: Floats, exponent: float) -> Floats:
    """Return ``posteriors`` (tasks x classes) to the power of ``exponent``, normalised.

    Below 1 they come nearer to each other; 1 changes nothing; which class is likeliest never
    changes.
    """
    logs = exponent * np.log(np.clip(posteriors, IMPOSSIBLE, 1.0))
    weights: Floats = np.exp(logs - logs.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def fit_exponent(posteriors: Floats, truth: Ints) -> float:
    """Return the exponent that makes the gold tasks' true classes likeliest.

    ``posteriors`` must come from answers alone (``OnlineModel.evidence``), a row per gold
    task; ``truth`` is their class. A weak prior pulls to 1, which is also what no gold gives.
    Ties go to the smaller exponent, which claims less.
    """
    if not len(truth):
        return 1.0
    rows = np.arange(len(truth))
    scores = [
        float(np.log(np.maximum(tempered(posteriors, exponent)[rows, truth], SURPRISE)).sum())
        - PULL * float(np.log(exponent)) ** 2
        for exponent in EXPONENTS
    ]
    return float(EXPONENTS[int(np.argmax(scores))])


def reliability(confidences: Floats, right: Floats, bins: int = BINS) -> list[Bin]:
    """Return the reliability diagram, leaving out empty bins.

    ``right`` is 1 where the task came out right; a tie counts by its share, and is rounded in
    the bin's total, since an interval needs whole numbers.
    """
    places = np.minimum((confidences * bins).astype(int), bins - 1)
    return [
        Bin(
            low=place / bins,
            high=(place + 1) / bins,
            confidence=float(confidences[places == place].mean()),
            accuracy=_share(right[places == place]),
        )
        for place in np.unique(places).tolist()
    ]


def calibration_error(confidences: Floats, right: Floats, bins: int = BINS) -> float:
    """Return the expected calibration error, 0 to 1: |confidence - accuracy|, bin by bin."""
    if not len(confidences):
        return 0.0
    places = np.minimum((confidences * bins).astype(int), bins - 1)
    # A bin's share times the difference of its means is the difference of its sums.
    gaps = np.bincount(places, confidences - right, bins)
    return float(np.abs(gaps).sum() / len(confidences))


def overconfidence(confidences: Floats, right: Floats) -> float:
    """Return mean confidence less the share of right tasks; positive where too much is claimed."""
    return float(confidences.mean() - right.mean()) if len(confidences) else 0.0


class Closed(NamedTuple):
    """What "closed at 95 %" means in this batch, by its gold."""

    share: float  # of the tasks
    accuracy: Estimate  # of the gold tasks among them, with its 95 % interval


def closed_at(
    level: float, confidences: Floats, *, gold: Sequence[int], gold_right: Sequence[bool]
) -> Closed:
    """Say how many tasks reach ``level``, and how often the gold tasks among them are right.

    ``confidences`` has an entry per task; ``gold`` names tasks, ``gold_right`` says whether
    their consensus, found without knowing their answer, is the known one.
    """
    closed = confidences >= level
    judged = [right for task, right in zip(gold, gold_right, strict=True) if closed[task]]
    return Closed(
        share=float(closed.mean()) if len(closed) else 0.0,
        accuracy=estimate(sum(judged), len(judged)),
    )


def _share(right: Floats) -> Estimate:
    return estimate(round(float(right.sum())), len(right))
