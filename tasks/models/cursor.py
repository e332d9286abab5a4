"""Where a worker stands in a batch."""

from __future__ import annotations

from django.db import models

from tasks.models.batch import Batch
from workers.models import Worker

START = -(2**63)  # before every position


class Cursor(models.Model):
    """One worker's way through one batch. Locking it lets the worker claim once at a time."""

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="cursors", db_index=False)
    worker = models.ForeignKey(Worker, models.PROTECT, related_name="cursors")
    # The name the requester knows this worker by, in this batch only.
    pseudonym = models.CharField(max_length=16)
    position = models.BigIntegerField(default=START)  # of the last task taken from the normal lane
    # Gold is walked round and round from a random place, each task once. A walk that finds none
    # rests, so that nobody looks through gold they have seen at every claim.
    gold_position = models.BigIntegerField()
    gold_rest_until = models.DateTimeField(null=True)
    # A scan that found nothing is repeated from the start, at growing intervals.
    rescan_at = models.DateTimeField(null=True)
    rescan_seconds = models.PositiveIntegerField(default=0)
    # The rules and qualifications this worker was last found eligible under.
    requirements_version = models.IntegerField(default=-1)
    qualifications_version = models.IntegerField(default=-1)

    # What a rule asks of this worker, while it lasts (tasks.checks.restrict); null: as everybody.
    gold_rate = models.FloatField(null=True)
    max_live_assignments = models.PositiveSmallIntegerField(null=True)
    paused_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="cursor_one_per_worker", fields=["batch", "worker"]),
            models.UniqueConstraint(name="cursor_pseudonym_once", fields=["batch", "pseudonym"]),
        ]

    def __str__(self) -> str:
        return self.pseudonym
