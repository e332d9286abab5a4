"""The worker's side of the API: find work, claim, submit, skip."""

from __future__ import annotations

import random
import re
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace import metrics
from marketplace.api.auth import worker_of
from marketplace.api.fields import Text
from marketplace.api.idempotency import once_per_key
from marketplace.api.shapes import AnsweredOut, AssignmentOut
from tasks import answer, distribute
from tasks.distribute import COUNT_MAX, Claimed, Handout
from tasks.models import Assignment, Batch
from tasks.versions import asked

# Unpredictable, because it decides which claims are gold.
DRAW = random.SystemRandom().random
COUNT = re.compile("[0-9]{1,2}")


class Submission(serializers.Serializer[Any]):
    answer = serializers.JSONField(
        help_text='In the interface\'s shape, e.g. {"label": "cat"}; a bare value will do '
        "where the interface asks for one thing only."
    )


class Skip(serializers.Serializer[Any]):
    reason = Text(max_length=500, default="", allow_blank=True)


class Claim(APIView):
    """Claim a task: you have until ``deadline_at`` to submit it or skip it."""

    @extend_schema(
        operation_id="claim",
        request=None,
        parameters=[OpenApiParameter("count", int, description="1 to 20; the answer is a list.")],
        responses={201: AssignmentOut, 204: None},
    )
    @once_per_key
    def post(self, request: Request, batch_id: int) -> Response:
        count = _count(request)
        try:
            handout = distribute.claim(
                batch_id=batch_id,
                worker=worker_of(request),
                count=count or 1,
                now=timezone.now(),
                draw=DRAW,
            )
        except Batch.DoesNotExist:
            raise Http404 from None
        return _handed_out(handout, many=count is not None)


def _count(request: Request) -> int | None:
    """``?count=``, or None when one assignment was asked for."""
    if "count" not in request.query_params:
        return None
    said = request.query_params["count"]
    count = int(said) if COUNT.fullmatch(said) else 0
    if not 1 <= count <= COUNT_MAX:
        raise ValidationError({"count": f"Give a whole number from 1 to {COUNT_MAX}."})
    return count


def _handed_out(handout: Handout, *, many: bool) -> Response:
    if not handout.assignments:
        return Response(status=204, headers={"Retry-After": str(handout.retry_after_seconds)})
    metrics.CLAIMS.inc(len(handout.assignments))
    given = [shown(claimed) for claimed in handout.assignments]
    return Response(given if many else given[0], status=201)


def shown(claimed: Claimed) -> dict[str, Any]:
    """An assignment as a worker sees it: by hand, because a serializer takes ten times as long.

    Gold looks like any other task: no field here may depend on it.
    """
    version = asked(claimed.version_id)
    return {
        "id": claimed.id,
        "status": "active",
        "batch": claimed.batch_id,
        "task": claimed.task_id,
        "title": version.title,
        "instructions": version.instructions,
        "interface": version.interface,
        "input": claimed.input,
        "suggestion": claimed.suggestion,
        "deadline_at": claimed.deadline_at.isoformat().replace("+00:00", "Z"),
        "reward": claimed.reward_minor,
        "currency": claimed.currency,
    }


class Submit(APIView):
    """Submit the answer to an assignment you hold."""

    @extend_schema(operation_id="submit", request=Submission, responses={200: AnsweredOut})
    @once_per_key
    def post(self, request: Request, assignment_id: int) -> Response:
        form = Submission(data=request.data)
        form.is_valid(raise_exception=True)
        submitted = answer.submit(
            assignment_id=assignment_id,
            worker=worker_of(request),
            answer=form.validated_data["answer"],
            now=timezone.now(),
        )
        metrics.SUBMITS.inc()
        said = {"id": assignment_id, "status": "submitted", "answer": submitted.answer}
        if submitted.feedback:
            said["feedback"] = submitted.feedback._asdict()
        return Response(said)


class SkipAssignment(APIView):
    """Hand an assignment back unanswered; nobody holds it against you."""

    @extend_schema(operation_id="skip", request=Skip, responses={200: AnsweredOut})
    @once_per_key
    def post(self, request: Request, assignment_id: int) -> Response:
        form = Skip(data=request.data)
        form.is_valid(raise_exception=True)
        own = Assignment.objects.of(worker_of(request)).select_related("batch")
        assignment = get_object_or_404(own, pk=assignment_id)
        answer.skip(assignment=assignment, reason=form.validated_data["reason"], now=timezone.now())
        return Response({"id": assignment.pk, "status": assignment.status})
