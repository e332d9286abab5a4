"""Refused answers: the requester rejects with reasons, the worker sees why and may appeal."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.auth import user_of, worker_of
from marketplace.api.fields import Flag, Text, WholeNumber
from marketplace.api.idempotency import once_per_key
from marketplace.api.paging import IdCursorPagination
from marketplace.api.projects import batch_of
from marketplace.api.reviews import reviewed
from marketplace.api.shapes import DecidedOut
from tasks.hearings import appeals, rejections
from tasks.hearings.rejections import AT_ONCE_MOST, REASON_LEAST, Refusal
from tasks.models import Appeal, Cursor, Rejection

WORDS_MOST = 5_000


class RejectIn(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=Rejection.Code.choices)
    reason = Text(
        min_length=REASON_LEAST,
        max_length=WORDS_MOST,
        help_text="What was wrong, in words the worker can act on. The worker reads it.",
    )
    instruction = Text(
        max_length=WORDS_MOST, help_text="The instruction or check that the answer failed."
    )


class NamedRejectIn(RejectIn):
    assignment = WholeNumber(min_value=1, max_value=2**63 - 1)


class RejectManyIn(serializers.Serializer[Any]):
    rejections = serializers.ListField(child=NamedRejectIn(), min_length=1, max_length=AT_ONCE_MOST)


class RejectionAppealIn(serializers.Serializer[Any]):
    message = Text(
        max_length=WORDS_MOST, default="", allow_blank=True, help_text="What the jury should know."
    )
    wants_human = Flag(default=False, help_text="Have a person of the platform decide instead.")


class AppealOut(serializers.ModelSerializer[Appeal]):
    assignment = serializers.IntegerField(source="pk")

    class Meta:
        model = Appeal
        fields = [
            "assignment", "status", "message", "made_at", "jury_until", "due_at", "outcome",
            "answer", "decided_at",
        ]  # fmt: skip


class AnsweredAppealOut(serializers.ModelSerializer[Appeal]):
    """What the requester sees of an appeal."""

    class Meta:
        model = Appeal
        fields = ["status", "due_at", "outcome", "answer", "decided_at"]


class JudgedOut(serializers.ModelSerializer[Rejection]):
    assignment = serializers.IntegerField(source="pk")
    effort = serializers.IntegerField(
        source="effort_minor", help_text="Pay for the time it took, in minor units."
    )


class OwnRejectionOut(JudgedOut):
    """A rejection as its worker sees it."""

    batch = serializers.IntegerField(source="assignment.batch_id")
    reward = serializers.IntegerField(source="assignment.reward_minor")
    currency = serializers.CharField(source="assignment.batch.currency")
    appeal = AppealOut(default=None)

    class Meta:
        model = Rejection
        fields = [
            "assignment", "batch", "status", "code", "reason", "instruction", "made_at",
            "appeal_until", "reward", "effort", "currency", "effort_paid_at", "final_at", "appeal",
        ]  # fmt: skip


class BatchRejectionOut(JudgedOut):
    """A rejection as its requester sees it."""

    worker = serializers.CharField(source="pseudonym", help_text="Their name in this batch.")
    appeal = AnsweredAppealOut(default=None)

    class Meta:
        model = Rejection
        fields = [
            "assignment", "worker", "status", "code", "reason", "instruction", "made_at",
            "appeal_until", "effort", "reopened", "final_at", "appeal",
        ]  # fmt: skip


class RejectedOut(DecidedOut):
    """``rejection`` is "waiting" where a human has to agree first, else "open"."""

    rejection = serializers.CharField(source="rejection.status")
    appeal_until = serializers.DateTimeField(source="rejection.appeal_until")

    class Meta(DecidedOut.Meta):
        fields = [*DecidedOut.Meta.fields, "rejection", "appeal_until"]


class RejectedManyOut(serializers.Serializer[Any]):
    rejections = RejectedOut(many=True)


class NewestRejections(IdCursorPagination):
    ordering = "-assignment_id"


class NewestAppeals(IdCursorPagination):
    ordering = "-rejection_id"


class Reject(APIView):
    """Reject an answer: with a code, reasons its worker can act on, and what it failed.

    The reward stays held until the worker's week to appeal is over. Somebody else is asked at once
    if there is money for it, else then. If you reject unusually often, a human agrees first.
    """

    @extend_schema(operation_id="reject", request=RejectIn, responses={200: RejectedOut})
    @once_per_key
    def post(self, request: Request, assignment_id: int) -> Response:
        assignment = reviewed(request, assignment_id)
        form = RejectIn(data=request.data)
        form.is_valid(raise_exception=True)
        rejections.reject(
            assignment=assignment,
            actor=user_of(request),
            now=timezone.now(),
            **form.validated_data,
        )
        return Response(RejectedOut(reviewed(request, assignment_id)).data)


class RejectBatch(APIView):
    """Reject up to five answers of a batch, each for its own reasons, or none of them."""

    @extend_schema(
        operation_id="reject_many", request=RejectManyIn, responses={200: RejectedManyOut}
    )
    @once_per_key
    def post(self, request: Request, batch_id: int) -> Response:
        batch = batch_of(request, batch_id)
        form = RejectManyIn(data=request.data)
        form.is_valid(raise_exception=True)
        said = [
            Refusal(each["assignment"], each["code"], each["reason"], each["instruction"])
            for each in form.validated_data["rejections"]
        ]
        made = rejections.reject_some(
            batch=batch, refusals=said, actor=user_of(request), now=timezone.now()
        )
        rejected = [each.assignment for each in made]
        for assignment, rejection in zip(rejected, made, strict=True):
            assignment.rejection = rejection
        return Response(RejectedManyOut({"rejections": rejected}).data)


class BatchRejections(ListAPIView[Rejection]):
    """What was rejected in a batch of yours, and what became of it, newest first."""

    serializer_class = BatchRejectionOut
    pagination_class = NewestRejections

    @extend_schema(operation_id="list_batch_rejections")
    def get(self, request: Request, batch_id: int) -> Response:
        return self.list(request)

    def get_queryset(self) -> QuerySet[Rejection]:
        batch = batch_of(self.request, self.kwargs["batch_id"])
        cursors = Cursor.objects.filter(batch=batch, worker=OuterRef("assignment__worker"))
        rows = Rejection.objects.filter(assignment__batch=batch).select_related("appeal")
        return rows.annotate(pseudonym=Subquery(cursors.values("pseudonym")[:1]))


class OwnRejections(ListAPIView[Rejection]):
    """Answers of yours that were rejected, why, and until when you may appeal; newest first."""

    serializer_class = OwnRejectionOut
    pagination_class = NewestRejections

    @extend_schema(operation_id="list_rejections")
    def get(self, request: Request) -> Response:
        return self.list(request)

    def get_queryset(self) -> QuerySet[Rejection]:
        own = Rejection.objects.filter(assignment__worker=worker_of(self.request))
        told = own.exclude(status__in=[Rejection.Status.WAITING, Rejection.Status.DECLINED])
        return told.select_related("assignment__batch", "appeal")


class AppealRejection(APIView):
    """Appeal a rejection of an answer of yours: three other workers decide, without any names."""

    @extend_schema(
        operation_id="appeal_rejection", request=RejectionAppealIn, responses={201: AppealOut}
    )
    @once_per_key
    def post(self, request: Request, assignment_id: int) -> Response:
        own = Rejection.objects.filter(assignment__worker=worker_of(request))
        told = own.exclude(status__in=[Rejection.Status.WAITING, Rejection.Status.DECLINED])
        rejection = get_object_or_404(told, pk=assignment_id)
        form = RejectionAppealIn(data=request.data)
        form.is_valid(raise_exception=True)
        made = appeals.appeal(rejection=rejection, now=timezone.now(), **form.validated_data)
        return Response(AppealOut(made).data, status=201)


class OwnAppeals(ListAPIView[Appeal]):
    """Your appeals, when an answer is owed, and the answers; newest first."""

    serializer_class = AppealOut
    pagination_class = NewestAppeals

    @extend_schema(operation_id="list_appeals")
    def get(self, request: Request) -> Response:
        return self.list(request)

    def get_queryset(self) -> QuerySet[Appeal]:
        return Appeal.objects.filter(rejection__assignment__worker=worker_of(self.request))
