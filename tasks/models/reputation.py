"""What workers and requesters can know of each other: ratings, and a requester's record."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tasks.models.batch import Batch
from workers.models import User, Worker


class Rating(models.Model):
    """What a worker says of a requester, once an answer of theirs was decided."""

    requester = models.ForeignKey(User, models.PROTECT, related_name="ratings")
    worker = models.ForeignKey(Worker, models.PROTECT, related_name="ratings", db_index=False)
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="ratings")
    fairness = models.PositiveSmallIntegerField()  # all four from 1 to 5
    pay = models.PositiveSmallIntegerField()
    speed = models.PositiveSmallIntegerField()
    communication = models.PositiveSmallIntegerField()
    text = models.TextField(blank=True)
    reply = models.TextField(blank=True)  # the requester's
    made_at = models.DateTimeField()
    replied_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="rating_once_per_batch", fields=["worker", "batch"]),
            models.CheckConstraint(
                name="rating_from_1_to_5",
                condition=Q(
                    fairness__range=(1, 5),
                    pay__range=(1, 5),
                    speed__range=(1, 5),
                    communication__range=(1, 5),
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"rating {self.pk}"


class RequesterRecord(models.Model):
    """How a requester has treated answers, from final decisions only; a job keeps it up to date."""

    requester = models.OneToOneField(
        User, models.PROTECT, primary_key=True, related_name="requester_record"
    )
    decided = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)  # for good
    appeals = models.PositiveIntegerField(default=0)  # decided ones
    overturned = models.PositiveIntegerField(default=0)
    decision_p50_seconds = models.PositiveIntegerField(null=True)  # from submit to pay
    decision_p95_seconds = models.PositiveIntegerField(null=True)
    ratings = models.PositiveIntegerField(default=0)
    fairness = models.FloatField(null=True)  # means
    pay = models.FloatField(null=True)
    speed = models.FloatField(null=True)
    communication = models.FloatField(null=True)
    computed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"record of requester {self.requester_id}"
