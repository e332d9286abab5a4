"""Rows that a requester uploads become tasks: in chunks, all of the acceptable ones or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from django.db import connection

from tasks.models import Batch
from tasks.models.task import POSITION_BITS, Lane, position_of
from tasks.rows import Row
from workers.models import Worker

CHUNK = 5_000  # rows held in memory at once
REJECTED_SHOWN = 1_000  # rejected rows named in the answer; all are counted


class Rejected(NamedTuple):
    """A row that did not become a task."""

    row: int  # counted from 1
    reason: str


@dataclass(slots=True)
class Upload:
    """What became of an upload."""

    tasks: int = 0
    gold: int = 0
    slots: int = 0
    rejected: int = 0
    rejections: list[Rejected] = field(default_factory=list)

    def reject(self, rejected: Rejected) -> None:
        """Count a refused row, and remember the first ones."""
        self.rejected += 1
        if len(self.rejections) < REJECTED_SHOWN:
            self.rejections.append(rejected)


def insert(batch: Batch, rows: Iterable[Row | Rejected], draw: Callable[[int], int]) -> Upload:
    """Put rows into a batch's tables, and say what became of them. The batch counts them not yet.

    ``draw(bits)`` gives random integers: tasks are served in random order.
    """
    upload = Upload()
    people: dict[str, int | None] = {}
    for chunk in _chunks(batch, rows, upload):
        _insert(batch, _with_authors(chunk, people, upload), upload, draw)
    return upload


def _chunks(
    batch: Batch, rows: Iterable[Row | Rejected], upload: Upload
) -> Iterator[list[tuple[int, Row]]]:
    """Good rows in chunks, numbered from 1; refused ones go into ``upload``."""
    must_be_known = batch.purpose != Batch.Purpose.WORK
    numbered = enumerate(rows, start=1)
    while piece := list(islice(numbered, CHUNK)):
        good = []
        for number, row in piece:
            if isinstance(row, Rejected):
                upload.reject(row)
            elif must_be_known and row.gold is None:
                why = f"gold: every row of a batch for {batch.purpose} needs its known answer."
                upload.reject(Rejected(number, why))
            else:
                good.append((number, row))
        yield good


def _with_authors(
    chunk: list[tuple[int, Row]], people: dict[str, int | None], upload: Upload
) -> list[tuple[Row, int | None]]:
    """Pair each row with its author's person, refusing authors nobody knows."""
    unknown = {row.author for _, row in chunk} - people.keys()
    if unknown - {""}:
        found = Worker.objects.filter(public_id__in=unknown)
        people.update(
            dict.fromkeys(unknown), **dict(found.values_list("public_id", "user__person"))
        )
    people[""] = None
    pairs = []
    for number, row in chunk:
        if row.author and people[row.author] is None:
            upload.reject(Rejected(number, f"author: there is no worker {row.author!r}."))
        else:
            pairs.append((row, people[row.author]))
    return pairs


def _insert(
    batch: Batch, pairs: list[tuple[Row, int | None]], upload: Upload, draw: Callable[[int], int]
) -> None:
    """Copy one chunk of rows into the tables.

    Gold is hidden among other tasks in a lane of its own. In a training or exam, where every
    answer is known, its tasks are served like any others.
    """
    tasks, inputs, golds, hidden = [], [], [], 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval('tasks_task_id_seq') FROM generate_series(1, %s)", [len(pairs)]
        )
        ids = [row[0] for row in cursor.fetchall()]
        for pk, (row, author) in zip(ids, pairs, strict=True):
            is_gold = row.gold is not None and batch.purpose == Batch.Purpose.WORK
            hidden += is_gold
            overlap = 0 if is_gold else row.overlap or batch.first_overlap
            lane = Lane.GOLD.value if is_gold else Lane.NORMAL.value
            position = position_of(0 if is_gold else row.priority, draw(POSITION_BITS))
            tasks.append(
                (
                    pk,
                    batch.pk,
                    lane,
                    position,
                    overlap,
                    overlap,
                    not is_gold,
                    author,
                    row.expires_at,
                )
            )
            inputs.append((pk, row.input, row.external_id))
            if row.gold is not None:
                golds.append((pk, row.gold, row.explanation))
            upload.slots += overlap
        for statement, rows in ((COPY_TASKS, tasks), (COPY_INPUTS, inputs), (COPY_GOLD, golds)):
            with cursor.copy(statement) as copy:
                for each in rows:
                    copy.write_row(each)
    upload.gold += hidden
    upload.tasks += len(tasks) - hidden


COPY_TASKS = """
COPY tasks_task (id, batch_id, lane, position, overlap, remaining_overlap, is_open, author_id,
                 expires_at) FROM STDIN
"""
COPY_INPUTS = "COPY tasks_taskinput (task_id, data, external_id) FROM STDIN"
COPY_GOLD = "COPY tasks_gold (task_id, answer, explanation) FROM STDIN"


def analyze() -> None:
    """Refresh the planner's statistics after a large upload, so that claims keep their plan."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tasks_task, tasks_taskinput, tasks_assignment")
