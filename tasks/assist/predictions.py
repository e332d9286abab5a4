"""Predictions as rows: storing them, and which of them may be used for what.

The *model of a batch* is the newest predictor that has said anything about its tasks. Where a
batch accepts predictions unasked (``Batch.auto_label_error``), people are shown none and none
votes: which tasks are audits is a secret of the job that draws them, so all must be answered
blind.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef

from tasks.models import Assignment, Batch, Prediction, Predictor

MODEL_WORKER = -1  # in a batch's answers; no worker's id is negative
CHUNK = 2_000
NOTHING: dict[str, Any] = {}  # asked, and had nothing to say


class Said(NamedTuple):
    """What a model says about one task."""

    task: int
    value: dict[str, Any]  # canonical answers to some or all questions, by name
    score: float | None = None
    probabilities: dict[str, dict[str, float]] | None = None
    trained_on: bool | None = None  # whether it has learnt this task's labels; None: not declared


# A prediction that a worker was shown stays as it was shown: an export says what became of it.
# One that is repeated stays as it was first said, which was perhaps before anybody had answered.
STORE = """
WITH said AS (
    SELECT * FROM unnest(%(tasks)s::bigint[], %(values)s::text[], %(scores)s::float8[],
                         %(probabilities)s::text[], %(trained_on)s::boolean[])
        AS s(task_id, value, score, probabilities, trained_on)
), stored AS (
    INSERT INTO tasks_prediction AS p (
        predictor_id, task_id, value, score, probabilities, has_seen_labels, created_at)
    SELECT %(predictor)s, s.task_id, s.value::jsonb, s.score, s.probabilities::jsonb,
           coalesce(s.trained_on, EXISTS (
               SELECT FROM tasks_assignment a
               WHERE a.task_id = s.task_id AND a.submitted_at IS NOT NULL)), %(now)s
    FROM said s ORDER BY s.task_id
    ON CONFLICT (task_id, predictor_id) DO UPDATE SET
        value = excluded.value, score = excluded.score, probabilities = excluded.probabilities,
        has_seen_labels = excluded.has_seen_labels, created_at = excluded.created_at
    WHERE (p.value, p.score, p.probabilities)
          IS DISTINCT FROM (excluded.value, excluded.score, excluded.probabilities)
      AND NOT EXISTS (SELECT FROM tasks_assignment a
                      WHERE a.task_id = p.task_id AND a.suggestion_id = p.id)
    RETURNING 1
)
SELECT count(*) FROM stored
"""


def store(predictor: Predictor, said: Sequence[Said], *, now: datetime) -> int:
    """Write predictions over what ``predictor`` said of their tasks before; return how many.

    Each task is there once. Those shown to a worker already, and those said again in the same
    way, stay untouched. Where it is not declared whether a model has learnt a task's labels, it
    may have if anybody had answered the task by now.
    """
    stored = 0
    for start in range(0, len(said), CHUNK):
        chunk = said[start : start + CHUNK]
        asked: dict[str, Any] = {
            "predictor": predictor.pk,
            "tasks": [each.task for each in chunk],
            "values": [json.dumps(each.value) for each in chunk],
            "scores": [each.score for each in chunk],
            "probabilities": [
                None if each.probabilities is None else json.dumps(each.probabilities)
                for each in chunk
            ],
            "trained_on": [each.trained_on for each in chunk],
            "now": now,
        }
        with connection.cursor() as cursor:
            cursor.execute(STORE, asked)
            stored += int(cursor.fetchone()[0])
    return stored


def model_of(batch: Batch) -> Predictor | None:
    """Return the newest predictor that has said something about a task of the batch."""
    said = Prediction.objects.filter(predictor=OuterRef("pk"), task__batch=batch)
    own = Predictor.objects.filter(project=batch.project_id).order_by("-pk")
    return own.filter(Exists(said.exclude(value=NOTHING))).first()


def votes(batch: Batch) -> list[tuple[int, int, dict[str, Any]]]:
    """Return what the batch's model says of answered tasks, as one more worker's answers.

    Each is (task, ``MODEL_WORKER``, answer), by task. Left out are predictions that may have
    learnt the task's own labels, and tasks where a counted answer was given with a prediction
    in view: that answer is no second opinion. A task nobody has answered gets none.
    """
    model = model_of(batch) if batch.model_votes and batch.auto_label_error is None else None
    if model is None:
        return []
    counted = Assignment.objects.counted().filter(task=OuterRef("task"))
    rows = (
        Prediction.objects.filter(predictor=model, task__batch=batch, has_seen_labels=False)
        .filter(Exists(counted), ~Exists(counted.filter(suggestion__isnull=False)))
        .exclude(value=NOTHING)
        .order_by("task")
        .values_list("task", "value")
    )
    return [(task, MODEL_WORKER, value) for task, value in rows.iterator(chunk_size=CHUNK)]
