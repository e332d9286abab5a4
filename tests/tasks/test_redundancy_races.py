"""Looks at an adaptive batch, and everything else that may happen to it meanwhile."""

from __future__ import annotations

import pytest
from django.db.models import Sum

from tasks import aggregate, distribute, evidence, invariants, publish, redundancy, settle
from tasks.models import Assignment, Batch, Consensus, Task
from tests.factories import HOUR, MINUTE, NOON, add_tasks, fresh, refuse, rows, usd
from tests.payments.books import at_once
from tests.tasks.publishing import give, owner
from tests.tasks.steering import adaptive, agree, crowd, decide, disagree, overlaps, work


@pytest.fixture(autouse=True)
def nothing_is_remembered():
    evidence._remembered.clear()


def one_of(batch):
    found = Assignment.objects.filter(batch=batch, status="submitted").order_by("pk")
    return found.select_related("batch__project", "worker").first()


def reject(batch, now=NOON):
    refuse(assignment=one_of(batch), actor=owner(batch), now=now)


@pytest.mark.django_db(transaction=True)
def test_two_runners_at_once_open_each_slot_once():
    batch = adaptive(tasks=6)
    work(batch, crowd(3), disagree)

    outcomes = at_once([lambda: decide(batch)] * 3)

    assert sum(outcomes) == 6
    assert overlaps(batch) == [3] * 6
    assert invariants.broken(now=NOON) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(3))
def test_whatever_happens_at_once_the_books_are_right_and_nobody_waits_for_ever(round_):
    soon = NOON + MINUTE
    batch = adaptive(
        tasks=[*rows(4, expires_at=soon), *rows(6)], gold=2, gold_rate=0.3, cap_minor=44 * 6
    )
    work(batch, crowd(4), disagree)
    add_tasks(batch, rows(3))
    claimed = distribute.claim(
        batch_id=batch.pk, worker=crowd(1)[0], count=3, now=NOON, draw=lambda: 0.0
    )
    give(batch, 600)
    calls = [
        lambda: decide(batch, soon),
        lambda: reject(batch, soon),
        lambda: distribute.expire_tasks(now=soon),
        lambda: distribute.expire_overdue(now=NOON + HOUR),
        lambda: add_tasks(batch, rows(2)),
        lambda: publish.raise_budget(batch=batch, budget=usd(60 * 6), actor=owner(batch), now=soon),
        lambda: settle.wind_up(now=soon),
    ]
    if round_ == 1:
        calls.append(lambda: publish.close(batch=fresh(batch), actor=owner(batch), now=soon))

    outcomes = at_once(calls)
    decide(batch, soon + MINUTE)

    assert len(claimed.assignments) == 3
    # Of those that are too late, each says so.
    assert {type(each).__name__ for each in outcomes if isinstance(each, Exception)} <= {
        "IllegalTransition"
    }
    batch = fresh(batch)
    assert batch.spent + batch.reserved <= batch.budget_minor
    assert invariants.broken(now=NOON) == []


@pytest.mark.django_db
def test_a_rejection_during_a_look_makes_it_void(monkeypatch):
    batch = adaptive(tasks=2, overlap_max=2)
    work(batch, crowd(2), agree)
    looked = redundancy.settled

    def slowly(batch):
        reject(batch)
        return looked(batch)

    monkeypatch.setattr(redundancy, "settled", slowly)
    decide(batch)
    assert fresh(batch).decided_answers == 0
    monkeypatch.undo()
    evidence._remembered.clear()

    decide(batch, NOON + MINUTE)
    assert fresh(batch).decided_answers == 3


@pytest.mark.django_db
def test_a_batch_that_cannot_be_looked_at_does_not_keep_others_waiting(monkeypatch):
    broken, batch = adaptive(tasks=1), adaptive(tasks=3)
    for each in broken, batch:
        work(each, crowd(3), disagree)
    read = evidence.Evidence.refresh

    def failing(self):
        if self.batch_id == broken.pk:
            raise ZeroDivisionError
        return read(self)

    monkeypatch.setattr(evidence.Evidence, "refresh", failing)
    with pytest.raises(ZeroDivisionError):
        redundancy.decide_due(now=NOON + MINUTE)

    assert redundancy.decide_due(now=NOON + MINUTE) == 3


@pytest.mark.django_db
def test_a_batch_that_cannot_be_aggregated_does_not_keep_others_waiting(monkeypatch):
    broken, batch = adaptive(tasks=1), adaptive(tasks=1)
    for each in broken, batch:
        work(each, crowd(1), agree)
    stored = aggregate._store

    def failing(decided, now):
        if Task.objects.get(pk=decided.consensus[0].task).batch_id == broken.pk:
            raise ZeroDivisionError
        stored(decided, now)

    monkeypatch.setattr(aggregate, "_store", failing)
    with pytest.raises(ZeroDivisionError):
        aggregate.aggregate_due(now=NOON)

    assert aggregate.aggregate_due(now=NOON) == 1
    assert Consensus.objects.get().task.batch_id == batch.pk


@pytest.mark.django_db
def test_a_look_takes_as_many_queries_however_much_was_answered(django_assert_max_num_queries):
    batch = adaptive(tasks=40, overlap=8)
    workers = crowd(8)
    work(batch, workers[:4], disagree)
    decide(batch)
    work(batch, workers, disagree, now=NOON + MINUTE)

    with django_assert_max_num_queries(22):
        decide(batch, NOON + MINUTE)
    with django_assert_max_num_queries(6):
        decide(batch, NOON + MINUTE)


@pytest.mark.django_db
def test_an_answer_that_became_visible_late_is_read_once():
    batch = adaptive(tasks=4)
    work(batch, crowd(2), agree, now=NOON + MINUTE)
    decide(batch, NOON + MINUTE)
    # Its transaction was slow: it says an earlier time than what was read before it.
    work(batch, crowd(1), agree, now=NOON + MINUTE - evidence.LATE_COMMITS / 2)
    for seconds in range(3):
        decide(batch, NOON + MINUTE + seconds * MINUTE / 60)

    counted = Assignment.objects.counted().filter(batch=batch).count()
    assert fresh(batch).decided_answers == counted == 12


@pytest.mark.django_db
def test_all_that_is_promised_is_slots_and_undecided_answers():
    batch = adaptive(tasks=4, gold=2, gold_rate=0.4, reward=usd(7), fee_basis_points=0)
    workers = crowd(5)
    for minute in range(5):
        now = NOON + minute * MINUTE
        work(batch, workers, disagree, now=now)
        decide(batch, now)
        open_slots = Task.objects.filter(batch=batch).aggregate(n=Sum("remaining_overlap"))["n"]
        given = Assignment.objects.undecided().filter(batch=batch).count()
        assert fresh(batch).reserved == 7 * (open_slots + given)
    assert fresh(batch).status == Batch.Status.OPEN
