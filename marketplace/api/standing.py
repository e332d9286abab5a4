"""A worker's standing: what they see of it, what rules made of it, what a human is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.auth import user_of, worker_of
from marketplace.api.fields import Text
from marketplace.api.idempotency import once_per_key
from marketplace.api.projects import batch_of
from marketplace.api.shapes import BatchOut
from tasks import draft, quality
from tasks.aggregation.skill import Estimate
from tasks.checks import flags, restrict
from tasks.models import Cursor, Flag, Restriction
from workers.models import Skill, Worker

SHOWN_MOST = 100  # of each list on a worker's own page
# Of gold a worker learns no more than this, or each figure would tell which of their tasks was it.
GOLD_FROM, GOLD_STEP = 10, 10  # answers
GOLD_DIGITS = 1


Row = TypeVar("Row", Restriction, Flag)


class RulesIn(serializers.Serializer[Any]):
    rules = serializers.JSONField(help_text='A list of rules, or "default".')


class DecisionIn(serializers.Serializer[Any]):
    reason = Text(max_length=2_000)


class AppealIn(serializers.Serializer[Any]):
    message = Text(max_length=2_000, help_text="What the human should know.")


class EstimateOut(serializers.Serializer[Any]):
    estimate = serializers.FloatField(help_text="Share of right answers, in [0, 1].")
    low = serializers.FloatField(help_text="Bounds of its 95 % interval.")
    high = serializers.FloatField()
    answers = serializers.IntegerField(help_text="How many it rests on.")


class SkillOut(serializers.Serializer[Any]):
    project = serializers.IntegerField()
    skill = serializers.DictField(child=EstimateOut(), help_text="By source: gold, fit, review.")


class RestrictionOut(serializers.ModelSerializer[Restriction]):
    batch = serializers.IntegerField(source="batch_id")
    project = serializers.IntegerField(source="batch.project_id")

    class Meta:
        model = Restriction
        fields = [
            "id", "batch", "project", "kind", "value", "sentence", "made_at", "until", "lifted_at",
        ]  # fmt: skip


class RestrictedOut(RestrictionOut):
    """A restriction as the batch's requester sees it."""

    worker = serializers.CharField(source="pseudonym", help_text="Their name in this batch.")

    class Meta(RestrictionOut.Meta):
        fields = ["worker", *RestrictionOut.Meta.fields, "evidence"]


class AnsweredFlagOut(serializers.ModelSerializer[Flag]):
    """A question about a worker as the worker sees it: not who else is in it."""

    batch = serializers.IntegerField(source="batch_id")

    class Meta:
        model = Flag
        fields = ["id", "batch", "kind", "sentence", "status", "made_at", "reason", "decided_at"]


class FlagOut(AnsweredFlagOut):
    """A question about a worker as those who may answer it see it."""

    worker = serializers.CharField(source="pseudonym", help_text="Their name in this batch.")

    class Meta(AnsweredFlagOut.Meta):
        fields = ["worker", *AnsweredFlagOut.Meta.fields, "evidence"]


class StandingOut(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="Of the account: active, suspended or closed.")
    overall = serializers.DictField(child=EstimateOut(), help_text="By source, over all projects.")
    skills = SkillOut(many=True)
    restrictions = RestrictionOut(many=True, help_text="Live ones, and lately ended ones.")
    flags = AnsweredFlagOut(many=True, help_text="What humans decided, and your own appeals.")


class Standing(APIView):
    """How good your answers are found to be, what rules made of it, and what humans decided.

    Figures from gold are rough, and shown from ten answers on: finer ones would tell which of
    your tasks were gold.
    """

    @extend_schema(operation_id="standing", responses={200: StandingOut})
    def get(self, request: Request) -> Response:
        worker = worker_of(request)
        told = {
            "status": worker.status,
            "overall": _overall(worker),
            "skills": _skills(worker),
            "restrictions": _restrictions_of(worker),
            "flags": _flags_of(worker),
        }
        return Response(StandingOut(told).data)


class Restrictions(ListAPIView[Restriction]):
    """What rules ask of the workers of a batch of yours, newest first; live ones only."""

    serializer_class = RestrictedOut

    @extend_schema(operation_id="list_restrictions")
    def get(self, request: Request, batch_id: int) -> Response:
        return self.list(request)

    def get_queryset(self) -> QuerySet[Restriction]:
        batch = batch_of(self.request, self.kwargs["batch_id"])
        live = Restriction.objects.filter(batch=batch, lifted_at=None)
        return _named(live.select_related("batch"))


class Lift(APIView):
    """End a restriction; the answers given until now lead to no other."""

    @extend_schema(operation_id="lift_restriction", request=None, responses={200: RestrictedOut})
    @once_per_key
    def post(self, request: Request, restriction_id: int) -> Response:
        allowed = _named(Restriction.objects.filter(_decidable(request)).select_related("batch"))
        row = get_object_or_404(allowed, pk=restriction_id)
        restrict.lift(restriction=row, actor=user_of(request), now=timezone.now())
        return Response(RestrictedOut(row).data)


class Appeal(APIView):
    """Ask for a human's look at a restriction of yours."""

    @extend_schema(operation_id="appeal", request=AppealIn, responses={201: AnsweredFlagOut})
    @once_per_key
    def post(self, request: Request, restriction_id: int) -> Response:
        own = Restriction.objects.filter(worker=worker_of(request)).select_related("worker__user")
        row = get_object_or_404(own, pk=restriction_id)
        form = AppealIn(data=request.data)
        form.is_valid(raise_exception=True)
        flag = flags.appeal(restriction=row, now=timezone.now(), **form.validated_data)
        return Response(AnsweredFlagOut(flag).data, status=201)


class Flags(ListAPIView[Flag]):
    """What humans are asked about workers, newest first: of your batches; admins see all."""

    serializer_class = FlagOut

    @extend_schema(
        operation_id="list_flags",
        parameters=[OpenApiParameter("status", str, enum=Flag.Status.values)],
    )
    def get(self, request: Request) -> Response:
        return self.list(request)

    def get_queryset(self) -> QuerySet[Flag]:
        allowed = Flag.objects.filter(_decidable(self.request))
        status = self.request.query_params.get("status", Flag.Status.WAITING)
        if status not in Flag.Status.values:
            known = ", ".join(Flag.Status.values)
            raise ValidationError({"status": f"Give one of {known}."})
        return _named(allowed.filter(status=status))


class Decide(APIView):
    """An answer to a question about a worker."""

    verb: ClassVar[Callable[..., None]]

    @extend_schema(request=DecisionIn, responses={200: FlagOut})
    @once_per_key
    def post(self, request: Request, flag_id: int) -> Response:
        flag = get_object_or_404(_named(Flag.objects.filter(_decidable(request))), pk=flag_id)
        form = DecisionIn(data=request.data)
        form.is_valid(raise_exception=True)
        reason = form.validated_data["reason"]
        self.verb(flag=flag, reason=reason, actor=user_of(request), now=timezone.now())
        return Response(FlagOut(flag).data)


class Dismiss(Decide):
    """Say that nothing was wrong. Lift the worker's restrictions yourself, if there are any."""

    verb = staticmethod(flags.dismiss)


class Uphold(Decide):
    """Say that something was wrong. Nothing follows by itself: blocking is your own act."""

    verb = staticmethod(flags.uphold)


class Rules(APIView):
    """Change what follows from a worker's record in the batch; restrictions already made stay."""

    @extend_schema(operation_id="set_rules", request=RulesIn, responses={200: BatchOut})
    @once_per_key
    def put(self, request: Request, batch_id: int) -> Response:
        batch = batch_of(request, batch_id)
        form = RulesIn(data=request.data)
        form.is_valid(raise_exception=True)
        draft.set_rules(
            batch=batch,
            rules=form.validated_data["rules"],
            actor=user_of(request),
            now=timezone.now(),
        )
        return Response(BatchOut(batch_of(request, batch_id)).data)


def _decidable(request: Request) -> Q:
    """Which rows about workers the caller may decide on: admins all, requesters their batches'."""
    user = user_of(request)
    if user.is_staff:
        return Q()
    if not user.is_requester:
        raise PermissionDenied("Only requesters and admins may do this.")
    return Q(batch__project__requester=user)


def _named(rows: QuerySet[Row]) -> QuerySet[Row]:
    """Rows with the name that each one's worker has in its batch."""
    cursors = Cursor.objects.filter(batch=OuterRef("batch"), worker=OuterRef("worker"))
    return rows.annotate(pseudonym=Subquery(cursors.values("pseudonym")[:1]))


def _overall(worker: Worker) -> dict[str, dict[str, float]]:
    pooled = quality.overall([worker.pk]).get(worker.pk, {})
    told = {source: _told(source, found) for source, found in pooled.items()}
    return {source: found for source, found in told.items() if found}


def _skills(worker: Worker) -> list[dict[str, Any]]:
    by_project: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    for row in Skill.objects.filter(worker=worker).order_by("-pk")[:SHOWN_MOST]:
        found = _told(row.source, Estimate(row.estimate, row.low, row.high, row.answers))
        if found:
            by_project[row.project_id][row.source] = found
    return [{"project": project, "skill": skill} for project, skill in by_project.items()]


def _told(source: str, found: Estimate) -> dict[str, Any]:
    if source != Skill.Source.GOLD:
        return found._asdict()
    if found.answers < GOLD_FROM:
        return {}
    rough = {name: round(value, GOLD_DIGITS) for name, value in found._asdict().items()}
    return {**rough, "answers": found.answers - found.answers % GOLD_STEP}


def _restrictions_of(worker: Worker) -> QuerySet[Restriction]:
    rows = Restriction.objects.filter(worker=worker).select_related("batch")
    return rows.order_by(F("lifted_at").desc(nulls_first=True), "-pk")[:SHOWN_MOST]


def _flags_of(worker: Worker) -> QuerySet[Flag]:
    own = Q(kind=flags.APPEAL) | ~Q(status=Flag.Status.WAITING)
    return Flag.objects.filter(own, worker=worker).order_by("-pk")[:SHOWN_MOST]
