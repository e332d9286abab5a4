"""One worker's go at one task, and the answer they gave."""

from __future__ import annotations

from datetime import datetime

import pgtrigger
from django.db import models
from django.db.models import F, Q

from payments.money import Money
from tasks.errors import IllegalTransition
from tasks.models.batch import Batch
from tasks.models.prediction import Prediction
from tasks.models.task import Task
from workers.models import Person, User, Worker


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    """Chains read as a sentence: ``Assignment.objects.of(worker).counted()``."""

    def of(self, worker: Worker) -> AssignmentQuerySet:
        """One worker's assignments."""
        return self.filter(worker=worker)

    def reviewable_by(self, requester_id: int) -> AssignmentQuerySet:
        """Assignments of one requester's batches."""
        return self.filter(batch__project__requester_id=requester_id)

    def overdue(self, cutoff: datetime) -> AssignmentQuerySet:
        """Assignments still being worked on whose deadline was before ``cutoff``."""
        return self.filter(status=Assignment.Status.ACTIVE, deadline_at__lt=cutoff)

    def counted(self) -> AssignmentQuerySet:
        """Assignments whose answer counts towards a consensus."""
        return self.filter(status__in=Assignment.COUNTED)

    def unpaid(self) -> AssignmentQuerySet:
        """Accepted assignments whose reward has not moved yet."""
        return self.filter(status=Assignment.Status.ACCEPTED, paid_at=None)

    def undecided(self) -> AssignmentQuerySet:
        """Assignments that still hold money of their batch's budget."""
        return self.filter(
            Q(status__in=[Assignment.Status.ACTIVE, Assignment.Status.SUBMITTED])
            | Q(status=Assignment.Status.ACCEPTED, paid_at=None)
        )


class Assignment(models.Model):
    class Status(models.TextChoices):
        ACTIVE = "active"  # claimed, being worked on
        SUBMITTED = "submitted"  # answered, waiting for a decision
        ACCEPTED = "accepted"  # answer kept, reward owed
        REJECTED = "rejected"  # answer refused, slot reopened
        SKIPPED = "skipped"  # handed back by the worker
        EXPIRED = "expired"  # deadline passed without an answer

    COUNTED = (Status.SUBMITTED, Status.ACCEPTED)

    # Every legal move. A status that is not a key is final.
    MOVES = {
        Status.ACTIVE: {Status.SUBMITTED, Status.SKIPPED, Status.EXPIRED},
        Status.SUBMITTED: {Status.ACCEPTED, Status.REJECTED},
        Status.REJECTED: {Status.ACCEPTED},  # when an appeal is upheld
    }

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="assignments", db_index=False)
    task = models.ForeignKey(Task, models.PROTECT, related_name="assignments", db_index=False)
    worker = models.ForeignKey(Worker, models.PROTECT, related_name="assignments", db_index=False)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=9, choices=Status, default=Status.ACTIVE)
    is_gold = models.BooleanField(default=False)
    reward_minor = models.BigIntegerField()  # frozen at claim
    fee_minor = models.BigIntegerField()  # frozen at claim
    claimed_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    accept_due_at = models.DateTimeField(null=True)  # accepted then, unless decided before
    finished_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_index=False
    )  # null: accepted because its time was up
    reason = models.TextField(blank=True)  # why it was skipped or rejected
    # The prediction the worker was shown to correct, if any.
    suggestion = models.ForeignKey(
        Prediction, models.PROTECT, null=True, related_name="+", db_index=False
    )
    aggregated_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)
    # Working time (tasks.wages.time), by the server's clock. Of beats only sums are kept.
    beats = models.PositiveIntegerField(default=0, db_default=0)
    beat_at = models.DateTimeField(null=True)  # the latest
    active_seconds = models.FloatField(default=0, db_default=0)  # until the latest beat
    covered_seconds = models.FloatField(default=0, db_default=0)
    worked_seconds = models.PositiveIntegerField(null=True)  # measured at submit
    coverage = models.FloatField(null=True)  # share of the time that beats vouch for
    reported_seconds = models.PositiveIntegerField(null=True)  # as the worker said it took
    effort_minor = models.BigIntegerField(default=0, db_default=0)  # paid though it was refused

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="assignment_once_per_worker", fields=["task", "worker"]),
            models.UniqueConstraint(name="assignment_once_per_person", fields=["task", "person"]),
            models.CheckConstraint(
                name="assignment_deadline_after_claim", condition=Q(deadline_at__gt=F("claimed_at"))
            ),
            models.CheckConstraint(
                name="assignment_submitted_at_iff_answered",
                condition=Q(
                    status__in=["submitted", "accepted", "rejected"],
                    submitted_at__isnull=False,
                    accept_due_at__isnull=False,
                )
                | Q(
                    status__in=["active", "skipped", "expired"],
                    submitted_at=None,
                    accept_due_at=None,
                ),
            ),
            models.CheckConstraint(
                name="assignment_finished_at_iff_finished",
                condition=Q(status__in=["active", "submitted"], finished_at=None)
                | ~Q(status__in=["active", "submitted"]) & Q(finished_at__isnull=False),
            ),
            models.CheckConstraint(
                name="assignment_paid_only_if_accepted",
                condition=Q(paid_at=None) | Q(status="accepted"),
            ),
            models.CheckConstraint(
                name="assignment_rejected_with_reason",
                condition=~Q(status="rejected") | ~Q(reason="") & Q(decided_by__isnull=False),
            ),
        ]
        indexes = [
            # For distribute.claim: how many a worker holds. Also "my open tasks".
            models.Index(
                name="assignment_live", fields=["worker", "batch"], condition=Q(status="active")
            ),
            # For distribute.expire_overdue.
            models.Index(
                name="assignment_deadline", fields=["deadline_at"], condition=Q(status="active")
            ),
            # For settle.accept_due.
            models.Index(
                name="assignment_accept_due",
                fields=["accept_due_at"],
                condition=Q(status="submitted"),
            ),
            # For settle.pay_accepted.
            models.Index(
                name="assignment_unpaid",
                fields=["id"],
                condition=Q(status="accepted", paid_at=None),
            ),
            # For aggregate.aggregate_due.
            models.Index(
                name="assignment_to_aggregate",
                fields=["batch"],
                condition=Q(status__in=["submitted", "accepted"], aggregated_at=None),
            ),
            # For redundancy.decide: the answers since the last look.
            models.Index(
                name="assignment_submitted",
                fields=["batch", "submitted_at"],
                condition=Q(submitted_at__isnull=False),
            ),
            # For answers and exports, page by page.
            models.Index(name="assignment_of_batch", fields=["batch", "id"]),
            # For a worker's own history, page by page.
            models.Index(name="assignment_of_worker", fields=["worker", "id"]),
        ]

    def __str__(self) -> str:
        return f"assignment {self.pk}: {self.status}"

    @property
    def reward(self) -> Money:
        return Money(self.reward_minor, self.batch.currency)

    def move_to(self, status: Status, **fields: str | datetime | User | None) -> None:
        """Change status, saving ``fields`` with it, if the move is legal *now*.

        The old status is part of the WHERE clause, so of two concurrent movers
        exactly one wins; the other gets ``IllegalTransition``.
        """
        legal = status in self.MOVES.get(self.Status(self.status), ())
        row = Assignment.objects.filter(pk=self.pk, status=self.status)
        if not (legal and row.update(status=status, **fields)):
            raise IllegalTransition(f"An assignment that is {self.status} cannot be {status}.")
        for name, value in {"status": status, **fields}.items():
            setattr(self, name, value)


class Answer(models.Model):
    """What a worker answered, as they submitted it. Written once, with its hash."""

    assignment = models.OneToOneField(
        Assignment, models.PROTECT, primary_key=True, related_name="answer"
    )
    value = models.JSONField()
    sha256 = models.BinaryField(max_length=32)  # of the value's text in PostgreSQL's jsonb form
    created_at = models.DateTimeField()

    class Meta:
        triggers = [
            pgtrigger.Protect(
                name="answer_never_changes",
                operation=pgtrigger.Update | pgtrigger.Delete,
            ),
        ]

    def __str__(self) -> str:
        return f"answer of {self.assignment_id}"
