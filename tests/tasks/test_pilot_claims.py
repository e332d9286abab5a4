"""While a batch's pilot runs, only so many of its tasks are claimed, whoever asks at once."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from payments.deposits import deposit
from tasks import answer, distribute, publish, settle
from tasks.distribute import Handout
from tasks.errors import TooManyLiveAssignments
from tasks.invariants import broken
from tasks.models import Assignment, Batch
from tests.factories import (
    HOUR,
    NOON,
    a_worker,
    claim,
    fresh,
    published_batch,
    rejected,
    slots,
    submitted,
    usd,
)
from tests.payments.books import at_once
from tests.tasks.asking import SWEPT, ask
from tests.tasks.sessions import locked
from workers import content
from workers.errors import ContentNotAgreed, RestDue
from workers.models import Worker

pytestmark = pytest.mark.django_db


def a_pilot(left=3, **fields):
    batch = published_batch(**{"tasks": 10, **fields})
    Batch.objects.filter(pk=batch.pk).update(pilot_left=left)
    return fresh(batch)


def left(batch):
    return fresh(batch).pilot_left


def taken(batch):
    return Assignment.objects.filter(batch=batch).count()


def test_a_claim_takes_no_more_than_is_left():
    batch = a_pilot(left=3)

    first, second = ask(batch, a_worker(), count=2), ask(batch, a_worker(), count=5)

    assert [len(first.assignments), len(second.assignments)] == [2, 1]
    assert left(batch) == 0


def test_when_all_is_taken_the_rest_is_asked_to_come_again_soon():
    batch = a_pilot(left=1)
    claim(batch)

    assert ask(batch, a_worker()) == Handout([], 5)
    assert (taken(batch), left(batch)) == (1, 0)


def test_only_what_was_found_is_counted():
    batch, worker = a_pilot(left=5, tasks=2), a_worker()

    assert len(ask(batch, worker, count=5).assignments) == 2
    assert left(batch) == 3
    assert ask(batch, worker).assignments == []
    assert left(batch) == 3


def test_what_is_refused_is_not_counted():
    batch, worker = a_pilot(left=5, max_live_assignments=1), a_worker()
    claim(batch, worker)

    with pytest.raises(TooManyLiveAssignments):
        ask(batch, worker)
    assert left(batch) == 4


def test_after_the_pilot_claims_count_nothing():
    batch, worker = a_pilot(left=1), a_worker()
    claim(batch, worker)
    Batch.objects.filter(pk=batch.pk).update(pilot_left=None)

    assert len(ask(batch, worker, count=4).assignments) == 4
    assert left(batch) is None


def test_only_a_pilot_costs_two_queries_more(django_assert_num_queries):
    batch, worker = a_pilot(left=5), a_worker()
    claim(batch, worker)

    with django_assert_num_queries(
        6
    ):  # savepoint, lock the cursor, the batch, take, count, release
        ask(batch, worker)
    Batch.objects.filter(pk=batch.pk).update(pilot_left=None)
    with django_assert_num_queries(4):
        ask(batch, worker)


# Slots that come back.


def test_a_skipped_claim_is_left_again():
    batch = a_pilot(left=1)

    answer.skip(assignment=fresh(claim(batch)), now=NOON)

    assert left(batch) == 1
    assert claim(batch)


def test_expired_claims_are_left_again():
    batch = a_pilot(left=2)
    ask(batch, a_worker(), count=2)

    distribute.expire_overdue(now=SWEPT)

    assert left(batch) == 2


def test_a_rejected_answers_claim_is_left_again():
    batch = a_pilot(left=2)
    owner = batch.project.requester
    deposit(owner_id=owner.pk, amount=usd(100), reference="for another", now=NOON)

    rejected(batch)

    assert left(batch) == 2


def test_a_submitted_answer_is_not():
    batch = a_pilot(left=2)

    submitted(batch)

    assert left(batch) == 1


def test_a_slot_that_comes_back_later_does_not_begin_a_pilot():
    batch = a_pilot(left=1)
    held = Assignment.objects.select_related("batch").get(pk=claim(batch).pk)
    Batch.objects.filter(pk=batch.pk).update(pilot_left=None)

    answer.skip(assignment=held, now=NOON)

    assert left(batch) is None


def test_in_a_closing_batch_the_slot_is_withdrawn_all_the_same():
    batch = a_pilot(left=1)
    held = claim(batch)
    publish.close(batch=batch, actor=batch.project.requester, now=NOON)
    settle.wind_up(now=NOON)

    answer.skip(assignment=fresh(held), now=NOON)

    assert sum(slots(batch)) == 0
    assert broken(now=NOON) == []


# At once.


@pytest.mark.django_db(transaction=True)
def test_sixteen_at_once_take_no_more_than_is_left():
    batch = a_pilot(left=5, tasks=30)
    workers = [a_worker() for _ in range(16)]

    at_once([partial(ask, batch, worker, count=2) for worker in workers])
    for worker in workers:  # whoever found the count in another's hand asks again
        ask(batch, worker)

    assert (taken(batch), left(batch)) == (5, 0)
    assert broken(now=NOON) == []


@pytest.mark.django_db(transaction=True)
def test_claims_and_skips_at_once_lose_no_claim():
    batch = a_pilot(left=8, tasks=30)
    held = [fresh(claim(batch)) for _ in range(4)]
    workers = [a_worker() for _ in range(4)]

    at_once(
        [
            *[partial(answer.skip, assignment=each, now=NOON) for each in held],
            *[partial(ask, batch, worker) for worker in workers],
        ]
    )

    active = Assignment.objects.filter(batch=batch, status="active").count()
    assert left(batch) + active == 8
    assert broken(now=NOON) == []


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_whoever_counts():
    batch, worker = a_pilot(left=5), a_worker()
    claim(batch, worker)

    with locked("SELECT FROM tasks_batch WHERE id = %s FOR NO KEY UPDATE", batch.pk):
        assert ask(batch, worker) == Handout([], 1)

    assert left(batch) == 4


# Others who may not claim now.


def test_after_a_long_day_nothing_new_is_claimed(django_assert_num_queries):
    batch, worker = published_batch(tasks=3), a_worker()
    claim(batch, worker)
    until = NOON + HOUR
    Worker.objects.filter(pk=worker.pk).update(rest_until=until)

    # Savepoint, lock the cursor, and both undone.
    with django_assert_num_queries(4), pytest.raises(RestDue) as refused:
        ask(batch, worker)

    assert refused.value.until == until
    assert ask(batch, worker, now=until).assignments


def test_a_first_claim_rests_too():
    batch, worker = published_batch(tasks=1), a_worker()
    Worker.objects.filter(pk=worker.pk).update(rest_until=NOON + HOUR)

    with pytest.raises(RestDue):
        ask(batch, worker)


def test_a_batch_that_warns_is_for_those_who_agreed():
    batch, worker = published_batch(tasks=2), a_worker()
    Batch.objects.filter(pk=batch.pk).update(content_warnings=["gore", "violence"])
    content.agree(worker=worker, warnings=["gore"], now=NOON)

    with pytest.raises(ContentNotAgreed) as refused:
        ask(batch, worker)
    assert refused.value.warnings == ("gore", "violence")

    content.agree(worker=worker, warnings=["gore", "violence"], now=NOON)
    assert ask(batch, worker).assignments


def test_whoever_agrees_no_longer_claims_no_more():
    batch, worker = published_batch(tasks=2), a_worker()
    Batch.objects.filter(pk=batch.pk).update(content_warnings=["gore"])
    content.agree(worker=worker, warnings=["gore"], now=NOON)
    ask(batch, worker)

    content.agree(worker=worker, warnings=[], now=NOON + timedelta(hours=1))

    with pytest.raises(ContentNotAgreed):
        ask(batch, worker)
