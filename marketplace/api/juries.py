"""Juries: workers see cases without names, take a seat, and vote with reasons."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.auth import worker_of
from marketplace.api.fields import Text
from marketplace.api.idempotency import once_per_key
from tasks.hearings import jury
from tasks.models import Appeal, Juror


class CaseOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    instructions = serializers.CharField()
    interface = serializers.JSONField()
    input = serializers.JSONField()
    answer = serializers.JSONField()
    code = serializers.CharField()
    reason = serializers.CharField(help_text="What the requester says.")
    instruction = serializers.CharField(help_text="What the answer failed, they say.")
    message = serializers.CharField(help_text="What the worker says.")
    jury_until = serializers.DateTimeField()
    pay = serializers.IntegerField(source="pay_minor", help_text="For a vote, whichever way.")
    currency = serializers.CharField()


class JuriesOut(serializers.Serializer[Any]):
    seats = CaseOut(many=True, help_text="Cases you have a seat on and have not voted yet.")
    cases = CaseOut(many=True, help_text="Open cases with a free seat.")


class SeatOut(serializers.ModelSerializer[Juror]):
    case = serializers.IntegerField(source="appeal_id")
    pay = serializers.IntegerField(source="pay_minor")

    class Meta:
        model = Juror
        fields = ["case", "leave_at", "vote", "reason", "voted_at", "pay", "currency", "paid_at"]


class VoteIn(serializers.Serializer[Any]):
    vote = serializers.ChoiceField(choices=Juror.Vote.choices)
    reason = Text(
        min_length=jury.REASON_LEAST, max_length=5_000, help_text="Both sides will read it."
    )


class Juries(APIView):
    """Appeals you may help to decide: active workers with ten accepted answers may, and reviewers.

    Whoever has a part in a case is not shown it.
    """

    @extend_schema(operation_id="list_juries", responses={200: JuriesOut})
    def get(self, request: Request) -> Response:
        worker, now = worker_of(request), timezone.now()
        told = {"seats": jury.seats_of(worker, now=now), "cases": jury.cases_for(worker, now=now)}
        return Response(JuriesOut(told).data)


class JoinJury(APIView):
    """Take a seat for an hour."""

    @extend_schema(operation_id="join_jury", request=None, responses={201: SeatOut})
    @once_per_key
    def post(self, request: Request, case_id: int) -> Response:
        worker = worker_of(request)
        try:
            seat = jury.join(appeal_id=case_id, worker=worker, now=timezone.now())
        except Appeal.DoesNotExist:
            raise Http404 from None
        return Response(SeatOut(seat).data, status=201)


class VoteOnJury(APIView):
    """Vote, with reasons. The second equal vote decides; every vote is paid."""

    @extend_schema(operation_id="vote_on_jury", request=VoteIn, responses={200: SeatOut})
    @once_per_key
    def post(self, request: Request, case_id: int) -> Response:
        worker = worker_of(request)
        form = VoteIn(data=request.data)
        form.is_valid(raise_exception=True)
        seat = jury.vote(
            appeal_id=case_id, worker=worker, now=timezone.now(), **form.validated_data
        )
        return Response(SeatOut(seat).data)
