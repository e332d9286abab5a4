"""Fairwork 1.1: workers are paid on time, and for all completed work."""

from __future__ import annotations

import random

import pytest

from payments import payouts
from payments.models import Dispute
from payments.play import world
from tasks import draft, publish, settle
from tasks.hearings import appeals, rejections
from tasks.models import Rejection
from tests.factories import (
    HOUR,
    NOON,
    a_project,
    add_tasks,
    drafted_batch,
    fresh,
    refuse,
    rows,
    submitted,
    usd,
)
from tests.marketplace.clients import api, problem_of
from tests.payments import stripe_world
from tests.payments.stripe_world import Bank
from tests.tasks.compensation.paying import nothing_is_broken
from tests.tasks.hearings.hearing import AFTER, DAY, WEEK, admin, answered, earned, floored_batch

pytestmark = pytest.mark.django_db


def test_nothing_is_published_that_is_not_paid_for():
    batch = drafted_batch(tasks=3)

    refusal = api(batch.project.requester).post(f"batches/{batch.pk}/publish")

    assert problem_of(refusal) == (402, "insufficient_funds")
    assert refusal.json()["missing"] == 18


def test_an_answer_nobody_decides_on_is_earned_by_the_time_that_was_said():
    batch = floored_batch(tasks=20)
    given = [answered(batch) for _ in range(20)]

    late = max(each.accept_due_at for each in given)
    settle.accept_due(now=late)
    settle.pay_accepted(now=late)

    waits = sorted(fresh(each).paid_at - each.submitted_at for each in given)
    assert waits[18] <= batch.auto_accept_delay  # the 95th percentile of twenty
    assert {earned(each.worker) for each in given} == {100}


def decide(assignment, dice):
    """What a requester may do with an answer, and what its worker may do about it."""
    actor = assignment.batch.project.requester
    fate = dice.choice(["accept", "nothing", *Rejection.Code.values])
    if fate == "accept":
        settle.accept(assignment=assignment, actor=actor, now=NOON + HOUR)
    elif fate != "nothing":
        rejection = refuse(assignment=assignment, code=fate, actor=actor, now=NOON + HOUR)
        if rejection.status == "open" and dice.random() < 0.5:
            appeal = appeals.appeal(
                rejection=rejection, message="", wants_human=True, now=NOON + 2 * HOUR
            )
            appeals.decide_by_human(
                appeal=appeal,
                outcome=dice.choice(["overturned", "upheld"]),
                answer="I have looked at the picture myself.",
                actor=admin(),
                now=NOON + 3 * HOUR,
            )


@pytest.mark.parametrize("seed", range(4))
def test_every_answer_is_paid_or_a_human_has_called_it_a_copy_or_a_fraud(seed):
    dice = random.Random(seed)
    batch = floored_batch(tasks=12)
    given = [answered(batch, seconds=dice.randint(20, 200)) for _ in range(12)]
    for each in given:
        decide(each, dice)
    for now in AFTER, AFTER + WEEK:
        rejections.finish_due(now=now)
        rejections.pay_efforts(now=now)
        settle.accept_due(now=now)
        settle.pay_accepted(now=now)

    for each in given:
        end = fresh(each)
        if earned(each.worker) == 0:
            assert end.status == "rejected"
            assert end.rejection.code in {"duplicate", "fraud"}
            assert end.rejection.status == "final"
            assert end.rejection.decision.made_by is not None
    assert sum(earned(each.worker) > 0 for each in given) >= 6
    nothing_is_broken(now=AFTER + WEEK)


def test_a_lost_dispute_takes_nothing_from_workers():
    bank = Bank()
    funding = stripe_world.funded(bank, 10_000)
    batch = draft.create_batch(
        project=a_project(requester=funding.owner),
        reward=usd(100),
        fee_basis_points=2000,
        policy=draft.Policy(overlap=1),
        now=bank.now,
    )
    add_tasks(batch, rows(2))
    publish.publish(batch=fresh(batch), actor=funding.owner, now=bank.now)
    paid, waiting = (fresh(submitted(batch, now=bank.now)) for _ in range(2))
    settle.accept(assignment=paid, actor=funding.owner, now=bank.later(minutes=5))
    settle.pay_accepted(now=bank.now)

    (charge,) = stripe_world.objects(bank, "charge")
    dispute = world.open_dispute(bank.server, charge["id"])
    bank.run(2)
    world.close_dispute(bank.server, dispute["id"], won=False)
    bank.run(2)
    settle.accept_due(now=fresh(waiting).accept_due_at)
    settle.pay_accepted(now=fresh(waiting).accept_due_at)

    assert Dispute.objects.get().status == "lost"
    assert (earned(paid.worker), earned(waiting.worker)) == (100, 100)


def test_any_amount_is_paid_out_on_request_and_about_five_by_itself():
    batch = floored_batch(reward=20)
    worker = answered(batch).worker
    settle.accept_due(now=NOON + 4 * DAY)
    settle.pay_accepted(now=NOON + 4 * DAY)

    asked = api(worker).post("payouts", {"amount": 1, "currency": "USD"})

    assert asked.status_code == 201
    assert payouts.AUTOMATIC_MINOR[2] <= 500
