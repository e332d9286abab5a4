"""Top-ups by both rules: to whom, how much, from where, and never twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payments import accounts, debts
from payments.balances import balance_of
from payments.money import Money
from tasks import publish, settle
from tasks.compensation import topups as verbs
from tasks.compensation import wage
from tasks.models import Batch, TopUp
from tests.factories import NOON, a_worker, floor, fresh, usd
from tests.tasks.compensation.paying import (
    EVEN_LATER,
    LATER,
    accept_and_pay,
    crowd,
    earned,
    fair,
    give,
    nothing_is_broken,
    owner,
    reserve,
    rich,
    said,
    topups,
    wage_of,
    wallet,
    worked,
)
from workers.models import Worker

pytestmark = pytest.mark.django_db


def a_batch(**fields):
    floor(1200)
    return fair(**{"tasks": 20, "reward": usd(100), "estimate_seconds": 300, **fields})


def close(batch, now=LATER):
    publish.close(batch=fresh(batch), actor=owner(batch), now=now)
    settle.wind_up(now=now)


def test_every_accepted_answer_is_raised_to_the_floor_for_the_usual_time():
    batch = a_batch()
    workers = crowd(batch, 360, 360, 360, 360, 360)
    accept_and_pay(batch)

    wage.look_due(now=LATER)
    verbs.top_up_due(now=LATER)

    assert (wage_of(batch).reference_seconds, wage_of(batch).topup_minor) == (360, 20)
    assert [earned(each) for each in workers] == [120] * 5
    assert topups(batch) == [("job", each.pk, 20, 0) for each in workers]
    assert reserve(batch) == 20 * 80 - 100
    nothing_is_broken()


def test_with_four_workers_the_estimate_counts():
    batch = a_batch()
    crowd(batch, 900, 900, 900, 900)
    accept_and_pay(batch)

    wage.look_due(now=LATER)
    verbs.top_up_due(now=LATER)

    assert (wage_of(batch).reference_seconds, topups(batch)) == (None, [])


def test_running_again_pays_nothing_again():
    batch = a_batch()
    crowd(batch, 360, 360, 360, 360, 360)
    accept_and_pay(batch)
    wage.look_due(now=LATER)
    verbs.top_up_due(now=LATER)

    verbs.top_up_due(now=EVEN_LATER)

    assert len(topups(batch)) == 5


def test_a_lower_usual_time_takes_nothing_back_and_answers_to_come_get_as_much():
    batch = a_batch()
    crowd(batch, 360, 360, 360, 360, 360)
    accept_and_pay(batch)
    wage.look_due(now=LATER)
    verbs.top_up_due(now=LATER)
    late = crowd(batch, *[100] * 6, now=LATER)
    accept_and_pay(batch, now=EVEN_LATER)

    wage.look_due(now=EVEN_LATER)
    verbs.top_up_due(now=EVEN_LATER)

    assert (wage_of(batch).reference_seconds, wage_of(batch).topup_minor) == (100, 20)
    assert [earned(each) for each in late] == [120] * 6


def test_who_took_longer_than_usual_is_raised_to_the_floor_for_their_own_time():
    batch = a_batch()
    workers = crowd(batch, 300, 300, 300, 300, 700)
    accept_and_pay(batch)

    close(batch)

    # 700 s · 1200/h = 233.3, rounded up.
    assert topups(batch) == [("worker", workers[4].pk, 134, 0)]
    assert earned(workers[4]) == 234
    nothing_is_broken()


def test_time_beyond_three_times_the_usual_is_not_paid_for_and_unvouched_for_beyond_two():
    batch = a_batch()
    vouched = crowd(batch, 300, 300, 300, 300, 1500)[4]
    unvouched = worked(batch, seconds=1500, coverage=0.1).worker
    accept_and_pay(batch)

    close(batch)

    assert (earned(vouched), earned(unvouched)) == (300, 200)


def test_the_floor_of_where_a_worker_lives_counts_if_it_is_higher():
    floor(1690, jurisdiction="US-CA")
    batch = a_batch()
    there = a_worker(country="US")
    Worker.objects.filter(pk=there.pk).update(subdivision="CA")
    worked(batch, there, seconds=300)
    crowd(batch, 300, 300, 300, 300)
    accept_and_pay(batch)

    close(batch)

    # 300 s · 1690/h = 140.8
    assert topups(batch) == [("worker", there.pk, 41, 0)]


def test_what_the_rule_for_all_paid_counts_towards_the_rule_for_one():
    batch = a_batch()
    slow = crowd(batch, 360, 360, 360, 360, 720)[4]
    accept_and_pay(batch)

    close(batch)

    assert topups(batch)[-1] == ("worker", slow.pk, 120, 0)
    assert earned(slow) == 240


def test_a_refused_answer_earns_no_top_up():
    batch = a_batch()
    workers = crowd(batch, 360, 360, 360, 360, 360)
    accept_and_pay(batch)
    waiting = worked(batch, seconds=360)

    wage.look_due(now=LATER)
    verbs.top_up_due(now=LATER)

    assert {worker for _, worker, _, _ in topups(batch)} == {each.pk for each in workers}
    assert earned(waiting.worker) == 0


def test_a_week_after_publication_both_rules_are_paid():
    batch = a_batch()
    slow = crowd(batch, 300, 300, 300, 300, 600)[4]
    accept_and_pay(batch)
    wage.look_due(now=LATER)

    verbs.top_up_due(now=NOON + timedelta(days=6, hours=23))
    before = topups(batch)
    verbs.top_up_due(now=NOON + timedelta(days=7, minutes=30))

    assert (before, topups(batch)) == ([], [("worker", slow.pk, 100, 0)])


def test_a_worker_who_is_paid_out_gets_first_what_is_owed():
    batch = a_batch()
    slow = crowd(batch, 300, 300, 300, 300, 600)[4]
    accept_and_pay(batch)

    assert verbs.top_up_worker(worker=slow, now=LATER) == 1
    assert verbs.top_up_worker(worker=slow, now=LATER) == 0
    assert topups(batch) == [("worker", slow.pk, 100, 0)]


def test_what_the_reserve_lacks_the_platform_pays_and_the_requester_owes():
    batch = a_batch(tasks=5)
    workers = crowd(batch, 1200, 1200, 1200, 1200, 1200)
    accept_and_pay(batch)

    wage.look_due(now=LATER)
    verbs.top_up_due(now=LATER)

    # Each is owed 400 and got 100; the reserve has 400.
    first, second = workers[:2]
    assert topups(batch)[:3] == [
        ("job", first.pk, 300, 0),
        ("job", second.pk, 100, 200),
        ("job", workers[2].pk, 0, 300),
    ]
    assert [earned(each) for each in workers] == [400] * 5
    owed = accounts.receivable(owner(batch).pk, "USD")
    assert (reserve(batch), balance_of(owed)) == (0, Money(-1100, "USD"))
    assert said(batch, "batch_guaranteed") == [{"amount_minor": 1100, "currency": "USD"}]
    nothing_is_broken()


def test_a_debt_is_collected_from_the_wallet_as_far_as_it_goes_and_once():
    batch = a_batch(tasks=5, project=rich(1000))
    crowd(batch, 1200, 1200, 1200, 1200, 1200)
    accept_and_pay(batch)
    wage.look_due(now=LATER)
    verbs.top_up_due(now=LATER)
    assert wallet(batch) == 0

    assert debts.collect_due(now=LATER) == 0
    give(owner(batch), 1000)
    assert (debts.collect_due(now=LATER), debts.collect_due(now=LATER)) == (1, 0)
    assert (wallet(batch), debts.owed(owner(batch).pk, "USD")) == (0, usd(100))
    give(owner(batch), 500)
    assert (debts.collect_due(now=LATER), wallet(batch)) == (1, 400)


def test_the_end_refunds_the_rest_of_the_reserve_and_closes_it():
    batch = a_batch(tasks=5)
    before = wallet(batch)
    crowd(batch, 360, 360, 360, 360, 360)
    accept_and_pay(batch)

    close(batch)

    batch = fresh(batch)
    assert (batch.status, wage_of(batch).is_final) == (Batch.Status.CLOSED, True)
    assert (batch.refunded_minor, wallet(batch)) == (0, before + 400 - 100)
    assert (batch.reserve.closed_at, batch.reserve.balance_minor) == (LATER, 0)
    assert said(batch, "batch_closed") == [{"refund_minor": 0, "reserve_refund_minor": 300}]
    nothing_is_broken()


def test_after_the_end_the_platform_pays():
    batch = a_batch(tasks=5)
    workers = crowd(batch, 300, 300, 300, 300, 300)
    accept_and_pay(batch)
    close(batch)

    paid = verbs.pay(
        batch=batch,
        worker=workers[0],
        rule=TopUp.Rule.RETURN,
        amount_minor=7,
        inputs={},
        now=EVEN_LATER,
    )

    assert (paid.reserve_minor, paid.guarantee_minor) == (0, 7)
    assert earned(workers[0]) == 107


def test_yen_are_rounded_up_to_the_yen():
    floor(1000, currency="JPY")
    batch = fair(
        tasks=5, reward=Money(84, "JPY"), estimate_seconds=300, project=rich(10_000, "JPY")
    )
    workers = crowd(batch, 301, 301, 301, 301, 301)
    accept_and_pay(batch)

    close(batch)

    # 301 s · 1000/h = 83.6: paid already.
    assert [earned(each, "JPY") for each in workers] == [84] * 5
    nothing_is_broken()


def test_who_was_raised_by_their_own_time_first_gets_no_more_in_the_end():
    batch = a_batch()
    workers = crowd(batch, 360, 360, 360, 360, 720)
    accept_and_pay(batch)
    for each in workers:
        verbs.top_up_worker(worker=each, now=LATER)
    before = [earned(each) for each in workers]

    close(batch)

    assert before == [120, 120, 120, 120, 240]
    assert [earned(each) for each in workers] == before
    nothing_is_broken()
