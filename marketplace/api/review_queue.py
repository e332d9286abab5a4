"""The requester's side: tasks that wait for a decision, decided or given to experts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.auth import requester_of, user_of
from marketplace.api.batches import DRAW_BITS
from marketplace.api.fields import Share, Text, WholeNumber
from marketplace.api.idempotency import once_per_key
from marketplace.api.paging import IdCursorPagination
from marketplace.api.projects import MINOR_MAX, batch_of
from marketplace.api.shapes import BatchOut
from payments.money import Money
from tasks.models import Assignment, Consensus, Cursor, Review, Task
from tasks.reviews import experts, review

MARK = re.compile(r"([0-9]\.[0-9]{1,20}(?:e-[0-9]{1,3})?):([0-9]{1,18})")
ID_MAX = 2**63 - 1


class QueueIn(serializers.Serializer[Any]):
    """Either ``tasks``, by id, or those whose confidence is less than ``below``."""

    below = Share(min_value=0, max_value=1, required=False)
    limit = WholeNumber(min_value=1, max_value=1_000, default=100)
    tasks = serializers.ListField(
        child=WholeNumber(min_value=1, max_value=ID_MAX), max_length=1_000, required=False
    )

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        if ("below" in asked) == ("tasks" in asked):
            raise ValidationError("Give either below or tasks.")
        return asked


class QueuedOut(serializers.Serializer[Any]):
    queued = serializers.IntegerField(help_text="How many now wait that did not before.")


class NoteIn(serializers.Serializer[Any]):
    note = Text(max_length=5_000, default="", allow_blank=True)


class ValueIn(NoteIn):
    value = serializers.JSONField(help_text="The right answer, in the interface's shape.")


class SendBackIn(NoteIn):
    answers = WholeNumber(min_value=1, max_value=20, default=1)


class ExpertsIn(serializers.Serializer[Any]):
    """Amounts are whole minor units of the batch's currency."""

    reviews = serializers.ListField(
        child=WholeNumber(min_value=1, max_value=ID_MAX),
        min_length=1,
        max_length=1_000,
        required=False,
        help_text="Which ones; the least certain if left out.",
    )
    limit = WholeNumber(min_value=1, max_value=1_000, default=100)
    qualifications = serializers.JSONField(help_text="What makes a worker an expert.")
    reward = WholeNumber(min_value=1, max_value=MINOR_MAX)
    overlap = WholeNumber(min_value=1, max_value=20, default=1)


class GivenOut(serializers.Serializer[Any]):
    worker = serializers.CharField(help_text="Their pseudonym in this batch.")
    answer = serializers.JSONField()
    status = serializers.CharField()
    submitted_at = serializers.DateTimeField()


class ReviewOut(serializers.ModelSerializer[Review]):
    """A review with what its reviewer must see; the context has answers and consensus by task."""

    task = serializers.IntegerField(source="task_id")
    external_id = serializers.CharField(source="task.input.external_id")
    input = serializers.JSONField(source="task.input.data")
    consensus = serializers.SerializerMethodField(help_text="As it is now.")
    answers = serializers.SerializerMethodField()
    experts = serializers.IntegerField(
        source="expert_task.batch_id", default=None, help_text="The batch they answer in."
    )
    gold = serializers.IntegerField(source="gold_id")

    class Meta:
        model = Review
        fields = [
            "id", "task", "external_id", "reason", "status", "confidence", "input", "proposal",
            "consensus", "answers", "value", "note", "experts", "gold", "created_at", "decided_at",
        ]  # fmt: skip

    @extend_schema(responses=serializers.JSONField)
    def get_consensus(self, row: Review) -> dict[str, Any]:
        found: dict[str, Any] = self.context["consensus"][row.task_id]
        return found

    def get_answers(self, row: Review) -> list[dict[str, Any]]:
        given: list[dict[str, Any]] = self.context["answers"][row.task_id]
        return given


class QueuePagination(IdCursorPagination):
    """Least certain first; ``?limit=`` up to 200, ``?cursor=`` as the page before said.

    A cursor names the last row of its page by confidence and id: many have the same confidence.
    """

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        """Return one page, having read one row more to know whether there is another."""
        said = request.query_params.get(self.cursor_query_param, "")
        if said:
            mark = MARK.fullmatch(said)
            if not mark:
                raise ValidationError({"cursor": "Use the address that the page before named."})
            confidence, pk = float(mark[1]), int(mark[2])
            after = Q(confidence__gt=confidence) | Q(confidence=confidence, pk__gt=pk)
            queryset = queryset.filter(after)
        limit = self.get_page_size(request) or self.max_page_size
        rows = list(queryset.order_by("confidence", "pk")[: limit + 1])
        self.following = None
        if len(rows) > limit:
            last = rows[limit - 1]
            query = request.query_params.copy()
            query[self.cursor_query_param] = f"{last.confidence!r}:{last.pk}"
            self.following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
        return rows[:limit]

    def get_next_link(self) -> str | None:
        """The address of the next page."""
        return self.following

    def get_previous_link(self) -> None:
        """Nobody pages back: what was decided is gone from the queue."""


class Shown(ListAPIView[Review]):
    """A list of reviews, each page with its answers in two more queries."""

    serializer_class = ReviewOut

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer with one page."""
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(_shown(page))


class Reviews(Shown):
    """What waits for a decision, least certain first; ``?status=`` shows what was decided."""

    pagination_class = QueuePagination

    @extend_schema(
        operation_id="list_reviews",
        parameters=[OpenApiParameter("status", str, enum=Review.Status.values)],
    )
    def get(self, request: Request, batch_id: int) -> Response:
        return self.list(request)

    def get_queryset(self) -> QuerySet[Review]:
        batch = batch_of(self.request, self.kwargs["batch_id"])
        status = self.request.query_params.get("status", Review.Status.WAITING)
        if status not in Review.Status.values:
            known = ", ".join(Review.Status.values)
            raise ValidationError({"status": f"Give one of {known}."})
        return _full().filter(batch=batch, status=status)

    @extend_schema(operation_id="request_reviews", request=QueueIn, responses={201: QueuedOut})
    @once_per_key
    def post(self, request: Request, batch_id: int) -> Response:
        batch = batch_of(request, batch_id)
        form = QueueIn(data=request.data)
        form.is_valid(raise_exception=True)
        asked, by, now = form.validated_data, user_of(request), timezone.now()
        if "tasks" in asked:
            queued = review.request_named(batch=batch, tasks=asked["tasks"], actor=by, now=now)
        else:
            queued = review.request(
                batch=batch, below=asked["below"], limit=asked["limit"], actor=by, now=now
            )
        return Response({"queued": queued}, status=201)


class TaskReviews(Shown):
    """Every look at one task, newest first: what was proposed, what was decided, and when."""

    pagination_class = IdCursorPagination

    @extend_schema(operation_id="task_reviews")
    def get(self, request: Request, task_id: int) -> Response:
        return self.list(request)

    def get_queryset(self) -> QuerySet[Review]:
        own = Task.objects.filter(batch__project__requester=requester_of(self.request))
        return _full().filter(task=get_object_or_404(own, pk=self.kwargs["task_id"]))


class Accept(APIView):
    """Decide that the consensus is right; it stands whatever is answered later."""

    @extend_schema(operation_id="accept_review", request=NoteIn, responses={200: ReviewOut})
    @once_per_key
    def post(self, request: Request, review_id: int) -> Response:
        row = review_of(request, review_id)
        form = NoteIn(data=request.data)
        form.is_valid(raise_exception=True)
        review.accept(
            review=row, reviewer=user_of(request), now=timezone.now(), **form.validated_data
        )
        return _one(row)


class Fix(APIView):
    """Decide that the answer is another; it stands whatever is answered later."""

    @extend_schema(operation_id="fix_review", request=ValueIn, responses={200: ReviewOut})
    @once_per_key
    def post(self, request: Request, review_id: int) -> Response:
        row = review_of(request, review_id)
        form = ValueIn(data=request.data)
        form.is_valid(raise_exception=True)
        review.fix(review=row, reviewer=user_of(request), now=timezone.now(), **form.validated_data)
        return _one(row)


class SendBack(APIView):
    """Ask for more answers to the task."""

    @extend_schema(operation_id="send_back_review", request=SendBackIn, responses={200: ReviewOut})
    @once_per_key
    def post(self, request: Request, review_id: int) -> Response:
        row = review_of(request, review_id)
        form = SendBackIn(data=request.data)
        form.is_valid(raise_exception=True)
        review.send_back(
            review=row, reviewer=user_of(request), now=timezone.now(), **form.validated_data
        )
        return _one(row)


class Experts(APIView):
    """Ask qualified workers about waiting tasks, in a batch of their own, paid from your wallet."""

    @extend_schema(operation_id="ask_experts", request=ExpertsIn, responses={201: BatchOut})
    @once_per_key
    def post(self, request: Request, batch_id: int) -> Response:
        batch = batch_of(request, batch_id)
        form = ExpertsIn(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        made = experts.ask_experts(
            batch=batch,
            review_ids=asked.get("reviews"),
            limit=asked["limit"],
            requirements_json=asked["qualifications"],
            reward=Money(asked["reward"], batch.currency),
            fee_basis_points=settings.PLATFORM_FEE_BASIS_POINTS,
            overlap=asked["overlap"],
            draw=DRAW_BITS,
            actor=user_of(request),
            now=timezone.now(),
        )
        return Response(BatchOut(made).data, status=201)


def review_of(request: Request, review_id: int) -> Review:
    """The caller's own review, or 404."""
    own = Review.objects.filter(batch__project__requester=requester_of(request))
    return get_object_or_404(own.select_related("batch__project"), pk=review_id)


def _full() -> QuerySet[Review]:
    return Review.objects.select_related("task__input", "expert_task")


def _one(row: Review) -> Response:
    return Response(_shown([_full().get(pk=row.pk)])[0])


def _shown(page: Sequence[Review]) -> Any:
    tasks = [row.task_id for row in page]
    context = {"answers": _answers(tasks), "consensus": _consensus(tasks)}
    return ReviewOut(page, many=True, context=context).data


def _consensus(tasks: Iterable[int]) -> dict[int, dict[str, Any]]:
    found: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    for each in Consensus.objects.filter(task__in=tasks).order_by("name"):
        found[each.task_id][each.name] = each.value
    return found


def _answers(tasks: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
    """What was answered to each task, under the workers' names in its batch."""
    rows = list(
        Assignment.objects.filter(task__in=tasks, submitted_at__isnull=False)
        .select_related("answer")
        .order_by("pk")
    )
    cursors = Cursor.objects.filter(
        batch__in={row.batch_id for row in rows}, worker__in={row.worker_id for row in rows}
    )
    names = {(each.batch_id, each.worker_id): each.pseudonym for each in cursors}
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        shown = {
            "worker": names[row.batch_id, row.worker_id],
            "answer": row.answer.value,
            "status": row.status,
            "submitted_at": row.submitted_at,
        }
        found[row.task_id].append(GivenOut(shown).data)
    return found
