"""What our own probabilistic methods share: answers as arrays in, beliefs out, a ``Fit`` made.

All of them are expectation maximisation: from what is believed about the tasks, estimate the
workers; from the workers, what to believe about the tasks; in turn. Between the two ends of
this file a task, a worker and a class are numbers, and nothing is random.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation.canonical import Canonical, canonical, even_out
from tasks.aggregation.labels import Consensus, Fit, Label
from tasks.aggregation.majority import majority

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TIE = 1e-9  # probabilities this close are a tie: they differ by rounding only


class Answers(NamedTuple):
    """All answers in canonical order: ``task``, ``worker`` and ``label`` have one entry each.

    The three hold codes below ``tasks``, ``workers`` and ``classes``. ``cell`` says where an
    answer falls in a table of shape (tasks, classes) that is read row by row.
    """

    task: Ints
    worker: Ints
    label: Ints
    cell: Ints
    tasks: int
    workers: int
    classes: int

    def by_task(self, values: Floats) -> Floats:
        """Sum ``values``, one an answer, to shape (tasks,)."""
        return np.asarray(np.bincount(self.task, values, self.tasks), dtype=np.float64)

    def by_worker(self, values: Floats) -> Floats:
        """Sum ``values``, one an answer, to shape (workers,)."""
        return np.asarray(np.bincount(self.worker, values, self.workers), dtype=np.float64)

    def by_cell(self, values: Floats) -> Floats:
        """Sum ``values``, one an answer, to shape (tasks, classes): by what was answered."""
        sums = np.bincount(self.cell, values, self.tasks * self.classes)
        return np.asarray(sums, dtype=np.float64).reshape(self.tasks, self.classes)

    def votes(self) -> Floats:
        """Count the answers, to shape (tasks, classes)."""
        return self.by_cell(np.ones(len(self.cell)))

    def at_answers(self, table: Floats) -> Floats:
        """Read from a (tasks, classes) ``table`` what it says of each answer's own label."""
        return table.ravel()[self.cell]


class Estimate(NamedTuple):
    """What a model ends with.

    ``beliefs`` has the shape (tasks, classes) and rows that sum to 1. ``skills``, of shape
    (workers,), are probabilities of a right label.
    """

    beliefs: Floats
    skills: Floats


def fit_model(model: Callable[[Answers], Estimate], labels: Sequence[Label]) -> Fit:
    """Run ``model`` on ``labels`` and name what it says; the confidence is its probability.

    Neither the order of ``labels`` nor the workers' ids matter. With one task, one worker or
    one class there is nothing to weigh: the majority decides and nobody gets a skill. Ties go
    to the alphabetically first label.

    Raises ``UnsupportedLabels`` when a worker answered a task twice.
    """
    table = canonical(labels)
    if not table.informative:
        return Fit(majority(labels).consensus, {})
    beliefs, skills = model(encode(table))
    best = beliefs.max(axis=1)
    winners = (beliefs >= best[:, None] - TIE).argmax(axis=1)
    confidences = np.minimum(beliefs[np.arange(len(best)), winners], 1.0)
    consensus = {
        task: Consensus(table.classes[winner], confidence)
        for task, winner, confidence in zip(
            table.tasks, winners.tolist(), confidences.tolist(), strict=True
        )
    }
    return Fit(consensus, even_out(dict(enumerate(skills.tolist())), table))


def normalised(log_weights: Floats) -> Floats:
    """Turn rows of log-weights into rows of probabilities.

    Each row is shifted so that its largest weight is 1: a product over hundreds of answers
    would otherwise vanish below the smallest float.
    """
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def encode(table: Canonical) -> Answers:
    """Return the rows of ``table`` as arrays."""
    task, worker, label = np.array(table.rows, dtype=np.int64).T.copy()
    classes = len(table.classes)
    return Answers(
        task=task,
        worker=worker,
        label=label,
        cell=task * classes + label,
        tasks=len(table.tasks),
        workers=len(table.workers),
        classes=classes,
    )
