from __future__ import annotations

import pytest
from django.db import connection

from payments import accounts
from payments.deposits import deposit
from tasks import answer, settle
from tasks.invariants import broken
from tasks.models import Assignment, Batch, Cursor
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_worker,
    accepted,
    claim,
    fresh,
    never_gold,
    published_batch,
    refuse,
    seeded,
    usd,
)
from tests.tasks.golden import arrive, ask, gold_slots, golden_batch, golds_of

pytestmark = pytest.mark.django_db


# How often.


def test_gold_is_handed_out_at_the_set_rate():
    batch = golden_batch(tasks=1_000, gold=60, gold_rate=0.2, max_live_assignments=100)
    random = seeded(7).random

    for _ in range(10):
        worker = a_worker()
        for _ in range(4):
            ask(batch, worker, count=20, draw=random)

    # 800 draws at 0.2: 160 expected, with a standard deviation of 11.
    handed = Assignment.objects.filter(batch=batch)
    assert handed.count() == 800
    assert abs(handed.filter(is_gold=True).count() - 160) < 3 * 11


def test_a_rate_of_zero_hands_no_gold_out():
    batch = golden_batch(gold_rate=0)

    assert gold_slots(batch) == [0]
    assert not claim(batch, gold=True).is_gold


def test_a_batch_without_gold_draws_no_lots():
    batch, worker = published_batch(tasks=2, gold_rate=0.5), a_worker()
    claim(batch, worker)

    def draw():
        raise AssertionError

    assert len(ask(batch, worker, draw=draw).assignments) == 1


def test_each_of_a_handful_is_drawn_for_by_itself():
    batch, worker = golden_batch(gold=10, max_live_assignments=40), a_worker()
    arrive(batch, worker)
    lots = iter([0.1, 0.9, 0.49, 0.5, 0.51])

    handout = ask(batch, worker, count=5, draw=lambda: next(lots))

    assert len(handout.assignments) == 5
    assert len(golds_of(worker)) == 2


# Nothing tells gold apart.


def test_no_field_of_the_handout_tells_gold_apart():
    batch, worker = golden_batch(), a_worker()

    [gold] = ask(batch, worker).assignments
    [other] = ask(batch, worker, draw=never_gold).assignments

    shown, like = gold._asdict(), other._asdict()
    differing = {name for name in shown if shown[name] != like[name]}
    assert Assignment.objects.get(pk=gold.id).is_gold
    assert not Assignment.objects.get(pk=other.id).is_gold
    assert shown.keys() == like.keys()
    assert differing == {"id", "task_id"}
    assert {name: type(value) for name, value in shown.items()} == {
        name: type(value) for name, value in like.items()
    }


def test_gold_pays_and_expires_like_every_other_task():
    batch, worker = golden_batch(), a_worker()

    [gold] = ask(batch, worker).assignments

    row = Assignment.objects.get(pk=gold.id)
    assert (row.reward_minor, row.fee_minor, row.deadline_at) == (5, 1, NOON + 30 * MINUTE)


def test_the_order_of_a_handful_does_not_tell_gold_apart():
    batch = golden_batch(tasks=40, gold=20, overlap=20)
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.25)")

    places = []
    for _ in range(12):
        worker, lots = a_worker(), iter([0.0, 0.0, 0.9, 0.9, 0.9])  # the first makes the cursor
        handout = ask(batch, worker, count=4, draw=lambda lots=lots: next(lots))
        [gold] = golds_of(worker)
        places.append([each.id for each in handout.assignments].index(gold.pk))

    assert set(places) == {0, 1, 2, 3}


def test_a_claim_of_gold_costs_the_same_two_statements(django_assert_num_queries):
    batch, worker = golden_batch(), a_worker()
    arrive(batch, worker)

    with django_assert_num_queries(4):
        ask(batch, worker)
    assert len(golds_of(worker)) == 1


# What gold costs.


@pytest.mark.parametrize(
    ("tasks", "gold", "rate", "overlap_of_gold"),
    [
        (10, 1, 0.5, 10),  # as many as ordinary ones
        (10, 3, 0.5, 4),  # rounded up, so that all golds are asked alike
        (95, 5, 0.05, 1),
        (100, 2, 0.2, 13),  # 25 of 125
        (1, 1, 0.05, 0),  # a nineteenth of an answer is none
        (10, 2, 0.0, 0),
    ],
)
def test_gold_slots_are_the_rates_share_of_all_answers(tasks, gold, rate, overlap_of_gold):
    batch = golden_batch(tasks=tasks, gold=gold, gold_rate=rate)

    assert gold_slots(batch) == [overlap_of_gold] * gold
    assert batch.budget_minor == (tasks + gold * overlap_of_gold) * 6
    assert broken(now=NOON) == []


def test_a_gold_answer_is_paid_for_like_every_other():
    batch, worker = golden_batch(tasks=1), a_worker()
    gold = claim(batch, worker, gold=True)
    answer.submit(assignment_id=gold.pk, worker=worker, answer="dog", now=NOON)

    settle.accept(assignment=fresh(gold), actor=batch.project.requester, now=NOON)
    settle.pay_accepted(now=NOON)

    assert accounts.earnings_of(worker.user_id, "USD").balance == usd(5)
    assert (fresh(batch).spent, fresh(batch).reserved) == (6, 6)


def test_gold_slots_that_nobody_needed_are_given_back_at_the_end():
    batch = golden_batch(tasks=2, gold=2)
    assert fresh(batch).budget_minor == 24
    for _ in range(2):
        accepted(batch)
    settle.pay_accepted(now=NOON + HOUR)

    Assignment.objects.update(aggregated_at=NOON)
    settle.wind_up(now=NOON + HOUR)

    batch = fresh(batch)
    assert (batch.status, batch.spent, batch.refunded_minor) == (Batch.Status.CLOSED, 12, 12)
    assert accounts.wallet_of(batch.project.requester_id, "USD").balance == usd(12)
    assert broken(now=NOON + HOUR) == []


def test_a_rejected_gold_answer_gives_its_slot_back_to_the_gold_lane():
    batch = golden_batch(tasks=2)
    before = gold_slots(batch)
    worker = a_worker()
    gold = claim(batch, worker, gold=True)
    answer.submit(assignment_id=gold.pk, worker=worker, answer="dog", now=NOON)
    requester = batch.project.requester
    deposit(owner_id=requester.pk, amount=usd(6), reference="for another", now=NOON)

    refuse(assignment=fresh(gold), actor=requester, now=NOON)

    assert gold_slots(batch) == before
    assert fresh(batch).reserved == fresh(batch).budget_minor
    assert broken(now=NOON) == []


def test_the_state_of_a_walk_is_kept_while_no_gold_is_asked_for():
    batch, worker = golden_batch(gold=3), a_worker()
    claim(batch, worker, gold=True)
    before = Cursor.objects.get(worker=worker)

    claim(batch, worker)

    after = Cursor.objects.get(worker=worker)
    assert (after.gold_position, after.gold_rest_until) == (
        before.gold_position,
        before.gold_rest_until,
    )
    assert after.position > before.position
