"""The requester's side: projects, and drafts of batches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.auth import requester_of
from marketplace.api.fields import Share, Text, WholeNumber
from marketplace.api.idempotency import once_per_key
from marketplace.api.shapes import BatchOut, ProjectOut
from payments.money import Money
from tasks import draft
from tasks.aggregation.methods import AUTO, METHODS
from tasks.models import Batch, Project, ProjectVersion

REDUNDANCY = {  # what the API calls the parts of a policy, and what the domain does
    "policy": "redundancy",
    "min": "overlap_min",
    "max": "overlap_max",
    "rule": "rule",
    "target": "target",
    "budget": "cap_minor",
}
DAY = 86_400
MINOR_MAX = 10**12 - 1


class ProjectIn(serializers.Serializer[Any]):
    title = Text(max_length=200)
    instructions = Text(max_length=50_000, allow_blank=True, default="")
    interface = serializers.JSONField()


class RevisionIn(serializers.Serializer[Any]):
    instructions = Text(max_length=50_000, allow_blank=True, default="")
    interface = serializers.JSONField()


class RedundancyIn(serializers.Serializer[Any]):
    """How many answers a task gets.

    ``fixed``: ``overlap`` answers each. ``adaptive``: from ``min`` to ``max``, as the evidence
    calls for, never beyond ``budget`` in all (minor units; left out: what ``overlap`` answers each
    would cost). ``rule`` says what for: ``gain`` buys an answer while it is expected to raise
    accuracy, ``target`` until the confidence is at ``target``, ``spend`` until the budget is gone.
    """

    policy = serializers.ChoiceField(Batch.Redundancy.choices)
    min = WholeNumber(min_value=1, max_value=100, default=1)
    max = WholeNumber(min_value=1, max_value=100, default=15)
    rule = serializers.ChoiceField(Batch.Rule.choices, default=Batch.Rule.GAIN)
    target = Share(min_value=0.5, max_value=0.999, default=0.95)
    budget = WholeNumber(min_value=1, max_value=MINOR_MAX, default=None, allow_null=True)


class BatchIn(serializers.Serializer[Any]):
    """Amounts are whole minor units (cents) of ``currency``; durations are whole seconds."""

    purpose = serializers.ChoiceField(
        Batch.Purpose.choices,
        default=Batch.Purpose.WORK,
        help_text="In a training or exam every row has its gold answer.",
    )
    grants = WholeNumber(
        min_value=1,
        max_value=2**63 - 1,
        default=None,
        allow_null=True,
        help_text="The qualification of yours that passing an exam grants.",
    )
    pass_mark = Share(min_value=0, max_value=1, default=0.8)
    reward = WholeNumber(min_value=1, max_value=MINOR_MAX)
    currency = Text(max_length=3, default="USD")
    overlap = WholeNumber(min_value=1, max_value=100, default=3)
    assignment_duration_seconds = WholeNumber(min_value=1, max_value=30 * DAY, default=1800)
    auto_accept_delay_seconds = WholeNumber(min_value=0, max_value=30 * DAY, default=3 * DAY)
    gold_rate = Share(min_value=0, max_value=0.5, default=0.05)
    max_live_assignments = WholeNumber(min_value=1, max_value=1000, default=20)
    qualifications = serializers.JSONField(required=False)
    rules = serializers.JSONField(
        required=False, help_text='What follows from a worker\'s record: a list, or "default".'
    )
    redundancy = RedundancyIn(required=False)
    estimate_seconds = WholeNumber(
        min_value=1,
        max_value=30 * DAY,
        default=None,
        allow_null=True,
        help_text="What one answer takes; left out, as long as the reward pays the wage floor for.",
    )
    content_warnings = serializers.ListField(
        child=Text(max_length=20),
        default=list,
        max_length=20,
        help_text="What is shown may disturb: only workers who agreed to it are offered the batch.",
    )
    data_use = Text(
        max_length=500,
        allow_blank=True,
        default="",
        help_text="What the answers are for, as workers read it.",
    )
    aggregation = Text(default=AUTO, max_length=40)

    def validate_aggregation(self, name: str) -> str:
        if name != AUTO and name not in METHODS:
            known = ", ".join([AUTO, *sorted(METHODS)])
            raise serializers.ValidationError(f"There is no method {name!r}. Known: {known}.")
        return name


class Projects(ListAPIView[Project]):
    """Your projects: what workers are asked."""

    serializer_class = ProjectOut

    def get_queryset(self) -> QuerySet[Project]:
        return with_latest(Project.objects.filter(requester=requester_of(self.request)))

    @extend_schema(operation_id="create_project", request=ProjectIn, responses={201: ProjectOut})
    @once_per_key
    def post(self, request: Request) -> Response:
        requester = requester_of(request)
        form = ProjectIn(data=request.data)
        form.is_valid(raise_exception=True)
        project = draft.create_project(
            requester=requester, now=timezone.now(), **form.validated_data
        )
        return Response(_shown(project.pk), status=201)


class OneProject(APIView):
    @extend_schema(operation_id="read_project", responses={200: ProjectOut})
    def get(self, request: Request, project_id: int) -> Response:
        return Response(_shown(project_of(request, project_id).pk))


class Versions(APIView):
    """Change what is asked: a new version, which new batches use."""

    @extend_schema(operation_id="revise_project", request=RevisionIn, responses={201: ProjectOut})
    @once_per_key
    def post(self, request: Request, project_id: int) -> Response:
        project = project_of(request, project_id)
        form = RevisionIn(data=request.data)
        form.is_valid(raise_exception=True)
        draft.revise_project(project=project, now=timezone.now(), **form.validated_data)
        return Response(_shown(project.pk), status=201)


class ProjectBatches(APIView):
    @extend_schema(operation_id="create_batch", request=BatchIn, responses={201: BatchOut})
    @once_per_key
    def post(self, request: Request, project_id: int) -> Response:
        project = project_of(request, project_id)
        form = BatchIn(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        batch = draft.create_batch(
            project=project,
            reward=Money(asked["reward"], asked["currency"]),
            fee_basis_points=settings.PLATFORM_FEE_BASIS_POINTS,
            policy=_policy(asked),
            now=timezone.now(),
        )
        return Response(BatchOut(batch).data, status=201)


def _policy(asked: dict[str, Any]) -> draft.Policy:
    redundancy = asked.get("redundancy") or {}
    return draft.Policy(
        purpose=asked["purpose"],
        grants=asked["grants"],
        pass_mark=asked["pass_mark"],
        overlap=asked["overlap"],
        **{field: redundancy[key] for key, field in REDUNDANCY.items() if key in redundancy},
        assignment_duration=timedelta(seconds=asked["assignment_duration_seconds"]),
        auto_accept_delay=timedelta(seconds=asked["auto_accept_delay_seconds"]),
        gold_rate=asked["gold_rate"],
        max_live_assignments=asked["max_live_assignments"],
        aggregation=asked["aggregation"],
        requirements=asked.get("qualifications", []),
        rules=asked.get("rules", []),
        estimate_seconds=asked["estimate_seconds"],
        content_warnings=asked["content_warnings"],
        data_use=asked["data_use"],
    )


def with_latest(projects: QuerySet[Project]) -> QuerySet[Project]:
    """Projects with what they ask now, in one query however many they are."""
    latest = ProjectVersion.objects.filter(project=OuterRef("pk")).order_by("-number")
    return projects.annotate(
        version=Subquery(latest.values("number")[:1]),
        instructions=Subquery(latest.values("instructions")[:1]),
        interface=Subquery(latest.values("interface")[:1]),
    )


def _shown(project_id: int) -> dict[str, Any]:
    return ProjectOut(with_latest(Project.objects.all()).get(pk=project_id)).data


def project_of(request: Request, project_id: int) -> Project:
    """The caller's own project, or 404."""
    return get_object_or_404(Project, requester=requester_of(request), pk=project_id)


def batch_of(request: Request, batch_id: int) -> Batch:
    """The caller's own batch with what its shape needs, or 404."""
    batches = Batch.objects.of(requester_of(request).pk)
    return get_object_or_404(
        batches.select_related("project", "version", "escrow", "reserve", "progress"), pk=batch_id
    )
