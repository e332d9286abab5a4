"""Recorded crowds with known answers, for benchmarks: where they are and how they are read.

A crowd is a folder with ``answers.csv`` (task, worker, label; rows in order of arrival) and
``truth.csv`` (task, label). ``INDEX.csv`` beside the folders says what kind each is.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tasks.aggregation.labels import Label

BESIDE = Path(__file__).parents[2] / "shared" / "data" / "crowd"
FOLDER = Path(os.environ.get("BENCH_CROWD_DATA", BESIDE))


class Crowd(NamedTuple):
    """Tasks and workers are numbered by first appearance; of a repeated answer the first counts."""

    name: str
    labels: list[Label]  # in order of arrival
    truth: dict[int, str]  # by task, of the tasks that were answered


def classifications() -> list[Crowd]:
    """Read every crowd that chose one class of a few, the smallest first; none: an empty list."""
    index = FOLDER / "INDEX.csv"
    if not index.exists():
        return []
    names = [row["name"] for row in _rows(index) if row["kind"] == "class"]
    return sorted((read(name) for name in names), key=lambda crowd: len(crowd.labels))


def read(name: str) -> Crowd:
    """Read the crowd of that name."""
    tasks: dict[str, int] = {}
    workers: dict[str, int] = {}
    labels: dict[tuple[int, int], Label] = {}
    for row in _rows(FOLDER / name / "answers.csv"):
        task = tasks.setdefault(row["task"], len(tasks))
        worker = workers.setdefault(row["worker"], len(workers))
        labels.setdefault((task, worker), Label(task, worker, row["label"]))
    truth = {
        tasks[row["task"]]: row["label"]
        for row in _rows(FOLDER / name / "truth.csv")
        if row["task"] in tasks
    }
    return Crowd(name, list(labels.values()), truth)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
