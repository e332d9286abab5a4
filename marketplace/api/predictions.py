"""The requester's side: models, their predictions, and what those are for."""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api import uploads
from marketplace.api.auth import user_of
from marketplace.api.fields import Flag, Share, Text
from marketplace.api.idempotency import once_per_key
from marketplace.api.projects import batch_of, project_of
from tasks.assist import auto_label, predict
from tasks.assist.ordering import DEFAULT, STRATEGIES
from tasks.models import Predictor

NAME = re.compile(r"\S(.{0,98}\S)?")
PASSWORD = re.compile("//[^/?#]*@")
PARSERS = [
    parser for parser in uploads.PARSERS if parser.media_type != "text/csv"
]  # a prediction is no row of cells
SHAPES = {kind: shape for kind, shape in uploads.SHAPES.items() if kind != "text/csv"}
NAMING = [
    OpenApiParameter("name", str, description='The model\'s; left out, "model".'),
    OpenApiParameter("version", str, description='Of the model; left out, "1".'),
]


class Named(Text):
    """What a model, or its version, is called."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=100, **options)

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name and not (NAME.fullmatch(name) and name.isprintable()):
            raise serializers.ValidationError(
                "Use 1 to 100 printable characters, none of the outer ones a space."
            )
        return name


class ModelName(Named):
    """Kept in one spelling, so that names that look the same are the same."""

    def to_internal_value(self, data: Any) -> str:
        return unicodedata.normalize("NFC", super().to_internal_value(data))


class Address(serializers.URLField):
    """An address as it was sent; Label Studio's protocol is spoken over HTTP only."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, max_length=500, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if data and urlsplit(data).scheme not in {"http", "https"}:
            raise serializers.ValidationError("It must begin with http:// or https://.")
        return str(super().to_internal_value(data))


class PredictorIn(serializers.Serializer[Any]):
    name = ModelName()
    kind = serializers.ChoiceField(Predictor.Kind.choices)
    version = Named(default="")
    url = Address(default="", allow_blank=True)


class PredictorOut(serializers.ModelSerializer[Predictor]):
    url = serializers.SerializerMethodField(help_text="Without the password in it.")

    class Meta:
        model = Predictor
        fields = ["id", "name", "version", "kind", "url", "created_at"]

    def get_url(self, predictor: Predictor) -> str:
        return PASSWORD.sub("//", predictor.url)


class RefusedOut(serializers.Serializer[Any]):
    row = serializers.IntegerField(help_text="Counted from 1.")
    reason = serializers.CharField()


class PushedOut(serializers.Serializer[Any]):
    predictor = serializers.IntegerField(source="predictor.pk")
    predictions = serializers.IntegerField(help_text="Written, new or over what was there.")
    unchanged = serializers.IntegerField(
        help_text="Said before in the same way, or shown to a worker already: kept as they were."
    )
    rejected = serializers.IntegerField()
    rejections = RefusedOut(many=True, help_text="The first 1,000 of them.")


class StrategyIn(serializers.Serializer[Any]):
    strategy = serializers.ChoiceField([(name, name) for name in STRATEGIES], default=DEFAULT)


class OrderedOut(serializers.Serializer[Any]):
    tasks = serializers.IntegerField(help_text="How many got a new place.")


class UseIn(serializers.Serializer[Any]):
    """What a batch's predictions are for; what is left out is off."""

    prelabels = Flag(default=False, help_text="Workers are shown predictions, to correct them.")
    votes = Flag(default=False, help_text="Predictions count as one more worker's answers.")
    auto_label_error = Share(
        min_value=0.001,
        max_value=0.5,
        default=None,
        allow_null=True,
        help_text="Predictions stand unasked where at most this share of them is wrong.",
    )
    audit_rate = Share(
        min_value=0.01,
        max_value=1,
        default=0.05,
        help_text="Share of tasks that people answer whatever the model says.",
    )


class ReportOut(serializers.Serializer[Any]):
    model = serializers.CharField(allow_null=True)
    threshold = serializers.FloatField(
        allow_null=True, help_text="Scores from which on they stand."
    )
    bound = serializers.FloatField(allow_null=True, help_text="Of the share of wrong ones.")
    confidence = serializers.FloatField()
    accepted_share = serializers.FloatField()
    audited = serializers.IntegerField()
    wrong = serializers.IntegerField()
    judged = serializers.IntegerField(help_text="Audits that the threshold rests on.")
    judged_wrong = serializers.IntegerField()
    why = serializers.CharField()
    verdict = serializers.ChoiceField([(each, each) for each in ("holds", "broken", "unknown")])
    watched = serializers.IntegerField(help_text="Audits of what was accepted by then.")
    watched_wrong = serializers.IntegerField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class ModelOut(serializers.Serializer[Any]):
    prelabels = serializers.BooleanField()
    votes = serializers.BooleanField()
    auto_label_error = serializers.FloatField(allow_null=True)
    audit_rate = serializers.FloatField()
    auto_labelled = serializers.IntegerField(help_text="Tasks whose consensus is a prediction.")
    report = ReportOut(allow_null=True)


class Predictors(ListAPIView[Predictor]):
    """The models of a project, newest first."""

    serializer_class = PredictorOut

    def get_queryset(self) -> QuerySet[Predictor]:
        project = project_of(self.request, self.kwargs["project_id"])
        return Predictor.objects.filter(project=project)

    @extend_schema(
        operation_id="register_predictor", request=PredictorIn, responses={201: PredictorOut}
    )
    @once_per_key
    def post(self, request: Request, project_id: int) -> Response:
        project = project_of(request, project_id)
        form = PredictorIn(data=request.data)
        form.is_valid(raise_exception=True)
        predictor = predict.register(
            project=project, actor=user_of(request), now=timezone.now(), **form.validated_data
        )
        return Response(PredictorOut(predictor).data, status=201)


class Predictions(APIView):
    """Send what a model says of tasks: a JSON list or NDJSON, of any length.

    A row is ``{"task" or "external_id": …, "value": …, "score": …, "probabilities": …,
    "trained_on": …}``. Good rows are taken, others named.
    """

    parser_classes = PARSERS
    body_digest = staticmethod(uploads.body_digest)

    @extend_schema(
        operation_id="push_predictions",
        request=SHAPES,
        parameters=NAMING,
        responses={201: PushedOut},
    )
    @once_per_key
    def post(self, request: Request, batch_id: int) -> Response:
        batch = batch_of(request, batch_id)
        pushed = predict.push(
            batch=batch,
            name=_named(request, "name", "model", ModelName()),
            version=_named(request, "version", "1", Named()),
            rows=uploads.raw_rows(request),
            actor=user_of(request),
            now=timezone.now(),
        )
        return Response(PushedOut(pushed).data, status=201)


def _named(request: Request, parameter: str, default: str, field: Named) -> str:
    try:
        said = field.run_validation(request.query_params.get(parameter, default))
    except ValidationError as error:
        raise ValidationError({parameter: error.detail}) from None
    return str(said)


class Order(APIView):
    """Have people asked first what the model is least sure of."""

    @extend_schema(operation_id="reorder", request=StrategyIn, responses={200: OrderedOut})
    @once_per_key
    def post(self, request: Request, batch_id: int) -> Response:
        batch = batch_of(request, batch_id)
        form = StrategyIn(data=request.data)
        form.is_valid(raise_exception=True)
        placed = predict.reorder(
            batch=batch, actor=user_of(request), now=timezone.now(), **form.validated_data
        )
        return Response({"tasks": placed})


class Model(APIView):
    """What the batch's predictions are for, and what audits say about them."""

    @extend_schema(operation_id="read_model", responses={200: ModelOut})
    def get(self, request: Request, batch_id: int) -> Response:
        batch = batch_of(request, batch_id)
        return Response(auto_label.report(batch, key=settings.SECRET_KEY.encode()))

    @extend_schema(operation_id="use_model", request=UseIn, responses={200: ModelOut})
    @once_per_key
    def put(self, request: Request, batch_id: int) -> Response:
        batch = batch_of(request, batch_id)
        form = UseIn(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = predict.Use(**form.validated_data)
        predict.use(batch=batch, wanted=wanted, actor=user_of(request), now=timezone.now())
        return self.get(request, batch_id)
