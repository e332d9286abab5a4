"""What a decision on a review changes: the review, the task's consensus, and the log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tasks.errors import IllegalTransition
from tasks.models import Assignment, Consensus, Review
from workers import events
from workers.models import User

METHOD = "review"


def present(review: Review) -> dict[str, Any]:
    """Return the task's consensus of this moment, by element; both stay so in this transaction.

    Raises:
        IllegalTransition: there is none: nobody has answered, or all was rejected.
    """
    # First the review, as everywhere, or two who decide would wait for each other.
    Review.objects.select_for_update(of=("self",), no_key=True).get(pk=review.pk)
    rows = Consensus.objects.filter(task=review.task_id).select_for_update().order_by("name")
    found = dict(rows.values_list("name", "value"))
    if not found:
        raise IllegalTransition(
            "The task has no consensus at present. Fix it, or wait for answers."
        )
    return found


def end(
    review: Review, status: Review.Status, *, reviewer: User | None, now: datetime, **fields: Any
) -> None:
    """Move a waiting review to its end; of two who decide at once the first wins.

    Raises:
        IllegalTransition: it is decided already.
    """
    ended = {"status": status, "reviewer": reviewer, "decided_at": now, **fields}
    if not Review.objects.filter(pk=review.pk, status=Review.Status.WAITING).update(**ended):
        raise IllegalTransition("This review is decided already. Ask for a new one of the task.")
    for name, value in ended.items():
        setattr(review, name, value)
    events.record(
        kind="review_decided",
        subject_kind="batch",
        subject_id=review.batch_id,
        actor=reviewer,
        at=now,
        data={"review": review.pk, "task": review.task_id, "status": str(status)},
    )


def settle(
    review: Review,
    status: Review.Status,
    *,
    value: Mapping[str, Any],
    confidence: Mapping[str, float],
    reviewer: User | None,
    note: str,
    now: datetime,
) -> None:
    """Decide that the task's answer is ``value``, {element: value}, whatever is answered later.

    ``confidence`` is that of each element; 1 where it names none, as for a person's own word.
    The caller holds a transaction.

    Raises:
        IllegalTransition: the review is decided already.
    """
    end(review, status, reviewer=reviewer, now=now, value=dict(value), note=note)
    counted = Assignment.objects.counted().filter(task=review.task_id).count()
    rows = [
        Consensus(
            task_id=review.task_id,
            name=name,
            value=said,
            confidence=confidence.get(name, 1.0),
            is_calibrated=False,
            method=METHOD,
            source=Consensus.Source.REVIEW,
            answers=counted,
            aggregated_at=now,
        )
        for name, said in sorted(value.items())
    ]
    # The crowd's own word, ``raw_confidence``, stays beside the decision.
    Consensus.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["task", "name"],
        update_fields=[
            "value", "confidence", "is_calibrated", "method", "source", "answers", "aggregated_at",
        ],
    )  # fmt: skip
    # An element that the decision leaves out, such as an optional note, has no answer any more.
    Consensus.objects.filter(task=review.task_id).exclude(name__in=list(value)).delete()
