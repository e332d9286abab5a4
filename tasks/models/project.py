"""What a requester asks: a project, and the versions its wording went through."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models


class Project(models.Model):
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="projects")
    title = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.title

    @property
    def latest(self) -> ProjectVersion:
        """The version that new batches are made of."""
        return self.versions.latest("number")


class ProjectVersion(models.Model):
    """Instructions and interface as workers saw them. A version never changes."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    instructions = models.TextField(blank=True)
    interface = models.JSONField()  # what the worker is asked: tasks.interface
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="projectversion_number_once", fields=["project", "number"]
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="version_never_changes", operation=pgtrigger.Update | pgtrigger.Delete
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} v{self.number}"
