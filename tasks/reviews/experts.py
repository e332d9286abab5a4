"""Adjudication: uncertain tasks are asked again, of qualified workers, in a batch of their own.

Whoever answered the original and holds the qualification may be handed the copy, too: nothing on
the claim path looks for that. Choose a qualification that the crowd does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from payments import accounts
from payments.errors import CurrencyMismatch
from payments.money import Money, fee_on
from tasks import escrow, quality, versions
from tasks.aggregation.known import agrees
from tasks.compensation import floor
from tasks.copies import copy_tasks
from tasks.errors import IllegalTransition
from tasks.models import Assignment, Batch, Consensus, Review
from tasks.models.task import Lane
from tasks.reviews import verdict
from workers import events, qualify, requirements
from workers.errors import InvalidRequirement
from workers.models import User

NOTE = "Decided by experts in batch {batch}."


@transaction.atomic
def ask_experts(
    *,
    batch: Batch,
    review_ids: Sequence[int] | None,
    limit: int,
    requirements_json: list[dict[str, Any]],
    reward: Money,
    fee_basis_points: int,
    overlap: int,
    draw: Callable[[int], int],
    actor: User,
    now: datetime,
) -> Batch:
    """Publish copies of waiting tasks to experts, paid from the wallet; return their batch.

    Without ``review_ids`` up to ``limit`` reviews are taken, least certain first. What the experts
    come to decides the reviews (``collect_experts``); until then a reviewer still may.

    Raises:
        CurrencyMismatch: the reward is in another currency than the batch.
        DeadlineTooShort, FloorMissing, RewardBelowFloor: the experts' batch could not be published.
        IllegalTransition: a named review does not wait here, or is with experts already; or there
            is none.
        InsufficientFunds: the wallet holds less than the answers cost.
        InvalidRequirement: it is not understood, names no type, or there is none at all.
    """
    parsed = requirements.parse(requirements_json)
    qualify.check_types(parsed)
    if not requirements.type_ids(parsed):
        raise InvalidRequirement("qualifications: name the one that makes a worker an expert.")
    reviews = _chosen(batch, review_ids, limit)
    wanted = [each.as_json() for each in parsed]
    asked = _open_batch(batch, reward, fee_basis_points, overlap=overlap, wanted=wanted, now=now)
    copies = copy_tasks(
        asked, [each.task_id for each in reviews], lane=Lane.NORMAL, overlap=overlap, draw=draw
    )
    for review in reviews:
        review.expert_task_id = copies[review.task_id]
    Review.objects.bulk_update(reviews, ["expert_task"])
    asked.grow(tasks=len(reviews), gold=0, slots=overlap * len(reviews))
    escrow.fund(asked, asked.slot_count, now=now)
    money: dict[str, Any] = {"budget_minor": asked.budget_minor, "currency": asked.currency}
    _record("batch_published", asked, actor, now, **money)
    _record("experts_asked", batch, actor, now, experts=asked.pk, reviews=len(reviews))
    return Batch.objects.select_related("project", "version", "escrow").get(pk=asked.pk)


def _chosen(batch: Batch, review_ids: Sequence[int] | None, limit: int) -> list[Review]:
    """Lock the reviews that experts are to look at, in the order of their ids."""
    free = Review.objects.waiting().filter(
        # Copies that were withdrawn before anybody answered may be asked again.
        Q(expert_task=None) | Q(expert_task__overlap=0),
        batch=batch,
    )
    if review_ids is not None:
        ids = sorted(set(review_ids))
    else:
        ids = sorted(free.values_list("pk", flat=True)[:limit])
    # Nobody may decide them, or ask other experts, at the same time.
    locked = list(
        free.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",), no_key=True)
    )
    if not locked or len(locked) < len(ids):
        raise IllegalTransition("Experts can be asked about reviews of this batch that wait.")
    return locked


def _open_batch(
    batch: Batch,
    reward: Money,
    fee_basis_points: int,
    *,
    overlap: int,
    wanted: list[dict[str, Any]],
    now: datetime,
) -> Batch:
    """Make an open batch, still without tasks and money, that asks what ``batch`` asks."""
    if reward.currency != batch.currency:
        raise CurrencyMismatch
    made = Batch.objects.create(
        project=batch.project,
        version=batch.version,
        reward_minor=reward.minor,
        fee_minor=fee_on(reward.minor, fee_basis_points),
        currency=reward.currency,
        overlap=overlap,
        assignment_duration=batch.assignment_duration,
        auto_accept_delay=batch.auto_accept_delay,
        gold_rate=0,
        max_live_assignments=batch.max_live_assignments,
        requirements=wanted,
        content_warnings=batch.content_warnings,
        data_use=batch.data_use,
        created_at=now,
    )
    floor.promise(made, now=now)
    made.move_to(Batch.Status.OPEN, published_at=now, escrow=accounts.open_escrow(made.currency))
    return made


def collect_experts(*, now: datetime, limit: int = 500) -> int:
    """Decide up to ``limit`` reviews whose experts have all answered; return how many.

    Each is decided in a transaction of its own, and locked: a run that dies half way, or beside
    another, decides no review twice.
    """
    decided = 0
    for pk in list(_answered().order_by("pk").values_list("pk", flat=True)[:limit]):
        with transaction.atomic():
            locked = Review.objects.filter(pk=pk, status=Review.Status.WAITING)
            review = locked.select_for_update(skip_locked=True, of=("self",)).first()
            if review is not None:
                _collect(review, now)
                decided += 1
    return decided


def _answered() -> QuerySet[Review]:
    """Waiting reviews whose copy has all its answers, combined."""
    pending = Assignment.objects.filter(task=OuterRef("expert_task")).filter(
        Q(status=Assignment.Status.ACTIVE)
        | Q(status__in=Assignment.COUNTED, aggregated_at__isnull=True)
    )
    combined = Consensus.objects.filter(task=OuterRef("expert_task"))
    return Review.objects.filter(
        ~Exists(pending),
        Exists(combined),
        status=Review.Status.WAITING,
        expert_task__is_open=False,
    )


def _collect(review: Review, now: datetime) -> None:
    """Let the experts' consensus decide: it confirms the crowd's, or replaces it."""
    said = Consensus.objects.filter(task=review.expert_task_id)
    value = {each.name: each.value for each in said}
    crowd = dict(
        Consensus.objects.filter(task=review.task_id)
        .select_for_update()
        .order_by("name")
        .values_list("name", "value")
    )
    confirmed = _same(value, crowd, versions.asked(review.batch.version_id).kinds)
    assert review.expert_task is not None
    verdict.settle(
        review,
        Review.Status.ACCEPTED if confirmed else Review.Status.FIXED,
        value=crowd if confirmed else value,
        confidence={each.name: each.confidence for each in said},
        reviewer=None,
        note=NOTE.format(batch=review.expert_task.batch_id),
        now=now,
    )
    quality.score_by_review(project_id=review.batch.project_id, tasks=[review.task_id], now=now)


def _same(one: Mapping[str, Any], other: Mapping[str, Any], kinds: Mapping[str, str]) -> bool:
    return one.keys() == other.keys() and agrees(one, other, kinds)


def _record(kind: str, batch: Batch, actor: User, now: datetime, **data: Any) -> None:
    events.record(
        kind=kind, subject_kind="batch", subject_id=batch.pk, actor=actor, at=now, data=data
    )
