"""R7: known answers are mixed in at the set rate, and nothing tells a worker which they are."""

from __future__ import annotations

import pytest
from django.db import connection

from payments import accounts
from payments.deposits import deposit
from tasks import answer, distribute, publish, settle
from tasks.invariants import broken
from tasks.models import Assignment, Batch, Cursor, Task
from tasks.models.task import Lane
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_worker,
    accepted,
    add_tasks,
    always_gold,
    claim,
    fresh,
    gold_rows,
    link,
    may_claim,
    never_gold,
    published_batch,
    rows,
    seeded,
    usd,
)
from tests.tasks.sessions import locked

pytestmark = pytest.mark.django_db


def golden_batch(*, tasks=10, gold=1, gold_rate=0.5, **fields):
    return published_batch(tasks=tasks, gold=gold, gold_rate=gold_rate, **fields)


def ask(batch, worker, *, count=1, draw=always_gold, now=NOON):
    return distribute.claim(batch_id=batch.pk, worker=worker, count=count, now=now, draw=draw)


def arrive(batch, worker, start=0.0):
    """A first claim, of an ordinary task: the worker's walk over the gold begins at ``start``."""
    lots = iter([start, never_gold()])
    ask(batch, worker, draw=lambda: next(lots))


def golds_of(worker):
    return list(Assignment.objects.filter(worker=worker, is_gold=True).order_by("pk"))


def gold_slots(batch):
    return list(
        Task.objects.filter(batch=batch, lane=Lane.GOLD)
        .order_by("position")
        .values_list("remaining_overlap", flat=True)
    )


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


# Each worker's own walk over the gold.


def test_a_worker_sees_each_gold_once_and_then_ordinary_tasks():
    batch, worker = golden_batch(gold=3, tasks=10, overlap=4), a_worker()

    kinds = [claim(batch, worker, gold=True).is_gold for _ in range(6)]

    assert kinds == [True, True, True, False, False, False]
    assert len({each.task_id for each in golds_of(worker)}) == 3


@pytest.mark.parametrize("ending", ["skip", "expire", "reject"])
def test_gold_is_not_seen_again_after(ending):
    batch, worker = golden_batch(overlap=2), a_worker()
    first = claim(batch, worker, gold=True)
    if ending == "skip":
        answer.skip(assignment=first, now=NOON)
    elif ending == "expire":
        distribute.expire_overdue(now=NOON + HOUR)
    else:
        answer.submit(assignment_id=first.pk, worker=worker, answer="dog", now=NOON)
        actor = batch.project.requester
        settle.reject(assignment=fresh(first), reason="A cat.", actor=actor, now=NOON)

    for _ in range(3):
        assert not claim(batch, worker, gold=True, now=NOON + HOUR).is_gold
    assert claim(batch, gold=True, now=NOON + HOUR).task_id == first.task_id


@pytest.mark.parametrize("start", [0.1, 0.3, 0.6, 0.999])
def test_a_walk_begins_anywhere_goes_to_the_end_and_on_from_the_beginning(start):
    batch = golden_batch(tasks=10, gold=0)
    spread = iter(range(0, 2**52, 2**50))
    publish_gold(batch, draw=lambda bits: next(spread) + 1)
    worker, lots = a_worker(), iter([start, *[0.0] * 10])

    seen = [
        Assignment.objects.get(pk=ask(batch, worker, draw=lambda: next(lots)).assignments[0].id)
        for _ in range(7)
    ]

    walked = [each.task.position >> 50 for each in seen if each.is_gold]
    first = int(start * 4) + 1
    assert walked == [*range(first, 4), *range(first)]
    assert len(seen) == 7


def publish_gold(batch, draw):
    deposit(owner_id=batch.project.requester_id, amount=usd(1_000), reference="gold", now=NOON)
    publish.add_tasks(batch=batch, rows=gold_rows(4), draw=draw, now=NOON)


def test_workers_begin_at_different_golds():
    batch = golden_batch(tasks=100, gold=0)
    spread = iter(range(0, 2**52, 2**50))
    publish_gold(batch, draw=lambda bits: next(spread) + 1)
    first = []
    for start in 0.1, 0.3, 0.6, 0.7:
        worker = a_worker()
        arrive(batch, worker, start)
        ask(batch, worker)
        first.append(golds_of(worker)[0].task.position >> 50)

    assert first == [1, 2, 3, 3]


def test_a_draw_at_the_end_of_the_walk_goes_on_from_its_beginning():
    batch, worker = golden_batch(), a_worker()
    arrive(batch, worker, start=0.999)

    ask(batch, worker)

    assert len(golds_of(worker)) == 1


def test_when_the_gold_slots_run_out_ordinary_tasks_take_their_place():
    batch = golden_batch(tasks=4, gold=1)
    assert gold_slots(batch) == [4]

    kinds = [claim(batch, gold=True).is_gold for _ in range(8)]

    assert kinds == [True] * 4 + [False] * 4
    assert not may_claim(batch, a_worker(), gold=True)


def test_a_handful_that_cannot_be_all_gold_is_filled_up():
    batch, worker = golden_batch(tasks=4, gold=2, overlap=2), a_worker()

    assert len(ask(batch, worker, count=5).assignments) == 5
    assert len(golds_of(worker)) == 2


def test_gold_counts_under_the_cap():
    batch, worker = golden_batch(tasks=4, gold=2, max_live_assignments=3), a_worker()

    assert len(ask(batch, worker, count=20).assignments) == 3


def test_gold_of_one_account_is_known_to_the_other():
    batch, one, other = golden_batch(overlap=2), a_worker(), a_worker()
    claim(batch, one, gold=True)

    link(one, other)

    assert not claim(batch, other, gold=True).is_gold


def test_nobody_is_tested_on_gold_they_wrote():
    author = a_worker()
    batch = published_batch(
        tasks=[*rows(2), *rows(1, gold='{"label":"cat"}', author=author.public_id)], gold_rate=0.5
    )

    assert not claim(batch, author, gold=True).is_gold
    assert claim(batch, gold=True).is_gold


def test_gold_whose_time_is_up_is_given_to_nobody():
    batch = published_batch(
        tasks=[*rows(2), *rows(1, gold='{"label":"cat"}', expires_at=NOON + MINUTE)],
        gold_rate=0.5,
    )

    assert claim(batch, gold=True).is_gold
    assert not claim(batch, gold=True, now=NOON + MINUTE).is_gold


def test_gold_never_comes_to_the_front_when_it_is_given_back():
    batch = golden_batch()
    gold = claim(batch, gold=True)

    answer.skip(assignment=gold, now=NOON)

    assert Task.objects.get(pk=gold.task_id).lane == Lane.GOLD
    assert not claim(batch).is_gold


@pytest.mark.django_db(transaction=True)
def test_gold_that_another_claim_has_in_hand_is_left_out_without_waiting():
    batch, worker = golden_batch(tasks=3), a_worker()
    gold = Task.objects.get(batch=batch, lane=Lane.GOLD)

    with locked("SELECT 1 FROM tasks_task WHERE id = %s FOR UPDATE", gold.pk):
        assert not claim(batch, worker, gold=True).is_gold


@pytest.mark.django_db(transaction=True)
def test_gold_that_was_in_another_claims_hand_is_seen_later():
    batch, worker = golden_batch(tasks=8), a_worker()
    gold = Task.objects.get(batch=batch, lane=Lane.GOLD)
    with locked("SELECT 1 FROM tasks_task WHERE id = %s FOR UPDATE", gold.pk):
        claim(batch, worker, gold=True)

    later = NOON + 10 * MINUTE
    kinds = [claim(batch, worker, gold=True, now=later).is_gold for _ in range(4)]

    assert True in kinds


def test_gold_that_was_added_later_is_seen_by_those_who_had_seen_all():
    batch, worker = golden_batch(tasks=10, gold=1), a_worker()
    for _ in range(4):
        claim(batch, worker, gold=True)
    assert len(golds_of(worker)) == 1
    deposit(owner_id=batch.project.requester_id, amount=usd(1_000), reference="more", now=NOON)
    add_tasks(batch, gold_rows(2))

    for _ in range(4):
        claim(batch, worker, gold=True)

    assert len(golds_of(worker)) == 3


def test_a_worker_who_has_done_everything_else_gets_no_gold_for_its_own_sake():
    batch, worker = golden_batch(tasks=1, gold=3, overlap=3), a_worker()
    arrive(batch, worker)

    assert ask(batch, worker).assignments == []


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

    settle.reject(assignment=fresh(gold), reason="A cat.", actor=batch.project.requester, now=NOON)

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
