from __future__ import annotations

from datetime import timedelta

import pytest

from payments.deposits import deposit
from tasks import answer, distribute, publish, settle
from tasks.models import Assignment, Batch, Cursor, Task
from tasks.models.cursor import START
from tasks.models.task import Lane
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_worker,
    add_tasks,
    claim,
    drafted_batch,
    fresh,
    may_claim,
    published_batch,
    refuse,
    rows,
    usd,
)
from tests.tasks.asking import SECOND, SWEPT, ask, lanes, names, skip
from tests.tasks.sessions import locked

pytestmark = pytest.mark.django_db


# R6: what comes first.


def test_tasks_are_served_by_priority_and_then_in_their_order():
    batch = published_batch(
        tasks=[
            row
            for number, priority in enumerate([0, -7, 3, 1000, 3, -1000])
            for row in [rows(number + 1, priority=priority)[-1]]
        ]
    )
    worker = a_worker()

    served = [names(ask(batch, worker))[0] for _ in range(6)]

    assert served == ["3.png", "2.png", "4.png", "0.png", "1.png", "5.png"]


def test_each_worker_walks_the_batch_from_its_beginning():
    batch = published_batch(tasks=2, overlap=2)
    first, second = a_worker(), a_worker()

    assert names(ask(batch, first)) == names(ask(batch, second)) == ["0.png"]
    assert names(ask(batch, first)) == names(ask(batch, second)) == ["1.png"]


@pytest.mark.parametrize("ending", ["skip", "expire", "reject"])
def test_a_task_that_is_given_back_is_served_before_all_others_by(ending):
    batch = published_batch(tasks=[*rows(1, priority=-1000), *rows(2)[1:]])
    taken = a_worker()
    ask(batch, taken, count=2)
    last = Assignment.objects.get(task__input__external_id="0")
    deposit(owner_id=batch.project.requester_id, amount=usd(66), reference="later", now=NOON)
    add_tasks(batch, rows(10, priority=1000))

    if ending == "skip":
        skip(last)
    elif ending == "expire":
        distribute.expire_overdue(now=SWEPT)
    else:
        answer.submit(assignment_id=last.pk, worker=taken, answer="cat", now=NOON)
        actor = batch.project.requester
        refuse(assignment=fresh(last), actor=actor, now=NOON)

    first = claim(batch, now=SWEPT)
    assert Task.objects.get(pk=last.task_id).lane == Lane.URGENT
    assert first.task.lane == Lane.URGENT


def test_urgent_tasks_are_served_in_their_own_order():
    batch = published_batch(tasks=3)
    held = [claim(batch) for _ in range(3)]
    for assignment in reversed(held):
        skip(assignment)

    assert [claim(batch).task_id for _ in range(3)] == [each.task_id for each in held]


def test_one_handful_mixes_urgent_and_normal_tasks():
    batch = published_batch(tasks=4)
    skip(claim(batch))

    assert sorted(names(ask(batch, a_worker(), count=3))) == ["0.png", "1.png", "2.png"]


def test_what_a_worker_gave_back_themselves_does_not_keep_them_from_the_rest():
    window = distribute.URGENT_WINDOW
    batch = published_batch(
        tasks=window + 4, max_live_assignments=window + 2, assignment_duration=MINUTE
    )
    hoarder, other = a_worker(), a_worker()
    while Assignment.objects.filter(worker=hoarder).count() < window + 2:
        ask(batch, hoarder, count=20)
    skipped = claim(batch, other)
    skip(skipped)
    distribute.expire_overdue(now=NOON + HOUR)
    assert lanes(batch).count(Lane.URGENT) == window + 3

    # The whole front of the urgent lane is what the hoarder has had already. The normal lane comes
    # next; what lies deeper in the urgent lane is found when there is nothing else.
    normal = claim(batch, hoarder, now=NOON + HOUR)
    deep = claim(batch, hoarder, now=NOON + HOUR)

    assert normal.task_id > skipped.task_id
    assert deep.task_id == skipped.task_id
    assert not may_claim(batch, hoarder, now=NOON + 2 * HOUR)


# Nothing to give.


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("status", ["paused", "closing", "closed"])
def test_a_batch_that_is_not_open_gives_nothing_for_a_minute(status, known):
    batch, worker = published_batch(tasks=1), a_worker()
    if known:
        skip(claim(batch, worker))
    verb = publish.pause if status == "paused" else publish.close
    verb(batch=batch, actor=batch.project.requester, now=NOON)
    if status == "closed":
        settle.wind_up(now=NOON)
    assert fresh(batch).status == status

    assert ask(batch, worker) == distribute.Handout([], 60)


def test_drafts_do_not_exist_for_workers():
    with pytest.raises(Batch.DoesNotExist):
        ask(drafted_batch(tasks=1), a_worker())

    assert not Cursor.objects.exists()


def test_a_worker_who_has_seen_everything_is_told_to_come_back_ever_later():
    batch, worker = published_batch(tasks=1, overlap=2), a_worker()
    claim(batch, worker)
    now, waits = NOON, []

    for _ in range(120):
        handout = ask(batch, worker, now=now)
        assert handout.assignments == []
        assert handout.retry_after_seconds <= 30
        waits.append(Cursor.objects.get(worker=worker).rescan_seconds)
        now += timedelta(seconds=handout.retry_after_seconds)

    # They look ahead at least every half minute, behind them ever more rarely.
    assert list(dict.fromkeys(waits)) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600]


def test_whoever_finds_something_may_look_behind_again_soon():
    batch, worker = published_batch(tasks=1, overlap=2), a_worker()
    claim(batch, worker)
    deposit(owner_id=batch.project.requester_id, amount=usd(99), reference="more", now=NOON)
    for _ in range(4):
        ask(batch, worker, now=NOON + HOUR)
        Cursor.objects.filter(worker=worker).update(rescan_at=NOON + HOUR)
    add_tasks(batch, rows(1))

    claim(batch, worker, now=NOON + HOUR)

    cursor = Cursor.objects.get(worker=worker)
    assert (cursor.rescan_at, cursor.rescan_seconds) == (None, 0)


def test_asking_too_early_costs_no_second_look_and_does_not_prolong_the_wait():
    batch, worker = published_batch(tasks=1, overlap=2), a_worker()
    claim(batch, worker)
    for _ in range(5):
        ask(batch, worker, now=NOON + HOUR)
        Cursor.objects.filter(worker=worker).update(rescan_at=NOON + HOUR)
    ask(batch, worker, now=NOON + HOUR)
    wait = timedelta(seconds=Cursor.objects.get(worker=worker).rescan_seconds)

    early = NOON + HOUR + wait - 10 * SECOND
    assert wait == 32 * SECOND
    assert [ask(batch, worker, now=early).retry_after_seconds for _ in range(2)] == [10, 10]


def test_a_moment_before_the_second_look_is_still_a_second():
    batch, worker = published_batch(tasks=1, overlap=2), a_worker()
    claim(batch, worker)
    ask(batch, worker)

    almost = NOON + SECOND - timedelta(microseconds=1)

    assert ask(batch, worker, now=almost) == distribute.Handout([], 1)


def test_a_task_that_came_later_with_a_higher_priority_is_found_by_looking_behind():
    batch, worker = published_batch(tasks=1, overlap=2), a_worker()
    claim(batch, worker)
    deposit(owner_id=batch.project.requester_id, amount=usd(24), reference="later", now=NOON)
    add_tasks(batch, rows(2, priority=5))

    found = [names(ask(batch, worker, now=NOON + MINUTE)) for _ in range(3)]

    # The look behind takes the cursor back, so the second one needs no other look.
    assert found == [["0.png"], ["1.png"], []]


def test_a_task_that_was_locked_in_passing_is_found_by_looking_behind(behind_a_lock):
    batch, worker, task = behind_a_lock

    assert names(ask(batch, worker, now=NOON + MINUTE)) == ["0.png"]
    assert Assignment.objects.filter(worker=worker, task=task).exists()


@pytest.fixture
def behind_a_lock(transactional_db):
    """A worker who went past a task while another session had it locked."""
    batch, worker = published_batch(tasks=2, overlap=2), a_worker()
    task = Task.objects.filter(batch=batch).order_by("pk")[0]
    with locked("SELECT 1 FROM tasks_task WHERE id = %s FOR UPDATE", task.pk):
        assert names(ask(batch, worker)) == ["1.png"]
        assert ask(batch, worker) == distribute.Handout([], 1)
    return batch, worker, task


# Stragglers.


def test_a_task_that_most_workers_have_passed_comes_to_the_front():
    batch = published_batch(tasks=3, overlap=3)
    workers = [a_worker() for _ in range(3)]
    for worker in workers:
        ask(batch, worker, count=2)
    deposit(owner_id=batch.project.requester_id, amount=usd(18), reference="later", now=NOON)
    add_tasks(batch, rows(1, priority=1000))

    assert distribute.collect_stragglers() == 1

    assert lanes(batch) == [1, 1, 1, Lane.URGENT]
    assert claim(batch, workers[0]).task_id == Task.objects.filter(batch=batch).last().pk
    assert distribute.collect_stragglers() == 0


def test_a_task_close_behind_the_median_worker_stays_where_it_is():
    batch = published_batch(tasks=3, overlap=3)
    ask(batch, a_worker(), count=2)

    assert distribute.collect_stragglers() == 0

    assert lanes(batch) == [1, 1, 1]


def test_where_nobody_has_been_there_are_no_stragglers():
    published_batch(tasks=rows(2, priority=1000))

    assert distribute.collect_stragglers() == 0


def test_stragglers_are_collected_a_few_at_a_time():
    batch = published_batch(tasks=3)
    claim(batch)
    deposit(owner_id=batch.project.requester_id, amount=usd(18), reference="later", now=NOON)
    add_tasks(batch, rows(3, priority=1000))

    assert [distribute.collect_stragglers(limit=2) for _ in range(3)] == [2, 1, 0]


def test_the_low_water_mark_is_just_below_the_first_open_task():
    batch = published_batch(tasks=3)
    assert fresh(batch).low_water == START
    claim(batch)

    distribute.collect_stragglers()

    first_open = Task.objects.filter(batch=batch, is_open=True).order_by("position")[0]
    assert fresh(batch).low_water == first_open.position - 1


def test_the_low_water_mark_stays_when_nothing_is_open():
    batch = published_batch(tasks=1)
    distribute.collect_stragglers()
    before = fresh(batch).low_water
    claim(batch)

    distribute.collect_stragglers()

    assert fresh(batch).low_water == before > START


def test_looking_behind_starts_at_the_low_water_mark():
    batch, worker = published_batch(tasks=2, overlap=2), a_worker()
    ask(batch, worker, count=2)
    distribute.collect_stragglers()
    mark = fresh(batch).low_water
    assert mark > START

    ask(batch, worker)

    assert Cursor.objects.get(worker=worker).position == mark


def test_given_back_tasks_below_the_low_water_mark_are_served():
    batch = published_batch(tasks=2)
    first = claim(batch)
    distribute.collect_stragglers()

    skip(first)

    assert claim(batch).task_id == first.task_id
