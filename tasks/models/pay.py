"""Fair pay: what a batch's work takes, what raised its pay to the floor, and what was returned."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tasks.models.assignment import Assignment
from tasks.models.batch import Batch
from workers.models import User, Worker


class Wage(models.Model):
    """What one batch's answers take and earn, as last looked at; made at publish."""

    batch = models.OneToOneField(Batch, models.PROTECT, primary_key=True, related_name="wage")
    workers = models.PositiveIntegerField(default=0)  # who have submitted
    answers = models.PositiveIntegerField(default=0)  # that were timed
    # The median of the workers' medians, from five workers on; null: the estimate counts.
    reference_seconds = models.PositiveIntegerField(null=True)
    low_seconds = models.PositiveIntegerField(null=True)  # quartiles of all timed answers
    median_seconds = models.PositiveIntegerField(null=True)
    high_seconds = models.PositiveIntegerField(null=True)
    # To every accepted answer. What never falls is reward and top-up together.
    topup_minor = models.BigIntegerField(default=0)
    is_final = models.BooleanField(default=False)  # nothing more is owed
    computed_at = models.DateTimeField(null=True)
    look_after = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(name="wage_due", fields=["look_after"], condition=Q(is_final=False)),
        ]

    def __str__(self) -> str:
        return f"wage of batch {self.batch_id}"


class TopUp(models.Model):
    """Pay on top of rewards, posted with its row. Never taken back."""

    class Rule(models.TextChoices):
        JOB = "job"  # the usual time of this batch takes more than its reward pays for
        WORKER = "worker"  # this worker's own time here did
        RETURN = "return"  # time spent on a task that could not be done

    class Payer(models.TextChoices):
        RESERVE = "reserve"
        GUARANTEE = "guarantee"  # the platform, which the requester then owes

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="topups", db_index=False)
    worker = models.ForeignKey(Worker, models.PROTECT, related_name="topups")
    rule = models.CharField(max_length=6, choices=Rule)
    number = models.PositiveIntegerField()  # of this worker, batch and rule, from 1
    reserve_minor = models.BigIntegerField(default=0)  # paid from the batch's reserve
    guarantee_minor = models.BigIntegerField(default=0)  # paid by the platform for the requester
    inputs = models.JSONField()  # the figures that went into the formula
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="topup_once", fields=["batch", "worker", "rule", "number"]
            ),
            models.CheckConstraint(
                name="topup_pays_something",
                condition=Q(reserve_minor__gte=0, guarantee_minor__gte=0)
                & (Q(reserve_minor__gt=0) | Q(guarantee_minor__gt=0)),
            ),
        ]

    def __str__(self) -> str:
        return f"top-up {self.pk}"

    @property
    def amount_minor(self) -> int:
        """All of it, in minor units."""
        return self.reserve_minor + self.guarantee_minor


class Return(models.Model):
    """A task handed back because of what it is. The time it took may be paid."""

    class Reason(models.TextChoices):
        BROKEN = "broken"  # it cannot be answered
        UNCLEAR = "unclear"
        LONGER_THAN_SAID = "longer_than_said"
        HARMFUL = "harmful"  # it shows what no warning said

    class Status(models.TextChoices):
        WAITING = "waiting"  # paid when another says the same, or at ``due_at``
        GRANTED = "granted"  # to be paid
        PAID = "paid"
        REFUSED = "refused"  # by the requester, with a reason
        NOTHING = "nothing"  # it took no time, or there is no floor

    assignment = models.OneToOneField(
        Assignment, models.PROTECT, primary_key=True, related_name="returned"
    )
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="returns")
    reason = models.CharField(max_length=16, choices=Reason)
    text = models.TextField(blank=True)
    seconds = models.PositiveIntegerField()
    amount_minor = models.BigIntegerField()
    status = models.CharField(max_length=7, choices=Status, default=Status.WAITING)
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_index=False
    )
    decided_reason = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="return_refused_by_a_human_with_words",
                condition=~Q(status="refused")
                | Q(decided_by__isnull=False) & ~Q(decided_reason=""),
            ),
        ]
        indexes = [
            models.Index(
                name="return_open",
                fields=["due_at"],
                condition=Q(status__in=["waiting", "granted"]),
            ),
        ]

    def __str__(self) -> str:
        return f"return of {self.assignment_id}: {self.reason}"
