"""Put labels into an order that only their content decides.

Aggregators start from random numbers drawn row by row or worker by worker, and they add
floats, which is not associative. Fed in the order of arrival they would give other answers
when rows are shuffled or workers renamed. Fed in canonical order they cannot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Label


class Canonical(NamedTuple):
    """The labels as codes; a code is a position in ``tasks``, ``workers`` or ``classes``."""

    rows: list[tuple[int, int, int]]  # task, worker, class; sorted
    tasks: list[int]  # by id
    workers: list[int]  # by the list of their answers, so that their ids do not matter
    classes: list[str]  # alphabetically

    @property
    def informative(self) -> bool:
        """Whether there is anything to compare: two tasks, two workers and two classes."""
        return min(len(self.tasks), len(self.workers), len(self.classes)) > 1


def canonical(labels: Sequence[Label]) -> Canonical:
    """Encode ``labels`` in canonical order.

    Raises ``UnsupportedLabels`` when a worker answered a task twice: which answer counts
    would depend on their order.
    """
    histories: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for task, worker, label in sorted(labels):
        history = histories[worker]
        if history and history[-1][0] == task:
            raise UnsupportedLabels(f"Worker {worker} answered task {task} more than once.")
        history.append((task, label))
    tasks = sorted({label.task for label in labels})
    # Workers with the very same answers are interchangeable: their order decides nothing
    # but which of them gets which of two skills, and ``even_out`` makes those equal.
    workers = sorted(histories, key=lambda worker: (histories[worker], worker))
    classes = sorted({label.label for label in labels})
    task_code = {task: code for code, task in enumerate(tasks)}
    worker_code = {worker: code for code, worker in enumerate(workers)}
    class_code = {name: code for code, name in enumerate(classes)}
    rows = sorted(
        (task_code[task], worker_code[worker], class_code[label]) for task, worker, label in labels
    )
    return Canonical(rows, tasks, workers, classes)


def even_out(skills: Mapping[int, float], table: Canonical) -> dict[int, float]:
    """Turn skills by worker code into skills by worker; same answers, same skill: their mean."""
    answers: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for task, worker, label in table.rows:
        answers[worker].append((task, label))
    twins: defaultdict[tuple[tuple[int, int], ...], list[int]] = defaultdict(list)
    for worker in sorted(skills):
        twins[tuple(answers[worker])].append(worker)
    return {
        table.workers[worker]: fmean(skills[twin] for twin in group)
        for group in twins.values()
        for worker in group
    }
