"""Files of answers, as people have them already: CSV with the columns task, worker and label.

Comparisons have left and right in the place of task.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from django.core.management.base import CommandError

from tasks.aggregation.labels import Label

if TYPE_CHECKING:
    from tasks.aggregation.comparisons import Comparison

Winner = Literal["left", "right", "tie"]


class Answers(NamedTuple):
    labels: list[Label]
    tasks: dict[str, int]  # number by id, in order of first appearance
    workers: dict[str, int]
    repeated: int  # rows left out because their worker had answered the task before


def read_answers(path: Path) -> Answers:
    """Read task, worker and label, numbering ids in their alphabetical order.

    Numbers by order of appearance would let the order of rows into methods that start from
    random numbers, which are dealt out task by task.
    """
    first: dict[tuple[str, str], str] = {}
    repeated = 0
    for task, worker, label in _rows(path, ("task", "worker", "label")):
        repeated += (task, worker) in first
        first.setdefault((task, worker), label)
    task_numbers = {task: n for n, task in enumerate(sorted({task for task, _ in first}))}
    worker_numbers = {worker: n for n, worker in enumerate(sorted({worker for _, worker in first}))}
    return Answers(
        labels=[
            Label(task_numbers[task], worker_numbers[worker], label)
            for (task, worker), label in first.items()
        ],
        tasks={task: task_numbers[task] for task, _ in first},
        workers={worker: worker_numbers[worker] for _, worker in first},
        repeated=repeated,
    )


def read_comparisons(path: Path) -> list[Comparison]:
    """Read worker, left, right and label: the winner's name, or left, right or tie.

    The item on the left counts as shown first. Raises ``CommandError`` for any other label.
    """
    # It imports scipy, which files of labels can do without.
    from tasks.aggregation.comparisons import Comparison  # noqa: PLC0415

    rows = list(_rows(path, ("worker", "left", "right", "label")))
    numbers = {worker: n for n, worker in enumerate(sorted({row[0] for row in rows}))}
    return [
        Comparison(numbers[worker], left, right, _winner(path, left, right, label))
        for worker, left, right, label in rows
    ]


def _winner(path: Path, left: str, right: str, label: str) -> Winner:
    meant: dict[str, Winner] = {"left": "left", "right": "right", "tie": "tie"}
    meant |= {left: "left", right: "right"}
    if label not in meant:
        raise CommandError(
            f"{path}: {label!r} is neither {left!r} nor {right!r}, nor left, right or tie."
        )
    return meant[label]


def known_answers(path: Path | None) -> dict[str, str]:
    """Read task and label: what is known to be right. No file, nothing known."""
    return dict(_rows(path, ("task", "label"))) if path else {}


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[Any]:
    """Yield the values of ``columns`` row by row, as tuples of strings, none of them empty.

    Raises ``CommandError`` with the line number, for the first thing that is wrong.
    """
    try:
        # utf-8-sig: spreadsheets put a byte order mark before the first column's name.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            try:
                yield from _cells(path, reader, columns)
            except csv.Error as problem:
                raise CommandError(f"{path}, line {reader.line_num}: {problem}") from problem
            except UnicodeDecodeError as problem:
                raise CommandError(
                    f"{path}, after line {reader.line_num}: this is not UTF-8."
                ) from problem
    except OSError as problem:
        raise CommandError(f"{path}: {problem.strerror}") from problem


def _cells(path: Path, reader: Any, columns: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    header = [name.strip().casefold() for name in next(reader, [])]
    if missing := [column for column in columns if column not in header]:
        raise CommandError(
            f"{path}, line 1: no column {missing[0]!r}; the first line must name the columns "
            f"{', '.join(columns)}."
        )
    places = [header.index(column) for column in columns]
    for row in reader:
        if not row:
            continue  # a blank line, as many files have at their end
        if len(row) != len(header):
            raise CommandError(
                f"{path}, line {reader.line_num}: {len(row)} columns, but line 1 has {len(header)}."
            )
        cells = tuple(row[place] for place in places)
        if "" in cells:
            empty = columns[cells.index("")]
            raise CommandError(f"{path}, line {reader.line_num}: the {empty} is empty.")
        yield cells
