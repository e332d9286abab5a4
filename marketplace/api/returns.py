"""Tasks that workers handed back because of what they are: read, and refused to pay for."""

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

from marketplace.api.auth import requester_of, user_of
from marketplace.api.fields import Text
from marketplace.api.idempotency import once_per_key
from marketplace.api.paging import IdCursorPagination
from marketplace.api.projects import batch_of
from tasks.compensation import returns
from tasks.models import Cursor, Return


class RefusalIn(serializers.Serializer[Any]):
    reason = Text(max_length=5_000, help_text="Why the time is not paid. The worker reads it.")


class ReturnOut(serializers.ModelSerializer[Return]):
    """A return as the batch's requester sees it; the amount is minor units."""

    assignment = serializers.IntegerField(source="assignment_id")
    batch = serializers.IntegerField(source="batch_id")
    task = serializers.IntegerField(source="assignment.task_id")
    worker = serializers.CharField(source="pseudonym", help_text="Their name in this batch.")
    code = serializers.ChoiceField(Return.Reason.choices, source="reason")
    reason = serializers.CharField(source="text", help_text="As the worker said it.")
    amount = serializers.IntegerField(source="amount_minor")
    currency = serializers.CharField(source="batch.currency")

    class Meta:
        model = Return
        fields = [
            "assignment", "batch", "task", "worker", "code", "reason", "seconds", "amount",
            "currency", "status", "made_at", "due_at", "decided_reason", "decided_at",
        ]  # fmt: skip


class NewestFirst(IdCursorPagination):
    """By assignment, whose number a return shares."""

    ordering = "-assignment_id"


class Returns(ListAPIView[Return]):
    """Tasks of a batch of yours that were handed back because of what they are, newest first."""

    serializer_class = ReturnOut
    pagination_class = NewestFirst

    @extend_schema(operation_id="list_returns")
    def get(self, request: Request, batch_id: int) -> Response:
        return self.list(request)

    def get_queryset(self) -> QuerySet[Return]:
        batch = batch_of(self.request, self.kwargs["batch_id"])
        return _named(Return.objects.filter(batch=batch))


class Refuse(APIView):
    """Refuse to pay for a return while it waits; from a second person on it is paid anyway."""

    @extend_schema(operation_id="refuse_return", request=RefusalIn, responses={200: ReturnOut})
    @once_per_key
    def post(self, request: Request, assignment_id: int) -> Response:
        own = Return.objects.filter(batch__project__requester=requester_of(request))
        returned = get_object_or_404(_named(own), pk=assignment_id)
        form = RefusalIn(data=request.data)
        form.is_valid(raise_exception=True)
        returns.refuse(
            returned=returned,
            reason=form.validated_data["reason"],
            actor=user_of(request),
            now=timezone.now(),
        )
        return Response(ReturnOut(returned).data)


def _named(rows: QuerySet[Return]) -> QuerySet[Return]:
    """Returns with the name that each one's worker has in its batch."""
    cursors = Cursor.objects.filter(batch=OuterRef("batch"), worker=OuterRef("assignment__worker"))
    named = rows.annotate(pseudonym=Subquery(cursors.values("pseudonym")[:1]))
    return named.select_related("assignment", "batch")
