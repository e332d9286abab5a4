"""How a hearing ends: the refusal stands and its money is free, or the answer is paid in full.

Everything that ends one locks in the same order: the batch, the task's counted answers and the
refused one by number, then the rejection.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F, Q

from payments import ledger
from payments.money import Money
from tasks.errors import IllegalTransition
from tasks.hearings import replacement
from tasks.models import Appeal, Assignment, Batch, Rejection, Task
from workers import decisions, events
from workers.models import Decision, User

Status = Rejection.Status


def lock_batch(batch_id: int) -> Batch:
    """The batch as it is, which nobody else decides on until the transaction ends."""
    row = Batch.objects.select_related("project__requester", "escrow").filter(pk=batch_id)
    return row.select_for_update(no_key=True, of=("self",)).get()


def lock_answers(task_ids: set[int], assignment_ids: set[int]) -> dict[int, Assignment]:
    """Lock the tasks' counted answers and these assignments; return the assignments by id.

    In the order of their numbers, as everybody who decides on several does, and before the money
    that paying one of them waits for.
    """
    counted = Q(task_id__in=task_ids, status__in=Assignment.COUNTED)
    rows = Assignment.objects.filter(counted | Q(pk__in=assignment_ids)).order_by("pk")
    rows = rows.select_related("worker__user")
    locked = rows.select_for_update(no_key=True, of=("self",))
    return {row.pk: row for row in locked if row.pk in assignment_ids}


def lock_case(assignment_id: int) -> Rejection:
    """Lock all that ends with a rejection, and return it with its assignment and batch."""
    found = Assignment.objects.values_list("batch_id", "task_id").get(pk=assignment_id)
    batch_id, task_id = found
    batch = lock_batch(batch_id)
    assignment = lock_answers({task_id}, {assignment_id})[assignment_id]
    assignment.batch = batch
    case = Rejection.objects.select_related("decision").filter(pk=assignment_id)
    rejection = case.select_for_update(no_key=True, of=("self",)).get()
    rejection.assignment = assignment
    return rejection


def stand(rejection: Rejection, *, now: datetime) -> None:
    """Make a locked rejection final: free its money, and ask somebody else if that is still owed.

    What is owed for the time it took stays held until it is paid.
    """
    assignment, batch = rejection.assignment, rejection.assignment.batch
    # Before the account, as everywhere.
    Task.objects.select_for_update(no_key=True).get(pk=assignment.task_id)
    _free(rejection)
    if not rejection.reopened:
        rejection.reopened = replacement.ask_again(batch, assignment.task_id, now=now)
    if batch.is_adaptive:  # it may want answers that there was no money for
        Batch.objects.filter(pk=batch.pk).update(decided_answers=0)
    rejection.status, rejection.final_at = Status.FINAL, now
    rejection.save(update_fields=["status", "final_at", "reopened"])
    _record("rejection_final", assignment, None, now)


def overturn(rejection: Rejection, *, decided_by: User | None, now: datetime) -> None:
    """Accept a locked, refused answer after all: it counts, and what it earns is paid in full.

    What was paid for the time it took is part of that. The task's consensus is computed anew.
    """
    assignment, batch = rejection.assignment, rejection.assignment.batch
    assignment.move_to(
        Assignment.Status.ACCEPTED, finished_at=now, decided_by=decided_by, reason=""
    )
    replacement.make_room(batch, assignment.task_id, was_replaced=rejection.reopened)
    rejection.status, rejection.final_at = Status.OVERTURNED, now
    if rejection.effort_paid_at is None:
        rejection.effort_minor = 0  # the reward pays for it
    rejection.save(update_fields=["status", "final_at", "effort_minor"])
    count_anew(batch.pk, [assignment.task_id])
    _record("rejection_overturned", assignment, decided_by, now)


def count_anew(batch_id: int, task_ids: list[int]) -> None:
    """Have the answers of these tasks combined again, and what they want decided again."""
    Batch.objects.filter(pk=batch_id).update(
        rejected_count=F("rejected_count") + 1, decided_answers=0
    )
    counted = Assignment.objects.counted().filter(task_id__in=task_ids)
    counted.update(aggregated_at=None)


def decide(
    appeal: Appeal, *, outcome: Appeal.Outcome, answer: str, decided_by: User | None, now: datetime
) -> Decision:
    """End a locked appeal with its written answer, and carry out what it says."""
    rejection = lock_case(appeal.pk)
    if rejection.status != Status.APPEALED:
        raise IllegalTransition("This appeal has been decided already.")
    overturned = outcome == Appeal.Outcome.OVERTURNED
    appeal.status, appeal.outcome, appeal.answer = Appeal.Status.DECIDED, outcome, answer
    appeal.decided_by, appeal.decided_at = decided_by, now
    appeal.save(update_fields=["status", "outcome", "answer", "decided_by", "decided_at"])
    made = decisions.record(
        kind=Decision.Kind.OVERTURN if overturned else Decision.Kind.UPHOLD,
        subject_kind="assignment",
        subject_id=appeal.pk,
        concerns=rejection.assignment.worker.user,
        made_by=decided_by,
        reasons=answer,
        now=now,
        answers=rejection.decision,
    )
    if overturned:
        overturn(rejection, decided_by=decided_by, now=now)
    else:
        stand(rejection, now=now)
    return made


def _free(rejection: Rejection) -> None:
    """Release what was held, but for what is owed, or was paid, for the time it took."""
    assignment = rejection.assignment
    left = assignment.reward_minor + assignment.fee_minor - rejection.effort_minor
    assert assignment.batch.escrow_id is not None
    if left:
        ledger.release(assignment.batch.escrow_id, Money(left, assignment.batch.currency))


def _record(
    kind: str, assignment: Assignment, actor: User | None, now: datetime, **data: Any
) -> None:
    events.record(
        kind=kind,
        subject_kind="batch",
        subject_id=assignment.batch_id,
        actor=actor,
        at=now,
        data={"assignment": assignment.pk, **data},
    )
