"""The worker's side: what there is to do, and what they hold."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.assignments import shown
from marketplace.api.auth import worker_of
from marketplace.api.shapes import AssignmentOut, Seconds
from tasks.distribute import Claimed
from tasks.models import Assignment, Batch, Task
from workers import qualify, requirements
from workers.errors import WorkersError
from workers.models import Worker


class WorkOut(serializers.ModelSerializer[Batch]):
    """A batch as workers see it before they claim."""

    title = serializers.CharField(source="project.title")
    instructions = serializers.CharField(source="version.instructions")
    reward = serializers.IntegerField(source="reward_minor")
    open_slots = serializers.IntegerField(source="progress.open_slots", default=None)
    median_seconds = serializers.FloatField(
        source="progress.median_seconds",
        default=None,
        help_text="Measured; null until somebody has answered.",
    )
    hourly_reward = serializers.SerializerMethodField(help_text="At the measured median time.")
    assignment_duration_seconds = Seconds(source="assignment_duration")

    class Meta:
        model = Batch
        fields = [
            "id", "title", "purpose", "instructions", "reward", "currency", "open_slots",
            "median_seconds", "hourly_reward", "assignment_duration_seconds", "published_at",
        ]  # fmt: skip

    def get_hourly_reward(self, batch: Batch) -> int | None:
        progress = getattr(batch, "progress", None)
        if progress is None or not progress.median_seconds:
            return None
        return int(batch.reward_minor * 3600 / progress.median_seconds)


class Work(ListAPIView[Batch]):
    """Open batches you may work on, newest first."""

    serializer_class = WorkOut

    def get_queryset(self) -> QuerySet[Batch]:
        worker = worker_of(self.request)
        batches = Batch.objects.filter(
            Exists(Task.objects.filter(batch=OuterRef("pk"), is_open=True)),
            status=Batch.Status.OPEN,
        ).exclude(project__requester__person=worker.user.person_id)
        allowed = [batch.pk for batch in batches.select_related("project") if _may(worker, batch)]
        shown = Batch.objects.filter(pk__in=allowed)
        return shown.select_related("project", "version", "progress")


def _may(worker: Worker, batch: Batch) -> bool:
    try:
        qualify.eligible(
            worker=worker,
            requester_id=batch.project.requester_id,
            requirements=requirements.parse(batch.requirements),
        )
    except WorkersError:
        return False
    return True


class Held(APIView):
    """The assignments you hold and have not answered, oldest deadline first."""

    @extend_schema(operation_id="held", responses=AssignmentOut(many=True))
    def get(self, request: Request) -> Response:
        held = Assignment.objects.of(worker_of(request)).filter(status=Assignment.Status.ACTIVE)
        rows = held.select_related("batch", "task__input", "suggestion").order_by("deadline_at")
        return Response([shown(_as_claimed(row)) for row in rows[:1000]])


def _as_claimed(row: Assignment) -> Claimed:
    return Claimed(
        id=row.pk,
        batch_id=row.batch_id,
        task_id=row.task_id,
        input=row.task.input.data,
        version_id=row.batch.version_id,
        deadline_at=row.deadline_at,
        reward_minor=row.reward_minor,
        currency=row.batch.currency,
        suggestion=row.suggestion.value if row.suggestion else None,
    )
