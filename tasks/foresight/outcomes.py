"""What became of a batch that is closed, in the quantities that are forecast."""

from __future__ import annotations

from typing import Any

from django.db import connection

from tasks.forecasting.pace import HOUR, SHORTEST
from tasks.foresight.pilots import first_coding
from tasks.models import Batch, Report

ENOUGH_GOLD = 30  # gold tasks from which accuracy is measured on them
COMPLETE = 0.95  # share of the answers wanted: with fewer a batch was cut short
ALIKE = 0.05  # by how much the number of tasks may have changed since the forecast
DIGITS = 4

ANSWERED = """
WITH worked AS (
    -- Older answers were not timed: of several claimed together, each begins when the one before
    -- it was submitted.
    SELECT status, is_gold, submitted_at, coalesce(
               worked_seconds, extract(epoch FROM submitted_at - greatest(
                   claimed_at, lag(submitted_at) OVER (
                       PARTITION BY worker_id ORDER BY submitted_at)))) AS seconds
    FROM tasks_assignment WHERE batch_id = %(batch)s AND submitted_at IS NOT NULL
)
SELECT count(*) FILTER (WHERE NOT is_gold AND status IN ('submitted', 'accepted')),
       max(submitted_at), percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds)
FROM worked
"""

JUDGED = """
SELECT avg(c.confidence), count(*) FILTER (WHERE c.confidence >= %(target)s)
FROM tasks_consensus c JOIN tasks_task t ON t.id = c.task_id
WHERE t.batch_id = %(batch)s AND t.lane <> 2 AND c.name = %(name)s
"""


def measured(batch: Batch) -> dict[str, Any]:
    """Return each quantity as it came out, None where nobody can say.

    ``accuracy_by`` says how accuracy was measured: on ``gold``, or, with fewer than
    ``ENOUGH_GOLD`` gold tasks, as the mean of the calibrated ``confidence``.
    """
    assert batch.published_at is not None
    answers, last, seconds = _row(ANSWERED, {"batch": batch.pk})
    hours = (last - batch.published_at).total_seconds() / HOUR if last else None
    wage = batch.reward_minor * HOUR / max(seconds, SHORTEST) if last else None
    found = {
        "answers_per_task": answers / batch.task_count,
        "cost_minor": batch.spent,
        "hours": hours,
        "hourly_wage_minor": wage,
        **_judged(batch),
    }
    rounded = {
        name: round(value, DIGITS) if isinstance(value, float) else value
        for name, value in found.items()
    }
    return {**rounded, "tasks": batch.task_count, "answers": answers}


def why_incomparable(batch: Batch, actual: dict[str, Any], tasks: int) -> str:
    """Say why the outcome is not that of the batch of so many tasks that was forecast, or ""."""
    if abs(batch.task_count - tasks) > ALIKE * tasks:
        return f"The forecast was about {tasks} tasks, and the batch had {batch.task_count}."
    wanted = batch.task_count * batch.overlap_min if batch.is_adaptive else batch.slot_count
    if actual["answers"] < COMPLETE * wanted:
        return "The batch was closed before its answers were in."
    return ""


def _judged(batch: Batch) -> dict[str, Any]:
    question = first_coding(batch)
    if question is None:
        return {"accuracy": None, "accuracy_by": None, "closed": None}
    asked = {"batch": batch.pk, "name": question.name, "target": batch.target}
    confidence, sure = _row(JUDGED, asked)
    report = Report.objects.filter(batch=batch).first()
    elements = report.data["elements"] if report else {}
    gold = elements.get(question.name, {}).get("gold_accuracy", {"answers": 0})
    by_gold = gold["answers"] >= ENOUGH_GOLD
    return {
        "accuracy": gold["estimate"] if by_gold else confidence,
        "accuracy_by": "gold" if by_gold else confidence and "confidence",
        "closed": None if confidence is None else sure / batch.task_count,
    }


def _row(statement: str, asked: dict[str, Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return tuple(cursor.fetchone())
