"""A slot whose assignment came to nothing: offered again, or withdrawn."""

from __future__ import annotations

import pytest

from tasks import publish, reopen
from tasks.models import Task
from tasks.models.task import Lane
from tests.factories import NOON, claim, fresh, published_batch, slots

pytestmark = pytest.mark.django_db


def tasks_of(batch):
    return list(Task.objects.filter(batch=batch).order_by("pk"))


def test_each_entry_is_one_slot():
    batch = published_batch(tasks=3, overlap=2)
    first, second, third = tasks_of(batch)
    for _ in range(2):
        claim(batch), claim(batch)

    reopen.give_back(batch, [second.pk, first.pk, second.pk][:2])

    assert slots(batch) == [1, 1, 2]
    assert [task.lane for task in tasks_of(batch)] == [Lane.URGENT, Lane.URGENT, Lane.NORMAL]
    assert all(task.is_open for task in tasks_of(batch))
    assert third.is_open


def test_a_task_may_get_several_slots_back_at_once():
    batch = published_batch(tasks=1, overlap=3)
    for _ in range(3):
        claim(batch)
    [task] = tasks_of(batch)

    reopen.give_back(batch, [task.pk] * 2)

    assert slots(batch) == [2]
    assert fresh(task).lane == Lane.URGENT


def test_gold_stays_gold():
    batch = published_batch(tasks=2, gold=1, gold_rate=0.5)
    gold = claim(batch, gold=True).task

    reopen.give_back(batch, [gold.pk])

    assert (fresh(gold).lane, fresh(gold).remaining_overlap) == (Lane.GOLD, 2)


@pytest.mark.parametrize("closing", [False, True])
def test_nothing_given_back_changes_nothing(closing, django_assert_num_queries):
    batch = published_batch(tasks=1)
    if closing:
        publish.close(batch=batch, actor=batch.project.requester, now=NOON)

    with django_assert_num_queries(0):
        reopen.give_back(batch, iter([]))

    assert slots(batch) == [1]


def test_a_paused_batch_takes_slots_back():
    batch = published_batch(tasks=1)
    task = claim(batch).task
    publish.pause(batch=batch, actor=batch.project.requester, now=NOON)

    reopen.give_back(fresh(batch), [task.pk])

    assert slots(batch) == [1]
    assert fresh(batch).reserved == 6


def test_a_closing_batch_wants_the_answer_no_more():
    batch = published_batch(tasks=2, overlap=2)
    for _ in range(3):
        claim(batch)
    publish.close(batch=batch, actor=batch.project.requester, now=NOON)
    first, _ = tasks_of(batch)

    reopen.give_back(fresh(batch), [first.pk, first.pk])

    assert [task.overlap for task in tasks_of(batch)] == [0, 2]
    assert slots(batch) == [0, 1]
    assert fresh(batch).reserved == 4 * 6 - 2 * 6
