"""The memory of the stand-in for Stripe that a site without a key runs on: play money."""

from __future__ import annotations

from django.db import models


class PlayObject(models.Model):
    """One object of Stripe's, as its API would return it."""

    number = models.BigAutoField(primary_key=True)  # gives the order of creation
    name = models.CharField(max_length=120, unique=True)  # Stripe's id of it
    account = models.CharField(max_length=100)
    kind = models.CharField(max_length=60)
    data = models.JSONField()

    class Meta:
        indexes = [models.Index(name="play_listed", fields=["account", "kind", "number"])]

    def __str__(self) -> str:
        return self.name


class PlayReply(models.Model):
    """What was answered to a key, so that a repeat gets the same."""

    account = models.CharField(max_length=100)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(name="play_reply_once", fields=["account", "key"])]

    def __str__(self) -> str:
        return self.key
