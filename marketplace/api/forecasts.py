"""What a batch will cost and yield, said before, and how often that held."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.auth import user_of
from marketplace.api.fields import Share
from marketplace.api.idempotency import once_per_key
from marketplace.api.projects import DAY, batch_of
from tasks.forecasting.intervals import LEVEL
from tasks.foresight import foresee
from tasks.models import Forecast


class AShare(serializers.ListField):
    """From low to high, both between 0 and 1."""

    child = Share(min_value=0, max_value=1)


class SomeSeconds(serializers.ListField):
    """From low to high."""

    child = Share(min_value=0.1, max_value=30 * DAY)


class ForecastRequest(serializers.Serializer[Any]):
    """``pilot``: from answers. ``assumptions``: from what you expect, or from what is usual."""

    basis = serializers.ChoiceField(Forecast.Basis.choices)
    accuracy = AShare(
        min_length=2,
        max_length=2,
        required=False,
        help_text="Share of right answers of the average worker, [low, high].",
    )
    seconds = SomeSeconds(
        min_length=2, max_length=2, required=False, help_text="Median per answer, [low, high]."
    )
    workers_per_hour = Share(
        min_value=0.01, max_value=100_000, required=False, help_text="At work at any time."
    )
    answers_per_worker = Share(min_value=1, max_value=100_000, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["basis"] == Forecast.Basis.PILOT and len(attrs) > 1:
            raise serializers.ValidationError("A forecast from a pilot takes no assumptions.")
        return attrs


class IntervalOut(serializers.Serializer[Any]):
    low = serializers.FloatField()
    mid = serializers.FloatField()
    high = serializers.FloatField()


class IntervalsOut(serializers.Serializer[Any]):
    """Quantities that cannot be foretold are left out; ``unknown`` says why."""

    answers_per_task = IntervalOut(required=False)
    cost_minor = IntervalOut(required=False, help_text="Fee included, minor units.")
    accuracy = IntervalOut(required=False)
    closed = IntervalOut(required=False, help_text="Share of tasks that reach the target.")
    hours = IntervalOut(required=False, help_text="From publication to the last answer.")
    hourly_wage_minor = IntervalOut(required=False)


class ForecastOut(serializers.ModelSerializer[Forecast]):
    batch = serializers.IntegerField(source="batch_id")
    level = serializers.FloatField(source="data.level")
    tasks = serializers.IntegerField(source="data.tasks")
    pilot = serializers.IntegerField(
        source="data.pilot", allow_null=True, help_text="The batch whose answers it rests on."
    )
    intervals = IntervalsOut(source="data.intervals")
    unknown = serializers.DictField(source="data.unknown", child=serializers.CharField())
    assumptions = serializers.ListField(source="data.assumptions", child=serializers.CharField())

    class Meta:
        model = Forecast
        fields = [
            "id", "batch", "basis", "level", "tasks", "pilot", "intervals", "unknown",
            "assumptions", "made_at", "actual", "covered", "scored_at",
        ]  # fmt: skip


class HeldOut(serializers.Serializer[Any]):
    basis = serializers.CharField()
    quantity = serializers.CharField()
    held = serializers.IntegerField()
    forecasts = serializers.IntegerField()
    share = serializers.FloatField(source="share.estimate")
    low = serializers.FloatField(source="share.low")
    high = serializers.FloatField(source="share.high", help_text="Of the share, by 95 %.")


class RecordOut(serializers.Serializer[Any]):
    level = serializers.FloatField(help_text="The share of intervals that should hold.")
    quantities = HeldOut(many=True)


class MakeForecast(APIView):
    """Forecast a draft from assumptions, or any batch that is not over from a pilot's answers."""

    @extend_schema(operation_id="forecast", request=ForecastRequest, responses={201: ForecastOut})
    @once_per_key
    def post(self, request: Request, batch_id: int) -> Response:
        batch = batch_of(request, batch_id)
        form = ForecastRequest(data=request.data)
        form.is_valid(raise_exception=True)
        given = dict(form.validated_data)
        actor, now = user_of(request), timezone.now()
        if given.pop("basis") == Forecast.Basis.PILOT:
            made = foresee.from_pilot(batch=batch, actor=actor, now=now)
        else:
            made = foresee.from_assumptions(batch=batch, **given, actor=actor, now=now)
        return Response(ForecastOut(made).data, status=201)


class Forecasts(ListAPIView[Forecast]):
    """What was forecast of a batch, newest first, with what came of it once the batch is closed."""

    serializer_class = ForecastOut
    queryset = Forecast.objects.none()

    def get_queryset(self) -> QuerySet[Forecast]:
        return Forecast.objects.filter(batch=batch_of(self.request, self.kwargs["batch_id"]))


class ForecastRecord(APIView):
    """How often the 80 % intervals of this site held, over all batches that have ended."""

    @extend_schema(operation_id="forecast_record", responses={200: RecordOut})
    def get(self, request: Request) -> Response:
        found = {"level": LEVEL, "quantities": foresee.site_record()}
        return Response(RecordOut(found).data)
