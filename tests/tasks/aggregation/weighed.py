"""Made-up crowds like real ones, for the methods that weigh workers."""

from __future__ import annotations

import random
from collections.abc import Mapping

from tasks.aggregation.labels import Fit, Label

HONEST_WORKERS, TASKS = 6, 12
TRUTH = "ab" * (TASKS // 2)


def honest_workers() -> list[Label]:
    """Twelve tasks, "a" and "b" in turn; six workers who are mostly right."""
    other = {"a": "b", "b": "a"}
    return [
        Label(task, worker, other[label] if (task * 5 + worker * 7) % 11 == 0 else label)
        for task, label in enumerate(TRUTH)
        for worker in range(HONEST_WORKERS)
    ]


def said(fit: Fit) -> str:
    """What ``fit`` says of tasks 0, 1, …"""
    return "".join(fit.consensus[task].label for task in sorted(fit.consensus))


def mixed_crowd(
    classes: str, *, tasks: int, workers: int, overlap: int, seed: int = 0
) -> tuple[list[Label], dict[int, str]]:
    """Return answers and truth: most workers mostly right, one in six clicks the first class.

    Everybody answers task 0, so that all classes are met there: see ``mace`` for why.
    """
    dice = random.Random(seed)
    skills = [0.0 if worker % 6 == 5 else dice.uniform(0.4, 0.95) for worker in range(workers)]
    truth = {task: dice.choice(classes) for task in range(tasks)}
    given = [Label(0, worker, classes[worker % len(classes)]) for worker in range(workers)]
    for task, right in list(truth.items())[1:]:
        for worker in dice.sample(range(workers), overlap):
            clicked = classes[0] if worker % 6 == 5 else dice.choice(classes)
            label = right if dice.random() < skills[worker] else clicked
            given.append(Label(task, worker, label))
    return given, truth


def accuracy(fit: Fit, truth: Mapping[int, str]) -> float:
    """Return the percentage of tasks that came out right."""
    return (
        100 * sum(fit.consensus[task].label == label for task, label in truth.items()) / len(truth)
    )
