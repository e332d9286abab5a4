"""Pay and prices under threads: each top-up once, each debt once, no claim at a price that was."""

from __future__ import annotations

from functools import partial

import pytest

from payments import debts
from tasks import publish, settle
from tasks.compensation import pilot, wage
from tasks.compensation import topups as verbs
from tasks.models import Assignment
from tests.factories import NOON, a_worker, floor, fresh, published_batch, usd
from tests.payments.books import at_once
from tests.tasks.compensation.paying import (
    LATER,
    accept_and_pay,
    crowd,
    earned,
    fair,
    give,
    nothing_is_broken,
    owner,
    rich,
    topups,
    wallet,
)
from tests.tasks.racing import ask

pytestmark = pytest.mark.django_db(transaction=True)


def a_batch(**fields):
    floor(1200)
    return fair(**{"tasks": 20, "reward": usd(100), "estimate_seconds": 300, **fields})


def test_looks_top_ups_payouts_and_the_end_at_once_pay_each_worker_once():
    batch = a_batch(tasks=5)
    workers = crowd(batch, 360, 360, 360, 360, 720)
    accept_and_pay(batch)
    publish.close(batch=batch, actor=owner(batch), now=LATER)

    for outcome in at_once(
        [
            *[partial(wage.look_due, now=LATER)] * 2,
            *[partial(verbs.top_up_due, now=LATER)] * 2,
            *[partial(verbs.top_up_worker, worker=each, now=LATER) for each in workers],
            *[partial(settle.wind_up, now=LATER)] * 2,
        ]
    ):
        assert isinstance(outcome, int | bool), outcome
    settle.wind_up(now=LATER)

    assert [earned(each) for each in workers] == [120, 120, 120, 120, 240]
    assert sum(row[2] for row in topups(batch)) == 5 * 20 + 120
    nothing_is_broken()


def test_a_debt_is_collected_once():
    batch = a_batch(tasks=5, project=rich(1000))
    crowd(batch, 1200, 1200, 1200, 1200, 1200)
    accept_and_pay(batch)
    wage.look_due(now=LATER)
    verbs.top_up_due(now=LATER)
    give(owner(batch), 5000)
    collect = partial(debts.collect, owner_id=owner(batch).pk, currency="USD", now=LATER)

    at_once([collect] * 6)

    assert (wallet(batch), debts.owed(owner(batch).pk, "USD")) == (5000 - 1100, usd(0))


def test_a_pilot_is_judged_once():
    batch = a_batch(tasks=40)
    crowd(batch, *[300] * 10)

    assert sum(at_once([partial(pilot.look_due, now=LATER)] * 4)) == 1


def test_claims_while_the_reward_is_raised_are_at_the_one_price_or_the_other_and_then_the_new():
    batch = published_batch(tasks=60, reward=usd(5), project=rich(10_000), max_live_assignments=60)
    raised = [
        partial(
            publish.raise_reward, batch=batch, reward=usd(reward), actor=owner(batch), now=LATER
        )
        for reward in (7, 10)
    ]

    at_once([*[partial(ask, batch, a_worker(), count=3) for _ in range(8)], *raised])

    assert fresh(batch).reward_minor in {7, 10}
    prices = set(Assignment.objects.values_list("reward_minor", flat=True))
    assert prices == {fresh(batch).reward_minor}
    nothing_is_broken(NOON)
