"""What follows from a worker's record in a batch: closer checks for a while, or a human's look."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tasks.models.batch import Batch
from workers.models import User, Worker


class Restriction(models.Model):
    """A rule's consequence for one worker in one batch. It ends by itself, or is lifted."""

    class Kind(models.TextChoices):
        MORE_GOLD = "more_gold"  # a larger share of their tasks is gold
        LIMIT = "limit"  # fewer assignments at a time
        PAUSE = "pause"  # no claims until it ends

    worker = models.ForeignKey(Worker, models.PROTECT, related_name="restrictions")
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="restrictions")
    kind = models.CharField(max_length=9, choices=Kind)
    value = models.FloatField()  # gold rate, live assignments, or hours
    sentence = models.TextField()  # what the worker is told
    evidence = models.JSONField()  # the figures behind it
    made_at = models.DateTimeField()
    until = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="restriction_live_once_per_kind",
                fields=["worker", "batch", "kind"],
                condition=Q(lifted_at=None),
            ),
            models.CheckConstraint(
                name="restriction_ends_after_it_began", condition=Q(until__gt=F("made_at"))
            ),
        ]
        indexes = [
            # For restrict.lift_ended.
            models.Index(name="restriction_ending", fields=["until"], condition=Q(lifted_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for worker {self.worker_id} in batch {self.batch_id}"


class Flag(models.Model):
    """A question to a human about a worker. Only their answer, with reasons, has consequences."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        DISMISSED = "dismissed"  # nothing was wrong
        UPHELD = "upheld"  # something was; what follows is the human's own act

    worker = models.ForeignKey(Worker, models.PROTECT, related_name="flags")
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="flags")
    kind = models.CharField(max_length=20)  # the collector, or "ring", "duplicates"
    sentence = models.TextField()
    evidence = models.JSONField()
    status = models.CharField(max_length=9, choices=Status, default=Status.WAITING)
    made_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_index=False
    )
    reason = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="flag_waiting_once_per_kind",
                fields=["worker", "batch", "kind"],
                condition=Q(status="waiting"),
            ),
            models.CheckConstraint(
                name="flag_decided_by_a_named_human_with_a_reason",
                condition=Q(status="waiting", decided_by=None, decided_at=None)
                | ~Q(status="waiting")
                & Q(decided_by__isnull=False, decided_at__isnull=False)
                & ~Q(reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: worker {self.worker_id} in batch {self.batch_id}, {self.status}"
