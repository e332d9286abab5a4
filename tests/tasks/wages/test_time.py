from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.wages.time import (
    Clock,
    Worked,
    beat,
    finish,
    payable_seconds,
    payable_total,
    reference_seconds,
    start,
)

EVERY_15_SECONDS = range(15, 151, 15)
COME_BACK = [*EVERY_15_SECONDS, 500, 515]  # a silence of 350 s in between

seconds = st.integers(0, 4000)
works = st.lists(st.builds(Worked, seconds, st.floats(0, 1)), max_size=8)


def clocked(beats, *, at=0):
    clock = start(at)
    for each in beats:
        clock = beat(clock, each)
    return clock


def by_number(times):
    return dict(enumerate(times))


def test_of_a_silence_two_minutes_count_as_work():
    worked = finish(clocked(COME_BACK), 600)

    assert worked.seconds == 370  # 150 + 120 + 15 + 85
    assert worked.coverage == pytest.approx(0.4167, abs=5e-5)  # 250 of 600


def test_what_the_worker_reports_lengthens_the_measured_time():
    assert finish(clocked(COME_BACK), 600, reported_seconds=500).seconds == 500


def test_a_report_below_the_measured_time_changes_nothing():
    assert finish(clocked(COME_BACK), 600, reported_seconds=300).seconds == 370


def test_a_report_adds_half_of_the_measured_time_at_most_rounded_up():
    assert finish(clocked([5]), 600, reported_seconds=600).seconds == 188  # 5 + 120, and half of it


def test_a_report_is_at_most_the_elapsed_time():
    assert finish(clocked([90]), 100, reported_seconds=140).seconds == 100


def test_without_beats_all_of_the_time_counts_and_nothing_vouches_for_it():
    assert finish(start(0), 1000) == (1000, 0.0)


def test_a_silence_of_exactly_two_minutes_is_no_break():
    assert finish(clocked([120, 240]), 241) == (241, 1.0)
    assert finish(clocked([120, 241]), 242).coverage == pytest.approx(121 / 242)


def test_an_answer_at_the_moment_of_the_claim_took_no_time():
    assert finish(clocked([7], at=7), 7) == (0, 0.0)


def test_a_beat_from_before_the_claim_is_ignored():
    assert beat(start(100), 99) == start(100)


def test_a_beat_that_another_overtook_counts_as_one_and_adds_no_time():
    clock = clocked([60, 45])

    assert clock == Clock(started=0, latest=60, active_seconds=60, covered_seconds=60, beats=2)


def test_an_answer_that_a_beat_overtook_is_timed_by_the_beat():
    assert finish(clocked([60]), 59) == (60, 1.0)


def test_fractions_of_a_second_are_added_up_before_rounding():
    beats = [1_700_000_000.1 + tenths / 10 for tenths in range(1, 40)]

    assert finish(clocked(beats, at=1_700_000_000.1), 1_700_000_004.1).seconds == 4
    assert finish(clocked(beats, at=1_700_000_000.1), 1_700_000_004.2).seconds == 5


def batch(claimed, submitted, beats):
    """All points at once, as the rule is written down."""
    if not beats or submitted == claimed:
        return Worked(submitted - claimed, 0.0)
    gaps = [b - a for a, b in pairwise([claimed, *sorted(beats), submitted])]
    covered = sum(gap for gap in gaps if gap <= 120)
    return Worked(sum(min(gap, 120) for gap in gaps), covered / (submitted - claimed))


@given(seconds, st.lists(st.integers(0, 400), max_size=20), st.integers(0, 400))
def test_one_beat_at_a_time_gives_what_all_of_them_give(claimed, gaps, last):
    beats = [claimed + sum(gaps[: n + 1]) for n in range(len(gaps))]
    submitted = claimed + sum(gaps) + last

    assert finish(clocked(beats, at=claimed), submitted) == batch(claimed, submitted, beats)


@given(st.lists(seconds, max_size=10), seconds, st.none() | seconds)
def test_no_time_is_longer_than_what_passed(beats, last, reported):
    clock = clocked(beats)

    worked = finish(clock, last, reported)

    assert 0 <= worked.seconds <= max(clock.latest, last)
    assert 0 <= worked.coverage <= 1


def test_the_reference_is_the_median_of_the_workers_medians():
    assert reference_seconds(by_number([[210], [300], [305], [900], [280], [250]]), 60) == 290


def test_many_answers_of_one_worker_weigh_as_one():
    times = by_number([[100], [100], [100], [100], [900] * 50])

    assert reference_seconds(times, 60) == 100


def test_below_five_workers_the_estimate_is_the_reference():
    assert reference_seconds(by_number([[100]] * 4), 60) == 60
    assert reference_seconds(by_number([[100]] * 4 + [[]]), 60) == 60
    assert reference_seconds(by_number([[100]] * 5), 60) == 100


def test_a_reference_between_two_seconds_is_the_upper_one():
    # Medians 100, 100, 100.5, 101, 101, 101: the middle of 100.5 and 101 is 100.75.
    times = by_number([[100], [100], [100, 101], [101], [101], [101]])

    assert reference_seconds(times, 60) == 101


@given(st.lists(st.lists(seconds, min_size=1, max_size=4), min_size=5, max_size=8), st.randoms())
def test_the_order_of_workers_and_answers_does_not_move_the_reference(times, random):
    shuffled = [random.sample(own, len(own)) for own in random.sample(times, len(times))]

    assert reference_seconds(by_number(shuffled), 1) == reference_seconds(by_number(times), 1)


def test_vouched_time_is_paid_up_to_three_times_the_reference():
    assert [payable_seconds(t, 0.8, 290, 3600) for t in (900, 700, 400)] == [870, 700, 400]


def test_time_that_nothing_vouches_for_is_paid_up_to_twice_the_reference():
    assert payable_seconds(900, 0.5, 290, 3600) == 580
    assert payable_seconds(900, 479 / 600, 290, 3600) == 580


def test_no_time_beyond_the_limit_is_paid():
    assert payable_seconds(900, 1.0, 290, 600) == 600
    assert payable_total([Worked(900, 1.0), Worked(10, 1.0)], 290, 600) == 610


def test_each_answer_is_limited_where_all_of_them_took_long():
    work = [Worked(900, 1.0), Worked(700, 1.0), Worked(400, 1.0)]

    assert payable_total(work, 290, 3600) == 1970


def test_one_long_answer_among_short_ones_is_paid_in_full():
    work = [Worked(1000, 1.0), Worked(100, 1.0), Worked(100, 1.0)]

    assert payable_total(work, 200, 3600) == 1200  # on average, twice the reference
    assert payable_total(work, 199, 3600) == 1194


def test_nothing_is_owed_for_no_answers():
    assert payable_total([], 290, 3600) == 0


@given(works, seconds, seconds, st.randoms())
def test_the_order_of_answers_does_not_move_what_is_payable(work, reference, limit, random):
    shuffled = random.sample(work, len(work))

    assert payable_total(shuffled, reference, limit) == payable_total(work, reference, limit)


@given(works, seconds, seconds, seconds)
def test_longer_work_and_a_higher_reference_are_never_paid_for_less(work, reference, limit, more):
    known = payable_total(work, reference, limit)
    longer = [one._replace(seconds=one.seconds + more) for one in work]

    assert payable_total(longer, reference, limit) >= known
    assert payable_total(work, reference + more, limit) >= known


@given(works, seconds, seconds)
def test_slow_work_gains_nothing_beyond_the_limit_of_each_answer(work, reference, limit):
    by_answer = [payable_seconds(*one, reference, limit) for one in work]

    found = payable_total(work, reference, limit)

    assert sum(by_answer) <= found <= max(sum(by_answer), 2 * reference * len(work))
    assert found <= sum(one.seconds for one in work)
