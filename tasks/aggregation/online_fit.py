"""The online worker model run once, on all labels of a batch, as a method like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tasks.aggregation.canonical import Canonical, canonical, even_out
from tasks.aggregation.encoded import TIE
from tasks.aggregation.labels import Consensus, Fit, Label
from tasks.aggregation.majority import majority
from tasks.aggregation.online import ROUNDS, Answers, OnlineModel


def online(labels: Sequence[Label], *, gold: Mapping[int, str] | None = None) -> Fit:
    """Aggregate by kinds of workers, learnt from the whole crowd; see ``online``.

    ``gold``, the known answers by task, teaches what workers are worth. The consensus of a gold
    task comes from its answers like any other's, and may differ from what is known. A known
    answer that nobody gave counts as one more class. Gold of tasks without answers is ignored.

    The confidence is the model's probability. Neither the order of ``labels`` nor the workers'
    ids matter. With one task, one worker or one class there is nothing to weigh: the majority
    decides and nobody gets a skill. Ties go to the alphabetically first label.

    Raises ``UnsupportedLabels`` when a worker answered a task twice.
    """
    table = canonical(labels)
    if not table.informative:
        return Fit(majority(labels).consensus, {})
    tasks = {task: code for code, task in enumerate(table.tasks)}
    known = {tasks[task]: label for task, label in sorted((gold or {}).items()) if task in tasks}
    classes = sorted({*table.classes, *known.values()})
    model = _fitted(table, classes, known)
    best = model.evidence.max(axis=1)
    winners = (model.evidence >= best[:, None] - TIE).argmax(axis=1)
    confidences = np.minimum(model.evidence[np.arange(len(best)), winners], 1.0)
    consensus = {
        task: Consensus(classes[winner], confidence)
        for task, winner, confidence in zip(
            table.tasks, winners.tolist(), confidences.tolist(), strict=True
        )
    }
    return Fit(consensus, even_out(_skills(table, classes, model), table))


def _skills(table: Canonical, classes: Sequence[str], model: OnlineModel) -> dict[int, float]:
    """Return by worker the mean probability of the labels they gave.

    ``OnlineModel.skills`` is what to expect of a worker's next answer: shrunk to their kind, row
    by row, so that somebody who clicks at random among ten options still looks half right after
    fifty answers.
    """
    task, worker, label = np.array(table.rows, dtype=np.int64).T
    code = {name: number for number, name in enumerate(classes)}
    given = model.posteriors[task, np.array([code[name] for name in table.classes])[label]]
    count = np.bincount(worker, minlength=len(table.workers))
    means = np.bincount(worker, given, len(table.workers)) / count
    return dict(enumerate(means.tolist()))


def _fitted(table: Canonical, classes: Sequence[str], known: Mapping[int, str]) -> OnlineModel:
    code = {name: number for number, name in enumerate(classes)}
    task, worker, label = np.array(table.rows, dtype=np.int64).T.copy()
    class_of = np.array([code[name] for name in table.classes])
    return OnlineModel(
        Answers(task, worker, class_of[label]),
        tasks=len(table.tasks),
        workers=len(table.workers),
        classes=len(classes),
        gold={number: code[name] for number, name in known.items()},
    ).refit(ROUNDS)
