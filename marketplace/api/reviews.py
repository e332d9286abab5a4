"""The requester's side: accept and reward; rejecting is in ``rejections``."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.auth import requester_of, user_of
from marketplace.api.fields import Text, WholeNumber
from marketplace.api.idempotency import once_per_key
from marketplace.api.projects import MINOR_MAX, batch_of
from marketplace.api.shapes import DecidedOut
from payments.money import Money
from tasks import settle
from tasks.models import Assignment


class AcceptMany(serializers.Serializer[Any]):
    assignments = serializers.ListField(
        child=WholeNumber(min_value=1, max_value=2**63 - 1),
        max_length=10_000,
        required=False,
        help_text="Which ones; all that wait for a decision if left out.",
    )


class AcceptedOut(serializers.Serializer[Any]):
    accepted = serializers.IntegerField()


class BonusIn(serializers.Serializer[Any]):
    amount = WholeNumber(min_value=1, max_value=MINOR_MAX)
    reason = Text(max_length=5_000)
    token = Text(
        max_length=64, default="", help_text="A second bonus with the same token is the first one."
    )


class BonusOut(serializers.Serializer[Any]):
    amount = serializers.IntegerField()
    currency = serializers.CharField()


class Accept(APIView):
    """Accept an answer; its worker is paid within seconds."""

    @extend_schema(operation_id="accept", request=None, responses={200: DecidedOut})
    @once_per_key
    def post(self, request: Request, assignment_id: int) -> Response:
        assignment = reviewed(request, assignment_id)
        settle.accept(assignment=assignment, actor=user_of(request), now=timezone.now())
        return Response(DecidedOut(assignment).data)


class Bonus(APIView):
    """Pay the worker extra, from your wallet."""

    @extend_schema(operation_id="bonus", request=BonusIn, responses={200: BonusOut})
    @once_per_key
    def post(self, request: Request, assignment_id: int) -> Response:
        assignment = reviewed(request, assignment_id)
        form = BonusIn(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        amount = Money(asked["amount"], assignment.batch.currency)
        now = timezone.now()
        settle.bonus(
            assignment=assignment,
            amount=amount,
            reason=asked["reason"],
            key=asked["token"] or f"at:{now.isoformat()}",
            actor=user_of(request),
            now=now,
        )
        return Response({"amount": amount.minor, "currency": amount.currency})


class AcceptBatch(APIView):
    """Accept many answers of a batch at once."""

    @extend_schema(operation_id="accept_many", request=AcceptMany, responses={200: AcceptedOut})
    @once_per_key
    def post(self, request: Request, batch_id: int) -> Response:
        batch = batch_of(request, batch_id)
        form = AcceptMany(data=request.data)
        form.is_valid(raise_exception=True)
        accepted = settle.accept_all(
            batch=batch,
            assignment_ids=form.validated_data.get("assignments"),
            actor=user_of(request),
            now=timezone.now(),
        )
        return Response({"accepted": accepted})


def reviewed(request: Request, assignment_id: int) -> Assignment:
    """An assignment of the caller's batches, or 404."""
    own = Assignment.objects.reviewable_by(requester_of(request).pk)
    return get_object_or_404(own.select_related("batch__project", "worker"), pk=assignment_id)
