"""What is written down about a batch, to be held against it: forecasts and provenance."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from tasks.models.batch import Batch
from tasks.models.task import Task


class Forecast(models.Model):
    """What was said about a batch before it had happened, and what happened."""

    class Basis(models.TextChoices):
        PILOT = "pilot"
        ASSUMPTIONS = "assumptions"

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="forecasts")
    basis = models.CharField(max_length=11, choices=Basis)
    data = models.JSONField()  # tasks.forecasting: intervals, assumptions
    made_at = models.DateTimeField()
    actual = models.JSONField(null=True)  # the same quantities, measured at the end
    covered = models.JSONField(null=True)  # {quantity: whether its interval held}
    scored_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="forecast_scored_iff_compared",
                condition=Q(scored_at=None, actual=None, covered=None)
                | Q(scored_at__isnull=False, actual__isnull=False, covered__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"forecast {self.pk} of batch {self.batch_id}"


class Provenance(models.Model):
    """Where one task's labels come from, written when its batch closed, chained by hashes."""

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="provenance", db_index=False)
    number = models.PositiveIntegerField()  # in the batch's chain, from 1
    task = models.OneToOneField(Task, models.PROTECT, related_name="provenance")
    record = models.JSONField()
    previous = models.BinaryField(max_length=32)  # sha256 of the link before; zeros in the first
    sha256 = models.BinaryField(max_length=32)  # of ``previous`` and the record's text
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "provenance"
        constraints = [
            models.UniqueConstraint(name="provenance_number_once", fields=["batch", "number"]),
        ]
        triggers = [
            pgtrigger.Protect(
                name="provenance_never_changes",
                operation=pgtrigger.Update | pgtrigger.Delete,
            ),
        ]

    def __str__(self) -> str:
        return f"link {self.number} of batch {self.batch_id}"
