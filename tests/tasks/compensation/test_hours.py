"""Long days: what is summed, whom it looks at, and when the sum has fallen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks.compensation import hours
from tasks.models import Assignment
from tests.factories import HOUR, MINUTE, NOON, a_worker, fresh, published_batch, submitted

pytestmark = pytest.mark.django_db


def work(worker, *answers):
    """So many hours each, submitted so long before noon."""
    batch = published_batch(tasks=len(answers))
    for length, ago in answers:
        done = submitted(batch, worker=worker)
        Assignment.objects.filter(pk=done.pk).update(
            submitted_at=NOON - ago,
            claimed_at=NOON - ago - length * HOUR,
            worked_seconds=length * 3600,
        )
    return batch


def day_of(worker):
    return {day.worker_id: day for day in hours.long_days(now=NOON)}.get(worker.pk)


def test_the_hours_of_the_last_day_are_summed_per_worker():
    worker, other = a_worker(), a_worker()
    work(worker, (5, MINUTE), (3, 6 * HOUR))
    work(other, (7, MINUTE))

    assert day_of(worker).seconds == 8 * 3600
    assert day_of(other) is None


def test_of_an_answer_that_was_begun_earlier_only_the_part_within_the_day_counts():
    worker = a_worker()
    # Three hours of work, of which one is within the 24.
    work(worker, (7, MINUTE), (3, 23 * HOUR))

    assert day_of(worker).seconds == 8 * 3600


def test_what_was_submitted_before_the_last_day_does_not_count():
    worker = a_worker()
    work(worker, (7, MINUTE), (3, 24 * HOUR))

    assert day_of(worker) is None


def test_who_has_not_submitted_lately_is_not_looked_at():
    worker = a_worker()
    work(worker, (9, hours.RECENT + MINUTE))

    assert day_of(worker) is None


def test_a_worker_is_rested_when_the_sum_has_fallen_to_eight_hours():
    worker = a_worker()
    # Newest first: 6, 8 and 12 hours. The four-hour answer has to leave, ten hours from noon.
    work(worker, (6, MINUTE), (2, 8 * HOUR), (4, 14 * HOUR))

    assert day_of(worker).seconds == 12 * 3600
    assert day_of(worker).rested_at == NOON + 10 * HOUR


def test_twelve_hours_stop_the_next_claim_and_eight_only_advise():
    tired, long_day = a_worker(), a_worker()
    work(tired, (12, MINUTE))
    work(long_day, (8, MINUTE))

    assert hours.look(now=NOON) == 2
    assert hours.look(now=NOON) == 0

    assert fresh(tired).rest_until == NOON - MINUTE + timedelta(hours=24)
    assert fresh(long_day).rest_until is None


def test_an_answer_that_was_not_timed_adds_nothing():
    worker = a_worker()
    batch = work(worker, (8, MINUTE), (4, 2 * MINUTE))
    batch.assignments.filter(worked_seconds=4 * 3600).update(worked_seconds=None)

    assert day_of(worker).seconds == 8 * 3600


def test_an_assignment_held_for_many_days_is_left_out():
    worker = a_worker()
    batch = work(worker, (8, 2 * MINUTE), (8, MINUTE))
    first = batch.assignments.earliest("pk")
    Assignment.objects.filter(pk=first.pk).update(claimed_at=NOON - timedelta(days=9))

    assert day_of(worker).seconds == 8 * 3600


def test_a_worker_sees_what_they_have_worked_today():
    worker = a_worker()
    assert hours.seconds_of(worker.pk, now=NOON) == 0
    work(worker, (2, MINUTE), (3, 23 * HOUR), (5, 25 * HOUR))

    assert hours.seconds_of(worker.pk, now=NOON) == 3 * 3600
