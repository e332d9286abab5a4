"""How many tasks will reach the target: the pilot's, by temperatures that its gold allows.

Whether a task counts as closed at 95 % hangs on one temperature, which a few dozen gold tasks
leave open. So gold is drawn again with replacement, a temperature fitted each time, and the
tasks above the target counted. On hard batches the interval may run from none to most; only
more gold narrows it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation.calibration import EXPONENTS, PULL, SURPRISE, tempered
from tasks.forecasting.accuracy import DRAWS, drifted

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DRIFT = 0.7  # log-odds by which the share may differ from the pilot's beyond chance
BLIND_DRIFT = 1.0  # the same where no gold says what the model's confidence is worth


def exponents(evidence: Floats, truth: Ints, random: np.random.Generator) -> Floats:
    """Draw exponents as ``calibration.fit_exponent`` would find them on other gold tasks.

    Without gold all are 1.
    """
    if not len(truth):
        return np.ones(DRAWS)
    rows = np.arange(len(truth))
    scores = np.array(
        [
            np.log(np.maximum(tempered(evidence, exponent)[rows, truth], SURPRISE))
            for exponent in EXPONENTS
        ]
    )
    times = random.multinomial(len(truth), np.full(len(truth), 1 / len(truth)), DRAWS)
    found: Floats = EXPONENTS[(times @ scores.T - PULL * np.log(EXPONENTS) ** 2).argmax(axis=1)]
    return found


def closed_draws(
    evidence: Floats, exponents: Floats, target: float, *, gold: bool, random: np.random.Generator
) -> Floats:
    """Draw the probability that a further task reaches ``target``.

    ``evidence``, tasks x classes, is the pilot's, or simulated. That it sharpens as the batch
    goes on is not carried forward: simulated crowds and real ones disagree on how much.
    """
    weights = random.dirichlet(np.ones(len(evidence)), len(exponents))
    share = (_closed(evidence, exponents, target) * weights).sum(axis=1)
    return drifted(share, DRIFT if gold else BLIND_DRIFT, random)


def _closed(evidence: Floats, exponents: Floats, target: float) -> Floats:
    """Return draws x tasks: 1 where the tempered confidence reaches the target."""
    found, places = np.unique(exponents, return_inverse=True)
    sure = [tempered(evidence, exponent).max(axis=1) >= target for exponent in found.tolist()]
    closed: Floats = np.array(sure, float)[places]
    return closed
