"""What everybody may read without an account: the quarterly report, the register, the wage floors.

No answer names a person. Nothing is computed when somebody asks: reports are published by a job,
the register is code, and the floors are kept in the cache.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.utils import timezone
from django.utils.cache import patch_cache_control
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api import exports
from payments.models import WageFloor
from tasks.disclosure import quarters, report
from tasks.disclosure.register import TOUCHES_NO_WORKER, register

DAY = int(timedelta(days=1).total_seconds())
MINUTE = 60
COLUMNS = ["quarter", "section", "currency", "group", "people", "suppressed", "figure", "value"]


class CellOut(serializers.Serializer[Any]):
    section = serializers.CharField()
    currency = serializers.CharField(help_text="Empty where no money is meant.")
    group = serializers.CharField(help_text="`all` is a section's total.")
    people = serializers.IntegerField(allow_null=True, help_text="How many workers it is of.")
    suppressed = serializers.BooleanField(help_text="Of fewer than `k`, or would tell of them.")
    figures = serializers.DictField(child=serializers.FloatField(allow_null=True))


class QuarterOut(serializers.Serializer[Any]):
    quarter = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    k = serializers.IntegerField()
    cells = CellOut(many=True)


class RuleOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    purpose = serializers.CharField()
    inputs = serializers.ListField(child=serializers.CharField(), help_text="The weightiest first.")
    can = serializers.ListField(child=serializers.CharField())
    cannot = serializers.CharField()
    remedy = serializers.CharField()
    contact = serializers.CharField()
    jobs = serializers.ListField(child=serializers.CharField())
    version = serializers.IntegerField()
    reviewed_on = serializers.DateField(help_text="When its impact was last looked at.")


class RegisterOut(serializers.Serializer[Any]):
    rules = RuleOut(many=True)
    touches_no_worker = serializers.DictField(
        child=serializers.CharField(), help_text="All other jobs, each with the reason."
    )


class FloorOut(serializers.ModelSerializer[WageFloor]):
    per_hour = serializers.IntegerField(source="per_hour_minor", help_text="Minor units.")
    vote = serializers.IntegerField(
        source="proposal_id", allow_null=True, help_text="The proposal that carried it."
    )

    class Meta:
        model = WageFloor
        fields = [
            "jurisdiction", "currency", "per_hour", "valid_from", "valid_to", "source",
            "checked_on", "vote",
        ]  # fmt: skip


class Transparency(APIView):
    """The report of one quarter: pay, refusals, hearings and money, of ten people or more each."""

    permission_classes = [AllowAny]
    renderer_classes = [JSONRenderer, exports.CsvRenderer]

    @extend_schema(
        operation_id="transparency",
        parameters=[
            OpenApiParameter("quarter", str, description="2026Q3; the latest if left out."),
            OpenApiParameter("format", str, enum=["json", "csv"]),
        ],
        responses={(200, "application/json"): QuarterOut, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> Any:
        found = _report(request)
        if request.accepted_renderer.format == "csv":
            name = f"transparency-{found['quarter']}"
            answer: Any = exports.stream(
                request, name=name, rows=_lines(found), header=lambda: COLUMNS, flatten=_flat
            )
        else:
            answer = Response(found)
        patch_cache_control(answer, public=True, max_age=DAY)
        return answer


class Algorithms(APIView):
    """Every automated rule that watches workers or affects them, and every job that does not."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="algorithms", responses=RegisterOut)
    def get(self, request: Request) -> Response:
        answer = Response({"rules": register(), "touches_no_worker": TOUCHES_NO_WORKER})
        patch_cache_control(answer, public=True, max_age=DAY)
        return answer


class Floors(APIView):
    """What an hour of work is paid at least, by place and day: in force, to come, and past."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="floors", responses=FloorOut(many=True))
    def get(self, request: Request) -> Response:
        answer = Response(cache.get_or_set("public:floors", _floors, MINUTE))
        patch_cache_control(answer, public=True, max_age=MINUTE)
        return answer


def lines_of(found: dict[str, Any]) -> Iterator[list[Any]]:
    """The report as rows of ``COLUMNS``, one per figure; a suppressed cell has one without."""
    for cell in found["cells"]:
        about = [cell[name] for name in COLUMNS[1:6]]
        for figure, value in cell["figures"].items() or [(None, None)]:
            yield [found["quarter"], *about, figure, value]


def _lines(found: dict[str, Any]) -> Iterator[list[str]]:
    yield [json.dumps({"line": line}) for line in lines_of(found)]


def _flat(row: dict[str, Any]) -> list[Any]:
    return list(row["line"])


def _report(request: Request) -> dict[str, Any]:
    """The report that was asked for, or the latest."""
    asked = request.query_params.get("quarter")
    try:
        quarter = None if asked is None else quarters.parse(asked)
    except ValueError as error:
        raise ValidationError({"quarter": f"{error}."}) from None
    found = report.published_report(quarter)
    if found is None:
        due = quarter or quarters.latest_published(timezone.now()).following
        raise NotFound(
            f"There is no such report. That of {due} is published on {due.published_at:%Y-%m-%d},"
            " if there was work by then."
        )
    return found


def _floors() -> list[Any]:
    approved = WageFloor.objects.filter(approved_at__isnull=False)
    ordered = approved.order_by("jurisdiction", "currency", "valid_from")
    return list(FloorOut(ordered, many=True).data)
