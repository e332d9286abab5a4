"""One question, and how many more answers it wants. Narrow, because every claim touches it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tasks.models.batch import Batch

PRIORITY_MAX = 1000
POSITION_BITS = 52  # random bits of a position; the priority stands above them
# Tasks that get one more slot are lined up behind all others, wave by wave.
WAVES_FROM = 1 << 62  # no position by priority is as high
WAVE_BITS = 32  # places within a wave


class Lane(models.IntegerChoices):
    """Which queue of its batch a task waits in."""

    URGENT = 0  # handed back or left behind by everyone's cursor: a small set, served first
    NORMAL = 1  # in the order of position, each worker from their own cursor on
    GOLD = 2  # known answers, mixed in at the batch's gold rate


def position_of(priority: int, draw: int) -> int:
    """Place a task in its lane: higher priority first, at random within a priority.

    ``draw`` is a random number of ``POSITION_BITS`` bits. Serving in random order keeps
    ids and upload order from telling a worker which tasks are gold.
    """
    return (-priority << POSITION_BITS) + draw


class TaskQuerySet(models.QuerySet["Task"]):
    def ordinary(self) -> TaskQuerySet:
        """Tasks whose answer nobody knows yet: all but gold."""
        return self.filter(lane__in=[Lane.URGENT, Lane.NORMAL])


class Task(models.Model):
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="tasks", db_index=False)
    lane = models.PositiveSmallIntegerField(choices=Lane, default=Lane.NORMAL)
    position = models.BigIntegerField()  # order within the lane: ``position_of``
    overlap = models.PositiveSmallIntegerField()  # answers wanted; fewer once slots are withdrawn
    remaining_overlap = models.PositiveSmallIntegerField()  # slots still open
    is_open = models.BooleanField()
    # The person (workers.Person) who wrote the task, who may not answer it.
    author_id = models.BigIntegerField(null=True)
    expires_at = models.DateTimeField(null=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="task_open_iff_slots_remain",
                condition=Q(is_open=True, remaining_overlap__gt=0)
                | Q(is_open=False, remaining_overlap=0),
            ),
            models.CheckConstraint(
                name="task_slots_within_overlap",
                condition=Q(remaining_overlap__lte=F("overlap")),
            ),
        ]
        indexes = [
            # For distribute.claim: the next open task of a lane after a cursor.
            models.Index(
                name="task_open",
                fields=["batch", "lane", "position"],
                condition=Q(is_open=True),
            ),
            # For results and exports, page by page.
            models.Index(name="task_of_batch", fields=["batch", "id"]),
            # For distribute.expire_tasks.
            models.Index(
                name="task_expiring",
                fields=["expires_at"],
                condition=Q(is_open=True, expires_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"task {self.pk}"


class TaskInput(models.Model):
    """What the worker is shown: kept apart, so that claims rewrite only small rows."""

    task = models.OneToOneField(Task, models.PROTECT, primary_key=True, related_name="input")
    data = models.JSONField()
    external_id = models.CharField(max_length=200, blank=True)  # the requester's own name for it

    def __str__(self) -> str:
        return f"input of {self.task_id}"


class Gold(models.Model):
    """A task whose answer is known, to measure workers by."""

    class Source(models.TextChoices):
        REQUESTER = "requester"  # came with the upload
        REVIEW = "review"  # a reviewed consensus, copied into a task of its own

    class Retired(models.TextChoices):
        DISPUTED = "disputed"  # good workers answer otherwise: it no longer counts for anybody
        LEAKED = "leaked"  # its answer has got round
        ROTATED = "rotated"  # most workers have met it
        WITHDRAWN = "withdrawn"  # the requester took it back: it no longer counts for anybody

    task = models.OneToOneField(Task, models.PROTECT, primary_key=True, related_name="gold")
    answer = models.JSONField()  # in the shape of tasks.interface, e.g. {"label": "cat"}
    source = models.CharField(
        max_length=9, choices=Source, default=Source.REQUESTER, db_default=Source.REQUESTER
    )
    origin = models.ForeignKey(
        Task, models.PROTECT, null=True, related_name="promoted", db_index=False
    )
    explanation = models.TextField(
        blank=True, db_default=""
    )  # why, as told after a training answer
    retired_at = models.DateTimeField(null=True)
    retired_for = models.CharField(max_length=9, choices=Retired, blank=True, db_default="")

    # Reasons for which former answers to it do not count either.
    VOID = (Retired.DISPUTED, Retired.WITHDRAWN)

    class Meta:
        verbose_name_plural = "gold"
        constraints = [
            models.CheckConstraint(
                name="gold_retired_for_a_reason",
                condition=Q(retired_at=None, retired_for="")
                | Q(retired_at__isnull=False) & ~Q(retired_for=""),
            ),
            models.CheckConstraint(
                name="gold_from_review_has_an_origin",
                condition=~Q(source="review") | Q(origin__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"gold {self.task_id}"
