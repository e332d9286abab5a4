"""Fields that are ours to set stay ours, whatever a client sends along."""

from __future__ import annotations

import pytest
from django.apps import apps
from rest_framework import serializers

from marketplace.api import (
    assignments,
    batches,
    decisions,
    forum,
    gold,
    juries,
    me,
    people,
    predictions,
    projects,
    proposals,
    rejections,
    returns,
    review_queue,
    reviews,
    shapes,
    standing,
    terms,
    wallet,
    wellbeing,
    work,
)
from payments import accounts
from payments.models import Payout
from tasks import settle
from tasks.models import Assignment, Batch, Project
from tests.factories import (
    CATS_OR_DOGS,
    NOON,
    a_project,
    a_requester,
    a_worker,
    claim,
    published_batch,
    submitted,
    usd,
)
from tests.marketplace.clients import api
from tests.tasks.marketplace import reread
from workers.models import Block, Qualification, QualificationType, User

pytestmark = pytest.mark.django_db
REFUSAL = {"code": "fraud", "reason": "r" * 40, "instruction": "i"}
OWN = ["workers", "payments", "tasks", "marketplace"]
# The name and the column of every field of every model, and values that would do damage.
EVERY_FIELD = sorted(
    {
        name
        for model in apps.get_models()
        if model._meta.app_label in OWN
        for field in model._meta.get_fields()
        for name in (field.name, getattr(field, "attname", field.name))
    }
    | {"fee_minor", "reward_minor", "actor", "now", "decided_by", "is_staff", "role", "roles"}
)
POISONS = [1, True, "accepted", 10**9, None]


def poisoned(body, poison):
    """``body`` and every model's field that it does not set itself."""
    return {**dict.fromkeys(EVERY_FIELD, poison), **body}


def test_the_list_of_fields_is_long():
    assert {"owner", "requester_id", "balance_minor", "is_superuser", "status"} <= set(EVERY_FIELD)
    assert len(EVERY_FIELD) > 100


def rights(user):
    return User.objects.filter(pk=user.pk).values(
        "is_staff", "is_superuser", "is_requester", "is_active", "person_id", "username", "password"
    )[0]


@pytest.mark.parametrize("poison", POISONS)
def test_making_things_takes_nothing_but_what_is_asked_for(poison):
    requester = a_requester()
    before, client = rights(requester), api(requester)
    asked = {"title": "t", "instructions": "i", "interface": CATS_OR_DOGS}
    rules = {
        "purpose": "work", "grants": None, "pass_mark": 0.8, "redundancy": {"policy": "fixed"},
        "reward": 5, "currency": "USD", "overlap": 2, "assignment_duration_seconds": 60,
        "auto_accept_delay_seconds": 60, "gold_rate": 0.1, "max_live_assignments": 3,
        "qualifications": [], "rules": [], "aggregation": "majority_vote",
        "estimate_seconds": None, "content_warnings": [], "data_use": "",
    }  # fmt: skip
    described = {"name": "n", "description": "d", "keywords": "k"}

    project = client.post("projects", poisoned(asked, poison))
    path = f"projects/{project.json()['id']}"
    batch = client.post(f"{path}/batches", poisoned(rules, poison))
    kind = client.post("qualifications", poisoned(described, poison))

    assert [each.status_code for each in (project, batch, kind)] == [201, 201, 201]
    made = Project.objects.get()
    assert (made.requester, made.title, made.latest.number) == (requester, "t", 1)
    row = Batch.objects.get()
    assert (row.status, row.budget_minor, row.refunded_minor, row.escrow, row.published_at) == (
        "draft", 0, 0, None, None,
    )  # fmt: skip
    assert (row.fee_minor, row.task_count, row.slot_count, row.requirements_version) == (1, 0, 0, 0)
    assert (row.project_id, row.version_id) == (made.pk, made.latest.pk)
    qualification = QualificationType.objects.get()
    assert (qualification.requester, qualification.status) == (requester, "active")
    assert rights(requester) == before


@pytest.mark.parametrize("poison", POISONS)
def test_working_takes_nothing_but_the_answer(poison):
    assignment, skipped = (claim(published_batch(tasks=1)) for _ in range(2))
    worker = assignment.worker
    frozen = ("worker_id", "person_id", "reward_minor", "fee_minor", "is_gold", "paid_at",
              "decided_by_id", "batch_id", "task_id", "claimed_at", "deadline_at")  # fmt: skip
    before = [
        Assignment.objects.filter(pk=each.pk).values(*frozen)[0] for each in (assignment, skipped)
    ]

    client = api(worker)
    said = client.post(
        f"assignments/{assignment.pk}/submit",
        poisoned({"answer": {"label": "cat"}, "seconds": None}, poison),
    )
    api(skipped.worker).post(
        f"assignments/{skipped.pk}/skip", poisoned({"reason": "", "code": None}, poison)
    )

    assert said.status_code == 200
    assert [
        Assignment.objects.filter(pk=each.pk).values(*frozen)[0] for each in (assignment, skipped)
    ] == before
    assert set(Assignment.objects.values_list("status", flat=True)) == {"submitted", "skipped"}


@pytest.mark.parametrize("poison", POISONS)
def test_deciding_takes_nothing_but_the_decision(poison):
    batch = published_batch(
        tasks=2, reward=usd(5), project=a_project(requester=a_requester(usd(50)))
    )
    first, second = (submitted(batch) for _ in range(2))
    client = api(batch.project.requester)

    client.post(f"assignments/{first.pk}/accept", poisoned({}, poison))
    client.post(f"assignments/{second.pk}/reject", poisoned(REFUSAL, poison))
    client.post(
        f"assignments/{first.pk}/bonus",
        poisoned({"amount": 2, "reason": "r", "token": "t"}, poison),
    )

    first, second = reread(first), reread(second)
    assert (first.status, first.paid_at, first.reward_minor) == ("accepted", None, 5)
    assert (first.decided_by, second.decided_by) == (batch.project.requester,) * 2
    assert (second.status, second.reason) == ("rejected", REFUSAL["reason"])
    assert accounts.earnings_of(first.worker.user_id, "USD").balance == usd(2)
    # Six are held for another answer.
    assert accounts.wallet_of(batch.project.requester_id, "USD").balance == usd(50 - 12 - 6 - 2)


@pytest.mark.parametrize("poison", POISONS)
def test_granting_and_blocking_take_nothing_but_whom_and_why(poison):
    requester, worker = a_requester(), a_worker()
    client = api(requester)
    kind = client.post("qualifications", {"name": "n"}).json()["id"]
    meant = {"worker": worker.public_id}
    names = {name: value for name, value in poisoned({}, poison).items() if name != "batch"}

    client.post(f"qualifications/{kind}/grant", {**names, **meant, "value": 3})
    client.post("blocks", {**names, **meant, "reason": "r"})

    granted, block = Qualification.objects.get(), Block.objects.get()
    assert (granted.worker, granted.value, granted.status, granted.reason) == (
        worker, 3, "granted", "",
    )  # fmt: skip
    assert (block.requester, block.worker, block.direction, block.lifted_at) == (
        requester, worker, "requester", None,
    )  # fmt: skip
    assert rights(worker.user)["is_requester"] is False


@pytest.mark.parametrize("poison", POISONS)
def test_a_payout_is_the_callers_and_only_requested(poison):
    batch, worker, other = published_batch(tasks=1, reward=usd(9)), a_worker(), a_worker()
    settle.accept(
        assignment=reread(submitted(batch, worker=worker)),
        actor=batch.project.requester,
        now=NOON,
    )
    settle.pay_accepted(now=NOON)
    body = {**poisoned({}, other.user_id if poison == 1 else poison), "amount": 4}

    asked = api(worker).post("payouts", {**body, "currency": "USD"})

    payout = Payout.objects.get()
    assert asked.status_code == 201
    assert (payout.owner, payout.status, payout.amount, payout.reference) == (
        worker.user, "requested", usd(4), "",
    )  # fmt: skip
    assert payout.settled_at is None


# What each serializer takes and tells, so that a new field of a model is a decision here.

MODULES = (
    assignments,
    batches,
    decisions,
    forum,
    gold,
    juries,
    me,
    people,
    predictions,
    projects,
    proposals,
    rejections,
    returns,
    review_queue,
    reviews,
    shapes,
    standing,
    terms,
    wallet,
    wellbeing,
    work,
)
TAKEN = {
    "ProjectIn": {"title", "instructions", "interface"},
    "RevisionIn": {"instructions", "interface"},
    "BatchIn": {
        "purpose", "grants", "pass_mark", "reward", "currency", "overlap", "redundancy",
        "assignment_duration_seconds", "auto_accept_delay_seconds", "gold_rate",
        "max_live_assignments", "qualifications", "rules", "aggregation",
        "estimate_seconds", "content_warnings", "data_use",
    },
    "RedundancyIn": {"policy", "min", "max", "rule", "target", "budget"},
    "BudgetIn": {"budget"},
    "RewardIn": {"reward"},
    "QueueIn": {"below", "limit", "tasks"},
    "NoteIn": {"note"},
    "ValueIn": {"value", "note"},
    "SendBackIn": {"answers", "note"},
    "ExpertsIn": {"reviews", "limit", "qualifications", "reward", "overlap"},
    "PromoteIn": {"review", "count", "explanation"},
    "RequirementsIn": {"qualifications"},
    "Submission": {"answer", "seconds"},
    "BeatIn": {"visible", "media", "inputs"},
    "Skip": {"reason", "code"},
    "RefusalIn": {"reason"},
    "RejectIn": {"code", "reason", "instruction"},
    "NamedRejectIn": {"code", "reason", "instruction", "assignment"},
    "RejectManyIn": {"rejections"},
    "RejectionAppealIn": {"message", "wants_human"},
    "DecisionAppealIn": {"message"},
    "VoteIn": {"vote", "reason"},
    "AcceptMany": {"assignments"},
    "BonusIn": {"amount", "reason", "token"},
    "QualificationTypeIn": {"name", "description", "keywords"},
    "GrantIn": {"worker", "batch", "value"},
    "ReasonIn": {"worker", "batch", "reason"},
    "PayoutIn": {"amount", "currency"},
    "RulesIn": {"rules"},
    "ContentIn": {"warnings"},
    "PostIn": {"text"},
    "ProposalIn": {"kind", "title", "text", "days"},
    "BallotIn": {"yes"},
    "EraseIn": {"username"},
    "DecisionIn": {"reason"},
    "AppealIn": {"message"},
    "PredictorIn": {"name", "kind", "version", "url"},
    "StrategyIn": {"strategy"},
    "UseIn": {"prelabels", "votes", "auto_label_error", "audit_rate"},
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_taken_from_a_client_is_a_decision(name):
    found = next(getattr(module, name) for module in MODULES if hasattr(module, name))

    assert set(found().fields) == TAKEN[name]


def test_every_serializer_that_takes_something_is_listed():
    taking = {
        name
        for module in MODULES
        for name, found in vars(module).items()
        if isinstance(found, type)
        and issubclass(found, serializers.BaseSerializer)
        and found.__module__ == module.__name__
        and not name.endswith(("Out", "Query"))
    }

    assert taking - {"WorkerIn"} == set(TAKEN)


def test_no_shape_that_goes_out_is_made_of_all_fields_of_a_model():
    outgoing = [
        found
        for module in (shapes, work, people)
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, serializers.ModelSerializer)
    ]

    for each in outgoing:
        fields = getattr(getattr(each, "Meta", None), "fields", None)
        assert fields is None or isinstance(fields, list), each
