"""Before step 1: a requester says what to ask, of whom, and at what price."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from payments.money import Money, fee_on
from tasks import interface as interfaces
from tasks.errors import IllegalTransition, InvalidPolicy
from tasks.models import Batch, Project, ProjectVersion
from tasks.rules import defaults
from tasks.rules.parse import parse as parse_rules
from workers import content, events, qualify, requirements
from workers.models import QualificationType, User

DEFAULT_RULES = "default"  # stands for the rules of tasks.rules.defaults


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of one batch; each default is what most batches want."""

    purpose: str = Batch.Purpose.WORK
    grants: int | None = None  # id of the qualification type that passing an exam grants
    pass_mark: float = 0.8
    overlap: int = 3
    redundancy: str = Batch.Redundancy.FIXED
    rule: str = Batch.Rule.GAIN
    overlap_min: int = 1
    overlap_max: int = 15
    target: float = 0.95
    cap_minor: int | None = None
    assignment_duration: timedelta = timedelta(minutes=30)
    auto_accept_delay: timedelta = timedelta(days=3)
    gold_rate: float = 0.05
    max_live_assignments: int = 20
    aggregation: str = "auto"
    requirements: list[dict[str, Any]] = field(default_factory=list)
    rules: Any = field(default_factory=list)  # tasks.rules as JSON, or DEFAULT_RULES
    estimate_seconds: int | None = None  # what one answer takes; None: what the reward pays for
    content_warnings: list[str] = field(default_factory=list)  # of workers.content
    data_use: str = ""  # what the answers are for, in the requester's words


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
        InvalidPolicy: the policy contradicts itself, or an exam grants what is not the requester's.
        InvalidRequirement: a qualification requirement is not understood, or names no type.
        InvalidRules: the rules cannot be read.
        InvalidWarning: a content warning is none that workers can agree to.
    """
    _check_purpose(project, policy)
    _check_redundancy(policy)
    parsed = requirements.parse(policy.requirements)
    qualify.check_types(parsed)
    rules = _rules(policy.rules, policy.purpose)
    return Batch.objects.create(
        project=project,
        version=project.latest,
        reward_minor=reward.minor,
        fee_minor=fee_on(reward.minor, fee_basis_points),
        currency=reward.currency,
        purpose=policy.purpose,
        grants_id=policy.grants,
        pass_mark=policy.pass_mark,
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
        rules=rules,
        estimate_seconds=policy.estimate_seconds,
        content_warnings=content.check(policy.content_warnings),
        data_use=policy.data_use,
        created_at=now,
    )


def _check_purpose(project: Project, policy: Policy) -> None:
    """An exam grants one of the requester's own qualifications, and nothing else grants any."""
    if (policy.purpose == Batch.Purpose.EXAM) != (policy.grants is not None):
        raise InvalidPolicy("An exam, and only an exam, names the qualification that it grants.")
    if policy.purpose == Batch.Purpose.WORK:
        return
    if policy.redundancy == Batch.Redundancy.ADAPTIVE:
        raise InvalidPolicy(
            "In a training or exam every answer is known: give a fixed overlap, which is how many"
            " workers can take it."
        )
    own = QualificationType.objects.filter(
        requester=project.requester_id, status=QualificationType.Status.ACTIVE
    )
    if policy.grants is not None and not own.filter(pk=policy.grants).exists():
        raise InvalidPolicy(f"You have no active qualification type {policy.grants} to grant.")


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


@transaction.atomic
def set_rules(*, batch: Batch, rules: Any, actor: User, now: datetime) -> None:
    """Change what follows from a worker's record in a batch, running or not.

    Restrictions that were made by the rules before stay until they end or are lifted.

    Raises:
        IllegalTransition: the batch is closed.
        InvalidPolicy: there are rules, and the batch is a training or exam.
        InvalidRules: the rules cannot be read.
    """
    locked = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    if locked.status == Batch.Status.CLOSED:
        raise IllegalTransition("This batch is closed: nobody works on it any more.")
    locked.rules = _rules(rules, locked.purpose)
    locked.save(update_fields=["rules"])
    batch.rules = locked.rules
    events.record(
        kind="batch_rules_set",
        subject_kind="batch",
        subject_id=batch.pk,
        actor=actor,
        at=now,
        data={"rules": locked.rules},
    )


def _rules(asked: Any, purpose: str) -> Any:
    """Return rules that can be read, as they are kept."""
    rules = defaults.JSON if asked == DEFAULT_RULES else asked
    if parse_rules(rules) and purpose != Batch.Purpose.WORK:
        raise InvalidPolicy("Rules judge work: a training or exam has none.")
    return rules
