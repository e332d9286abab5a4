"""Those who answer tasks: their standing, what was estimated of them, whom they work with."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from workers.models.people import User


class WorkerQuerySet(models.QuerySet["Worker"]):
    def of_person(self, *person_ids: int) -> WorkerQuerySet:
        """The workers whose accounts belong to one of these persons."""
        return self.filter(user__person__in=person_ids)

    def locked(self) -> WorkerQuerySet:
        """These rows, one change of standing or qualification at a time.

        ``FOR NO KEY UPDATE``, so that claims, which share the row's key, go on meanwhile.
        """
        return self.order_by("pk").select_for_update(no_key=True, of=("self",))

    def bump_qualifications_version(self) -> int:
        """Make every batch look again at what these workers are qualified for."""
        return self.update(qualifications_version=F("qualifications_version") + 1)


class Worker(models.Model):
    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"
        CLOSED = "closed"

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.ACTIVE: {Status.SUSPENDED, Status.CLOSED},
        Status.SUSPENDED: {Status.ACTIVE, Status.CLOSED},
    }  # a status that is not a key is final

    user = models.OneToOneField(User, models.PROTECT, related_name="worker")
    # The worker's name towards requesters, of the shape MTurk's WorkerIds have.
    public_id = models.CharField(max_length=14, unique=True)
    country = models.CharField(max_length=2, blank=True)  # ISO 3166-1 alpha-2, "" if unknown
    subdivision = models.CharField(max_length=8, blank=True)  # ISO 3166-2 without the country
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    # Grows with whatever may change an answer of ``qualify.eligible`` about this worker.
    qualifications_version = models.PositiveIntegerField(default=0)
    # Sorts of content they agreed to be shown (workers.content); others are never offered to them.
    content = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    # Their latest submit or skip: what they hold besides was not worked on before that.
    clock_at = models.DateTimeField(null=True)
    clock_before = models.DateTimeField(null=True)  # where the clock stood before that
    # After a long day nothing new can be claimed until then.
    rest_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    objects = WorkerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="worker_public_id_is_a_and_13_capitals_or_digits",
                condition=Q(public_id__regex=r"^A[A-Z0-9]{13}$"),
            ),
            models.CheckConstraint(
                name="worker_country_is_two_capitals",
                condition=Q(country="") | Q(country__regex=r"^[A-Z]{2}$"),
            ),
            models.CheckConstraint(
                name="worker_subdivision_lies_in_a_country",
                condition=Q(subdivision="")
                | (~Q(country="") & Q(subdivision__regex=r"^[A-Z0-9]{1,3}$")),
            ),
            models.CheckConstraint(
                name="worker_status_is_known",
                condition=Q(status__in=["active", "suspended", "closed"]),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_active(self) -> bool:
        return self.status == self.Status.ACTIVE


class Block(models.Model):
    """A requester and a worker who do not work together, until the block is lifted."""

    class Direction(models.TextChoices):
        REQUESTER = "requester", "the requester refuses the worker"
        WORKER = "worker", "the worker refuses the requester"

    requester = models.ForeignKey(User, models.PROTECT, related_name="blocks")
    worker = models.ForeignKey(Worker, models.PROTECT, related_name="blocks")
    direction = models.CharField(max_length=10, choices=Direction.choices)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # Also the index by which ``qualify.eligible`` looks for blocks.
            models.UniqueConstraint(
                name="block_live_once_per_direction",
                fields=["requester", "worker", "direction"],
                condition=Q(lifted_at=None),
            ),
            models.CheckConstraint(
                name="block_lifted_after_made",
                condition=Q(lifted_at=None) | Q(lifted_at__gte=F("created_at")),
            ),
            models.CheckConstraint(
                name="block_direction_is_known",
                condition=Q(direction__in=["requester", "worker"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_direction_display()}: {self.requester_id}, {self.worker_id}"


class Skill(models.Model):
    """How often a worker is right in one project, as one source of evidence sees it."""

    class Source(models.TextChoices):
        GOLD = "gold", "answers to gold tasks"
        FIT = "fit", "agreement with the consensus"
        REVIEW = "review", "a requester's review"

    # Indexed by the constraint on all three.
    worker = models.ForeignKey(Worker, models.CASCADE, db_index=False, related_name="skills")
    project_id = models.BigIntegerField()  # no foreign key: this app does not know projects
    source = models.CharField(max_length=10, choices=Source.choices)
    estimate = models.FloatField()  # probability of a right answer, in [0, 1]
    low = models.FloatField()  # bounds of its 95 % interval
    high = models.FloatField()
    answers = models.PositiveIntegerField()  # how many answers the estimate rests on
    estimated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="skill_once_per_worker_project_and_source",
                fields=["worker", "project_id", "source"],
            ),
            models.CheckConstraint(
                name="skill_estimate_within_its_interval",
                condition=Q(low__gte=0)
                & Q(low__lte=F("estimate"))
                & Q(estimate__lte=F("high"))
                & Q(high__lte=1),
            ),
            models.CheckConstraint(
                name="skill_source_is_known",
                condition=Q(source__in=["gold", "fit", "review"]),
            ),
        ]
        indexes = [
            # A project's workers, best first: the requester's page and the aggregator.
            models.Index(name="skill_by_project", fields=["project_id", "source", "worker"]),
        ]

    def __str__(self) -> str:
        return f"{self.estimate:.2f} of worker {self.worker_id} in project {self.project_id}"
