"""The requester's side: fill a batch, price it, run it, watch it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api import uploads
from marketplace.api.auth import requester_of, user_of
from marketplace.api.consent import check_consent
from marketplace.api.fields import WholeNumber
from marketplace.api.idempotency import once_per_key
from marketplace.api.projects import MINOR_MAX, batch_of
from marketplace.api.shapes import BatchOut, QuoteOut, UploadOut
from payments.money import Money
from tasks import draft, publish
from tasks.models import Batch
from tasks.uploads import analyze
from tasks.versions import asked

DRAW_BITS = random.SystemRandom().getrandbits
ANALYZE_FROM = 10_000  # rows after which the planner's statistics are refreshed at once


class RequirementsIn(serializers.Serializer[Any]):
    qualifications = serializers.JSONField()


class Batches(ListAPIView[Batch]):
    """Your batches, newest first."""

    serializer_class = BatchOut

    def get_queryset(self) -> QuerySet[Batch]:
        own = Batch.objects.of(requester_of(self.request).pk)
        return own.select_related("version", "escrow", "reserve", "progress")


class OneBatch(APIView):
    """A batch and how far it has got."""

    @extend_schema(operation_id="read_batch", responses={200: BatchOut})
    def get(self, request: Request, batch_id: int) -> Response:
        return Response(BatchOut(batch_of(request, batch_id)).data)


class Tasks(APIView):
    """Upload tasks: a JSON list, NDJSON or CSV, of any length; good rows are taken, others named.

    A row is ``{"input": {…}, "gold": …, "external_id": …, "priority": …, "overlap": …,
    "expires_at": …, "author": …}``, or flat: all that is not one of these is input.
    """

    parser_classes = uploads.PARSERS
    body_digest = staticmethod(uploads.body_digest)

    @extend_schema(
        operation_id="upload_tasks",
        request=uploads.SHAPES,
        responses={201: UploadOut},
    )
    @once_per_key
    def post(self, request: Request, batch_id: int) -> Response:
        batch = batch_of(request, batch_id)
        rows = uploads.rows(request, asked(batch.version_id).checker)
        upload = publish.add_tasks(batch=batch, rows=rows, draw=DRAW_BITS, now=timezone.now())
        if upload.tasks >= ANALYZE_FROM:
            analyze()
        return Response(UploadOut(upload).data, status=201)


class Quote(APIView):
    """What publishing would cost, gold and fee included, and what your wallet lacks."""

    @extend_schema(operation_id="quote", request=None, responses={200: QuoteOut})
    def post(self, request: Request, batch_id: int) -> Response:
        quoted = publish.quote(batch_of(request, batch_id), now=timezone.now())
        return Response(QuoteOut(quoted).data)


class Move(APIView):
    """One of the four moves a requester makes with a batch."""

    verb: ClassVar[Callable[..., object]]
    needs_consent = False  # to the terms in force

    @extend_schema(request=None, responses={200: BatchOut})
    @once_per_key
    def post(self, request: Request, batch_id: int) -> Response:
        batch, now = batch_of(request, batch_id), timezone.now()
        if self.needs_consent:
            check_consent(user_of(request), now=now)
        self.verb(batch=batch, actor=user_of(request), now=now)
        return Response(BatchOut(batch_of(request, batch_id)).data)


class Publish(Move):
    """Open the batch to workers; its cost moves from your wallet into its escrow."""

    verb = staticmethod(publish.publish)
    needs_consent = True


class Pause(Move):
    """Hand out no more tasks for now."""

    verb = staticmethod(publish.pause)


class Resume(Move):
    """Hand out tasks again."""

    verb = staticmethod(publish.resume)


class Close(Move):
    """Withdraw what nobody has claimed; once all is settled, the rest goes back to your wallet."""

    verb = staticmethod(publish.close)


class BudgetIn(serializers.Serializer[Any]):
    budget = WholeNumber(
        min_value=1, max_value=MINOR_MAX, help_text="What the batch may cost in all, minor units."
    )


class Budget(APIView):
    """Let an adaptive batch cost more; the difference moves from your wallet into its escrow."""

    @extend_schema(operation_id="raise_budget", request=BudgetIn, responses={200: BatchOut})
    @once_per_key
    def post(self, request: Request, batch_id: int) -> Response:
        batch = batch_of(request, batch_id)
        form = BudgetIn(data=request.data)
        form.is_valid(raise_exception=True)
        publish.raise_budget(
            batch=batch,
            budget=Money(form.validated_data["budget"], batch.currency),
            actor=user_of(request),
            now=timezone.now(),
        )
        return Response(BatchOut(batch_of(request, batch_id)).data)


class RewardIn(serializers.Serializer[Any]):
    reward = WholeNumber(
        min_value=1, max_value=MINOR_MAX, help_text="Higher than it was, in minor units."
    )


class Reward(APIView):
    """Pay more for all answers still to come, and for those not decided or not paid yet.

    The difference moves from your wallet into the batch's funds.
    """

    @extend_schema(operation_id="raise_reward", request=RewardIn, responses={200: BatchOut})
    @once_per_key
    def post(self, request: Request, batch_id: int) -> Response:
        batch = batch_of(request, batch_id)
        form = RewardIn(data=request.data)
        form.is_valid(raise_exception=True)
        publish.raise_reward(
            batch=batch,
            reward=Money(form.validated_data["reward"], batch.currency),
            fee_basis_points=settings.PLATFORM_FEE_BASIS_POINTS,
            actor=user_of(request),
            now=timezone.now(),
        )
        return Response(BatchOut(batch_of(request, batch_id)).data)


class Qualifications(APIView):
    """Change who may work on the batch, from the next claim on."""

    @extend_schema(operation_id="require", request=RequirementsIn, responses={200: BatchOut})
    @once_per_key
    def put(self, request: Request, batch_id: int) -> Response:
        batch = batch_of(request, batch_id)
        form = RequirementsIn(data=request.data)
        form.is_valid(raise_exception=True)
        draft.require(
            batch=batch,
            requirements_json=form.validated_data["qualifications"],
            now=timezone.now(),
        )
        return Response(BatchOut(batch_of(request, batch_id)).data)
