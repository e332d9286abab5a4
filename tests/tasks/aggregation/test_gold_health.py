from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.aggregation.gold_health import (
    Candidate,
    GoldAnswer,
    GoldRecord,
    Health,
    draw_gold,
    health,
)


def given_answers(pattern: str, *, skill: float = 0.8, **fields: object) -> list[GoldAnswer]:
    """Answers of different workers: ``+`` is right, any letter the wrong label of that name."""
    return [
        GoldAnswer(worker, sign == "+", skill, "" if sign == "+" else sign, **fields)  # type: ignore[arg-type]
        for worker, sign in enumerate(pattern)
    ]


def verdict(answers: list[GoldAnswer], *, active_workers: int = 1_000) -> Health:
    return health(GoldRecord(answers, active_workers)).health


def test_a_gold_task_without_answers_is_kept():
    assert verdict([]) is Health.KEEP


def test_good_workers_who_agree_on_another_answer_dispute_it():
    # Three of six wrong at skill 0.8 has a chance of 0.099: not yet. Four have 0.017, five 0.0016.
    assert verdict(given_answers("+++bbb")) is Health.KEEP
    assert verdict(given_answers("++bbbb")) is Health.KEEP

    found = health(GoldRecord(given_answers("+bbbbb"), 1_000))

    assert found.health is Health.RETIRE_DISPUTED
    assert found.why == "5 of 6 good workers miss it, and 5 of them answer 'b'."
    assert found.figures["p_value"] == pytest.approx(6 * 0.2**5 * 0.8 + 0.2**6)


def test_good_workers_who_err_each_in_their_own_way_need_to_be_more():
    assert verdict(given_answers("+bcdef")) is Health.KEEP
    assert verdict(given_answers("+bcdefgh")) is Health.RETIRE_DISPUTED


def test_weak_and_suspected_workers_dispute_nothing():
    assert verdict(given_answers("+bbbbbbbb", skill=0.6)) is Health.KEEP
    assert verdict(given_answers("+bbbbbbbb", suspected=True)) is Health.KEEP


def test_a_hard_gold_task_that_most_good_workers_get_right_is_kept():
    assert verdict(given_answers("++++++++++++++bbbbbbb", skill=0.95)) is Health.KEEP


def test_an_answer_that_everybody_knows_at_once_has_leaked():
    slow = given_answers("+" * 29 + "b", skill=0.75, seconds=20.0, usual_seconds=20.0)
    quick = given_answers("+" * 29 + "b", skill=0.75, seconds=4.0, usual_seconds=20.0)

    assert verdict(slow) is Health.KEEP
    assert verdict(quick) is Health.RETIRE_LEAKED


def test_being_fast_alone_is_no_leak():
    quick = given_answers("+++b" * 8, skill=0.75, seconds=4.0, usual_seconds=20.0)

    assert verdict(quick) is Health.KEEP


def test_an_answer_that_is_suddenly_known_has_leaked():
    before = given_answers("+bc+d+be+c+b" * 2, skill=0.6)

    found = health(GoldRecord(before + given_answers("+" * 24, skill=0.6), 1_000))

    assert found.health is Health.RETIRE_LEAKED
    assert found.why.startswith("24 of its last 24 answers are right")


def test_a_task_that_was_always_easy_has_not_leaked():
    assert verdict(given_answers("+" * 48)) is Health.KEEP


def test_a_task_that_even_suspected_workers_get_right_tells_nobody_apart():
    suspected = given_answers("+" * 5, skill=0.3, suspected=True)

    assert verdict(given_answers("+" * 5) + suspected) is Health.UNINFORMATIVE
    assert verdict(given_answers("+" * 5) + suspected[1:]) is Health.KEEP
    assert verdict([*given_answers("b++++"), *suspected]) is Health.KEEP


def test_a_task_that_a_quarter_of_the_workers_have_met_is_rotated():
    answers = given_answers("++++b+")

    assert verdict(answers, active_workers=24) is Health.KEEP
    assert verdict(answers, active_workers=23) is Health.ROTATE


def test_sound_gold_tasks_are_hardly_ever_retired():
    random = np.random.default_rng(1)
    retired = 0
    for _ in range(400):
        skills = random.uniform(0.5, 0.95, 40)
        right = random.random(40) < skills
        seconds = 20 * random.lognormal(0, 0.5, 40)
        answers = [
            GoldAnswer(worker, bool(right[worker]), skills[worker], "bc"[worker % 2], second, 20.0)
            for worker, second in enumerate(seconds)
        ]
        retired += verdict(answers) is not Health.KEEP

    assert retired <= 4


def test_rare_labels_are_over_sampled():
    candidates = [Candidate(task, "common", 3) for task in range(90)]
    candidates += [Candidate(task, "rare", 3) for task in range(90, 100)]

    assert draw_gold(candidates, 4) == [90, 0, 91, 1]
    # Eight of ten in use are common, so the next six are rare.
    assert draw_gold(candidates, 6, present={"common": 8, "rare": 2}) == list(range(90, 96))


def test_what_fewest_workers_have_met_becomes_gold_first():
    candidates = [Candidate(1, "a", 9), Candidate(2, "a", 3), Candidate(3, "a", 3)]

    assert draw_gold(candidates, 2) == [2, 3]
    assert draw_gold(candidates, 9) == [2, 3, 1]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), max_size=12),
    st.integers(0, 15),
    st.randoms(),
)
def test_the_order_of_candidates_changes_nothing_and_labels_are_balanced(drawn, count, random):
    candidates = [Candidate(task, *fields) for task, fields in enumerate(drawn)]
    turned = list(candidates)
    random.shuffle(turned)

    chosen = draw_gold(candidates, count)

    assert draw_gold(turned, count) == chosen
    assert len(set(chosen)) == len(chosen) == min(count, len(candidates))
    taken = {label: sum(drawn[task][0] == label for task in chosen) for label in "abc"}
    left = {label for task, (label, _) in enumerate(drawn) if task not in chosen}
    assert all(taken[label] + 1 >= most for label in left for most in taken.values())
