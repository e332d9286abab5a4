"""Before step 1: projects, their versions, and drafts of batches."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from tasks import draft, publish, settle
from tasks.errors import IllegalTransition, InvalidInterface, InvalidPolicy
from tasks.models import Batch, Project, ProjectVersion
from tasks.rules import defaults
from tasks.rules.errors import InvalidRules
from tests.factories import (
    CATS_OR_DOGS,
    HOUR,
    NOON,
    a_project,
    a_requester,
    drafted_batch,
    fresh,
    published_batch,
    usd,
)
from tests.payments.books import at_once
from tests.workers.make import a_qualification_type
from workers.errors import InvalidRequirement
from workers.models import Event

pytestmark = pytest.mark.django_db

BIRDS = [{"type": "choice", "name": "label", "options": ["wren", "robin"]}]
NOTHING_ASKED = [{"type": "image", "value": "${image}"}]


def revise(project, interface=BIRDS):
    return draft.revise_project(
        project=project, instructions="Name the bird.", interface=interface, now=NOON + HOUR
    )


def make_batch(project, reward=None, fee_basis_points=2000, **policy):
    return draft.create_batch(
        project=project,
        reward=reward or usd(5),
        fee_basis_points=fee_basis_points,
        policy=draft.Policy(**policy),
        now=NOON,
    )


def test_a_project_has_a_first_version_that_says_what_workers_are_asked():
    requester = a_requester()

    project = draft.create_project(
        requester=requester,
        title="Cats or dogs",
        instructions="Say which animal you see.",
        interface=CATS_OR_DOGS,
        now=NOON,
    )

    assert (project.requester, project.title, project.created_at) == (
        requester,
        "Cats or dogs",
        NOON,
    )
    version = project.latest
    assert (version.number, version.instructions, version.interface, version.created_at) == (
        1,
        "Say which animal you see.",
        CATS_OR_DOGS,
        NOON,
    )


def test_a_project_that_asks_nothing_is_refused_and_leaves_no_trace():
    requester = a_requester()

    with pytest.raises(InvalidInterface, match="asks nothing"):
        a_project(requester=requester, interface=NOTHING_ASKED)

    assert not Project.objects.exists()


def test_a_revision_is_a_version_more():
    project = a_project()

    version = revise(project)

    assert project.latest == version
    assert (version.number, version.interface, version.created_at) == (2, BIRDS, NOON + HOUR)
    assert project.versions.get(number=1).interface == CATS_OR_DOGS


def test_a_revision_that_asks_nothing_is_refused_and_changes_nothing():
    project = a_project()

    with pytest.raises(InvalidInterface):
        revise(project, interface=NOTHING_ASKED)

    assert project.latest.number == 1


@pytest.mark.django_db(transaction=True)
def test_revisions_at_once_are_versions_with_different_numbers():
    project = a_project()

    at_once([lambda: revise(project)] * 4)

    assert sorted(project.versions.values_list("number", flat=True)) == [1, 2, 3, 4, 5]


def test_batches_keep_the_version_they_were_made_of():
    project = a_project()
    before = make_batch(project)

    version = revise(project)

    assert fresh(before).version.number == 1
    assert make_batch(project).version == version


@pytest.mark.parametrize(
    "change",
    [
        lambda: ProjectVersion.objects.update(instructions="Say dog."),
        lambda: ProjectVersion.objects.all().delete(),
    ],
    ids=["update", "delete"],
)
def test_the_database_refuses_to_change_a_version(change):
    project = a_project()

    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        change()

    assert project.latest.instructions == "Say which animal you see."


def test_a_draft_has_the_rules_of_its_policy_and_no_money():
    policy = draft.Policy(
        overlap=4,
        assignment_duration=timedelta(minutes=7),
        auto_accept_delay=timedelta(days=9),
        gold_rate=0.25,
        max_live_assignments=3,
        aggregation="majority_vote",
        requirements=[{"qualification": "country", "comparator": "eq", "values": ["US"]}],
    )

    batch = draft.create_batch(
        project=a_project(), reward=usd(5), fee_basis_points=2000, policy=policy, now=NOON
    )

    batch = fresh(batch)
    assert {name: getattr(batch, name) for name in asdict(policy)} == asdict(policy)
    assert batch.status == Batch.Status.DRAFT
    assert (batch.reward, batch.fee_minor, batch.unit) == (usd(5), 1, usd(6))
    assert (batch.escrow, batch.budget_minor, batch.spent, batch.reserved) == (None, 0, 0, 0)
    assert (batch.created_at, batch.published_at) == (NOON, None)


def test_what_most_batches_want_needs_no_saying():
    batch = make_batch(a_project())

    assert (batch.overlap, batch.gold_rate, batch.max_live_assignments) == (3, 0.05, 20)
    assert (batch.assignment_duration, batch.auto_accept_delay) == (
        timedelta(minutes=30),
        timedelta(days=3),
    )
    assert (batch.aggregation, batch.requirements) == ("auto", [])


def test_the_fee_is_a_share_of_the_reward_rounded_half_up():
    fees = {
        basis_points: make_batch(a_project(), usd(5), basis_points).fee_minor
        for basis_points in (0, 999, 1000, 2000, 3000)
    }

    assert fees == {0: 0, 999: 0, 1000: 1, 2000: 1, 3000: 2}


def test_a_batch_that_asks_for_an_unknown_qualification_is_refused():
    asked = [{"qualification": 999_999, "comparator": "exists"}]

    with pytest.raises(InvalidRequirement, match="999999"):
        make_batch(a_project(), requirements=asked)

    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("rule", "constraint"),
    [
        ({"overlap": 0}, "batch_overlap_between_1_and_100"),
        ({"overlap": 101}, "batch_overlap_between_1_and_100"),
        ({"reward": usd(0)}, "batch_reward_positive"),
        ({"fee_basis_points": -2000}, "batch_fee_not_negative"),
        ({"gold_rate": 0.51}, "batch_gold_rate_at_most_half"),
        ({"gold_rate": -0.01}, "batch_gold_rate_at_most_half"),
        ({"assignment_duration": timedelta(0)}, "batch_takes_time"),
    ],
)
def test_the_database_refuses_rules_no_batch_can_have(rule, constraint):
    project = a_project()

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        make_batch(project, **rule)

    assert not Batch.objects.exists()


def test_requirements_are_replaced_and_counted():
    french = a_qualification_type()
    batch = published_batch(
        requirements=[{"qualification": "country", "comparator": "eq", "values": ["US"]}]
    )
    asked = [{"qualification": french.pk, "comparator": "gte", "values": [80]}]

    draft.require(batch=batch, requirements_json=asked, now=NOON)

    batch = fresh(batch)
    assert (batch.requirements, batch.requirements_version) == (asked, 1)


def test_two_changes_of_the_requirements_by_an_old_object_are_two_versions():
    batch = drafted_batch()

    for _ in range(2):
        draft.require(batch=batch, requirements_json=[], now=NOON)

    assert fresh(batch).requirements_version == 2


@pytest.mark.parametrize(
    "asked",
    [
        [{"qualification": 999_999, "comparator": "exists"}],
        [{"qualification": "country", "comparator": "gte", "values": ["US"]}],
        "everybody",
    ],
    ids=["unknown type", "unknown comparator", "no list"],
)
def test_requirements_nobody_understands_are_refused_and_change_nothing(asked):
    batch = published_batch()

    with pytest.raises(InvalidRequirement):
        draft.require(batch=batch, requirements_json=asked, now=NOON)

    assert (fresh(batch).requirements, fresh(batch).requirements_version) == ([], 0)


# Rules on workers.

CHECKING = [
    {
        "collector": "gold",
        "if": [{"field": "answers", "op": ">=", "value": 5}],
        "then": {"action": "more_gold", "gold_rate": 0.2},
    }
]


def test_a_batch_has_no_rules_unless_it_is_given_some():
    project = a_project()

    assert make_batch(project).rules == []
    assert fresh(make_batch(project, rules=CHECKING)).rules == CHECKING
    assert fresh(make_batch(project, rules="default")).rules == defaults.JSON


@pytest.mark.parametrize("rules", [None, {}, "none", [{}], [{"collector": "mood"}]])
def test_rules_that_cannot_be_read_are_refused(rules):
    batch = published_batch(rules=CHECKING)

    with pytest.raises(InvalidRules):
        make_batch(batch.project, rules=rules)
    with pytest.raises(InvalidRules):
        draft.set_rules(batch=batch, rules=rules, actor=batch.project.requester, now=NOON)

    assert fresh(batch).rules == CHECKING
    assert Batch.objects.count() == 1


def test_the_rules_of_a_running_batch_can_be_changed_and_somebody_did_it():
    batch = published_batch()
    owner = batch.project.requester

    draft.set_rules(batch=batch, rules=CHECKING, actor=owner, now=NOON)

    assert fresh(batch).rules == CHECKING
    told = Event.objects.get(kind="batch_rules_set")
    assert (told.subject_id, told.actor, told.data) == (batch.pk, owner, {"rules": CHECKING})


def test_a_closed_batch_keeps_its_rules():
    batch = published_batch(rules=CHECKING)
    publish.close(batch=batch, actor=batch.project.requester, now=NOON)
    settle.wind_up(now=NOON)

    with pytest.raises(IllegalTransition):
        draft.set_rules(batch=batch, rules=[], actor=batch.project.requester, now=NOON)

    assert fresh(batch).rules == CHECKING


def test_a_training_has_no_rules():
    project = a_project()

    with pytest.raises(InvalidPolicy, match="Rules judge work"):
        make_batch(project, purpose="training", rules="default")
    assert make_batch(project, purpose="training", rules=[]).rules == []
