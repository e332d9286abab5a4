"""The requester's side: what their gold tasks are worth, making more of them, retiring some."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.auth import requester_of, user_of
from marketplace.api.batches import DRAW_BITS
from marketplace.api.fields import Text, WholeNumber
from marketplace.api.idempotency import once_per_key
from marketplace.api.paging import IdCursorPagination
from marketplace.api.projects import batch_of
from tasks.control import gold
from tasks.models import Batch, Gold, Review

ID_MAX = 2**63 - 1


class PromoteIn(serializers.Serializer[Any]):
    """Either one ``review`` of yours, or up to ``count`` of this batch's, rare answers first."""

    review = WholeNumber(min_value=1, max_value=ID_MAX, required=False)
    count = WholeNumber(min_value=1, max_value=1_000, required=False)
    explanation = Text(max_length=5_000, default="", allow_blank=True)

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        if ("review" in asked) == ("count" in asked):
            raise ValidationError("Give either review or count.")
        return asked


class PromotedOut(serializers.Serializer[Any]):
    promoted = serializers.IntegerField()


class HealthOut(serializers.Serializer[Any]):
    verdict = serializers.CharField(source="health")
    why = serializers.CharField()
    figures = serializers.DictField(child=serializers.FloatField())


class GoldOut(serializers.ModelSerializer[Gold]):
    """A gold task and what its answers say about it; the context has the latter by task."""

    task = serializers.IntegerField(source="task_id")
    external_id = serializers.CharField(source="task.input.external_id")
    input = serializers.JSONField(source="task.input.data")
    origin = serializers.IntegerField(source="origin_id")
    status = serializers.SerializerMethodField()
    open_slots = serializers.IntegerField(source="task.remaining_overlap")
    answers = serializers.SerializerMethodField()
    right_share = serializers.SerializerMethodField()
    health = serializers.SerializerMethodField()

    class Meta:
        model = Gold
        fields = [
            "task", "external_id", "input", "answer", "explanation", "source", "origin", "status",
            "retired_for", "retired_at", "open_slots", "answers", "right_share", "health",
        ]  # fmt: skip

    def get_status(self, row: Gold) -> str:
        return "retired" if row.retired_at else "live"

    def get_answers(self, row: Gold) -> int:
        found = self.context["judged"].get(row.pk)
        return found.answers if found else 0

    def get_right_share(self, row: Gold) -> float | None:
        found = self.context["judged"].get(row.pk)
        return found.right / found.answers if found else None

    @extend_schema(responses=HealthOut)
    def get_health(self, row: Gold) -> Any:
        found = self.context["judged"].get(row.pk)
        return HealthOut(found.verdict).data if found else None


class GoldPagination(IdCursorPagination):
    ordering = "-task_id"


class GoldOfBatch(ListAPIView[Gold]):
    """The batch's gold tasks, newest first: how they are answered, and whether they are fit."""

    serializer_class = GoldOut
    pagination_class = GoldPagination

    @extend_schema(operation_id="list_gold")
    def get(self, request: Request, batch_id: int) -> Response:
        self.batch = batch_of(request, batch_id)
        return self.list(request)

    def get_queryset(self) -> QuerySet[Gold]:
        return Gold.objects.filter(task__batch=self.batch).select_related("task__input")

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "judged": gold.judged(self.batch)}


class Promote(APIView):
    """Make reviewed tasks gold; their answers are paid for like those of uploaded gold."""

    @extend_schema(operation_id="promote_gold", request=PromoteIn, responses={200: PromotedOut})
    @once_per_key
    def post(self, request: Request, batch_id: int) -> Response:
        batch = batch_of(request, batch_id)
        form = PromoteIn(data=request.data)
        form.is_valid(raise_exception=True)
        return Response({"promoted": _promote(request, batch, form.validated_data)})


def _promote(request: Request, batch: Batch, asked: dict[str, Any]) -> int:
    by, now = user_of(request), timezone.now()
    if "count" in asked:
        return gold.promote_drawn(
            batch=batch, count=asked["count"], draw=DRAW_BITS, actor=by, now=now
        )
    own = Review.objects.filter(batch__project__requester=requester_of(request))
    gold.promote(
        review=get_object_or_404(own.select_related("batch"), pk=asked["review"]),
        explanation=asked["explanation"],
        into=batch,
        draw=DRAW_BITS,
        actor=by,
        now=now,
    )
    return 1


class Retire(APIView):
    """Take a gold task back: it is asked no more, and no longer counts in anybody's skill."""

    @extend_schema(operation_id="retire_gold", request=None, responses={204: None})
    @once_per_key
    def post(self, request: Request, task_id: int) -> Response:
        own = Gold.objects.filter(task__batch__project__requester=requester_of(request))
        row = get_object_or_404(own.select_related("task__batch"), pk=task_id)
        gold.retire(
            gold=row, why=Gold.Retired.WITHDRAWN, actor=user_of(request), now=timezone.now()
        )
        return Response(status=204)
