"""What came of it: a consensus per question, and how far a batch has got."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tasks.models.batch import Batch
from tasks.models.task import Task


class Consensus(models.Model):
    """The answers to one element of one task, made one."""

    task = models.ForeignKey(Task, models.PROTECT, related_name="consensus", db_index=False)
    name = models.CharField(max_length=50)  # of the interface's element
    value = models.JSONField()
    confidence = models.FloatField()  # the aggregator's own probability of ``value``, in [0, 1]
    method = models.CharField(max_length=40)
    answers = models.PositiveIntegerField()  # how many it rests on
    aggregated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "consensus"
        constraints = [
            models.UniqueConstraint(name="consensus_one_per_element", fields=["task", "name"]),
            models.CheckConstraint(
                name="consensus_confidence_is_probability",
                condition=Q(confidence__range=(0, 1)),
            ),
            models.CheckConstraint(name="consensus_rests_on_answers", condition=Q(answers__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.task_id}: {self.value}"


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
