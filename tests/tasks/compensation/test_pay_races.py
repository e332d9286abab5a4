"""Pay and prices under threads: each top-up once, each debt once, no claim at a price that was.

Nor do two who pay ever wait for each other: one is held up here where it has locked its first row.
"""

from __future__ import annotations

from functools import partial

import pytest
from django.db import OperationalError, connection, transaction

from payments import accounts, debts
from payments.models import WageFloor
from tasks import answer, publish, settle
from tasks.compensation import pilot, wage
from tasks.compensation import topups as verbs
from tasks.models import Assignment, Return
from tests.factories import NOON, a_worker, claim, floor, fresh, published_batch, usd
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
    wage_of,
    wallet,
    worked,
)
from tests.tasks.racing import ask
from tests.tasks.sessions import in_thread, wait_for_a_lock

pytestmark = pytest.mark.django_db(transaction=True)


LOCK_ACCOUNT = "SELECT 1 FROM payments_account WHERE id = %s FOR NO KEY UPDATE"


def a_batch(**fields):
    if not WageFloor.objects.exists():
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


def outcome_of(first, step, then):
    """What ``step`` returns or raises that has to wait for what ``first`` locks, and not ``then``.

    ``first`` and ``then`` are one transaction, and ``step`` another.
    """
    outcomes = []

    def run():
        try:
            outcomes.append(step())
        except OperationalError as error:
            outcomes.append(error)

    with transaction.atomic():
        first()
        running = in_thread(run)
        wait_for_a_lock()
        then()
    running.join()
    return outcomes[0]


def lock_account(account):
    with connection.cursor() as cursor:
        cursor.execute(LOCK_ACCOUNT, [account.pk])


def raise_it(batch):
    rise = partial(publish.raise_reward, batch=fresh(batch), reward=usd(130), now=LATER)
    return rise(actor=owner(batch)).reward_minor


def five_with_a_top_up_due(batch, *workers):
    for worker in [*workers, *(a_worker() for _ in range(5 - len(workers)))]:
        worked(batch, worker, seconds=360)
    settle.accept_all(batch=fresh(batch), assignment_ids=None, actor=owner(batch), now=LATER)


def test_a_raise_and_the_pay_of_its_answers_do_not_wait_for_each_other():
    batch = a_batch()
    five_with_a_top_up_due(batch)
    wage.look_due(now=LATER)
    unpaid = Assignment.objects.unpaid().order_by("pk")

    made = outcome_of(
        lambda: list(unpaid.select_for_update()),
        partial(raise_it, batch),
        lambda: [lock_account(accounts.earnings_of(each.worker.user_id, "USD")) for each in unpaid],
    )

    assert made == 130
    nothing_is_broken()


@pytest.mark.parametrize("tasks", [20, 40])  # the larger one has a pilot, whose claims are counted
def test_a_raise_and_a_return_do_not_wait_for_each_other(tasks):
    batch = a_batch(tasks=tasks)
    held = claim(batch)
    returned = partial(answer.skip, assignment=held, code=Return.Reason.BROKEN, now=LATER)
    row = Assignment.objects.filter(pk=held.pk)

    made = outcome_of(lambda: row.select_for_update().get(), partial(raise_it, batch), returned)

    assert (made, fresh(held).status) == (130, "skipped")
    nothing_is_broken()


def test_the_top_ups_of_a_leaver_and_of_a_batch_do_not_wait_for_each_other():
    one, two, worker = a_batch(), a_batch(), a_worker()
    for batch in (one, two):
        five_with_a_top_up_due(batch, worker)
    settle.pay_accepted(now=LATER)
    wage.look_due(now=LATER)
    leave = transaction.atomic(partial(verbs.top_up_worker, worker=worker, now=LATER))
    hourly = []

    made = outcome_of(
        lambda: hourly.append(verbs.locked(two.pk)),
        leave,
        lambda: verbs.pay_job(hourly[0], wage_of(two), now=LATER),
    )

    assert (made, earned(worker)) == (1, 240)
    nothing_is_broken()


@pytest.mark.parametrize("is_end", [True, False])
def test_the_end_or_a_raise_and_a_bonus_do_not_wait_for_each_other(is_end):
    batch, worker = a_batch(tasks=5 if is_end else 6), a_worker()
    five_with_a_top_up_due(batch, worker)
    settle.pay_accepted(now=LATER)
    wage.look_due(now=LATER)
    if is_end:
        publish.close(batch=fresh(batch), actor=owner(batch), now=LATER)
    step = partial(settle.wind_up, now=LATER) if is_end else partial(raise_it, batch)

    made = outcome_of(
        lambda: lock_account(accounts.wallet_of(owner(batch).pk, "USD")),
        step,
        lambda: lock_account(accounts.earnings_of(worker.user_id, "USD")),
    )

    assert made == (1 if is_end else 130)
    assert earned(worker) == 120
    nothing_is_broken()
