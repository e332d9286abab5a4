from __future__ import annotations

import pytest

from payments.deposits import deposit
from tasks import answer, distribute, publish
from tasks.models import Assignment, Task
from tasks.models.task import Lane
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_worker,
    add_tasks,
    claim,
    fresh,
    gold_rows,
    link,
    may_claim,
    published_batch,
    refuse,
    rows,
    usd,
)
from tests.tasks.golden import arrive, ask, gold_slots, golden_batch, golds_of
from tests.tasks.sessions import locked

pytestmark = pytest.mark.django_db


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
        refuse(assignment=fresh(first), actor=actor, now=NOON)

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
