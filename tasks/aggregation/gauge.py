"""How far the confidences of any method can be believed, measured on tasks with a known answer.

``calibration`` has the mathematics for whole posteriors; most methods give one number per task,
the confidence of their answer. The rest is taken to be spread evenly over the other answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation.calibration import (
    calibration_error,
    fit_exponent,
    overconfidence,
    reliability,
    tempered,
)
from tasks.aggregation.skill import Estimate, estimate

Floats = NDArray[np.float64]

ENOUGH = 20  # gold tasks from which confidences count as calibrated
SUREST = 0.9999
RIGHT, WRONG = 0, 1  # columns: the answer given, and the first of the others


class Judged(NamedTuple):
    """One consensus of a gold task."""

    task: int
    confidence: float  # calibrated
    right: bool


class Gauge(NamedTuple):
    """What gold says about a method's confidences in one batch."""

    exponent: float  # of the temperature; 1 where there is no gold
    gold: int  # tasks behind it
    accuracy: Estimate  # of the method on gold
    report: dict[str, Any]  # JSON: the reliability diagram before and after
    judged: tuple[Judged, ...]

    @property
    def is_calibrated(self) -> bool:
        """Whether there was enough gold to call confidences calibrated."""
        return self.gold >= ENOUGH

    def closed(self, level: float) -> Estimate:
        """Say how often gold is right where the confidence reaches ``level``."""
        sure = [each for each in self.judged if each.confidence >= level]
        right = np.array([each.right for each in sure], bool)
        return _accuracy(right, len({each.task for each in sure}))

    def apply(self, confidences: Floats, answers: int) -> Floats:
        """Return what ``confidences`` are worth, where there are so many possible answers."""
        if not self.gold:
            return confidences
        return tempered(spread(confidences, answers), self.exponent)[:, RIGHT]


def gauge(
    confidences: Sequence[float], right: Sequence[bool], *, gold: Sequence[int], answers: int
) -> Gauge:
    """Measure confidences on gold.

    Entries are consensuses of gold tasks, several of one task perhaps: ``gold`` names the task
    of each. ``answers`` is the number of possible answers, 2 where there is no such number.
    """
    given, truth = np.array(confidences, float), np.array(right, bool)
    exponent = fit_exponent(spread(given, answers), np.where(truth, RIGHT, WRONG))
    tasks = len(set(gold))
    measured = Gauge(exponent, tasks, _accuracy(truth, tasks), {}, ())
    believed = measured.apply(given, answers) if len(given) else given
    rows = zip(gold, believed.tolist(), truth.tolist(), strict=True)
    return measured._replace(
        judged=tuple(Judged(*row) for row in rows),
        report={
            "gold_tasks": tasks,
            "judged": len(truth),
            "exponent": round(exponent, 4),
            "before": _diagram(given, truth),
            "after": _diagram(believed, truth),
        },
    )


def spread(confidences: Floats, answers: int) -> Floats:
    """Return posteriors of the answer given, first, and of the others, by these confidences.

    Nobody is surer than ``SUREST``: where three workers agree, some methods claim twelve nines,
    which would say the more about how far to believe them the less they mean.
    """
    confidences = np.minimum(confidences, SUREST)
    others = max(answers, 2) - 1
    rest = np.repeat(((1 - confidences) / others)[:, None], others, axis=1)
    return np.concatenate([confidences[:, None], rest], axis=1)


def _accuracy(truth: NDArray[np.bool_], tasks: int) -> Estimate:
    """Answers to one task stand or fall together, so the interval rests on tasks."""
    share = float(truth.mean()) if len(truth) else 0.0
    return estimate(round(share * tasks), tasks)


def _diagram(confidences: Floats, truth: NDArray[np.bool_]) -> dict[str, Any]:
    right = truth.astype(float)
    return {
        "ece": round(calibration_error(confidences, right), 4),
        "overconfidence": round(overconfidence(confidences, right), 4),
        "bins": [
            {
                "low": each.low,
                "high": each.high,
                "confidence": round(each.confidence, 4),
                "accuracy": round(each.accuracy.estimate, 4),
                "interval": [round(each.accuracy.low, 4), round(each.accuracy.high, 4)],
                "count": each.accuracy.answers,
            }
            for each in reliability(confidences, right)
        ],
    }
