"""How far a batch has got: counted by a job, so that nothing else has to count."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.forms import model_to_dict

from tasks import aggregate, answer, distribute, progress, publish, settle
from tasks.models import Batch, Progress
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_worker,
    accepted,
    claim,
    drafted_batch,
    fresh,
    published_batch,
    rejected,
    rows,
    submitted,
)
from tests.payments.books import at_once

pytestmark = pytest.mark.django_db

LATER = NOON + HOUR
SECOND = timedelta(seconds=1)


def counted(batch, now=LATER):
    progress.count(batch_id=batch.pk, now=now)
    return Progress.objects.get(batch=batch)


def figures(batch, *names, now=LATER):
    row = model_to_dict(counted(batch, now))
    return {name: row[name] for name in names}


def test_every_assignment_is_counted_under_its_status():
    batch = published_batch(tasks=8)
    claim(batch)
    submitted(batch)
    accepted(batch)
    settle.pay_accepted(now=NOON)
    for _ in range(2):
        accepted(batch)
    rejected(batch)
    answer.skip(assignment=claim(batch), now=NOON)
    claim(batch, now=NOON - HOUR)
    distribute.expire_overdue(now=NOON)

    found = figures(
        batch, "active", "submitted", "accepted", "rejected", "skipped", "expired", "paid"
    )

    assert found == {
        "active": 1,
        "submitted": 1,
        "accepted": 3,
        "rejected": 1,
        "skipped": 1,
        "expired": 1,
        "paid": 1,
    }


def test_a_task_is_done_when_all_its_answers_are_in():
    batch = published_batch(tasks=4, overlap=2)
    half, done = a_worker(), a_worker()
    for worker in half, done:
        submitted(batch, worker=worker)  # the first task: both answers
    submitted(batch, worker=half)  # the second: one of two
    claim(batch, done)  # and the other is being given

    assert figures(batch, "tasks_done", "open_slots") == {"tasks_done": 1, "open_slots": 4}


def test_gold_is_no_task_to_be_done_but_its_slots_are_open():
    batch = published_batch(tasks=2, gold=1, gold_rate=0.5)
    for _ in range(2):
        submitted(batch)

    assert figures(batch, "tasks_done", "open_slots") == {"tasks_done": 2, "open_slots": 2}


def test_live_gold_does_not_make_a_task_undone():
    batch = published_batch(tasks=1, gold=1, gold_rate=0.5)
    assert claim(batch, gold=True).is_gold
    submitted(batch)

    assert figures(batch, "tasks_done", "active") == {"tasks_done": 1, "active": 1}


def test_workers_are_counted_once_and_only_those_who_answered():
    batch = published_batch(tasks=5)
    worker = a_worker()
    for _ in range(2):
        submitted(batch, worker=worker)
    submitted(batch)
    claim(batch)

    assert figures(batch, "workers") == {"workers": 2}


def test_working_time_runs_from_the_claim_or_from_the_answer_before():
    batch = published_batch(tasks=3)
    worker = a_worker()
    handful = [claim(batch, worker).pk for _ in range(3)]
    for pk, seconds in zip(handful, [10, 40, 55], strict=True):
        answer.submit(assignment_id=pk, worker=worker, answer="cat", now=NOON + seconds * SECOND)

    # 10, 30 and 15 seconds.
    assert figures(batch, "median_seconds") == {"median_seconds": 15.0}


def test_before_the_first_answer_there_is_no_time_and_no_confidence():
    batch = published_batch(tasks=1)
    claim(batch)

    found = figures(batch, "median_seconds", "confidence", "workers")

    assert found == {"median_seconds": None, "confidence": None, "workers": 0}


def test_confidence_is_the_mean_over_the_tasks():
    batch = published_batch(tasks=2, overlap=3, aggregation="majority_vote")
    for label in "cat", "dog", "cat", "dog":
        submitted(batch, label)
    aggregate.aggregate_due(now=NOON)

    assert figures(batch, "confidence") == {"confidence": pytest.approx((2 / 3 + 1) / 2)}


def test_a_second_count_replaces_the_first():
    batch = published_batch(tasks=2)
    submitted(batch)
    counted(batch)
    submitted(batch)

    row = counted(batch, now=LATER + HOUR)

    assert (row.submitted, row.tasks_done, row.open_slots) == (2, 2, 0)
    assert row.counted_at == LATER + HOUR
    assert Progress.objects.count() == 1


def test_counting_is_one_statement(django_assert_num_queries):
    batch = published_batch(tasks=2)

    with django_assert_num_queries(1):
        progress.count(batch_id=batch.pk, now=LATER)


# When.


def test_a_batch_is_counted_every_few_seconds():
    batch = published_batch(tasks=1)
    assert progress.count_due(now=NOON) == 1
    assert Progress.objects.get().count_again_at == NOON + 3 * SECOND

    assert progress.count_due(now=NOON + 3 * SECOND - SECOND / 1000) == 0
    assert progress.count_due(now=NOON + 3 * SECOND) == 1
    assert Progress.objects.get().batch == batch


def test_a_large_batch_is_counted_less_often():
    batch = published_batch(tasks=1)
    Batch.objects.filter(pk=batch.pk).update(slot_count=1_000_000)

    assert counted(batch, now=NOON).count_again_at == NOON + 20 * SECOND


def test_drafts_are_not_counted():
    drafted_batch(tasks=1)

    assert progress.count_due(now=NOON) == 0


@pytest.mark.parametrize("counted_before", [True, False])
def test_a_closed_batch_is_counted_once_more_and_then_never(counted_before):
    batch = published_batch(tasks=1)
    if counted_before:
        progress.count_due(now=NOON)
    publish.close(batch=batch, actor=batch.project.requester, now=NOON)
    settle.wind_up(now=NOON + MINUTE)
    assert fresh(batch).status == "closed"

    assert progress.count_due(now=LATER) == 1
    assert Progress.objects.get().open_slots == 0
    assert progress.count_due(now=LATER + HOUR) == 0


def test_a_closed_batch_is_counted_again_when_it_was_aggregated_since():
    batch = published_batch(tasks=1, aggregation="majority_vote")
    accepted(batch)
    settle.pay_accepted(now=NOON)
    publish.close(batch=batch, actor=batch.project.requester, now=NOON)
    settle.wind_up(now=NOON)
    progress.count_due(now=NOON + MINUTE)
    aggregate.aggregate_due(now=NOON + 2 * MINUTE)

    assert progress.count_due(now=LATER) == 1

    assert Progress.objects.get().confidence == 1.0
    assert progress.count_due(now=LATER + HOUR) == 0


def test_only_so_many_batches_are_counted_in_one_run_longest_waiting_first():
    batches = [published_batch(tasks=1) for _ in range(3)]
    for minutes, batch in enumerate(batches):
        counted(batch, now=NOON - minutes * MINUTE)

    assert progress.count_due(now=LATER, limit=2) == 2

    assert [each.progress.counted_at for each in Batch.objects.order_by("pk")] == [
        NOON,
        LATER,
        LATER,
    ]


def test_a_batch_that_was_never_counted_does_not_wait_behind_the_others():
    old, new = published_batch(tasks=1), published_batch(tasks=1)
    counted(old, now=NOON)

    progress.count_due(now=LATER, limit=1)

    assert Progress.objects.filter(batch=new).exists()


def test_tasks_that_were_withdrawn_unanswered_are_not_done():
    batch = published_batch(tasks=[*rows(1, expires_at=NOON), *rows(1)])
    distribute.expire_tasks(now=NOON)
    submitted(batch)

    assert figures(batch, "tasks_done") == {"tasks_done": 1}


@pytest.mark.django_db(transaction=True)
def test_eight_first_counts_at_once_are_one_row():
    batch = published_batch(tasks=1)

    outcomes = at_once([partial(progress.count_due, now=NOON)] * 8)

    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert Progress.objects.get().batch == batch
