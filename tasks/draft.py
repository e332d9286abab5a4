"""Before step 1: a requester says what to ask, of whom, and at what price."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from payments.money import Money, fee_on
from tasks import interface as interfaces
from tasks.errors import InvalidPolicy
from tasks.models import Batch, Project, ProjectVersion
from workers import qualify, requirements
from workers.models import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of one batch; each default is what most batches want."""

    overlap: int = 3
    redundancy: str = Batch.Redundancy.FIXED
    rule: str = Batch.Rule.GAIN
    overlap_min: int = 2
    overlap_max: int = 15
    target: float = 0.95
    cap_minor: int | None = None
    assignment_duration: timedelta = timedelta(minutes=30)
    auto_accept_delay: timedelta = timedelta(days=3)
    gold_rate: float = 0.05
    max_live_assignments: int = 20
    aggregation: str = "auto"
    requirements: list[dict[str, Any]] = field(default_factory=list)


@transaction.atomic
def create_project(
    *, requester: User, title: str, instructions: str, interface: Any, now: datetime
) -> Project:
    """Make a project with its first version.

    Raises:
        InvalidInterface: what workers are to be asked is not understood.
    """
    interfaces.parse(interface)
    project = Project.objects.create(requester=requester, title=title, created_at=now)
    ProjectVersion.objects.create(
        project=project, number=1, instructions=instructions, interface=interface, created_at=now
    )
    return project


@transaction.atomic
def revise_project(
    *, project: Project, instructions: str, interface: Any, now: datetime
) -> ProjectVersion:
    """Add a version. Batches keep theirs, so a label can always say what its worker saw.

    Raises:
        InvalidInterface: what workers are to be asked is not understood.
    """
    interfaces.parse(interface)
    # One revision at a time, or two would take the same number.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    return ProjectVersion.objects.create(
        project=project,
        number=project.latest.number + 1,
        instructions=instructions,
        interface=interface,
        created_at=now,
    )


def create_batch(
    *, project: Project, reward: Money, fee_basis_points: int, policy: Policy, now: datetime
) -> Batch:
    """Make a draft of the project's latest version: fill it, then publish it.

    Raises:
        InvalidPolicy: the redundancy policy contradicts itself.
        InvalidRequirement: a qualification requirement is not understood, or names no type.
    """
    _check_redundancy(policy)
    parsed = requirements.parse(policy.requirements)
    qualify.check_types(parsed)
    return Batch.objects.create(
        project=project,
        version=project.latest,
        reward_minor=reward.minor,
        fee_minor=fee_on(reward.minor, fee_basis_points),
        currency=reward.currency,
        overlap=policy.overlap,
        redundancy=policy.redundancy,
        rule=policy.rule,
        overlap_min=policy.overlap_min,
        overlap_max=policy.overlap_max,
        target=policy.target,
        cap_minor=policy.cap_minor,
        assignment_duration=policy.assignment_duration,
        auto_accept_delay=policy.auto_accept_delay,
        gold_rate=policy.gold_rate,
        max_live_assignments=policy.max_live_assignments,
        aggregation=policy.aggregation,
        requirements=[each.as_json() for each in parsed],
        created_at=now,
    )


def _check_redundancy(policy: Policy) -> None:
    if policy.redundancy != Batch.Redundancy.ADAPTIVE:
        if policy.cap_minor is not None:
            raise InvalidPolicy(
                "A fixed overlap costs what its answers cost: a budget goes with adaptive"
                " redundancy."
            )
        return
    if not 1 <= policy.overlap_min <= policy.overlap_max:
        raise InvalidPolicy("min must be from 1 to max.")
    if policy.cap_minor is None and policy.overlap < policy.overlap_min:
        raise InvalidPolicy(
            "overlap is the mean number of answers that the budget pays for: it must be at least"
            f" min, which is {policy.overlap_min}. Or give a budget."
        )


@transaction.atomic
def require(*, batch: Batch, requirements_json: list[dict[str, Any]], now: datetime) -> None:
    """Change who may work on a batch, from the next claim on.

    Raises:
        InvalidRequirement: a qualification requirement is not understood, or names no type.
    """
    parsed = requirements.parse(requirements_json)
    qualify.check_types(parsed)
    locked = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    locked.requirements = [each.as_json() for each in parsed]
    locked.requirements_version += 1
    locked.save(update_fields=["requirements", "requirements_version"])
