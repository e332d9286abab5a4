"""The requester's side: who may work for them. Qualifications are granted, workers are blocked."""

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

from marketplace.api.auth import requester_of
from marketplace.api.fields import Text, WholeNumber
from marketplace.api.idempotency import once_per_key
from tasks.models import Cursor
from workers import blocks, qualify
from workers.models import Block, Qualification, QualificationType, User, Worker


class QualificationTypeIn(serializers.Serializer[Any]):
    name = Text(max_length=200)
    description = Text(max_length=2_000, default="", allow_blank=True)
    keywords = Text(max_length=1_000, default="", allow_blank=True)


class QualificationTypeOut(serializers.ModelSerializer[QualificationType]):
    class Meta:
        model = QualificationType
        fields = ["id", "name", "description", "keywords", "status", "created_at"]


class WorkerIn(serializers.Serializer[Any]):
    worker = Text(
        max_length=20, help_text="A WorkerId (A…), or the pseudonym (W…) of one of your batches."
    )
    batch = WholeNumber(
        min_value=1, max_value=2**63 - 1, required=False, help_text="Whose pseudonym it is."
    )


class GrantIn(WorkerIn):
    value = WholeNumber(min_value=-(2**31), max_value=2**31 - 1, default=1)


class ReasonIn(WorkerIn):
    reason = Text(max_length=2_000, default="", allow_blank=True)


class QualificationOut(serializers.ModelSerializer[Qualification]):
    type = serializers.IntegerField(source="type_id")

    class Meta:
        model = Qualification
        fields = ["type", "value", "status", "granted_at", "revoked_at", "reason"]


class QualificationTypes(ListAPIView[QualificationType]):
    """The qualifications you grant."""

    serializer_class = QualificationTypeOut

    def get_queryset(self) -> QuerySet[QualificationType]:
        return QualificationType.objects.filter(requester=requester_of(self.request))

    @extend_schema(
        operation_id="define_qualification",
        request=QualificationTypeIn,
        responses={201: QualificationTypeOut},
    )
    @once_per_key
    def post(self, request: Request) -> Response:
        requester = requester_of(request)
        form = QualificationTypeIn(data=request.data)
        form.is_valid(raise_exception=True)
        made = qualify.define(requester=requester, now=timezone.now(), **form.validated_data)
        return Response(QualificationTypeOut(made).data, status=201)


class Grant(APIView):
    """Give a worker a qualification, or another value of it."""

    @extend_schema(operation_id="grant", request=GrantIn, responses={200: QualificationOut})
    @once_per_key
    def post(self, request: Request, type_id: int) -> Response:
        requester = requester_of(request)
        kind = get_object_or_404(QualificationType, requester=requester, pk=type_id)
        form = GrantIn(data=request.data)
        form.is_valid(raise_exception=True)
        granted = qualify.grant(
            type=kind,
            worker=_meant(requester, form.validated_data),
            value=form.validated_data["value"],
            now=timezone.now(),
            actor=requester,
        )
        return Response(QualificationOut(granted).data)


class Revoke(APIView):
    """Take a qualification away, from the worker's next claim on."""

    @extend_schema(operation_id="revoke", request=ReasonIn, responses={200: QualificationOut})
    @once_per_key
    def post(self, request: Request, type_id: int) -> Response:
        requester = requester_of(request)
        kind = get_object_or_404(QualificationType, requester=requester, pk=type_id)
        form = ReasonIn(data=request.data)
        form.is_valid(raise_exception=True)
        revoked = qualify.revoke(
            type=kind,
            worker=_meant(requester, form.validated_data),
            reason=form.validated_data["reason"],
            now=timezone.now(),
            actor=requester,
        )
        return Response(QualificationOut(revoked).data)


class Blocks(APIView):
    """Stop working with a worker, from their next claim on; what they did stays paid."""

    @extend_schema(operation_id="block", request=ReasonIn, responses={204: None})
    @once_per_key
    def post(self, request: Request) -> Response:
        requester = requester_of(request)
        form = ReasonIn(data=request.data)
        form.is_valid(raise_exception=True)
        blocks.block(
            requester=requester,
            worker=_meant(requester, form.validated_data),
            direction=Block.Direction.REQUESTER,
            reason=form.validated_data["reason"],
            now=timezone.now(),
            actor=requester,
        )
        return Response(status=204)


class LiftBlock(APIView):
    """Work with a blocked worker again."""

    @extend_schema(operation_id="lift_block", request=ReasonIn, responses={204: None})
    @once_per_key
    def post(self, request: Request) -> Response:
        requester = requester_of(request)
        form = ReasonIn(data=request.data)
        form.is_valid(raise_exception=True)
        blocks.lift(
            requester=requester,
            worker=_meant(requester, form.validated_data),
            direction=Block.Direction.REQUESTER,
            reason=form.validated_data["reason"],
            now=timezone.now(),
            actor=requester,
        )
        return Response(status=204)


def _meant(requester: User, asked: dict[str, Any]) -> Worker:
    """The worker a requester names: by WorkerId, or by a pseudonym in a batch of theirs."""
    name, batch_id = asked["worker"], asked.get("batch")
    if batch_id is None:
        return get_object_or_404(Worker, public_id=name)
    if name.startswith("A"):
        raise ValidationError({"batch": "A WorkerId needs no batch; leave it out."})
    own = Cursor.objects.filter(batch__project__requester=requester)
    return get_object_or_404(own.select_related("worker"), batch=batch_id, pseudonym=name).worker
