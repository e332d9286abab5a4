"""The worker's side of the API: claim, work, submit, skip."""

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
from marketplace.api.auth import user_of, worker_of
from marketplace.api.consent import check_consent
from marketplace.api.fields import Flag, OnlyKnown, Text, WholeNumber
from marketplace.api.idempotency import once_per_key
from marketplace.api.shapes import AnsweredOut, AssignmentOut
from tasks import answer, distribute
from tasks.distribute import COUNT_MAX, Claimed, Handout
from tasks.models import Assignment, Batch, Return
from tasks.versions import asked

# Unpredictable, because it decides which claims are gold.
DRAW = random.SystemRandom().random
COUNT = re.compile("[0-9]{1,2}")
SECONDS_MAX = 2**31 - 1


class Submission(serializers.Serializer[Any]):
    answer = serializers.JSONField(
        help_text='In the interface\'s shape, e.g. {"label": "cat"}; a bare value will do '
        "where the interface asks for one thing only."
    )
    seconds = WholeNumber(
        min_value=0,
        max_value=SECONDS_MAX,
        required=False,
        allow_null=True,
        help_text="How long it took, as you see it: lengthens the measured time by half at most.",
    )


class BeatIn(OnlyKnown):
    """That somebody is there. Nothing of what they type or see is taken."""

    visible = Flag(help_text="Whether the task can be seen on the screen.")
    media = Flag(default=False, help_text="Whether sound or film of the task plays; as visible.")
    inputs = WholeNumber(
        min_value=0,
        max_value=SECONDS_MAX,
        required=False,
        help_text="How many keys or clicks since the last beat, never which. It is not kept.",
    )


class BeatOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    active_seconds = serializers.IntegerField(help_text="Counted so far.")


class Skip(serializers.Serializer[Any]):
    reason = Text(max_length=500, default="", allow_blank=True)
    code = serializers.ChoiceField(
        Return.Reason.choices,
        allow_null=True,
        default=None,
        help_text="What is wrong with the task; the time may then be paid. Without, you changed"
        " your mind.",
    )


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
        count, worker, now = _count(request), worker_of(request), timezone.now()
        check_consent(user_of(request), now=now)
        try:
            handout = distribute.claim(
                batch_id=batch_id,
                worker=worker,
                count=count or 1,
                now=now,
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


class Beat(APIView):
    """Say that you are at it, every 15 seconds; of longer silences two minutes count as work."""

    @extend_schema(operation_id="beat", request=BeatIn, responses={200: BeatOut})
    @once_per_key
    def post(self, request: Request, assignment_id: int) -> Response:
        form = BeatIn(data=request.data)
        form.is_valid(raise_exception=True)
        said = form.validated_data
        counted = answer.beat(
            assignment_id=assignment_id,
            worker=worker_of(request),
            visible=said["visible"] or said["media"],
            now=timezone.now(),
        )
        return Response({"id": assignment_id, "active_seconds": counted})


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
            reported_seconds=form.validated_data.get("seconds"),
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
        returned = answer.skip(
            assignment=assignment,
            reason=form.validated_data["reason"],
            code=form.validated_data["code"],
            now=timezone.now(),
        )
        said = {"id": assignment.pk, "status": assignment.status}
        if returned is not None:
            said["returned"] = _returned(returned)
        return Response(said)


def _returned(returned: Return) -> dict[str, Any]:
    return {
        "code": returned.reason,
        "status": returned.status,
        "seconds": returned.seconds,
        "amount": returned.amount_minor,
        "due_at": returned.due_at,
    }
