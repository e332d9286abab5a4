from __future__ import annotations

from datetime import timedelta

import pytest

from tasks import settle
from tasks.errors import IllegalTransition
from tasks.invariants import broken
from tasks.models import Answer, Assignment
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    claim,
    fresh,
    published_batch,
    rejected,
    slots,
    submitted,
    usd,
)
from tests.tasks.settling import (
    LATER,
    Status,
    accept,
    an_assignment_that_is,
    earned,
    events,
    owner,
    reject,
)

pytestmark = pytest.mark.django_db


# Accepting.


def test_an_accepted_answer_is_owed_and_not_yet_paid():
    batch = published_batch(tasks=1)
    waiting = fresh(submitted(batch))

    accept(waiting)

    done = fresh(waiting)
    assert (done.status, done.decided_by) == (Status.ACCEPTED, owner(batch))
    assert (done.finished_at, done.paid_at) == (LATER, None)
    assert (fresh(batch).reserved, fresh(batch).spent) == (6, 0)


@pytest.mark.parametrize("status", ["active", "skipped", "expired", "accepted", "rejected", "paid"])
def test_only_what_waits_for_a_decision_is_decided(status):
    batch = published_batch(tasks=1)
    assignment = an_assignment_that_is(status, batch)
    before = (assignment.status, assignment.finished_at, assignment.paid_at, slots(batch))

    with pytest.raises(IllegalTransition, match="An assignment that is"):
        accept(assignment)
    with pytest.raises(IllegalTransition, match="An assignment that is"):
        reject(assignment)

    after = fresh(assignment)
    assert (after.status, after.finished_at, after.paid_at, slots(batch)) == before
    assert broken(now=NOON) == []


def test_an_old_object_cannot_decide_twice():
    batch = published_batch(tasks=1)
    old, same = (Assignment.objects.get(pk=submitted_once(batch).pk) for _ in range(2))
    accept(old)

    with pytest.raises(IllegalTransition):
        reject(same)

    assert fresh(old).status == Status.ACCEPTED
    assert slots(batch) == [0]


def submitted_once(batch):
    return Assignment.objects.filter(batch=batch).first() or submitted(batch)


def test_all_that_wait_are_accepted_together_as_one_event():
    batch, other = published_batch(tasks=5), published_batch(tasks=1)
    waiting = [submitted(batch) for _ in range(2)]
    refused, live, elsewhere = rejected(batch), claim(batch), submitted(other)

    count = settle.accept_all(batch=batch, assignment_ids=None, actor=owner(batch), now=LATER)

    assert count == 2
    assert [fresh(each).status for each in waiting] == ["accepted", "accepted"]
    assert [fresh(each).status for each in (refused, live, elsewhere)] == [
        "rejected",
        "active",
        "submitted",
    ]
    assert {fresh(each).decided_by for each in waiting} == {owner(batch)}
    assert events("assignments_accepted") == [(batch.pk, owner(batch).pk, LATER, {"count": 2})]


def test_only_the_named_answers_of_the_batch_are_accepted():
    batch, other = published_batch(tasks=2), published_batch(tasks=1)
    named, unnamed, elsewhere = submitted(batch), submitted(batch), submitted(other)

    count = settle.accept_all(
        batch=batch, assignment_ids=[named.pk, named.pk], actor=owner(batch), now=LATER
    )

    assert count == 1
    assert [fresh(each).status for each in (named, unnamed, elsewhere)] == [
        "accepted",
        "submitted",
        "submitted",
    ]


def test_a_name_that_is_not_of_the_batch_accepts_nothing_at_all():
    batch, other = published_batch(tasks=1), published_batch(tasks=1)
    named, elsewhere = submitted(batch), submitted(other)

    for stray in (elsewhere.pk, 2**40):
        with pytest.raises(Assignment.DoesNotExist):
            settle.accept_all(
                batch=batch, assignment_ids=[named.pk, stray], actor=owner(batch), now=LATER
            )

    assert {fresh(each).status for each in (named, elsewhere)} == {"submitted"}


@pytest.mark.parametrize("named", [None, []])
def test_accepting_nothing_is_no_event(named):
    batch = published_batch(tasks=1)
    if named == []:
        submitted(batch)

    count = settle.accept_all(batch=batch, assignment_ids=named, actor=owner(batch), now=LATER)

    assert count == 0
    assert events("assignments_accepted") == []


def test_an_answer_nobody_decided_on_is_accepted_when_its_time_is_up():
    batch = published_batch(tasks=1, auto_accept_delay=2 * HOUR)
    waiting = submitted(batch)
    due = NOON + MINUTE + 2 * HOUR

    assert settle.accept_due(now=due - timedelta(microseconds=1)) == 0
    assert settle.accept_due(now=due) == 1

    done = fresh(waiting)
    assert (done.status, done.finished_at, done.decided_by) == (Status.ACCEPTED, due, None)
    assert settle.accept_due(now=due) == 0


def test_answers_are_accepted_by_time_longest_waiting_first_and_a_few_at_a_time():
    batch = published_batch(tasks=3)
    waiting = [submitted(batch, now=NOON - number * MINUTE) for number in range(3)]

    assert settle.accept_due(now=NOON + 100 * HOUR, limit=2) == 2

    assert [fresh(each).status for each in waiting] == ["submitted", "accepted", "accepted"]


def test_what_was_rejected_is_not_accepted_by_time():
    refused = rejected(published_batch(tasks=1))

    assert settle.accept_due(now=NOON + 1000 * HOUR) == 0

    assert fresh(refused).status == Status.REJECTED


# Rejecting: what is refused, and why, is in tests/tasks/hearings.


def test_a_rejected_answer_is_kept_and_earns_nothing_without_a_floor():
    batch = published_batch(tasks=1)
    refused = rejected(batch)

    settle.pay_accepted(now=LATER)

    assert Answer.objects.get(assignment=refused).value == {"label": "cat"}
    assert earned(refused.worker) == usd(0)


def test_what_was_rejected_is_accepted_by_an_appeal_and_by_nothing_else():
    refused = rejected(published_batch(tasks=1))

    with pytest.raises(IllegalTransition):
        accept(fresh(refused))
    assert (
        settle.accept_all(
            batch=refused.batch, assignment_ids=None, actor=owner(refused.batch), now=LATER
        )
        == 0
    )

    assert fresh(refused).status == Status.REJECTED
