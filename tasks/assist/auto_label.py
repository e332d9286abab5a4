"""Predictions that stand without a human answer, as long as audits show that few are wrong.

Part of step 4. A task that nobody has been given, of which the model is sure enough, gives up
its slots and gets its prediction as its consensus. What is true of the model follows from the
rows each time (``tasks.assist.audits``), so a lost or repeated run changes only latency.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from tasks import escrow
from tasks.assist.audits import Standing, candidates, drawn_among, is_whole, standing
from tasks.assist.predictions import CHUNK
from tasks.learning.conformal import CONFIDENCE
from tasks.models import Assignment, Batch, Consensus, Prediction, Review, Task
from tasks.versions import asked
from workers import events

RUNNING = (Batch.Status.OPEN, Batch.Status.PAUSED)
METHOD_LENGTH = 40


def auto_label_due(*, key: bytes, now: datetime, limit: int = 5_000) -> int:
    """Look at every batch whose predictions may stand; return how many tasks were labelled.

    ``key`` is secret and always the same: it decides which tasks are audits. In one batch up to
    ``limit`` tasks are labelled at once.
    """
    due = Batch.objects.filter(auto_label_error__isnull=False, status__in=RUNNING)
    return sum(auto_label(batch=batch, key=key, now=now, limit=limit) for batch in due)


def auto_label(*, batch: Batch, key: bytes, now: datetime, limit: int = 5_000) -> int:
    """Label what the model is sure enough of, or stop that for good; return how many tasks.

    When audits show that the bound is broken, no more predictions are accepted, and those that
    were go to reviewers; the requester may allow it again.
    """
    found = standing(batch, key=key)
    if found.verdict.state == "broken":
        _stop(batch, found, now)
        return 0
    if found.threshold.score is None:
        return 0
    return _accept(batch, found, key=key, now=now, limit=limit)


def report(batch: Batch, *, key: bytes) -> dict[str, Any]:
    """Return, as JSON, what a batch's predictions are for, and what audits say about them.

    ``threshold`` is null while nothing may be accepted, and ``why`` says why.
    """
    labelled = Consensus.objects.filter(task__batch=batch, source=Consensus.Source.MODEL)
    said: dict[str, Any] = {
        "prelabels": batch.prelabels,
        "votes": batch.model_votes,
        "auto_label_error": batch.auto_label_error,
        "audit_rate": batch.audit_rate,
        "auto_labelled": labelled.values("task").distinct().count(),
        "report": None,
    }
    if batch.auto_label_error is not None:
        said["report"] = auto_label_report(batch, key=key)
    return said


def auto_label_report(batch: Batch, *, key: bytes) -> dict[str, Any]:
    """Return what is claimed of the batch's model, and on what evidence, as JSON."""
    found = standing(batch, key=key)
    chosen, verdict = found.threshold, found.verdict
    return {
        "model": str(found.model) if found.model else None,
        "threshold": chosen.score,
        "bound": chosen.bound if chosen.score is not None else None,
        "confidence": found.confidence,
        "accepted_share": chosen.accepted_share,
        "audited": len(found.audits),
        "wrong": sum(not each.is_right for each in found.audits),
        "judged": chosen.judged,
        "judged_wrong": chosen.errors,
        "why": chosen.why,
        "verdict": verdict.state,
        "watched": verdict.judged,
        "watched_wrong": verdict.errors,
        "low": verdict.low,
        "high": verdict.high,
    }


def _accept(batch: Batch, found: Standing, *, key: bytes, now: datetime, limit: int) -> int:
    wanted = _sure(batch, found, key, limit)
    return sum(
        _label(batch, found, wanted[start : start + CHUNK], now)
        for start in range(0, len(wanted), CHUNK)
    )


def _sure(batch: Batch, found: Standing, key: bytes, limit: int) -> list[int]:
    """Return up to ``limit`` tasks that may do without people."""
    assert found.model is not None
    check = asked(batch.version_id).checker.check
    rows = (
        candidates(batch, found.model)
        .filter(
            ~Exists(Assignment.objects.filter(task=OuterRef("task"))),
            score__gte=found.threshold.score,
            task__is_open=True,
        )
        .order_by("task")
        .values_list("task", "value")
    )
    chosen: list[int] = []
    for task, value in rows.iterator(chunk_size=CHUNK):
        if not drawn_among([task], batch, key) and is_whole(value, check):
            chosen.append(task)
        if len(chosen) == limit:
            break
    return chosen


@transaction.atomic
def _label(batch: Batch, found: Standing, wanted: list[int], now: datetime) -> int:
    """Withdraw the slots of those tasks that still nobody was given, and write their consensus."""
    batch = _locked(batch)
    if batch.auto_label_error is None or batch.status not in RUNNING:
        return 0  # stopped or closed since the look
    # A claim that has a task in hand keeps it: one that came before is seen in the row's slots.
    untouched = Task.objects.filter(pk__in=wanted, is_open=True, remaining_overlap=F("overlap"))
    free = ~Exists(Assignment.objects.filter(task=OuterRef("pk")))
    locked = (
        untouched.filter(free)
        .order_by("pk")
        .select_for_update(no_key=True, skip_locked=True, of=("self",))
    )
    tasks = list(locked.values_list("pk", flat=True))
    escrow.withdraw_from(batch, tasks)
    predicted = Prediction.objects.filter(
        predictor=found.model, task__in=tasks, score__gte=found.threshold.score
    )
    rows = [
        Consensus(
            task_id=task,
            name=name,
            value=said,
            confidence=1 - found.threshold.bound,
            is_calibrated=True,
            raw_confidence=score,
            method=f"model:{found.model}"[:METHOD_LENGTH],
            source=Consensus.Source.MODEL,
            answers=0,
            aggregated_at=now,
        )
        for task, value, score in predicted.values_list("task", "value", "score")
        for name, said in value.items()
    ]
    Consensus.objects.bulk_create(rows, batch_size=CHUNK, ignore_conflicts=True)
    if tasks:
        _record(
            "batch_auto_labelled",
            batch,
            now,
            model=str(found.model),
            tasks=len(tasks),
            threshold=found.threshold.score,
            bound=found.threshold.bound,
        )
    return len(tasks)


@transaction.atomic
def _stop(batch: Batch, found: Standing, now: datetime) -> None:
    """Accept no more predictions, and put up for review those that were accepted."""
    batch = _locked(batch)
    if batch.auto_label_error is None:
        return  # another run was here first
    proposals: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    confidence: dict[int, float] = {}
    labelled = Consensus.objects.filter(task__batch=batch, source=Consensus.Source.MODEL)
    for each in labelled.iterator(chunk_size=CHUNK):
        proposals[each.task_id][each.name] = each.value
        confidence[each.task_id] = each.confidence
    reviews = [
        Review(
            batch=batch,
            task_id=task,
            reason=Review.Reason.AUDIT,
            confidence=confidence[task],
            proposal=proposal,
            created_at=now,
        )
        for task, proposal in sorted(proposals.items())
    ]
    Review.objects.bulk_create(reviews, batch_size=CHUNK, ignore_conflicts=True)
    Batch.objects.filter(pk=batch.pk).update(auto_label_error=None)
    _record(
        "batch_auto_label_stopped",
        batch,
        now,
        model=str(found.model),
        error=batch.auto_label_error,
        confidence=CONFIDENCE,
        watched=found.verdict.judged,
        watched_wrong=found.verdict.errors,
        reviews=len(reviews),
    )


def _locked(batch: Batch) -> Batch:
    """Read the batch anew, and let nobody else change it until the transaction ends."""
    locked = Batch.objects.select_for_update(no_key=True, of=("self",)).select_related("escrow")
    return locked.get(pk=batch.pk)


def _record(kind: str, batch: Batch, now: datetime, **data: Any) -> None:
    events.record(
        kind=kind, subject_kind="batch", subject_id=batch.pk, actor=None, at=now, data=data
    )
