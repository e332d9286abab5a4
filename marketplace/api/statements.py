"""Statements as files: a worker's earnings and hours, a requester's spending."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from marketplace.api import exports
from marketplace.api.auth import requester_of, worker_of
from marketplace.api.results import ANY, FORMATS
from tasks.disclosure import statements

DAYS, DAYS_MOST = 90, 400
FIRST, LAST = date(2000, 1, 1), date(3000, 1, 1)  # days that calendars can reckon with
ONE = timedelta(days=1)
EARNED = [
    "row", "at", "kind", "amount", "currency", "batch", "title", "week", "answers", "paid_seconds",
    "all_seconds", "paid_hourly", "all_hourly", "inputs", "accept_due_at",
]  # fmt: skip
SPENT = ["row", "at", "kind", "amount", "currency", "batch", "title"]
SPAN = [
    OpenApiParameter("from", OpenApiTypes.DATE, description=f"{DAYS} days ago if left out."),
    OpenApiParameter("to", OpenApiTypes.DATE, description="The last day, today if left out."),
    *FORMATS,
]


class Span(serializers.Serializer[Any]):
    """Days, both included, in UTC."""

    to = serializers.DateField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {**super().get_fields(), "from": serializers.DateField(required=False)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        to: date = attrs.get("to", timezone.now().date())
        since: date = attrs.get("from", max(to, FIRST) - DAYS * ONE)
        if not (FIRST <= to < LAST and timedelta(0) <= to - since < DAYS_MOST * ONE):
            raise serializers.ValidationError(
                f"`from` must not be after `to`, and a statement spans at most {DAYS_MOST} days."
            )
        return {"since": _midnight(since), "until": _midnight(to + ONE)}


class EarningsStatement(APIView):
    """What you earned and were paid out, for what, with your hours and your pay per hour.

    Rows are told apart by `row`: `entry`, `top_up` with the figures of its formula, `batch` and
    `week` with hours and pay per hour, of paid and of all time, and `pending`.
    """

    renderer_classes = exports.RENDERERS

    @extend_schema(operation_id="earnings_statement", parameters=SPAN, responses=ANY)
    def get(self, request: Request) -> StreamingHttpResponse:
        pages = statements.of_worker(worker_of(request), **_span(request))
        return _streamed(request, "earnings", pages, EARNED)


class WalletStatement(APIView):
    """What your money did: deposits, batches, fees, refunds, bonuses, and use of reserves.

    Rows are told apart by `row`: `entry` is one movement of the wallet, `batch` what left a
    batch's funds or reserve, by kind.
    """

    renderer_classes = exports.RENDERERS

    @extend_schema(operation_id="wallet_statement", parameters=SPAN, responses=ANY)
    def get(self, request: Request) -> StreamingHttpResponse:
        pages = statements.of_requester(requester_of(request), **_span(request))
        return _streamed(request, "wallet", pages, SPENT)


def _span(request: Request) -> dict[str, datetime]:
    form = Span(data=request.query_params)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def _streamed(
    request: Request, name: str, pages: statements.Pages, columns: Sequence[str]
) -> StreamingHttpResponse:
    def texts() -> Iterator[list[str]]:
        for page in pages:
            if page:
                yield [json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False) for row in page]

    return exports.stream(
        request,
        name=f"{name}-statement",
        rows=texts(),
        header=lambda: columns,
        flatten=lambda row: [row.get(column) for column in columns],
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)
