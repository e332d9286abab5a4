"""A task's record, put together from the rows: labels, answers, versions, and what was shown.

The same code writes records and looks at them again: ``records`` gives what the rows say now.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection

from tasks.interface import Choice, Pairwise, Question, shown_flipped, shown_order
from tasks.models import Assignment, Batch, Consensus, Report, Review
from tasks.provenance.software import SOFTWARE
from tasks.versions import asked

FORMAT = 1  # of the records; grows when their shape or the meaning of a field changes
SUBMIT_GAP = "submit_gap"  # from the claim, or the submit before in the batch, to the submit
WORK_BEATS = "work_beats"  # the same without the breaks that beats show (tasks.wages.time)

VERSION = """
SELECT number, encode(sha256(convert_to(instructions, 'UTF8')), 'hex'),
       encode(sha256(convert_to(interface::text, 'UTF8')), 'hex')
FROM tasks_projectversion WHERE id = %(version)s
"""
TASKS = """
SELECT t.id, i.external_id, encode(sha256(convert_to(i.data::text, 'UTF8')), 'hex')
FROM tasks_task t JOIN tasks_taskinput i ON i.task_id = t.id
WHERE t.batch_id = %(batch)s AND t.id = ANY(%(tasks)s)
  AND EXISTS (SELECT FROM tasks_consensus c WHERE c.task_id = t.id)
ORDER BY t.id
"""
# Of the values, which may be large, only what the paths are computed from leaves the database.
ANSWERS = """
SELECT a.task_id, a.id, c.pseudonym, a.status, a.claimed_at, a.submitted_at, a.reward_minor,
       encode(n.sha256, 'hex'), encode(sha256(convert_to(n.value::text, 'UTF8')), 'hex'),
       (SELECT jsonb_object_agg(key, n.value -> key) FROM unnest(%(followed)s::text[]) AS key
        WHERE n.value ? key)::text,
       p.name, p.version, a.beats > 0
FROM tasks_assignment a
JOIN tasks_answer n ON n.assignment_id = a.id
JOIN tasks_cursor c ON c.batch_id = a.batch_id AND c.worker_id = a.worker_id
LEFT JOIN tasks_prediction s ON s.id = a.suggestion_id
LEFT JOIN tasks_predictor p ON p.id = s.predictor_id
WHERE a.task_id = ANY(%(tasks)s) AND a.submitted_at IS NOT NULL
ORDER BY a.submitted_at, a.id
"""


class Given(NamedTuple):
    """One answer, as it was submitted and as it reads now."""

    task: int
    assignment: int
    worker: str  # the pseudonym in this batch
    status: str
    claimed_at: datetime
    submitted_at: datetime
    reward_minor: int
    sha256: str  # taken at the submit
    sha256_now: str
    followed: str | None  # JSON text: what was answered to the questions that have a path
    predictor: str | None  # whose suggestion was shown
    predictor_version: str | None
    has_beats: bool


class Source(NamedTuple):
    """What all records of a batch have in common."""

    batch: Batch
    version: dict[str, Any]
    questions: tuple[Question, ...]
    exponents: dict[str, float]  # of the calibration, by element


def source_of(batch: Batch) -> Source:
    """Read what all records of ``batch`` have in common."""
    with connection.cursor() as cursor:
        cursor.execute(VERSION, {"version": batch.version_id})
        number, instructions, interface = cursor.fetchone()
    report = Report.objects.filter(batch=batch).values_list("data", flat=True).first() or {}
    found = {
        name: (element.get("calibration") or {}).get("exponent")
        for name, element in report.get("elements", {}).items()
    }
    return Source(
        batch=batch,
        version={
            "number": number,
            "instructions_sha256": instructions,
            "interface_sha256": interface,
        },
        questions=asked(batch.version_id).checker.interface.questions,
        exponents={name: each for name, each in found.items() if each is not None},
    )


def records(
    source: Source,
    tasks: Sequence[int],
    *,
    seconds: Callable[[Sequence[int]], dict[int, float]] | None = None,
) -> dict[int, dict[str, Any]]:
    """Return the records of those of ``tasks`` that are of the batch and have a consensus.

    ``seconds`` gives the active time of each of some assignments. Without it the record says
    none, and its answers' hashes are computed from the answers as they read now.
    """
    answers = _answers(source, tasks)
    active = seconds([each.assignment for each in answers]) if seconds else {}
    of_task: defaultdict[int, list[Given]] = defaultdict(list)
    for each in answers:
        of_task[each.task].append(each)
    labels, reviews = _labels(tasks), _reviews(tasks)
    with connection.cursor() as cursor:
        cursor.execute(TASKS, {"batch": source.batch.pk, "tasks": list(tasks)})
        rows = cursor.fetchall()
    return {
        task: {
            "format": FORMAT,
            "software": SOFTWARE,
            "project": source.batch.project_id,
            "batch": source.batch.pk,
            "version": source.version,
            "task": task,
            "external_id": external_id,
            "input_sha256": input_sha256,
            "labels": {
                row.name: _label(source, row, of_task.get(task, [])) for row in labels[task]
            },
            "review": reviews.get(task),
            "answers": [
                _answer(source, each, active.get(each.assignment), as_given=seconds is not None)
                for each in of_task.get(task, [])
            ],
        }
        for task, external_id, input_sha256 in rows
    }


def _answers(source: Source, tasks: Sequence[int]) -> list[Given]:
    followed = [each.name for each in source.questions if _has_path(each)]
    with connection.cursor() as cursor:
        cursor.execute(ANSWERS, {"tasks": list(tasks), "followed": followed})
        return [Given(*row) for row in cursor.fetchall()]


def _labels(tasks: Sequence[int]) -> defaultdict[int, list[Consensus]]:
    found: defaultdict[int, list[Consensus]] = defaultdict(list)
    for row in Consensus.objects.filter(task__in=tasks).order_by("task", "name"):
        found[row.task_id].append(row)
    return found


def _reviews(tasks: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return the last decision that settled each task, by a reviewer or by experts."""
    settled = Review.objects.filter(
        task__in=tasks, status__in=[Review.Status.ACCEPTED, Review.Status.FIXED]
    )
    return {
        review.task_id: {
            "id": review.pk,
            "decision": review.status,
            "by": "experts" if review.expert_task_id else "reviewer",
            "decided_at": instant(review.decided_at),
        }
        for review in settled.order_by("decided_at", "pk")
    }


def _label(source: Source, row: Consensus, answers: Sequence[Given]) -> dict[str, Any]:
    question = next((each for each in source.questions if each.name == row.name), None)
    return {
        "value": row.value,
        "source": row.source,
        "method": row.method,
        "answers": row.answers,
        "confidence": row.confidence,
        "raw_confidence": row.raw_confidence,
        "calibrated": row.is_calibrated,
        "exponent": source.exponents.get(row.name),
        "path": list(_path(question, answers)) if question and _has_path(question) else None,
    }


def _answer(
    source: Source, given: Given, active: float | None, *, as_given: bool
) -> dict[str, Any]:
    measure = WORK_BEATS if given.has_beats else SUBMIT_GAP
    suggestion = {"predictor": given.predictor, "version": given.predictor_version}
    return {
        "worker": given.worker,
        "assignment": given.assignment,
        "sha256": given.sha256 if as_given else given.sha256_now,
        "status": given.status,
        "claimed_at": instant(given.claimed_at),
        "submitted_at": instant(given.submitted_at),
        "active": None if active is None else {"seconds": active, "measure": measure},
        "suggestion": None if given.predictor is None else suggestion,
        "shown": _shown(source.questions, given.assignment),
        "reward": {"minor": given.reward_minor, "currency": source.batch.currency},
    }


def _shown(questions: Sequence[Question], assignment: int) -> dict[str, list[str]]:
    """Return the order in which options were shown, where not everybody was shown the same."""
    orders = {}
    for each in questions:
        if isinstance(each, Choice) and each.shuffle:
            orders[each.name] = shown_order(each, assignment)
        elif isinstance(each, Pairwise):
            sides = ["left", "right"]
            orders[each.name] = sides[::-1] if shown_flipped(each, assignment) else sides
    return orders


def _has_path(question: Question) -> bool:
    """Whether one of several labels was asked for, so that votes can be counted."""
    return isinstance(question, Pairwise) or (
        isinstance(question, Choice) and not question.multiple
    )


def _path(question: Question, answers: Sequence[Given]) -> Iterator[dict[str, Any]]:
    """Count the votes again, answer by answer in the order of submission, rejected ones left out.

    Of labels with as many votes the one that the interface lists first leads.
    """
    votes: Counter[str] = Counter()
    rank = {label: place for place, label in enumerate(question.outcomes)}
    for given in answers:
        said = json.loads(given.followed or "{}")
        if given.status not in Assignment.COUNTED or question.name not in said:
            continue
        votes[said[question.name]] += 1
        leading = min(votes, key=lambda label: (-votes[label], rank.get(label, len(rank))))
        total = votes.total()
        yield {"answers": total, "leading": leading, "share": votes[leading] / total}


def instant(moment: datetime | None) -> str | None:
    """Write an instant in UTC, to the microsecond where it has any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
