"""Who did what to what, when: read by webhooks, notifications, audit and provenance."""

from __future__ import annotations

import pgtrigger
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from workers.models.people import User


class Event(models.Model):
    """One effect, written in the transaction that had it. Rows are never changed or removed."""

    kind = models.CharField(max_length=60)  # "qualification_granted"
    subject_kind = models.CharField(max_length=40)  # "worker", with ``subject_id`` its row
    subject_id = models.BigIntegerField()  # no foreign key: subjects live in every app
    # Null when no one person did it: a job, a deadline. Protected, because emptying the column
    # of a deleted user would change the event.
    actor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    data = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        indexes = [
            # The history of one row, oldest first.
            models.Index(name="event_by_subject", fields=["subject_kind", "subject_id", "id"]),
        ]
        triggers = [
            pgtrigger.Protect(
                name="event_is_never_changed", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            pgtrigger.Trigger(
                name="event_is_never_truncated",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func="RAISE EXCEPTION 'events are never removed';",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_kind} {self.subject_id}"
