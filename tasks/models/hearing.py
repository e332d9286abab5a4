"""Refused pay, and the hearing it gets: rejection, appeal, a jury's seats."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tasks.models.assignment import Assignment
from workers.models import Decision, Person, User, Worker


class Rejection(models.Model):
    """One refusal: the reward stays held until it is final."""

    class Code(models.TextChoices):
        WRONG_OR_EMPTY = "wrong_or_empty"
        IGNORED_INSTRUCTIONS = "ignored_instructions"
        DUPLICATE = "duplicate"
        FRAUD = "fraud"

    class Status(models.TextChoices):
        WAITING = "waiting"  # the requester refuses unusually often: a human has to agree first
        OPEN = "open"  # the worker may appeal until ``appeal_until``
        APPEALED = "appealed"
        FINAL = "final"  # it stands; what was held is free
        OVERTURNED = "overturned"  # the reward is paid in full
        DECLINED = "declined"  # the human did not agree; the answer is accepted

    UNPAID_EFFORT = ("duplicate", "fraud")  # only for these nothing at all is paid
    PENDING = ("waiting", "open", "appealed")

    assignment = models.OneToOneField(
        Assignment, models.PROTECT, primary_key=True, related_name="rejection"
    )
    code = models.CharField(max_length=20, choices=Code)
    reason = models.TextField()  # at least 40 characters, as the worker reads them
    instruction = models.TextField()  # the instruction or check that failed
    status = models.CharField(max_length=10, choices=Status)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_index=False
    )
    appeal_until = models.DateTimeField(null=True)
    effort_minor = models.BigIntegerField(default=0)  # owed for the time it took
    effort_paid_at = models.DateTimeField(null=True)
    reopened = models.BooleanField(default=False)  # whether another answer was asked for
    decision = models.ForeignKey(  # the record of the refusal
        Decision, models.PROTECT, null=True, related_name="+", db_index=False
    )
    final_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="rejection_says_why",
                condition=Q(reason__regex=r"^(.|\n){40,}") & ~Q(instruction=""),
            ),
            models.CheckConstraint(
                name="rejection_code_is_known",
                condition=Q(
                    code__in=["wrong_or_empty", "ignored_instructions", "duplicate", "fraud"]
                ),
            ),
            models.CheckConstraint(
                name="rejection_recorded_unless_waiting",
                condition=Q(status__in=["waiting", "declined"]) | Q(decision__isnull=False),
            ),
            models.CheckConstraint(
                name="rejection_final_iff_final_at",
                condition=Q(status__in=["waiting", "open", "appealed"], final_at=None)
                | Q(status__in=["final", "overturned", "declined"], final_at__isnull=False),
            ),
            models.CheckConstraint(
                name="rejection_effort_only_in_good_faith",
                condition=Q(effort_minor=0)
                | Q(effort_minor__gt=0, code__in=["wrong_or_empty", "ignored_instructions"]),
            ),
        ]
        indexes = [
            models.Index(
                name="rejection_window", fields=["appeal_until"], condition=Q(status="open")
            ),
            models.Index(
                name="rejection_waiting", fields=["made_at"], condition=Q(status="waiting")
            ),
            models.Index(
                name="rejection_effort_due",
                fields=["assignment"],
                condition=Q(effort_paid_at=None, effort_minor__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"rejection of {self.assignment_id}: {self.status}"


class Appeal(models.Model):
    """A worker's call for a hearing; three of their peers decide, blind, or a human does."""

    class Status(models.TextChoices):
        OPEN = "open"  # before the jury
        HUMAN = "human"  # tied, late, or asked for: an admin decides
        DECIDED = "decided"

    class Outcome(models.TextChoices):
        OVERTURNED = "overturned"
        UPHELD = "upheld"

    SEATS = 3

    rejection = models.OneToOneField(
        Rejection, models.PROTECT, primary_key=True, related_name="appeal"
    )
    message = models.TextField(blank=True)
    status = models.CharField(max_length=7, choices=Status, default=Status.OPEN)
    made_at = models.DateTimeField()
    jury_until = models.DateTimeField()  # then a human decides
    due_at = models.DateTimeField()  # an answer is owed by then
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    decided_by = models.ForeignKey(  # null: the jury
        User, models.PROTECT, null=True, related_name="+", db_index=False
    )
    answer = models.TextField(blank=True)  # the written reasons
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="appeal_decided_with_an_answer",
                condition=Q(status="decided", decided_at__isnull=False)
                & ~Q(outcome="")
                & ~Q(answer="")
                | ~Q(status="decided") & Q(decided_at=None, outcome=""),
            ),
        ]
        indexes = [
            models.Index(name="appeal_open", fields=["jury_until"], condition=Q(status="open")),
            models.Index(name="appeal_human", fields=["due_at"], condition=Q(status="human")),
        ]

    def __str__(self) -> str:
        return f"appeal {self.pk}: {self.status}"


class Juror(models.Model):
    """One seat on a jury. Who sits there sees the case, and nobody's name."""

    class Vote(models.TextChoices):
        OVERTURN = "overturn"
        UPHOLD = "uphold"

    appeal = models.ForeignKey(Appeal, models.PROTECT, related_name="jurors", db_index=False)
    seat = models.PositiveSmallIntegerField()  # 1 to 3
    worker = models.ForeignKey(Worker, models.PROTECT, related_name="juries")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    joined_at = models.DateTimeField()
    leave_at = models.DateTimeField()  # the seat is free again unless they voted
    vote = models.CharField(max_length=8, choices=Vote, blank=True)
    reason = models.TextField(blank=True)
    voted_at = models.DateTimeField(null=True)
    pay_minor = models.BigIntegerField()  # for a vote, whichever way
    currency = models.CharField(max_length=3)
    paid_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="juror_one_per_seat", fields=["appeal", "seat"]),
            models.UniqueConstraint(name="juror_once_per_person", fields=["appeal", "person"]),
            models.CheckConstraint(name="juror_seat_of_three", condition=Q(seat__range=(1, 3))),
            models.CheckConstraint(name="juror_is_paid", condition=Q(pay_minor__gt=0)),
            models.CheckConstraint(
                name="juror_votes_with_a_reason",
                condition=Q(vote="", voted_at=None)
                | ~Q(vote="") & ~Q(reason="") & Q(voted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="juror_leaves_after_joining", condition=Q(leave_at__gt=F("joined_at"))
            ),
        ]
        indexes = [
            models.Index(
                name="juror_unpaid",
                fields=["id"],
                condition=Q(voted_at__isnull=False, paid_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"seat {self.seat} of {self.appeal_id}"
