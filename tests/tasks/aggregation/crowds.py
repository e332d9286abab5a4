"""Made-up crowds for the online model: workers of known skill, tasks of known truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.aggregation.online import Answers, OnlineModel
from tasks.aggregation.replay import Recording


def crowd(
    *,
    tasks: int = 200,
    overlap: int = 5,
    skills: Sequence[float] = (0.9, 0.9, 0.8, 0.8, 0.7, 0.7, 0.6, 0.5),
    classes: int = 2,
    seed: int = 0,
) -> Recording:
    """Let ``overlap`` of the workers answer each task; the others' answers are never given."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, tasks)
    rows = np.repeat(np.arange(tasks), overlap)
    workers = np.concatenate([random.permutation(len(skills))[:overlap] for _ in range(tasks)])
    right = random.random(len(rows)) < np.array(skills)[workers]
    wrong = random.integers(1, classes, len(rows))
    labels = (truth[rows] + np.where(right, 0, wrong)) % classes
    order = random.permutation(len(rows))
    answers = Answers(rows[order], workers[order], labels[order])
    return Recording(answers, truth, len(skills), classes)


def model(recording: Recording, **options: object) -> OnlineModel:
    return OnlineModel(
        recording.answers,
        tasks=recording.tasks,
        workers=recording.workers,
        classes=recording.classes,
        **options,  # type: ignore[arg-type]
    )


def answers(*triples: tuple[int, int, int]) -> Answers:
    """Codes of task, worker and label."""
    columns = np.array(triples, np.int64).reshape(-1, 3).T
    return Answers(*(column.copy() for column in columns))
