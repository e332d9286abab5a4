"""What came of it: a consensus per question, and how far a batch has got."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tasks.models.batch import Batch
from tasks.models.task import Task


class Consensus(models.Model):
    """The answers to one element of one task, made one."""

    class Source(models.TextChoices):
        CROWD = "crowd"  # the answers, aggregated
        MODEL = "model"  # a prediction above the conformal threshold
        REVIEW = "review"  # a reviewer's decision: it stands whatever is answered after it

    task = models.ForeignKey(Task, models.PROTECT, related_name="consensus", db_index=False)
    name = models.CharField(max_length=50)  # of the interface's element
    value = models.JSONField()
    confidence = models.FloatField()  # that ``value`` is right, in [0, 1]
    is_calibrated = models.BooleanField(
        default=False, db_default=False
    )  # on gold; else it is the method's own word
    raw_confidence = models.FloatField(null=True)  # the method's own word, where one spoke
    method = models.CharField(max_length=40)
    source = models.CharField(
        max_length=6, choices=Source, default=Source.CROWD, db_default=Source.CROWD
    )
    answers = models.PositiveIntegerField()  # how many it rests on
    aggregated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "consensus"
        constraints = [
            models.UniqueConstraint(name="consensus_one_per_element", fields=["task", "name"]),
            models.CheckConstraint(
                name="consensus_confidence_is_probability",
                condition=Q(confidence__range=(0, 1), raw_confidence__range=(0, 1)),
            ),
            models.CheckConstraint(
                name="consensus_of_the_crowd_rests_on_answers",
                condition=~Q(source="crowd") | Q(answers__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.task_id}: {self.value}"


class Report(models.Model):
    """What the answers of a batch say about themselves: tasks.report writes and documents it."""

    batch = models.OneToOneField(Batch, models.CASCADE, primary_key=True, related_name="report")
    data = models.JSONField()
    computed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"report on {self.batch_id}"


class Progress(models.Model):
    """A batch counted, every few seconds by a job: nothing on the claim path counts."""

    batch = models.OneToOneField(Batch, models.CASCADE, primary_key=True, related_name="progress")
    tasks_done = models.PositiveIntegerField(default=0)  # all their answers are in; without gold
    open_slots = models.PositiveBigIntegerField(default=0)
    active = models.PositiveIntegerField(default=0)
    submitted = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    expired = models.PositiveIntegerField(default=0)
    paid = models.PositiveIntegerField(default=0)
    workers = models.PositiveIntegerField(default=0)
    median_seconds = models.FloatField(null=True)  # from claim, or the answer before, to submit
    confidence = models.FloatField(null=True)  # mean over the tasks' consensus
    counted_at = models.DateTimeField()
    count_again_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "progress"

    def __str__(self) -> str:
        return f"progress of {self.batch_id}"
