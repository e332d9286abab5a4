"""The simulated job of ``make simulate-wages``, with fewer jobs and wider bounds."""

from __future__ import annotations

from random import Random

from benchmarks import wages
from benchmarks.wages import BOTH, FULL, MEDIAN_ONLY, NOTHING, ONE_BY_ONE, People


def test_both_guarantees_reach_honest_workers_at_a_bounded_cost():
    found = wages.simulated((NOTHING, MEDIAN_ONLY, ONE_BY_ONE, BOTH, FULL), 12)

    assert all(target.met for target in wages.targets(found[BOTH], reached=0.9, cost=1.45))
    assert all(target.met for target in wages.targets(found[FULL], reached=0.9, cost=1.45))
    assert found[NOTHING].extra == 0
    reached = [found[row].reached for row in (NOTHING, MEDIAN_ONLY, ONE_BY_ONE, BOTH)]
    assert reached == sorted(set(reached))


def test_a_target_that_is_missed_is_seen():
    nobody = wages.Outcome(extra=0.0, reached=0.0, slow=0.0, short=0.0)

    assert [target.met for target in wages.targets(nobody)] == [False, True, True]


def test_slow_workers_who_know_the_limit_earn_at_most_twice_the_rewards_beyond():
    people = People(answers=2, knowing=True)

    found = wages.simulated((BOTH,), 3, people)[BOTH]

    # Five in a hundred take three times the time; the reference may be off by some.
    assert 0.05 < found.slow < 0.15


def test_the_same_seed_gives_the_same_job():
    few = People(answers=1)

    assert wages.job(3, few) == wages.job(3, few)
    assert wages.job(3, few) != wages.job(4, few)


def test_a_break_is_cut_to_two_minutes():
    worked = wages.watched(240, break_at=100, break_seconds=1000)

    assert worked.seconds == 240 + 120 - wages.BEAT  # the gap between two beats is in the break
    assert worked.coverage < 0.2
    assert wages.watched(240) == (240, 1.0)


def test_honest_workers_are_measured_at_what_they_needed_or_more():
    answers = wages.job(0, People(answers=2))

    assert all(one.worked.seconds >= one.needed for one in answers if one.worker >= wages.SLOW)


def test_an_answer_of_a_slow_worker_does_not_depend_on_their_speed():
    first, second = (wages.answer(0, speed, People(), Random(1)) for speed in (0.5, 2.0))

    assert first.worked == second.worked
