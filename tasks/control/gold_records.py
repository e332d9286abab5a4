"""Who answered which gold how: what ``aggregation.gold_health`` judges a gold task by."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import Any, NamedTuple

from django.db import connection

from tasks.aggregation.gold_health import GoldAnswer, GoldRecord
from tasks.aggregation.known import agrees, comparable
from tasks.models import Assignment, Batch
from tasks.versions import asked
from workers.models import Skill

FIT_ANSWERS_MAX = 20  # agreement with the crowd counts for no more than this many gold answers

# As in tasks.progress, an assignment that was claimed with others begins when the one before it
# was submitted. Whoever answered the original of a copy knows more than others: they are left out.
ANSWERED = """
WITH timed AS (
    SELECT a.id, a.task_id, a.worker_id, a.person_id, a.is_gold, a.submitted_at,
           extract(epoch FROM a.submitted_at - greatest(a.claimed_at, lag(a.submitted_at) OVER (
               PARTITION BY a.worker_id ORDER BY a.submitted_at)))::float AS seconds
    FROM tasks_assignment a WHERE a.batch_id = %(batch)s AND a.submitted_at IS NOT NULL
), usual AS (
    SELECT worker_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS seconds
    FROM timed WHERE NOT is_gold GROUP BY worker_id
)
SELECT t.task_id, t.worker_id, n.value, g.answer, t.seconds, u.seconds,
       g.retired_for IN ('disputed', 'withdrawn')
FROM timed t
JOIN tasks_gold g ON g.task_id = t.task_id
JOIN tasks_answer n ON n.assignment_id = t.id
LEFT JOIN usual u ON u.worker_id = t.worker_id
WHERE NOT EXISTS (SELECT FROM tasks_assignment o WHERE o.task_id = g.origin_id
                  AND o.person_id = t.person_id AND o.submitted_at IS NOT NULL)
ORDER BY t.submitted_at, t.id
"""


class Said(NamedTuple):
    """One answer to gold."""

    task: int
    worker: int
    right: bool
    label: str  # what was said, where answers can be compared
    seconds: float | None
    usual_seconds: float | None
    is_void: bool  # the gold was wrong, or was taken back


def records_of(batch: Batch) -> dict[int, GoldRecord]:
    """Return the record of each gold task of ``batch`` that has answers, retired ones included.

    A worker's skill, as it is held against one gold task, is that of their other gold answers in
    the batch and of their agreement with the crowd (skill from ``fit``).
    """
    said = _said(batch)
    right: Counter[int] = Counter()
    answers: Counter[int] = Counter()
    for each in said:
        if not each.is_void:
            answers[each.worker] += 1
            right[each.worker] += each.right
    fits = _fits(batch.project_id, answers.keys() | {each.worker for each in said})
    found: defaultdict[int, list[GoldAnswer]] = defaultdict(list)
    for each in said:
        own = not each.is_void  # what must not speak for itself
        others = answers[each.worker] - own
        skill = _skill(right[each.worker] - (each.right and own), others, fits.get(each.worker))
        found[each.task].append(
            GoldAnswer(each.worker, each.right, skill, each.label, each.seconds, each.usual_seconds)
        )
    active = _active_workers(batch)
    return {task: GoldRecord(given, active) for task, given in found.items()}


def label_of(said: Any, known: Any, kinds: dict[str, str]) -> str:
    """Write what was said of the known elements as one text; "" where answers cannot be compared.

    The text that was said of one element stands for itself; anything else is written as JSON.
    """
    if not comparable(known, kinds):
        return ""
    values = [said.get(name) for name in sorted(known)]
    said_one = values[0] if len(values) == 1 else values
    return said_one if isinstance(said_one, str) else json.dumps(said_one, ensure_ascii=False)


def _said(batch: Batch) -> list[Said]:
    kinds = asked(batch.version_id).kinds
    with connection.cursor() as cursor:
        cursor.execute(ANSWERED, {"batch": batch.pk})
        rows = cursor.fetchall()
    said = []
    for task, worker, given, answer, seconds, usual, is_void in rows:
        value, known = _parsed(given), _parsed(answer)
        right = agrees(value, known, kinds)
        label = label_of(value, known, kinds)
        said.append(Said(task, worker, right, label, seconds, usual, is_void))
    return said


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _fits(project_id: int, workers: set[int]) -> dict[int, tuple[float, int]]:
    known = Skill.objects.filter(project_id=project_id, source=Skill.Source.FIT, worker__in=workers)
    return {each.worker_id: (each.estimate, each.answers) for each in known}


def _skill(right: int, answers: int, fit: tuple[float, int] | None) -> float:
    """Return the mean of what is known of a worker; ½ of whom nothing is."""
    estimate, seen = fit or (0.0, 0)
    weight = min(seen, FIT_ANSWERS_MAX)
    return (right + weight * estimate + 0.5) / (answers + weight + 1)


def _active_workers(batch: Batch) -> int:
    answered = Assignment.objects.filter(batch=batch, submitted_at__isnull=False)
    return answered.values("worker").distinct().count()
