"""Review: tasks that the answers do not settle wait for a person, who has the last word.

A decision stands whatever is answered later, and feeds the skill of who answered. Nothing is
overwritten: a second look is a second row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from tasks import escrow, quality, slots
from tasks.errors import BudgetTooSmall, IllegalTransition
from tasks.models import Batch, Review, Task
from tasks.reviews import verdict
from tasks.slots import Wish
from tasks.versions import asked
from workers import events
from workers.models import User

LATECOMERS = timedelta(days=1)  # a batch that closed between two runs is still looked through
FOREVER, NEVER = "infinity", "-infinity"

# Complete tasks whose least certain element is below the mark, least certain first. ``through`` is
# until when answers were looked at by whoever opens slots: what came later may still open one.
QUEUE = """
INSERT INTO tasks_review
    (batch_id, task_id, reason, status, confidence, proposal, note, created_at)
SELECT %(batch)s, t.id, %(reason)s, 'waiting', c.confidence, c.proposal, '', %(now)s
FROM tasks_task t JOIN LATERAL (
    SELECT min(confidence) AS confidence, jsonb_object_agg(name, value) AS proposal,
           bool_and(source = 'crowd') AS is_open_to_doubt
    FROM tasks_consensus WHERE task_id = t.id
) c ON c.confidence < %(below)s AND c.is_open_to_doubt
WHERE t.batch_id = %(batch)s AND t.lane <> 2 AND NOT t.is_open
  AND NOT EXISTS (SELECT FROM tasks_review r WHERE r.task_id = t.id AND r.status = 'waiting')
  AND NOT EXISTS (
      SELECT FROM tasks_assignment a WHERE a.task_id = t.id AND (
          a.status = 'active' OR a.status IN ('submitted', 'accepted') AND (
              a.aggregated_at IS NULL OR a.submitted_at > %(through)s::timestamptz)))
ORDER BY c.confidence, t.id LIMIT %(limit)s
ON CONFLICT (task_id) WHERE status = 'waiting' DO NOTHING
"""

NAMED = """
INSERT INTO tasks_review
    (batch_id, task_id, reason, status, confidence, proposal, note, created_at)
SELECT %(batch)s, t.id, %(reason)s, 'waiting', c.confidence, c.proposal, '', %(now)s
FROM tasks_task t JOIN LATERAL (
    SELECT min(confidence) AS confidence, jsonb_object_agg(name, value) AS proposal
    FROM tasks_consensus WHERE task_id = t.id
) c ON c.proposal IS NOT NULL
WHERE t.batch_id = %(batch)s AND t.lane <> 2 AND t.id = ANY(%(tasks)s::bigint[])
ORDER BY t.id
ON CONFLICT (task_id) WHERE status = 'waiting' DO NOTHING
"""

# A task with a fixed overlap that was sent back, and has its answers now, is to be looked at again.
RETURN = """
INSERT INTO tasks_review
    (batch_id, task_id, reason, status, confidence, proposal, note, created_at)
SELECT r.batch_id, t.id, r.reason, 'waiting', c.confidence, c.proposal, '', %(now)s
FROM tasks_review r
JOIN tasks_batch b ON b.id = r.batch_id AND b.status IN ('open', 'paused', 'closing')
    AND b.redundancy = 'fixed'
JOIN tasks_task t ON t.id = r.task_id AND NOT t.is_open
JOIN LATERAL (
    SELECT min(confidence) AS confidence, jsonb_object_agg(name, value) AS proposal
    FROM tasks_consensus WHERE task_id = t.id
) c ON c.confidence < b.target
WHERE r.status = 'sent_back'
  AND NOT EXISTS (SELECT FROM tasks_review n WHERE n.task_id = r.task_id AND n.id > r.id)
  AND NOT EXISTS (
      SELECT FROM tasks_assignment a WHERE a.task_id = t.id AND (
          a.status = 'active'
          OR a.status IN ('submitted', 'accepted') AND a.aggregated_at IS NULL))
ORDER BY c.confidence, t.id LIMIT %(limit)s
ON CONFLICT (task_id) WHERE status = 'waiting' DO NOTHING
"""

# Only what a job put up: whoever asked for a look themselves, or asked experts, still wants it.
OVERTAKE = """
UPDATE tasks_review r SET status = 'overtaken', decided_at = %(now)s
FROM tasks_batch b
WHERE b.id = r.batch_id AND r.status = 'waiting' AND r.reason = 'uncertain'
  AND r.expert_task_id IS NULL
  AND ((SELECT min(confidence) FROM tasks_consensus c WHERE c.task_id = r.task_id) >= b.target
       OR EXISTS (SELECT FROM tasks_consensus c
                  WHERE c.task_id = r.task_id AND c.source <> 'crowd'))
"""


def queue_due(*, now: datetime, limit: int = 1_000) -> int:
    """Put up to ``limit`` uncertain tasks of adaptive batches up for review; return how many.

    A task is due when all its answers are combined, no more are bought, and its confidence is
    still below the batch's target. So are tasks of fixed overlap that were sent back. Waiting
    reviews that later answers settled are closed as overtaken. All are single statements on the
    rows as they stand, so a run that is repeated, killed or runs beside another leaves one
    waiting review per task.
    """
    with connection.cursor() as cursor:
        cursor.execute(OVERTAKE, {"now": now})
        cursor.execute(RETURN, {"now": now, "limit": limit})
        queued = int(cursor.rowcount)
    due = Batch.objects.filter(
        Q(status__in=[Batch.Status.OPEN, Batch.Status.PAUSED, Batch.Status.CLOSING])
        | Q(status=Batch.Status.CLOSED, closed_at__gt=now - LATECOMERS),
        redundancy=Batch.Redundancy.ADAPTIVE,
        purpose=Batch.Purpose.WORK,
        aggregated_at__isnull=False,
    ).order_by("pk")
    for batch in due:
        if queued >= limit:
            break
        through = batch.decided_through or NEVER if batch.reopens else FOREVER
        queued += _queue(
            batch,
            Review.Reason.UNCERTAIN,
            below=batch.target,
            through=through,
            limit=limit - queued,
            now=now,
        )
    return queued


def _queue(
    batch: Batch,
    reason: Review.Reason,
    *,
    below: float,
    through: datetime | str,
    limit: int,
    now: datetime,
) -> int:
    wanted: dict[str, Any] = {
        "batch": batch.pk,
        "reason": reason,
        "below": below,
        "through": through,
        "limit": limit,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(QUEUE, wanted)
        return int(cursor.rowcount)


@transaction.atomic
def request(*, batch: Batch, below: float, limit: int, actor: User, now: datetime) -> int:
    """Put up to ``limit`` complete tasks up for review, least certain first; return how many.

    Those whose confidence is less than ``below``, and that neither wait nor were reviewed before.
    """
    queued = _queue(
        batch, Review.Reason.REQUESTED, below=below, through=FOREVER, limit=limit, now=now
    )
    _record("reviews_requested", batch, actor, now, count=queued)
    return queued


@transaction.atomic
def request_named(*, batch: Batch, tasks: Sequence[int], actor: User, now: datetime) -> int:
    """Put these tasks up for review, also a second time; return how many did not wait already.

    Raises:
        IllegalTransition: one of them is not an ordinary task of this batch with a consensus.
    """
    named = set(tasks)
    fit = Task.objects.ordinary().filter(batch=batch, pk__in=named, consensus__isnull=False)
    if fit.distinct().count() < len(named):
        raise IllegalTransition("Only tasks of this batch that have a consensus can be reviewed.")
    wanted: dict[str, Any] = {
        "batch": batch.pk,
        "reason": Review.Reason.REQUESTED,
        "tasks": sorted(named),
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(NAMED, wanted)
        queued = int(cursor.rowcount)
    _record("reviews_requested", batch, actor, now, count=queued)
    return queued


@transaction.atomic
def accept(*, review: Review, note: str = "", reviewer: User, now: datetime) -> None:
    """Decide that the consensus of this moment is right; it then stands.

    Raises:
        IllegalTransition: the review is decided already, or the task has no consensus now.
    """
    value = verdict.present(review)
    _decide(review, Review.Status.ACCEPTED, value, note=note, reviewer=reviewer, now=now)


@transaction.atomic
def fix(*, review: Review, value: Any, note: str = "", reviewer: User, now: datetime) -> None:
    """Decide that the answer is ``value``, in the interface's shape.

    Raises:
        IllegalTransition: the review is decided already.
        InvalidAnswer: the value does not fit the interface.
    """
    checked = asked(review.batch.version_id).checker.check(value)
    _decide(review, Review.Status.FIXED, checked, note=note, reviewer=reviewer, now=now)


def _decide(
    review: Review,
    status: Review.Status,
    value: dict[str, Any],
    *,
    note: str,
    reviewer: User,
    now: datetime,
) -> None:
    verdict.settle(
        review, status, value=value, confidence={}, reviewer=reviewer, note=note, now=now
    )
    quality.score_by_review(project_id=review.batch.project_id, tasks=[review.task_id], now=now)


@transaction.atomic
def send_back(
    *, review: Review, answers: int = 1, note: str = "", reviewer: User, now: datetime
) -> None:
    """Ask for ``answers`` more answers to the task.

    An adaptive batch pays for them with what its escrow has free; one with a fixed overlap, whose
    budget is all promised, from the requester's wallet, gold included.

    Raises:
        BudgetTooSmall: the adaptive batch has less money free.
        IllegalTransition: the review is decided already, the batch is neither open nor paused,
            or the task has expired.
        InsufficientFunds: the wallet holds less.
    """
    locked = Batch.objects.select_for_update(no_key=True, of=("self",))
    batch = locked.select_related("project").get(pk=review.batch_id)
    if not batch.reopens:
        raise IllegalTransition(f"A batch that is {batch.status} takes no more answers.")
    verdict.end(review, Review.Status.SENT_BACK, reviewer=reviewer, now=now, note=note)
    for _ in range(answers):
        _afford(_with_escrow(batch), now)
        batch = _with_escrow(batch)
        overlap = Task.objects.values_list("overlap", flat=True).get(pk=review.task_id)
        if not slots.open_more(batch, [Wish(review.task_id, overlap)], now=now):
            raise IllegalTransition("The task has expired or is gold, and takes no more answers.")


def _afford(batch: Batch, now: datetime) -> None:
    """See to it that the escrow has the money for one more answer, and the gold it calls for."""
    if slots.affordable(batch):
        return
    if batch.is_adaptive:
        raise BudgetTooSmall(batch.unit)
    # At most half of the answers are gold; what is not needed goes back at the end.
    has_gold = escrow.gold_live(batch) and batch.gold_rate
    escrow.allocate(batch, batch.unit * (2 if has_gold else 1), now=now)


def _with_escrow(batch: Batch) -> Batch:
    """Read the locked batch again: its escrow changes with every slot."""
    return Batch.objects.select_related("project", "escrow").get(pk=batch.pk)


def _record(kind: str, batch: Batch, actor: User, now: datetime, **data: int | str) -> None:
    events.record(
        kind=kind, subject_kind="batch", subject_id=batch.pk, actor=actor, at=now, data=data
    )
