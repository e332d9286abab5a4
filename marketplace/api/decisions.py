"""What people decided about you, why, and how to have it looked at again; what waits for them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.auth import user_of
from marketplace.api.fields import Text
from marketplace.api.idempotency import once_per_key
from tasks.models import Appeal, Rejection
from workers import decisions
from workers.models import Decision, StandingAppeal

LISTED_MOST = 500  # of each sort


class DecisionOut(serializers.ModelSerializer[Decision]):
    answers = serializers.IntegerField(source="answers_id", help_text="The decision it reviews.")
    answer_due_at = serializers.DateTimeField(
        source="appeal.due_at", default=None, help_text="Of your appeal."
    )

    class Meta:
        model = Decision
        fields = [
            "id", "kind", "subject_kind", "subject_id", "reasons", "evidence", "made_at",
            "effective_at", "appeal_until", "answers", "answer_due_at",
        ]  # fmt: skip


class DecisionAppealIn(serializers.Serializer[Any]):
    message = Text(max_length=5_000, help_text="What the human should know.")


class DecisionAppealOut(serializers.ModelSerializer[StandingAppeal]):
    decision = serializers.IntegerField(source="decision_id")

    class Meta:
        model = StandingAppeal
        fields = ["decision", "message", "made_at", "due_at", "answered_at"]


class WaitingOut(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="rejection, appeal or decision_appeal")
    id = serializers.IntegerField()
    made_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()


class Decisions(ListAPIView[Decision]):
    """What people decided about you, newest first, with their reasons."""

    serializer_class = DecisionOut

    @extend_schema(operation_id="list_decisions")
    def get(self, request: Request) -> Response:
        return self.list(request)

    def get_queryset(self) -> QuerySet[Decision]:
        own = Decision.objects.filter(concerns=user_of(self.request))
        return own.select_related("appeal")


class AppealDecision(APIView):
    """Ask for another look at a suspension, a closure or a limit; a human answers in 14 days."""

    @extend_schema(
        operation_id="appeal_decision",
        request=DecisionAppealIn,
        responses={201: DecisionAppealOut},
    )
    @once_per_key
    def post(self, request: Request, decision_id: int) -> Response:
        own = Decision.objects.filter(concerns=user_of(request))
        decision = get_object_or_404(own, pk=decision_id)
        form = DecisionAppealIn(data=request.data)
        form.is_valid(raise_exception=True)
        made = decisions.appeal(decision=decision, now=timezone.now(), **form.validated_data)
        return Response(DecisionAppealOut(made).data, status=201)


class WaitingForHumans(APIView):
    """What waits for an admin, with the day it is owed by; due first. The admin's pages decide."""

    @extend_schema(operation_id="list_waiting", responses={200: WaitingOut(many=True)})
    def get(self, request: Request) -> Response:
        if not user_of(request).is_staff:
            raise PermissionDenied("Only admins may see this.")
        waiting = [*_rejections(), *_appeals(), *_decision_appeals()]
        waiting.sort(key=lambda each: (each["due_at"], each["kind"], each["id"]))
        return Response(WaitingOut(waiting, many=True).data)


def _rejections() -> list[dict[str, Any]]:
    """Rejections that a human has to agree to, before the answer is accepted by itself."""
    rows = Rejection.objects.filter(status=Rejection.Status.WAITING).order_by("made_at")
    found = rows.values_list("pk", "made_at", "assignment__accept_due_at")[:LISTED_MOST]
    return [_waiting("rejection", *row) for row in found]


def _appeals() -> list[dict[str, Any]]:
    rows = Appeal.objects.filter(status=Appeal.Status.HUMAN).order_by("due_at")
    return [
        _waiting("appeal", *row)
        for row in rows.values_list("pk", "made_at", "due_at")[:LISTED_MOST]
    ]


def _decision_appeals() -> list[dict[str, Any]]:
    rows = StandingAppeal.objects.filter(answered_at=None).order_by("due_at")
    found = rows.values_list("decision_id", "made_at", "due_at")[:LISTED_MOST]
    return [_waiting("decision_appeal", *row) for row in found]


def _waiting(kind: str, pk: int, made_at: Any, due_at: Any) -> dict[str, Any]:
    return {"kind": kind, "id": pk, "made_at": made_at, "due_at": due_at}
