from __future__ import annotations

import random

import pytest

from tasks.aggregation.labels import Reading
from tasks.agreement.alpha import alpha
from tasks.agreement.distances import NOMINAL
from tasks.agreement.guideline import Confusion, careful_disagree
from tests.tasks.agreement.readings import clicking, crowd, mostly_right, renamed, table

SKILLS = {worker: 0.5 + worker / 30 for worker in range(12)}
UPPER = [6, 7, 8, 9, 10, 11]


def unsure_of_cats_and_lynxes(rng: random.Random, task: int) -> str:
    """Know a dog, take a lynx for a cat half of the time, and some for a fox."""
    if task % 10 == 0:
        return "dog"
    return rng.choices(["cat", "lynx", "fox"], [5, 5, 1])[0]


def test_careful_workers_who_disagree_point_at_the_guideline():
    found = careful_disagree(crowd(clicking("ab"), tasks=200), SKILLS)

    assert found.workers == UPPER
    assert found.alpha < 0.4
    assert found.low < found.alpha < found.high < 0.67
    assert found.sentence == (
        f"Careful workers disagree among themselves (alpha {found.alpha:.2f}, at most "
        f"{found.high:.2f}, on {found.tasks} tasks), so it is the guideline that needs work, not "
        f"the workers. Most in doubt: “a” or “b” ({found.confused[0].tasks} tasks)."
    )


def test_careful_workers_who_agree_are_no_warning():
    assert careful_disagree(crowd(mostly_right(skill=0.9), tasks=200), SKILLS) is None


def test_only_the_upper_half_by_skill_is_asked():
    def by_skill(worker: int, task: int) -> str:
        return "ab"[task % 2] if worker in UPPER else random.Random(worker + task).choice("ab")

    readings = [
        Reading(task, worker, by_skill(worker, task)) for task in range(60) for worker in range(12)
    ]
    upside_down = {worker: 1 - skill for worker, skill in SKILLS.items()}

    assert careful_disagree(readings, SKILLS) is None
    assert careful_disagree(readings, upside_down).workers == [0, 1, 2, 3, 4, 5]


def test_workers_tied_at_the_median_are_all_careful():
    readings = crowd(clicking("ab"), tasks=200)

    assert careful_disagree(readings, dict.fromkeys(range(12), 0.7)).workers == list(range(12))


def test_workers_with_few_answers_or_no_skill_are_not_asked():
    readings = [
        *crowd(clicking("ab"), tasks=200),
        *(Reading(task, 50, "c") for task in range(9)),
        *(Reading(task, 51, "c") for task in range(100)),
    ]

    assert careful_disagree(readings, SKILLS | {50: 1.0}).workers == UPPER


@pytest.mark.parametrize(("tasks", "warned"), [(19, False), (20, True)])
def test_it_takes_twenty_tasks_that_careful_workers_share(tasks, warned):
    readings = [
        Reading(task, worker, "ab"[worker % 2]) for task in range(tasks) for worker in range(12)
    ]

    assert (careful_disagree(readings, SKILLS) is not None) == warned


def test_an_alpha_that_may_be_high_is_no_warning():
    # Two workers agree on a rare label once, and differ on it three times.
    readings = table("b b b b " + "a " * 16, "b a a a " + "a " * 16)
    known = alpha(readings, NOMINAL)

    assert known.value < 0.4
    assert known.high > 0.67
    assert careful_disagree(readings, {0: 0.9, 1: 0.9}) is None


def test_the_labels_that_meet_on_most_tasks_come_first():
    found = careful_disagree(crowd(unsure_of_cats_and_lynxes, tasks=300), SKILLS)

    assert (found.confused[0].first, found.confused[0].second) == ("cat", "lynx")
    assert found.confused[0].tasks > found.confused[1].tasks
    assert all("dog" not in confusion[:2] for confusion in found.confused)
    assert "“cat” or “lynx” (" in found.sentence


def test_of_options_the_one_that_only_some_tick_is_in_doubt():
    readings = crowd(lambda rng, _: ["x"] if rng.random() < 0.5 else ["x", "y"], tasks=200)

    found = careful_disagree(readings, SKILLS, kind="multiple_choice")

    assert found.confused == [Confusion("y", None, found.confused[0].tasks)]
    assert f"whether “y” applies ({found.confused[0].tasks} tasks)" in found.sentence


def test_of_ratings_the_steps_that_meet_are_named():
    readings = crowd(lambda rng, _: rng.choice([3, 4]), tasks=200)

    found = careful_disagree(readings, SKILLS, kind="rating")

    assert found.confused == [Confusion("3", "4", found.confused[0].tasks)]


def test_texts_are_told_apart_without_naming_labels():
    found = careful_disagree(crowd(clicking("xyz"), tasks=200), SKILLS, kind="text")

    assert found.confused == []
    assert found.sentence.endswith("not the workers.")


def test_no_answers_and_no_skills_are_no_warning():
    assert careful_disagree([], SKILLS) is None
    assert careful_disagree(crowd(clicking("ab"), tasks=200), {}) is None


def test_answers_not_given_make_nobody_careful():
    readings = [Reading(task, worker, None) for task in range(30) for worker in range(12)]

    assert careful_disagree(readings, SKILLS) is None


def test_the_order_of_rows_and_all_ids_change_nothing_but_names():
    readings = crowd(unsure_of_cats_and_lynxes, tasks=300)
    equal = dict.fromkeys(range(12), 0.7)

    assert careful_disagree(renamed(readings, 4), equal) == careful_disagree(readings, equal)
