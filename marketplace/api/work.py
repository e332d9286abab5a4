"""The worker's side: what there is to do, on what terms, and what they hold."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.assignments import shown
from marketplace.api.auth import worker_of
from marketplace.api.paging import IdCursorPagination
from marketplace.api.shapes import AssignmentOut, Seconds
from payments.money import MAX_MINOR, MINOR_DIGITS
from tasks.disclosure import cards
from tasks.distribute import Claimed
from tasks.models import Assignment, Batch, Task
from tasks.models.batch import BatchQuerySet
from workers import qualify, requirements
from workers.models import Worker

SORTS = {"newest": ("-id",), "hourly": ("-hourly_minor", "-id")}


class WorkQuery(serializers.Serializer[Any]):
    """What to show, and in which order."""

    currency = serializers.ChoiceField(sorted(MINOR_DIGITS), required=False)
    min_hourly = serializers.IntegerField(
        min_value=0, max_value=MAX_MINOR, required=False, help_text="Minor units per hour."
    )
    requester = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    without = serializers.CharField(
        max_length=1_000, required=False, help_text="Content warnings to leave out, or `all`."
    )
    sort = serializers.ChoiceField(sorted(SORTS), default="newest")


class PaceOut(serializers.Serializer[Any]):
    seconds = serializers.IntegerField(help_text="Of one answer: the median, or the estimate.")
    basis = serializers.CharField(help_text="`measured` or `estimate`.")
    workers = serializers.IntegerField(help_text="Whose answers were timed; from five on.")
    answers = serializers.IntegerField()


class HourlyOut(serializers.Serializer[Any]):
    """Minor units per hour, top-ups to every answer included."""

    low = serializers.IntegerField(allow_null=True, help_text="A quarter of answers earn less.")
    median = serializers.IntegerField()
    high = serializers.IntegerField(allow_null=True, help_text="A quarter of answers earn more.")


class ShareOut(serializers.Serializer[Any]):
    share = serializers.FloatField(allow_null=True)
    of = serializers.IntegerField()


class RatingsOut(serializers.Serializer[Any]):
    """Means from 1 to 5; null until five persons have rated."""

    persons = serializers.IntegerField()
    fairness = serializers.FloatField(allow_null=True)
    pay = serializers.FloatField(allow_null=True)
    speed = serializers.FloatField(allow_null=True)
    communication = serializers.FloatField(allow_null=True)


class RequesterRecordOut(serializers.Serializer[Any]):
    """What is final of the latest answers that this requester had."""

    accepted = ShareOut()
    rejected = ShareOut()
    overturned = ShareOut(help_text="Of the appeals against their rejections.")
    pay_p50_seconds = serializers.IntegerField(allow_null=True, help_text="From submit to pay.")
    pay_p95_seconds = serializers.IntegerField(allow_null=True)
    ratings = RatingsOut()


class RequesterOut(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="project.requester_id")
    name = serializers.CharField(source="project.requester.username")
    record = serializers.SerializerMethodField()

    @extend_schema_field(RequesterRecordOut)
    def get_record(self, batch: Batch) -> dict[str, Any]:
        return dict(RequesterRecordOut(cards.record_of(batch)).data)


class WorkOut(serializers.ModelSerializer[Batch]):
    """A batch as workers see it before they accept: its task card."""

    title = serializers.CharField(source="project.title")
    instructions = serializers.CharField(source="version.instructions")
    reward = serializers.IntegerField(source="reward_minor")
    open_slots = serializers.IntegerField(source="progress.open_slots", default=None)
    time = serializers.SerializerMethodField()
    hourly = serializers.SerializerMethodField()
    floor = serializers.SerializerMethodField(
        help_text="The least an hour is paid to you; null where none is promised."
    )
    assignment_duration_seconds = Seconds(source="assignment_duration")
    auto_accept_delay_seconds = Seconds(source="auto_accept_delay")
    pilot = serializers.SerializerMethodField(help_text="Whether the time is still being measured.")
    requester = RequesterOut(source="*")

    class Meta:
        model = Batch
        fields = [
            "id", "title", "purpose", "instructions", "reward", "currency", "open_slots", "time",
            "hourly", "floor", "pilot", "content_warnings", "data_use", "requester",
            "assignment_duration_seconds", "auto_accept_delay_seconds", "published_at",
        ]  # fmt: skip

    @extend_schema_field(PaceOut(allow_null=True))
    def get_time(self, batch: Batch) -> dict[str, Any] | None:
        pace = cards.pace_of(batch)
        return pace and pace._asdict()

    @extend_schema_field(HourlyOut(allow_null=True))
    def get_hourly(self, batch: Batch) -> dict[str, Any] | None:
        hourly = cards.hourly_of(batch)
        return hourly and hourly._asdict()

    def get_floor(self, batch: Batch) -> int | None:
        return cards.floor_of(batch, self.context["legal"])

    def get_pilot(self, batch: Batch) -> bool:
        return batch.pilot_left is not None


class WorkPagination(IdCursorPagination):
    """Newest first, or best paid first with ``?sort=hourly``."""

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        return SORTS[_asked(request)["sort"]]


class Work(ListAPIView[Batch]):
    """Open batches you may work on, with all there is to know before you accept."""

    serializer_class = WorkOut
    pagination_class = WorkPagination

    @extend_schema(parameters=[WorkQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_serializer_context(self) -> dict[str, Any]:
        legal = cards.legal_floors(worker_of(self.request))
        return {**super().get_serializer_context(), "legal": legal}

    def get_queryset(self) -> QuerySet[Batch]:
        worker, asked = worker_of(self.request), _asked(self.request)
        wanted = Exists(Task.objects.filter(batch=OuterRef("pk"), is_open=True))
        batches = _filtered(Batch.objects.filter(wanted, status=Batch.Status.OPEN), asked)
        return cards.with_rows(cards.with_pay(_open_to(worker, batches)))


class Offer(APIView):
    """One batch's task card: what it pays per answer and per hour, and how its requester acts."""

    @extend_schema(operation_id="offer", responses=WorkOut)
    def get(self, request: Request, batch_id: int) -> Response:
        worker = worker_of(request)
        one = Batch.objects.live().filter(pk=batch_id)
        batch = get_object_or_404(cards.with_rows(_open_to(worker, one)))
        return Response(WorkOut(batch, context={"legal": cards.legal_floors(worker)}).data)


def _asked(request: Request) -> dict[str, Any]:
    form = WorkQuery(data=request.query_params)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def _filtered(batches: BatchQuerySet, asked: dict[str, Any]) -> BatchQuerySet:
    if "currency" in asked:
        batches = batches.filter(currency=asked["currency"])
    if "requester" in asked:
        batches = batches.of(asked["requester"])
    if "min_hourly" in asked:
        batches = cards.paying(batches, asked["min_hourly"])
    if asked.get("without") == "all":
        return batches.filter(content_warnings=[])
    for warning in filter(None, asked.get("without", "").split(",")):
        batches = batches.exclude(content_warnings__contains=[warning.strip()])
    return batches


def _open_to(worker: Worker, batches: BatchQuerySet) -> BatchQuerySet:
    """Those of ``batches`` that the worker may work on, in as many queries as for one of them."""
    others = batches.exclude(project__requester__person=worker.user.person_id)
    shown = others.filter(content_warnings__contained_by=worker.content)
    facts = shown.order_by().values_list("pk", "project__requester_id", "requirements")
    offers = [
        qualify.Offer(key, requester_id, requirements.parse(asked))
        for key, requester_id, asked in facts
    ]
    return Batch.objects.filter(pk__in=qualify.eligible_among(worker=worker, offers=offers))


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
