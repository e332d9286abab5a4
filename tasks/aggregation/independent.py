"""What would two workers answer to the tasks they share, if neither knew of the other?

A worker's answer is predicted three ways, in a mixture learned worker by worker: from the
posterior of the truth and their confusion matrix, from what the others of that task answered,
and from their own habit. Both workers are left out of the posterior and of the others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tasks.aggregation.online import Answers, Floats, Ints

ROW_STRENGTH = 5.0  # answers that the pooled confusion row counts for in a worker's own
WAYS = np.array([4.0, 2.0, 1.0])  # prior answers explained by the truth, the others, the habit
ROUNDS = 10
NEVER = 1e-9
SUREST = 0.999  # chance of agreeing on a task: certain agreements would have no spread


class Crowd(NamedTuple):
    """Answers ordered by worker, then task, and what predicts them."""

    answers: Answers
    beliefs: Floats  # answer x class, without that answer
    starts: Ints  # where each worker's answers start
    votes: Floats  # task x label
    rows: Floats  # worker x true class x label
    habits: Floats  # worker x label
    ways: Floats  # worker x (truth, others, habit); rows sum to 1


class Shared(NamedTuple):
    """What two workers answered to the tasks that both did, in order of the tasks."""

    labels_a: Ints
    labels_b: Ints
    both: Floats  # task x label: chance that independent workers both give it


def crowd_of(answers: Answers, beliefs: Floats, workers: int) -> Crowd:
    """Learn what predicts each worker; ``beliefs`` as in ``rings.pairs_above_chance``.

    There must be answers.
    """
    order = np.lexsort((answers.tasks, answers.workers))
    answers, beliefs = Answers(*(column[order] for column in answers)), beliefs[order]
    classes = beliefs.shape[1]
    tasks = int(answers.tasks.max()) + 1
    votes = _table(answers.tasks, answers.labels, (tasks, classes))
    given = _table(answers.workers, answers.labels, (workers, classes))
    habits = (given + 0.5 / classes) / (given.sum(axis=1, keepdims=True) + 0.5)
    starts = np.searchsorted(answers.workers, np.arange(workers + 1))
    rows = _rows(answers, beliefs, workers)
    crowd = Crowd(answers, beliefs, starts, votes, rows, habits, WAYS / WAYS.sum())
    return crowd._replace(ways=_learned_ways(crowd))


def shared(crowd: Crowd, a: int, b: int) -> Shared:
    """Return the answers of two workers to the tasks they share, and the chances of agreeing."""
    of_a, of_b = _shared_answers(crowd, a, b)
    tasks, labels = crowd.answers.tasks[of_a], crowd.answers.labels
    labels_a, labels_b = labels[of_a], labels[of_b]
    at = np.arange(tasks.size)
    # Either belief still holds the other's answer, which is divided out; their geometric mean.
    truth = np.log(np.maximum(crowd.beliefs[of_a], NEVER) * np.maximum(crowd.beliefs[of_b], NEVER))
    truth -= np.log(crowd.rows[a][:, labels_b] * crowd.rows[b][:, labels_a]).T
    truth = np.exp((truth - truth.max(axis=1, keepdims=True)) / 2)
    truth /= truth.sum(axis=1, keepdims=True)
    others = crowd.votes[tasks]
    others[at, labels_a] -= 1
    others[at, labels_b] -= 1
    both = _predicted(crowd, a, truth, others) * _predicted(crowd, b, truth, others)
    both *= np.minimum(1.0, SUREST / both.sum(axis=1, keepdims=True))
    return Shared(labels_a, labels_b, both)


def _table(rows: Ints, columns: Ints, shape: tuple[int, int]) -> Floats:
    cells = np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1])
    return cells.reshape(shape).astype(float)


def _rows(answers: Answers, beliefs: Floats, workers: int) -> Floats:
    """Return confusion rows, worker x true class x label, shrunk to the pooled ones."""
    classes = beliefs.shape[1]
    cells = answers.workers * classes + answers.labels
    columns = [np.bincount(cells, column, workers * classes) for column in beliefs.T]
    counts = np.stack([column.reshape(workers, classes) for column in columns], axis=1)
    pooled = counts.sum(axis=0) + 1.0 + np.eye(classes)
    pooled /= pooled.sum(axis=1, keepdims=True)
    rows: Floats = counts + ROW_STRENGTH * pooled
    rows /= rows.sum(axis=2, keepdims=True)
    return rows


def _learned_ways(crowd: Crowd) -> Floats:
    """Learn by worker which of the three ways explains their answers: a mixture's EM."""
    tasks, workers, labels = crowd.answers
    at = np.arange(labels.size)
    by_truth = np.einsum("jk,jkl->jl", crowd.beliefs, crowd.rows[workers])
    others = crowd.votes[tasks]
    others[at, labels] -= 1
    by_others = _shares(others, by_truth)
    columns = [by_truth[at, labels], by_others[at, labels], crowd.habits[workers, labels]]
    chances = np.stack(columns, axis=1)
    size = len(crowd.starts) - 1
    ways = np.tile(crowd.ways, (size, 1))
    for _ in range(ROUNDS):
        members = chances * ways[workers]
        members /= members.sum(axis=1, keepdims=True)
        counts = np.stack([np.bincount(workers, column, size) for column in members.T], axis=1)
        pool = (counts.sum(axis=0) + WAYS) / (counts.sum() + WAYS.sum())
        ways = counts + WAYS.sum() * pool
        ways /= ways.sum(axis=1, keepdims=True)
    return ways


def _shares(votes: Floats, where_none: Floats) -> Floats:
    total = votes.sum(axis=1, keepdims=True)
    return np.where(total > 0, votes / np.maximum(total, 1), where_none)


def _shared_answers(crowd: Crowd, a: int, b: int) -> tuple[Ints, Ints]:
    """Return where the answers of both to their shared tasks stand, task by task."""
    start_a, start_b = crowd.starts[a], crowd.starts[b]
    theirs_a = crowd.answers.tasks[start_a : crowd.starts[a + 1]]
    theirs_b = crowd.answers.tasks[start_b : crowd.starts[b + 1]]
    _, in_a, in_b = np.intersect1d(theirs_a, theirs_b, assume_unique=True, return_indices=True)
    return in_a + start_a, in_b + start_b


def _predicted(crowd: Crowd, worker: int, truth: Floats, others: Floats) -> Floats:
    """Return task x label: how likely the worker gives each label, left to themselves."""
    by_truth = truth @ crowd.rows[worker]
    by_others = _shares(others, by_truth)
    ways = crowd.ways[worker]
    predicted: Floats = ways[0] * by_truth + ways[1] * by_others + ways[2] * crowd.habits[worker]
    return np.maximum(predicted, NEVER)
