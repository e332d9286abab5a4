"""What is asked of Stripe, what is heard from it, and what does not fit together.

Every call that moves money is a row first: planned with its key and its cause, sent outside any
transaction, and sent again under the same key until an answer is known.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class StripeOperation(models.Model):
    """One call: the outbox of payments."""

    class State(models.TextChoices):
        PLANNED = "planned"  # not sent yet
        SENT = "sent"  # sent; the answer is not known
        CONFIRMED = "confirmed"
        FAILED = "failed"  # refused for good; what it was for was undone
        UNKNOWN = "unknown"  # too old to be sent again; a job looks for it at Stripe

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.CharField(max_length=30)  # payments.operations: what is called, and what follows
    subject_id = models.BigIntegerField()  # the row it is about: which sort, the kind says
    idempotency_key = models.CharField(max_length=255, unique=True)
    stripe_account = models.CharField(max_length=100, blank=True)  # "": the platform's own
    request = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    stripe_id = models.CharField(max_length=200, unique=True, null=True)  # noqa: DJ001
    attempt = models.PositiveSmallIntegerField(default=1)  # of the key: rises after a refusal
    runs = models.PositiveIntegerField(default=0)  # how often it was sent, under whatever key
    last_error = models.TextField(blank=True)
    next_try_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)  # whoever runs it has it until then
    first_sent_at = models.DateTimeField(null=True)  # under the present key
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="operation_once_in_flight_per_subject",
                fields=["kind", "subject_id"],
                condition=Q(state__in=["planned", "sent", "unknown"]),
            ),
            models.CheckConstraint(
                name="operation_confirmed_has_an_id",
                condition=~Q(state="confirmed") | Q(stripe_id__isnull=False),
            ),
            models.CheckConstraint(
                name="operation_finished_at_the_end",
                condition=Q(state__in=["confirmed", "failed"], finished_at__isnull=False)
                | Q(state__in=["planned", "sent", "unknown"], finished_at=None),
            ),
        ]
        indexes = [
            models.Index(name="operation_by_age", fields=["created_at"]),  # the operator's list
            models.Index(
                name="operation_due",
                fields=["next_try_at"],
                condition=Q(state__in=["planned", "sent", "unknown"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}: {self.state}"


class StripeEvent(models.Model):
    """What Stripe said, as it said it; stored before anything is done about it."""

    id = models.CharField(primary_key=True, max_length=100)
    type = models.CharField(max_length=100)
    account = models.CharField(max_length=100, blank=True)
    payload = models.JSONField()
    source = models.CharField(max_length=10)  # "webhook", or "backfill" where none came
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField()
    last_error = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(name="stripe_event_by_age", fields=["received_at"]),  # the same, and jobs
            models.Index(
                name="stripe_event_due", fields=["next_try_at"], condition=Q(processed_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.pk}"


class Incident(models.Model):
    """Something that does not fit together, found by a job, for a human to look at."""

    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=200)  # what it is about: a Stripe id, an account, a day
    details = models.JSONField()
    found_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    resolution = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="incident_once", fields=["kind", "subject"]),
            models.CheckConstraint(
                name="incident_resolved_by_a_human_with_words",
                condition=Q(resolved_at=None) | Q(resolved_by__isnull=False) & ~Q(resolution=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}"


class Watermark(models.Model):
    """How far a job has read one of Stripe's lists."""

    name = models.CharField(primary_key=True, max_length=60)
    position = models.CharField(max_length=200)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.position}"
