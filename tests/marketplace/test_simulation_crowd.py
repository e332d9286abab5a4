from __future__ import annotations

from collections import Counter
from statistics import median

import pytest

from marketplace.simulation.crowd import HABITS, Kind, SimulatedWorker, likely_truth, recruit

DIGITS = "0123456789"
TASKS = [f"task {number}" for number in range(2_000)]


def a_worker(kind: Kind = Kind.GOOD, ability: float = 0.9, name: str = "simulated-01"):
    return SimulatedWorker(name=name, kind=kind, ability=ability, seed=1)


def answers(worker: SimulatedWorker, truth: str = "3") -> Counter[str]:
    return Counter(worker.choose(task, truth, DIGITS, {"3": "85"}) for task in TASKS)


def test_forty_workers_are_good_ordinary_and_careless_and_two_of_them_spam():
    kinds = Counter(worker.kind for worker in recruit(40, seed=1))

    assert kinds == {
        Kind.GOOD: 14,
        Kind.ORDINARY: 16,
        Kind.CARELESS: 8,
        Kind.RANDOM_CLICKER: 1,
        Kind.ONE_BUTTON: 1,
    }


@pytest.mark.parametrize("count", [1, 2, 5, 19, 20, 41, 100])
def test_a_crowd_has_as_many_as_were_asked_for_under_different_names(count):
    crowd = recruit(count, seed=1)

    assert len({worker.name for worker in crowd}) == count


def test_everybody_is_called_simulated():
    assert all(worker.name.startswith("simulated-") for worker in recruit(40, seed=1))


def test_the_seed_decides_who_they_are():
    assert recruit(40, seed=1) == recruit(40, seed=1)
    assert recruit(40, seed=1) != recruit(40, seed=2)


def test_a_few_walk_away_from_one_of_their_first_tasks():
    leaving = [worker.walks_away_at for worker in recruit(40, seed=1) if worker.walks_away_at]

    assert leaving == [1, 2, 3]


def test_an_answer_depends_on_seed_worker_and_task_alone():
    one, same = a_worker(), a_worker()
    backwards = [same.choose(task, "3", DIGITS, {}) for task in reversed(TASKS)]

    assert [one.choose(task, "3", DIGITS, {}) for task in TASKS] == backwards[::-1]


def test_two_workers_err_on_different_tasks():
    one, other = a_worker(name="simulated-01"), a_worker(name="simulated-02")
    wrong = [
        {task for task in TASKS if worker.choose(task, "3", DIGITS, {}) != "3"}
        for worker in (one, other)
    ]

    assert 0 < len(wrong[0] & wrong[1]) < len(wrong[0]) / 4


@pytest.mark.parametrize("ability", [0.6, 0.9, 1.0])
def test_workers_are_right_as_often_as_their_ability_says(ability):
    right = answers(a_worker(ability=ability))["3"] / len(TASKS)

    assert right == pytest.approx(ability, abs=0.02)


def test_whoever_errs_takes_a_digit_rather_for_one_that_looks_like_it():
    said = answers(a_worker(ability=0.5))

    assert min(said["8"], said["5"]) > 2 * max(said[digit] for digit in "0124679")


def test_a_random_clicker_hits_every_option_alike():
    said = answers(a_worker(Kind.RANDOM_CLICKER, ability=0.0))

    assert set(said) == set(DIGITS)
    assert max(said.values()) < 1.4 * min(said.values())


def test_a_one_button_spammer_has_one_answer():
    assert len(answers(a_worker(Kind.ONE_BUTTON, ability=0.0))) == 1


def test_where_there_is_one_option_everybody_takes_it():
    assert a_worker(ability=0.0).choose("task", "yes", ["yes"], {}) == "yes"


def test_the_median_time_is_the_one_of_the_kind():
    worker = a_worker(Kind.CARELESS)

    taken = [worker.seconds_for(task) for task in TASKS]

    assert median(taken) == pytest.approx(HABITS[Kind.CARELESS].seconds, rel=0.05)
    assert min(taken) > 0


def test_people_skip_a_few_tasks_and_spammers_none():
    skipped = sum(a_worker().skips(task) for task in TASKS) / len(TASKS)

    assert skipped == pytest.approx(HABITS[Kind.GOOD].skips, abs=0.01)
    assert not any(a_worker(Kind.ONE_BUTTON).skips(task) for task in TASKS)


def test_an_invented_truth_is_the_same_for_everybody():
    assert likely_truth("task 1", DIGITS, seed=1) == likely_truth("task 1", DIGITS, seed=1)
    assert len({likely_truth(task, DIGITS, seed=1) for task in TASKS}) == len(DIGITS)
