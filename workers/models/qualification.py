"""What requesters certify of workers."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from workers import names
from workers.models.people import User
from workers.models.worker import Worker


class QualificationType(models.Model):
    """Something a requester can certify of workers, with a whole number as its value."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        INACTIVE = "inactive"

    # Indexed by the constraint on the name.
    requester = models.ForeignKey(
        User, models.PROTECT, db_index=False, related_name="qualification_types"
    )
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    keywords = models.CharField(max_length=1000, blank=True)  # comma-separated, for searching
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="qualification_type_name_once_per_requester", fields=["requester", "name"]
            ),
            models.CheckConstraint(
                name="qualification_type_name_is_visible",
                condition=~Q(name="") & ~Q(name__regex=names.INVISIBLE),
            ),
            models.CheckConstraint(
                name="qualification_type_status_is_known",
                condition=Q(status__in=["active", "inactive"]),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class QualificationQuerySet(models.QuerySet["Qualification"]):
    def granted(self) -> QualificationQuerySet:
        """Those that count now."""
        return self.filter(status=Qualification.Status.GRANTED)


class Qualification(models.Model):
    """One worker's value of one type; a revoked one stays, and counts as missing."""

    class Status(models.TextChoices):
        GRANTED = "granted"
        REVOKED = "revoked"

    type = models.ForeignKey(QualificationType, models.PROTECT, related_name="qualifications")
    # Indexed by the constraint on both.
    worker = models.ForeignKey(
        Worker, models.PROTECT, db_index=False, related_name="qualifications"
    )
    value = models.IntegerField(default=1)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.GRANTED)
    granted_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)  # why it was revoked, as told to the worker

    objects = QualificationQuerySet.as_manager()

    class Meta:
        constraints = [
            # Also the index by which ``qualify.eligible`` reads a worker's values.
            models.UniqueConstraint(
                name="qualification_once_per_worker", fields=["worker", "type"]
            ),
            models.CheckConstraint(
                name="qualification_revoked_iff_revoked_at",
                condition=Q(status="granted", revoked_at=None)
                | Q(status="revoked", revoked_at__isnull=False),
            ),
            models.CheckConstraint(
                name="qualification_revoked_after_granted",
                condition=Q(revoked_at=None) | Q(revoked_at__gte=F("granted_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"type {self.type_id} of worker {self.worker_id}: {self.value} ({self.status})"
