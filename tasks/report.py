"""What a batch's answers say about themselves: confidence, calibration, agreement, warnings.

The report is JSON, written by ``aggregate`` and shown to the requester:

* ``closed``: how many tasks are settled at the target, and how often gold is right there;
* ``elements``: by name, the method and why, the reliability diagram on gold, agreement with
  its warnings, and for comparisons the ranking of what was compared;
* ``picked``: what ``AUTO`` stands for, so that gold is not asked at every run.

Workers go by their pseudonyms in the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from tasks.aggregation.comparisons import Compared, Comparison, compare
from tasks.aggregation.errors import AggregationError
from tasks.aggregation.labels import Reading
from tasks.aggregation.skill import Estimate
from tasks.agreement.guideline import careful_disagree
from tasks.agreement.summary import agreement_of
from tasks.combine import Decided, Element, Picked
from tasks.interface import Choice, Pairwise, Question, fill, shown_flipped
from tasks.models import Batch, Cursor, Report, TaskInput
from tasks.versions import asked

SMALL = 500  # answers up to which everything is computed at every run; long texts are slow
GROWN = 1.25  # times as many answers since the last time: then agreement is computed again
CHUNK = 2_000
ITEMS_PER_TASK = 1.5  # from so many on nothing was compared twice, and a ranking says nothing

CLOSED = """
WITH sure AS (
    SELECT c.task_id, min(c.confidence) AS confidence
    FROM tasks_consensus c JOIN tasks_task t ON t.id = c.task_id
    WHERE t.batch_id = %(batch)s GROUP BY c.task_id
), live AS (
    SELECT DISTINCT task_id FROM tasks_assignment WHERE batch_id = %(batch)s AND status = 'active'
)
SELECT count(*) FILTER (WHERE done AND confidence >= %(target)s),
       count(*) FILTER (WHERE done AND confidence < %(target)s),
       count(*)
FROM (
    SELECT NOT t.is_open AND l.task_id IS NULL AS done, coalesce(s.confidence, 0) AS confidence
    FROM tasks_task t LEFT JOIN sure s ON s.task_id = t.id LEFT JOIN live l ON l.task_id = t.id
    WHERE t.batch_id = %(batch)s AND t.lane <> 2
) counted
"""


class Given(NamedTuple):
    """One counted answer."""

    assignment: int
    task: int
    worker: int
    value: dict[str, Any]


def picked_before(batch: Batch) -> dict[str, Picked]:
    """Return what ``AUTO`` stood for when the batch was last aggregated."""
    known = Report.objects.filter(batch=batch).values_list("data__picked", flat=True).first()
    return {name: Picked(**each) for name, each in (known or {}).items()}


def write(batch: Batch, given: Sequence[Given], decided: Decided, *, now: datetime) -> None:
    """Bring the batch's report up to date with what was just decided."""
    before = Report.objects.filter(batch=batch).first()
    last = before.data if before else {}
    is_due = len(given) <= SMALL or len(given) >= GROWN * last.get("compared_answers", 0)
    names = _pseudonyms(batch) if is_due else {}
    elements = {}
    for question in asked(batch.version_id).checker.interface.questions:
        element = decided.elements[question.name]
        said = _settled(element)
        if is_due:
            said |= _compared(question, given, element, names)
        else:
            earlier = last.get("elements", {}).get(question.name, {})
            said |= {key: earlier.get(key) for key in ("agreement", "guideline", "ranking")}
        elements[question.name] = said
    data = {
        "answers": len(given),
        "compared_answers": len(given) if is_due else last["compared_answers"],
        "closed": _closed(batch, decided),
        "elements": elements,
        "picked": {name: each._asdict() for name, each in decided.picked.items()},
    }
    Report.objects.update_or_create(batch=batch, defaults={"data": data, "computed_at": now})


def _settled(element: Element) -> dict[str, Any]:
    return {
        "kind": element.kind,
        "method": element.method,
        "why": element.why,
        "calibrated": element.gauge.is_calibrated,
        "calibration": element.gauge.report,
        "gold_accuracy": _interval(element.gauge.accuracy),
    }


def _closed(batch: Batch, decided: Decided) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(CLOSED, {"batch": batch.pk, "target": batch.target})
        closed, uncertain, total = cursor.fetchone()
    calibrated = all(each.gauge.is_calibrated for each in decided.elements.values())
    level = f"{batch.target:.0%}"
    share = closed / total if total else 0.0
    kind = "calibrated" if calibrated else "uncalibrated"
    waiting = total - closed - uncertain
    rest = f"{uncertain / total:.0%} are uncertain" if total else "there are none"
    hint = "" if calibrated else " Without 20 gold tasks or more this is the method's own word."
    return {
        "target": batch.target,
        "tasks": total,
        "closed": closed,
        "uncertain": uncertain,
        "waiting": waiting,
        "calibrated": calibrated,
        "gold": {
            name: _interval(each.gauge.closed(batch.target))
            for name, each in decided.elements.items()
        },
        "sentence": f"{share:.0%} of the tasks are closed at the {kind} level of {level}, {rest}"
        f" and {waiting} are waiting for answers.{hint}",
    }


def _compared(
    question: Question, given: Sequence[Given], element: Element, names: Mapping[int, str]
) -> dict[str, Any]:
    kind = element.kind
    if isinstance(question, Choice) and question.multiple:
        kind = "multiple_choice"
    said = [
        Reading(each.task, each.worker, each.value[question.name])
        for each in given
        if question.name in each.value
    ]
    summary: dict[str, Any] = {**agreement_of(kind, said, element.skills or None)}
    for side in ("best_pairs", "worst_pairs"):
        summary[side] = [
            {**pair, "a": names.get(pair["a"], "?"), "b": names.get(pair["b"], "?")}
            for pair in summary[side]
        ]
    unclear = careful_disagree(said, element.skills, kind=kind)
    warning = None
    if unclear:
        warning = unclear._asdict() | {
            "workers": [names.get(worker, "?") for worker in unclear.workers],
            "confused": [each._asdict() for each in unclear.confused],
        }
    ranking = _ranking(question, given) if isinstance(question, Pairwise) else None
    return {"agreement": summary, "guideline": warning, "ranking": ranking}


def _ranking(question: Pairwise, given: Sequence[Given]) -> dict[str, Any] | None:
    """Rank what was compared, where enough of it was compared more than once."""
    items = _items(question, {each.task for each in given})
    if len({item for pair in items.values() for item in pair}) > ITEMS_PER_TASK * len(items):
        return None
    said = [
        Comparison(
            worker=each.worker,
            left=items[each.task][0],
            right=items[each.task][1],
            winner=each.value[question.name],
            first="right" if shown_flipped(question, each.assignment) else "left",
        )
        for each in given
        if question.name in each.value and items[each.task][0] != items[each.task][1]
    ]
    try:
        return _ranked(compare(said))
    except AggregationError:
        return None


def _ranked(compared: Compared) -> dict[str, Any]:
    return {
        "first_wins": compared.first._asdict(),
        "items": [{"item": item, **compared.scores[item]._asdict()} for item in compared.ranking],
    }


def _items(question: Pairwise, tasks: set[int]) -> dict[int, tuple[str, str]]:
    shown = TaskInput.objects.filter(task__in=tasks).values_list("task_id", "data")
    return {
        task: (str(fill(question.left, data)), str(fill(question.right, data)))
        for task, data in shown.iterator(chunk_size=CHUNK)
    }


def _pseudonyms(batch: Batch) -> dict[int, str]:
    return dict(Cursor.objects.filter(batch=batch).values_list("worker_id", "pseudonym"))


def _interval(found: Estimate) -> dict[str, float | int]:
    return {
        "estimate": round(found.estimate, 4),
        "low": round(found.low, 4),
        "high": round(found.high, 4),
        "answers": found.answers,
    }
