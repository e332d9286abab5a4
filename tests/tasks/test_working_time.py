"""What an assignment took is measured at its submit, by the server's clock and the page's beats."""

from __future__ import annotations

from functools import partial

import pytest

from tasks import answer
from tasks.errors import IllegalTransition
from tasks.invariants import broken
from tasks.models import Assignment
from tests.factories import HOUR, NOON, a_worker, claim, fresh, published_batch, submitted
from tests.payments.books import at_once
from tests.tasks.clocking import COME_BACK, at, beat, submit, worked

pytestmark = pytest.mark.django_db


def held_of(batch, worker, seconds=0):
    return claim(batch, worker, now=at(seconds))


# One assignment.


def test_a_beat_adds_the_time_since_the_one_before():
    held = claim(published_batch(tasks=1))

    assert [beat(held, 15), beat(held, 30.4), beat(held, 200)] == [15, 31, 151]

    row = fresh(held)
    assert (row.beats, row.beat_at, row.active_seconds) == (3, at(200), pytest.approx(150.4))
    assert row.covered_seconds == pytest.approx(30.4)  # without the silence of 169.6 s
    assert row.worked_seconds is None


def test_of_a_silence_two_minutes_count_as_work():
    seconds, coverage = worked(claim(published_batch(tasks=1)), COME_BACK, 600)

    assert seconds == 370
    assert coverage == pytest.approx(0.4167, abs=5e-5)


@pytest.mark.parametrize(("reported", "seconds"), [(500, 500), (300, 370), (0, 370), (9999, 555)])
def test_a_report_lengthens_the_time_by_half_at_most(reported, seconds):
    held = claim(published_batch(tasks=1))

    assert worked(held, COME_BACK, 600, reported=reported)[0] == seconds
    assert fresh(held).reported_seconds == reported


def test_without_beats_all_of_the_time_counts_and_nothing_vouches_for_it():
    held = claim(published_batch(tasks=1))

    assert worked(held, [], 1000.2) == (1001, 0.0)
    assert fresh(held).reported_seconds is None


def test_a_report_is_at_most_the_elapsed_time():
    assert worked(claim(published_batch(tasks=1)), [], 100, reported=140)[0] == 100


def test_an_answer_at_the_moment_of_the_claim_took_no_time():
    held = claim(published_batch(tasks=1))
    beat(held, 0)

    assert (submit(held, 0).worked_seconds, fresh(held).coverage) == (0, 0.0)


def test_a_clock_that_was_set_back_makes_no_negative_time():
    held = claim(published_batch(tasks=1))

    done = submit(held, -5)

    assert (done.worked_seconds, done.coverage) == (0, 0.0)


# Beats that do not count.


@pytest.mark.parametrize("gap", [0, 3, 9.9])
def test_a_beat_too_soon_after_another_is_ignored(gap):
    held = claim(published_batch(tasks=1))
    beat(held, 15)
    before = fresh(held)

    assert beat(held, 15 + gap) == 15

    after = fresh(held)
    assert (after.beats, after.beat_at) == (before.beats, before.beat_at)
    assert beat(held, 25) == 25


def test_a_beat_while_nothing_is_visible_is_ignored():
    held = claim(published_batch(tasks=1))

    assert beat(held, 30, visible=False) == 0

    assert (fresh(held).beats, fresh(held).beat_at) == (0, None)
    assert submit(held, 40).worked_seconds == 40


def test_somebody_elses_assignment_does_not_exist():
    held = claim(published_batch(tasks=1))

    for worker, number in [(a_worker(), held.pk), (held.worker, -1)]:
        with pytest.raises(Assignment.DoesNotExist):
            answer.beat(assignment_id=number, worker=worker, visible=True, now=at(20))

    assert fresh(held).beats == 0


def test_what_is_no_longer_held_takes_no_beat():
    done = fresh(submitted(published_batch(tasks=1)))

    with pytest.raises(IllegalTransition, match="no longer yours"):
        beat(done, 200)

    assert (fresh(done).beats, fresh(done).worked_seconds) == (0, 60)


def test_a_beat_is_one_statement_that_writes_one_row_or_none(django_assert_num_queries):
    held = claim(published_batch(tasks=1))
    worker = held.worker

    with django_assert_num_queries(1):
        answer.beat(assignment_id=held.pk, worker=worker, visible=True, now=at(20))
    with django_assert_num_queries(1):
        answer.beat(assignment_id=held.pk, worker=worker, visible=False, now=at(40))


# Several at a time.


def test_what_waited_while_another_was_worked_on_begins_when_that_was_submitted():
    batch, worker = published_batch(tasks=3), a_worker()
    first, second, third = (held_of(batch, worker) for _ in range(3))

    assert submit(first, 100).worked_seconds == 100
    assert submit(second, 160).worked_seconds == 60
    assert submit(third, 160).worked_seconds == 0
    assert fresh(worker).clock_at == at(160)


def test_a_first_beat_counts_from_the_last_submit_on():
    batch, worker = published_batch(tasks=2), a_worker()
    first, second = held_of(batch, worker), held_of(batch, worker)
    submit(first, 100)

    assert beat(second, 115) == 15
    assert submit(second, 130).worked_seconds == 30


def test_beats_from_before_the_last_submit_belong_to_what_was_submitted():
    batch, worker = published_batch(tasks=2), a_worker()
    first, second = held_of(batch, worker), held_of(batch, worker)
    for seconds in range(15, 300, 15):
        beat(first, seconds), beat(second, seconds)

    assert submit(first, 300).worked_seconds == 300
    assert beat(second, 315) == 15
    done = submit(second, 320)

    assert (done.worked_seconds, done.coverage) == (20, 1.0)


def test_a_skip_ends_the_time_of_what_was_skipped():
    batch, worker = published_batch(tasks=2), a_worker()
    first, second = held_of(batch, worker), held_of(batch, worker)

    answer.skip(assignment=first, now=at(90))

    assert submit(second, 100).worked_seconds == 10
    assert fresh(first).worked_seconds is None


def test_no_minute_counts_twice_whichever_batches_they_are_spent_in():
    batches, worker = [published_batch(tasks=1) for _ in range(3)], a_worker()
    held = [held_of(batch, worker) for batch in batches]

    assert [submit(each, 600).worked_seconds for each in held] == [600, 0, 0]


def test_an_older_clock_does_not_turn_it_back():
    batch, worker = published_batch(tasks=2), a_worker()
    first, second = held_of(batch, worker), held_of(batch, worker)
    submit(first, 100)

    assert submit(second, 90).worked_seconds == 0
    assert fresh(worker).clock_at == at(100)


def test_every_worker_has_a_clock_of_their_own_and_only_one():
    batch, other, worker = published_batch(tasks=2), published_batch(tasks=1), a_worker()
    mine, theirs, elsewhere = held_of(batch, worker), claim(batch), held_of(other, worker)
    submit(mine, 100)

    assert submit(theirs, 120).worked_seconds == 120
    assert submit(elsewhere, 120).worked_seconds == 20


@pytest.mark.django_db(transaction=True)
def test_of_eight_answers_submitted_at_once_no_minute_counts_twice():
    batch, worker = published_batch(tasks=8, max_live_assignments=8), a_worker()
    held = [claim(batch, worker) for _ in range(8)]

    at_once([partial(submit, each, 400) for each in held])

    seconds = [each.worked_seconds for each in Assignment.objects.all()]
    assert sorted(seconds) == [0] * 7 + [400]
    assert broken(now=NOON) == []


@pytest.mark.django_db(transaction=True)
def test_of_eight_beats_at_once_one_counts():
    held = claim(published_batch(tasks=1))

    told = at_once([partial(beat, held, 60)] * 8)

    # Those that waited for it may still tell what was counted before it.
    assert set(told) <= {0, 60}
    assert (fresh(held).beats, fresh(held).active_seconds) == (1, 60)


def test_every_way_to_submit_measures_the_time():
    batch = published_batch(tasks=3)
    done = [submitted(batch, now=NOON + HOUR * hour) for hour in range(3)]

    assert [fresh(each).worked_seconds for each in done] == [60, 60, 60]
    assert [fresh(each).coverage for each in done] == [0, 0, 0]
