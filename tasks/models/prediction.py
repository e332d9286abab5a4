"""What models say about tasks: suggestions, one more voice, or an answer of their own."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tasks.models.project import Project
from tasks.models.task import Task


class Predictor(models.Model):
    """One version of one model that predicts answers for a project."""

    class Kind(models.TextChoices):
        PUSHED = "pushed"  # its owner sends predictions by the API
        BACKEND = "backend"  # is asked over HTTP, by Label Studio's ML-backend protocol
        BASELINE = "baseline"  # the built-in text classifier, retrained as labels arrive

    project = models.ForeignKey(Project, models.PROTECT, related_name="predictors")
    name = models.CharField(max_length=100)
    version = models.CharField(max_length=100)
    kind = models.CharField(max_length=8, choices=Kind)
    url = models.URLField(max_length=500, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="predictor_version_once", fields=["project", "name", "version"]
            ),
            models.CheckConstraint(
                name="predictor_backend_has_a_url", condition=~Q(kind="backend") | ~Q(url="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Prediction(models.Model):
    """One predictor's answer to one task."""

    predictor = models.ForeignKey(Predictor, models.PROTECT, related_name="predictions")
    task = models.ForeignKey(Task, models.PROTECT, related_name="predictions")
    value = models.JSONField()  # an answer, or a part of one, in the shape of tasks.interface
    score = models.FloatField(null=True)  # the model's own probability that ``value`` is right
    probabilities = models.JSONField(null=True)  # {element: {label: probability}}, if it says
    # Whether it has learnt from this very task's labels: then it is no evidence about the task.
    has_seen_labels = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="prediction_once_per_task_and_predictor", fields=["task", "predictor"]
            ),
            models.CheckConstraint(
                name="prediction_score_is_probability",
                condition=Q(score=None) | Q(score__range=(0, 1)),
            ),
        ]

    def __str__(self) -> str:
        return f"prediction {self.pk} of task {self.task_id}"
