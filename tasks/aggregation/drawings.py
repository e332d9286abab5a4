"""Lists of objects as arrays, in an order that only their content decides.

See ``canonical.py`` for why: ties are settled by order and floats are added in order, so
neither the order of arrival nor the ids of workers may have a say in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Reading

Object = Mapping[str, Any]
Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Shapes = NDArray[Any]  # (n, …): one row per object, or one Python object where rows differ


@dataclass(frozen=True)
class Geometry:
    """What aggregation has to know about one kind of objects: how to compare and average."""

    encode: Callable[[Sequence[Object]], Shapes]
    decode: Callable[[Any], dict[str, Any]]  # the object again, without its label
    alike: Callable[[Shapes], Floats]  # every one with every other: (n, n)
    paired: Callable[[Shapes, Shapes], Floats]  # the first with the first, and so on: (n,)
    average: Callable[[Shapes, Codes, Floats], Shapes]  # members (g, k), their weights → (g, …)


class Drawings(NamedTuple):
    """Everything drawn on all tasks; a code is a position in ``tasks``, ``workers``, ``labels``."""

    tasks: list[int]  # by id
    workers: list[int]  # by what they answered
    labels: list[str]  # alphabetically
    answered: Codes  # (answers, 2): codes of task and worker, sorted
    task: Codes  # by object, ascending
    worker: Codes  # by object, ascending within a task
    label: Codes  # by object
    shapes: Shapes  # by object
    twins: list[list[int]]  # codes of workers who gave the very same answers


def read(readings: Sequence[Reading], encode: Callable[[Sequence[Object]], Shapes]) -> Drawings:
    """Encode ``readings``, whose values are lists of objects.

    Raises ``UnsupportedLabels`` when a worker answered a task twice.
    """
    objects = [o for reading in readings for o in reading.value]
    shapes = encode(objects)
    keys = list(zip((o["label"] for o in objects), shapes.tolist(), strict=True))
    histories = _histories(readings, keys)
    workers = sorted(histories, key=lambda worker: (histories[worker], worker))
    code = {worker: position for position, worker in enumerate(workers)}
    owners = [(r.task, code[r.worker]) for r in readings for _ in r.value]
    order = sorted(range(len(objects)), key=lambda i: (owners[i], keys[i]))
    tasks = sorted({reading.task for reading in readings})
    labels = sorted({label for label, _ in keys})
    task_code = {task: position for position, task in enumerate(tasks)}
    label_code = {label: position for position, label in enumerate(labels)}
    rows = [(task_code[owners[i][0]], owners[i][1], label_code[keys[i][0]]) for i in order]
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    answered = sorted((task_code[r.task], code[r.worker]) for r in readings)
    return Drawings(
        tasks=tasks,
        workers=workers,
        labels=labels,
        answered=np.array(answered, dtype=np.int64).reshape(-1, 2),
        task=columns[0],
        worker=columns[1],
        label=columns[2],
        shapes=shapes[order],
        twins=_twins([histories[worker] for worker in workers]),
    )


def even_out(skills: Mapping[int, float], twins: Sequence[Sequence[int]]) -> dict[int, float]:
    """Give workers with the same answers the same skill: their mean."""
    return {
        worker: fmean(skills[twin] for twin in group)
        for group in twins
        for worker in group
        if worker in skills
    }


def _histories(readings: Sequence[Reading], keys: Sequence[Any]) -> dict[int, list[Any]]:
    """Return what each worker answered, task by task, from the ``keys`` of all objects."""
    histories: defaultdict[int, list[Any]] = defaultdict(list)
    seen: set[tuple[int, int]] = set()
    start = 0
    for reading in readings:
        if (reading.task, reading.worker) in seen:
            raise UnsupportedLabels(
                f"Worker {reading.worker} answered task {reading.task} more than once."
            )
        seen.add((reading.task, reading.worker))
        end = start + len(reading.value)
        histories[reading.worker].append((reading.task, sorted(keys[start:end])))
        start = end
    return {worker: sorted(history) for worker, history in histories.items()}


def _twins(histories: Sequence[list[Any]]) -> list[list[int]]:
    groups: list[list[int]] = []
    for worker, history in enumerate(histories):
        if worker and history == histories[worker - 1]:
            groups[-1].append(worker)
        else:
            groups.append([worker])
    return groups
