from __future__ import annotations

from datetime import timedelta

import pytest

from tasks import answer, distribute, publish, settle
from tasks.errors import IllegalTransition
from tasks.invariants import broken
from tasks.models import Assignment, Task
from tasks.models.task import Lane
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_worker,
    claim,
    drafted_batch,
    fresh,
    may_claim,
    published_batch,
    rows,
    slots,
)
from tests.tasks.asking import DEADLINE, SECOND, SWEPT, ask, lanes, skip

pytestmark = pytest.mark.django_db


# Deadlines.


def test_an_overdue_assignment_expires_and_gives_its_slot_back():
    batch = published_batch(tasks=1)
    overdue = claim(batch)

    assert distribute.expire_overdue(now=SWEPT) == 1

    overdue = fresh(overdue)
    assert (overdue.status, overdue.finished_at) == (Assignment.Status.EXPIRED, SWEPT)
    assert (slots(batch), lanes(batch)) == ([1], [Lane.URGENT])
    assert (fresh(batch).reserved, broken(now=SWEPT)) == (6, [])


def test_an_assignment_is_given_half_a_minute_of_grace():
    batch = published_batch(tasks=1)
    claim(batch)

    assert distribute.expire_overdue(now=DEADLINE + timedelta(seconds=30)) == 0
    assert distribute.expire_overdue(now=DEADLINE + timedelta(seconds=30, microseconds=1)) == 1


def test_an_answer_that_comes_late_but_before_the_sweep_counts():
    batch, worker = published_batch(tasks=1), a_worker()
    late = claim(batch, worker)

    answer.submit(assignment_id=late.pk, worker=worker, answer="cat", now=NOON + 5 * HOUR)

    assert distribute.expire_overdue(now=NOON + 6 * HOUR) == 0
    assert fresh(late).status == Assignment.Status.SUBMITTED
    assert slots(batch) == [0]


def test_an_answer_that_comes_after_the_sweep_is_refused():
    batch, worker = published_batch(tasks=1), a_worker()
    late = claim(batch, worker)
    distribute.expire_overdue(now=SWEPT)

    with pytest.raises(IllegalTransition):
        answer.submit(assignment_id=late.pk, worker=worker, answer="cat", now=SWEPT)

    assert fresh(late).status == Assignment.Status.EXPIRED
    assert not hasattr(fresh(late), "answer")
    assert slots(batch) == [1]


def test_a_sweep_takes_as_many_as_its_limit_longest_overdue_first():
    batch = published_batch(tasks=3)
    held = [claim(batch, now=NOON - number * MINUTE) for number in range(3)]

    assert distribute.expire_overdue(now=SWEPT, limit=2) == 2

    assert [fresh(each).status for each in held] == ["active", "expired", "expired"]
    assert distribute.expire_overdue(now=SWEPT, limit=2) == 1
    assert distribute.expire_overdue(now=SWEPT, limit=2) == 0


def test_a_sweep_reaches_all_batches_and_tasks_with_several_slots():
    batches = [published_batch(tasks=2, overlap=2) for _ in range(2)]
    for batch in batches:
        for _ in range(2):
            ask(batch, a_worker(), count=2)

    assert distribute.expire_overdue(now=SWEPT) == 8

    assert [slots(batch) for batch in batches] == [[2, 2], [2, 2]]
    assert broken(now=SWEPT) == []


def test_what_expires_in_a_closing_batch_is_withdrawn_and_its_money_released():
    batch = published_batch(tasks=2, overlap=2)
    claim(batch)
    publish.close(batch=batch, actor=batch.project.requester, now=NOON)
    settle.wind_up(now=NOON)
    assert fresh(batch).reserved == 6

    distribute.expire_overdue(now=SWEPT)

    assert list(Task.objects.filter(batch=batch).values_list("overlap", flat=True)) == [0, 0]
    assert fresh(batch).reserved == 0
    assert broken(now=SWEPT) == []


# Tasks whose own time is up.


def test_a_task_whose_time_is_up_is_given_to_nobody_even_before_it_is_withdrawn():
    batch = published_batch(tasks=rows(1, expires_at=NOON + HOUR), overlap=2)
    claim(batch, now=NOON + HOUR - SECOND)

    assert not may_claim(batch, a_worker(), now=NOON + HOUR)


def test_a_task_whose_time_is_up_is_withdrawn_and_its_money_released():
    batch = published_batch(tasks=[*rows(1, expires_at=NOON + HOUR), *rows(1)], overlap=3)
    held = claim(batch)

    assert distribute.expire_tasks(now=NOON + HOUR - SECOND) == 0
    assert distribute.expire_tasks(now=NOON + HOUR) == 1

    assert slots(batch) == [0, 3]
    assert Task.objects.get(pk=held.task_id).overlap == 1
    assert fresh(batch).reserved == 4 * 6
    assert broken(now=NOON + HOUR - 31 * MINUTE) == []


def test_who_holds_a_task_whose_time_is_up_may_still_answer():
    batch, worker = published_batch(tasks=rows(1, expires_at=NOON + MINUTE)), a_worker()
    held = claim(batch, worker)
    distribute.expire_tasks(now=NOON + 2 * MINUTE)

    answer.submit(assignment_id=held.pk, worker=worker, answer="cat", now=NOON + 3 * MINUTE)

    assert fresh(held).status == Assignment.Status.SUBMITTED


def test_a_slot_given_back_after_the_tasks_time_is_withdrawn_by_the_next_sweep():
    batch = published_batch(tasks=rows(1, expires_at=NOON + MINUTE))
    held = claim(batch)
    distribute.expire_tasks(now=NOON + MINUTE)

    skip(held, now=NOON + 2 * MINUTE)

    assert not may_claim(batch, a_worker(), now=NOON + 2 * MINUTE)
    assert distribute.expire_tasks(now=NOON + 2 * MINUTE) == 1
    assert (slots(batch), fresh(batch).reserved) == ([0], 0)


def test_expired_tasks_are_withdrawn_from_paused_batches_and_not_from_drafts():
    paused = published_batch(tasks=rows(1, expires_at=NOON))
    publish.pause(batch=paused, actor=paused.project.requester, now=NOON)
    drafted = drafted_batch(tasks=rows(1, expires_at=NOON))

    assert distribute.expire_tasks(now=NOON) == 1

    assert (slots(paused), slots(drafted)) == ([0], [1])


def test_expired_tasks_are_withdrawn_a_few_at_a_time():
    batch = published_batch(tasks=rows(3, expires_at=NOON))

    assert [distribute.expire_tasks(now=NOON, limit=2) for _ in range(3)] == [2, 1, 0]
    assert fresh(batch).reserved == 0
