"""The edge's own memory: keys of callers, responses kept for replay, heartbeats of jobs."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class ApiKey(models.Model):
    """A token somebody calls the API with. Only its digest is kept, so it cannot be read back."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)  # what its owner calls it
    prefix = models.CharField(max_length=12)  # the token's beginning, to recognise it by
    digest = models.BinaryField(max_length=32, unique=True)  # SHA-256 of the token
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)  # to the hour
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="apikey_expires_after_it_was_made",
                condition=Q(expires_at=None) | Q(expires_at__gt=F("created_at")),
            ),
            models.CheckConstraint(name="apikey_named", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"


class StoredResponse(models.Model):
    """The answer to one keyed request, replayed when the request is repeated."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)  # the client's Idempotency-Key
    fingerprint = models.CharField(max_length=64)  # SHA-256 of what was asked
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="storedresponse_key_per_user", fields=["user", "key"]),
        ]
        indexes = [
            # For the job that forgets them after a day.
            models.Index(name="storedresponse_age", fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return self.key


class Heartbeat(models.Model):
    """When a job last ran, and what came of it: the evidence for ``/readyz`` and ``/metrics``."""

    job = models.CharField(max_length=60, primary_key=True)
    finished_at = models.DateTimeField()  # of the last run that did not fail
    done = models.BigIntegerField(default=0)  # what that run reported, e.g. rows settled

    def __str__(self) -> str:
        return self.job
