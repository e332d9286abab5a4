from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tasks import answer, distribute
from tasks.errors import OwnBatch, TooManyLiveAssignments
from tasks.invariants import broken
from tasks.models import Assignment, Cursor
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_project,
    a_requester,
    a_worker,
    claim,
    fresh,
    may_claim,
    published_batch,
    rejected,
    rows,
    slots,
    submitted,
    usd,
)
from tests.tasks.asking import DEADLINE, SWEPT, ask, names, nothing_was_given, skip
from workers import people

pytestmark = pytest.mark.django_db


# What a claim gives.


def test_a_claim_gives_all_that_is_needed_to_work():
    batch, worker = published_batch(tasks=1, reward=usd(7)), a_worker()

    handout = ask(batch, worker)

    assignment = Assignment.objects.get()
    assert handout == distribute.Handout(
        assignments=[
            distribute.Claimed(
                id=assignment.pk,
                batch_id=batch.pk,
                task_id=assignment.task_id,
                input={"image": "0.png"},
                version_id=batch.version_id,
                deadline_at=DEADLINE,
                reward_minor=7,
                currency="USD",
            )
        ],
        retry_after_seconds=0,
    )


def test_a_claim_is_a_live_assignment_with_its_price_and_its_deadline():
    batch, worker = published_batch(tasks=1, assignment_duration=timedelta(minutes=9)), a_worker()

    ask(batch, worker)

    made = Assignment.objects.get()
    assert (made.batch_id, made.worker, made.person_id) == (
        batch.pk,
        worker,
        worker.user.person_id,
    )
    assert (made.status, made.is_gold) == (Assignment.Status.ACTIVE, False)
    assert (made.reward_minor, made.fee_minor) == (5, 1)
    assert (made.claimed_at, made.deadline_at) == (NOON, NOON + 9 * MINUTE)
    assert slots(batch) == [0]


def test_claiming_moves_no_money():
    batch = published_batch(tasks=2)

    ask(batch, a_worker(), count=2)

    assert (fresh(batch).reserved, fresh(batch).spent) == (12, 0)
    assert broken(now=NOON) == []


def test_a_handful_is_claimed_at_once():
    batch = published_batch(tasks=30, overlap=2, max_live_assignments=40)

    handout = ask(batch, a_worker(), count=7)

    assert sorted(names(handout)) == [f"{number}.png" for number in range(7)]
    assert slots(batch) == [1] * 7 + [2] * 23
    assert len({each.id for each in handout.assignments}) == 7


def test_a_claim_gives_at_most_twenty():
    batch = published_batch(tasks=25, max_live_assignments=40)

    assert len(ask(batch, a_worker(), count=21).assignments) == 20


def test_a_claim_gives_what_there_is_when_that_is_less_than_was_asked_for():
    batch, worker = published_batch(tasks=3), a_worker()

    assert len(ask(batch, worker, count=5).assignments) == 3


def test_a_worker_has_a_pseudonym_of_their_own_in_each_batch():
    worker = a_worker()
    for batch in published_batch(tasks=1), published_batch(tasks=1):
        ask(batch, worker)

    one, other = Cursor.objects.filter(worker=worker)
    assert re.fullmatch("W[0-9A-F]{10}", one.pseudonym)
    assert one.pseudonym != other.pseudonym


# R1: never more than the overlap.


def test_a_task_is_given_to_as_many_workers_as_its_overlap():
    batch = published_batch(tasks=2, overlap=3)
    workers = [a_worker() for _ in range(4)]

    given = [len(ask(batch, worker, count=2).assignments) for worker in workers]

    assert given == [2, 2, 2, 0]
    assert slots(batch) == [0, 0]


def test_a_batch_may_mix_overlaps():
    batch = published_batch(tasks=[*rows(1, overlap=1), *rows(1, overlap=2)])

    given = [len(ask(batch, a_worker(), count=2).assignments) for _ in range(3)]

    assert given == [2, 1, 0]


# R2: never twice to the same worker.


def test_a_worker_gets_each_task_once():
    batch, worker = published_batch(tasks=2, overlap=5), a_worker()

    assert names(ask(batch, worker, count=5)) != []
    assert names(ask(batch, worker, now=NOON + HOUR)) == []


@pytest.mark.parametrize("ending", ["submit", "skip", "expire", "reject"])
def test_a_worker_does_not_get_a_task_again_after(ending):
    batch, worker = published_batch(tasks=1, overlap=2), a_worker()
    if ending == "submit":
        submitted(batch, worker=worker)
    elif ending == "skip":
        skip(claim(batch, worker))
    elif ending == "expire":
        claim(batch, worker)
        distribute.expire_overdue(now=SWEPT)
    else:
        rejected(batch, worker=worker)

    for later in NOON, NOON + HOUR, NOON + 10 * HOUR:
        assert not may_claim(batch, worker, now=later)
    assert may_claim(batch, a_worker(), now=NOON + HOUR)
    assert Assignment.objects.filter(batch=batch, worker=worker).count() == 1


# R3: not one's own.


def test_requesters_cannot_work_on_their_own_batch():
    requester = a_requester()
    worker = people.become_worker(user=requester, now=NOON)
    batch = published_batch(tasks=1, project=a_project(requester=requester))

    with pytest.raises(OwnBatch):
        ask(batch, worker)

    assert nothing_was_given(batch, worker)
    assert not Cursor.objects.filter(worker=worker).exists()


def test_nobody_is_given_a_task_they_wrote():
    author = a_worker()
    batch = published_batch(tasks=[*rows(1, author=author.public_id), *rows(1)], overlap=2)

    assert names(ask(batch, author, count=2)) == ["0.png"]
    assert Assignment.objects.get(worker=author).task.author_id is None
    assert not may_claim(batch, author, now=NOON + HOUR)
    assert len(ask(batch, a_worker(), count=2).assignments) == 2


# R5: no more live assignments than the cap.


def test_a_worker_holds_no_more_than_the_cap_however_many_are_asked_for():
    batch, worker = published_batch(tasks=30, max_live_assignments=5), a_worker()

    assert len(ask(batch, worker, count=20).assignments) == 5
    with pytest.raises(TooManyLiveAssignments):
        ask(batch, worker)

    assert Assignment.objects.filter(worker=worker).count() == 5


def test_the_room_that_is_left_under_the_cap_is_filled():
    batch, worker = published_batch(tasks=30, max_live_assignments=5), a_worker()
    ask(batch, worker, count=3)

    assert len(ask(batch, worker, count=20).assignments) == 2


@pytest.mark.parametrize("ending", ["submit", "skip", "expire"])
def test_what_is_no_longer_live_makes_room_under_the_cap(ending):
    batch, worker = published_batch(tasks=2, max_live_assignments=1), a_worker()
    held = claim(batch, worker)

    if ending == "submit":
        answer.submit(assignment_id=held.pk, worker=worker, answer="cat", now=NOON)
    elif ending == "skip":
        skip(held)
    else:
        distribute.expire_overdue(now=SWEPT)

    assert may_claim(batch, worker)


def test_the_cap_is_for_one_batch_and_one_worker():
    batch, other = (published_batch(tasks=2, max_live_assignments=1) for _ in range(2))
    worker = a_worker()
    claim(batch, worker)

    assert may_claim(other, worker)
    assert may_claim(batch, a_worker())
