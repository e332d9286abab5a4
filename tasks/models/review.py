"""Tasks that wait for somebody to look, and what was decided about them."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from tasks.models.batch import Batch
from tasks.models.task import Gold, Task
from workers.models import User


class ReviewQuerySet(models.QuerySet["Review"]):
    def waiting(self) -> ReviewQuerySet:
        """Reviews nobody has decided, least certain first."""
        return self.filter(status=Review.Status.WAITING).order_by("confidence", "pk")


class Review(models.Model):
    """One look at one task. Once decided it never changes: a second look is a second row."""

    class Reason(models.TextChoices):
        UNCERTAIN = "uncertain"  # its answers do not settle it, and no more will be bought
        DISPUTED = "disputed"  # careful workers disagree
        AUDIT = "audit"  # drawn at random, to see how good the others are
        REQUESTED = "requested"  # somebody asked for it

    class Status(models.TextChoices):
        WAITING = "waiting"
        ACCEPTED = "accepted"  # the consensus stands
        FIXED = "fixed"  # replaced by ``value``
        SENT_BACK = "sent_back"  # more answers are wanted
        OVERTAKEN = "overtaken"  # later answers settled it before anybody looked

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.WAITING: {Status.ACCEPTED, Status.FIXED, Status.SENT_BACK, Status.OVERTAKEN},
    }  # a status that is not a key is final

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="reviews")
    task = models.ForeignKey(Task, models.PROTECT, related_name="reviews")
    reason = models.CharField(max_length=9, choices=Reason)
    status = models.CharField(max_length=9, choices=Status, default=Status.WAITING)
    confidence = models.FloatField()  # of the consensus as it was put up
    proposal = models.JSONField()  # that consensus: {element: value}
    value = models.JSONField(null=True)  # what was decided, in the same shape
    note = models.TextField(blank=True)
    # The copy of the task that experts answer, in a batch of their own.
    expert_task = models.OneToOneField(Task, models.PROTECT, null=True, related_name="adjudicates")
    # The gold task that its outcome was copied into.
    gold = models.OneToOneField(Gold, models.PROTECT, null=True, related_name="review")
    reviewer = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="review_waiting_once_per_task",
                fields=["task"],
                condition=Q(status="waiting"),
            ),
            models.CheckConstraint(
                name="review_decided_iff_decided_at",
                condition=Q(status="waiting", decided_at=None)
                | ~Q(status="waiting") & Q(decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="review_value_iff_settled",
                condition=Q(status__in=["accepted", "fixed"], value__isnull=False)
                | ~Q(status__in=["accepted", "fixed"]) & Q(value=None),
            ),
            models.CheckConstraint(
                name="review_settled_by_a_person_or_by_experts",
                condition=Q(status__in=["waiting", "overtaken"])
                | Q(reviewer__isnull=False)
                | Q(expert_task__isnull=False),
            ),
        ]
        indexes = [
            # The queue, least certain first.
            models.Index(
                name="review_queue",
                fields=["batch_id", "confidence", "id"],
                condition=Q(status="waiting"),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="review_never_changes_once_decided",
                operation=pgtrigger.UpdateOf(  # type: ignore[no-untyped-call]
                    "batch_id",
                    "task_id",
                    "reason",
                    "status",
                    "confidence",
                    "proposal",
                    "value",
                    "note",
                    "expert_task_id",
                    "reviewer_id",
                    "created_at",
                    "decided_at",
                ),
                condition=pgtrigger.Q(old__decided_at__isnull=False),
            ),
            pgtrigger.Protect(name="review_is_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"review of task {self.task_id}: {self.status}"
