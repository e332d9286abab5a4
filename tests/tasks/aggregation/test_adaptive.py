from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation.adaptive import Policy, Rule, State, decide, expected_gain

LATER = 1_000  # answers of a batch that is past its beginning


def state(
    confidences: list[float],
    *,
    answers: list[int],
    in_flight: list[int] | None = None,
    soundness: list[float] | None = None,
    feedable: list[bool] | None = None,
    accuracy: float = 0.8,
) -> State:
    count = len(confidences)
    posteriors = np.array([[value, 1 - value] for value in confidences])
    return State(
        confidence=posteriors.max(axis=1),
        gain=expected_gain(posteriors, accuracy),
        soundness=np.array(soundness or [1.0] * count),
        answers=np.array(answers),
        in_flight=np.array(in_flight or [0] * count),
        feedable=np.array(feedable or [True] * count),
    )


def policy(**options: Any) -> Policy:
    return Policy(**{"established": 0, **options})


def test_a_task_below_the_minimum_is_fed_however_certain_it_is():
    decision = decide(state([1.0, 1.0], answers=[1, 2]), policy(minimum=2))

    assert decision.open.tolist() == [0]
    assert decision.close.tolist() == [1]


def test_the_minimum_is_three_until_the_batch_holds_a_few_hundred_answers():
    early, late = [2] * 100, [2] * 200

    assert len(decide(state([1.0] * 100, answers=early), Policy()).open) == 100
    assert len(decide(state([1.0] * 200, answers=late), Policy()).open) == 0


def test_one_answer_can_be_enough_once_the_workers_are_known():
    decision = decide(state([0.99, 0.6], answers=[1, 1]), policy())

    assert decision.open.tolist() == [1]
    assert decision.close.tolist() == [0]


def test_a_budget_of_less_than_three_each_lowers_the_cautious_minimum():
    decision = decide(state([1.0] * 4, answers=[2] * 4), Policy(budget=11))

    assert decision.open.tolist() == []


def test_an_uncertain_task_is_worth_an_answer_and_a_certain_one_is_not():
    decision = decide(state([0.6, 0.999], answers=[2, 2]), policy())

    assert decision.open.tolist() == [0]
    assert decision.close.tolist() == [1]


def test_a_task_at_the_maximum_is_never_fed():
    decision = decide(state([0.5, 0.5], answers=[15, 14]), policy())

    assert decision.open.tolist() == [1]
    assert decision.uncertain.tolist() == [0]


def test_answers_in_flight_count_towards_the_maximum():
    decision = decide(state([0.5], answers=[14], in_flight=[1]), policy())

    assert decision.open.tolist() == []
    assert decision.waiting.tolist() == [0]


def test_a_task_waits_for_its_answer_in_flight_before_it_gets_another():
    decision = decide(state([0.5], answers=[2], in_flight=[1]), policy())

    assert decision.open.tolist() == []
    assert decision.waiting.tolist() == [0]


def test_a_hopeless_task_is_left_uncertain_under_every_rule():
    disputed = state([0.5], answers=[8], soundness=[0.3])

    for rule in Rule:
        decision = decide(disputed, policy(rule=rule, budget=100))

        assert decision.open.tolist() == []
        assert decision.uncertain.tolist() == [0]


def test_a_dispute_of_few_answers_is_not_yet_hopeless():
    decision = decide(state([0.5], answers=[4], soundness=[0.3]), policy())

    assert decision.open.tolist() == [0]


def test_a_target_out_of_reach_is_not_chased():
    # Workers hardly better than chance: three of them cannot overturn this lead.
    decision = decide(state([0.9], answers=[3], accuracy=0.52), policy(rule=Rule.TARGET))

    assert decision.uncertain.tolist() == [0]


def test_late_answers_that_lower_the_confidence_open_a_task_again():
    before = decide(state([0.97], answers=[3]), policy(rule=Rule.TARGET))
    after = decide(state([0.7], answers=[4]), policy(rule=Rule.TARGET))

    assert before.close.tolist() == [0]
    assert after.open.tolist() == [0]


def test_the_least_certain_come_first_and_ties_go_to_fewer_answers_then_to_the_lower_index():
    decision = decide(
        state([0.8, 0.6, 0.6, 0.6], answers=[2, 3, 2, 2]), policy(rule=Rule.SPEND, budget=100)
    )

    assert decision.open.tolist() == [2, 3, 1, 0]


def test_below_the_minimum_the_fewest_answers_come_first():
    decision = decide(state([0.9, 0.9, 0.5], answers=[1, 0, 1]), policy())

    assert decision.open.tolist() == [1, 2, 0]


def test_a_task_nobody_can_answer_is_not_waited_for():
    decision = decide(state([0.6], answers=[2], feedable=[False]), policy())

    assert decision.uncertain.tolist() == [0]


def test_when_the_money_is_spent_all_tasks_are_done():
    decision = decide(state([0.99, 0.6], answers=[2, 3]), policy(rule=Rule.SPEND, budget=5))

    assert decision.open.tolist() == decision.waiting.tolist() == []
    assert decision.close.tolist() == [0]
    assert decision.uncertain.tolist() == [1]


def test_under_a_budget_only_a_part_of_the_batch_is_in_flight():
    careful = policy(rule=Rule.SPEND, budget=10_000, ahead=0.04, ahead_least=1)

    decision = decide(state([0.6] * 100, answers=[3] * 100), careful)

    assert decision.open.tolist() == [0, 1, 2, 3]
    assert len(decision.waiting) == 96


@given(
    st.lists(
        st.tuples(
            st.floats(0.5, 1), st.integers(0, 15), st.integers(0, 3), st.floats(0, 1), st.booleans()
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from(Rule),
    st.integers(0, 120),
)
def test_a_decision_sorts_all_tasks_and_keeps_to_budget_and_maximum(tasks, rule, budget):
    confidences, answers, in_flight, soundness, feedable = (
        list(c) for c in zip(*tasks, strict=True)
    )
    given_state = state(
        confidences,
        answers=answers,
        in_flight=in_flight,
        soundness=soundness,
        feedable=feedable,
    )

    decision = decide(given_state, Policy(rule=rule, budget=budget))

    everyone = sorted(index for part in decision for index in part.tolist())
    assert everyone == list(range(len(tasks)))
    opened = decision.open
    slots = given_state.answers + given_state.in_flight
    assert slots.sum() + len(opened) <= max(budget, slots.sum())
    assert (slots[opened] < 15).all()
    assert given_state.feedable[opened].all()


@given(st.integers(0, 60), st.sampled_from(Rule), st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_spent_and_in_flight_never_exceed_the_budget_whatever_comes_back_when(budget, rule, random):
    answers, in_flight = np.zeros(6, int), np.zeros(6, int)
    for _ in range(60):
        now = state(
            [random.uniform(0.5, 1) for _ in range(6)],
            answers=answers.tolist(),
            in_flight=in_flight.tolist(),
        )
        in_flight[decide(now, Policy(rule=rule, budget=budget)).open] += 1
        assert answers.sum() + in_flight.sum() <= budget
        for task in range(6):
            if in_flight[task] and random.random() < 0.4:
                in_flight[task] -= 1
                answers[task] += random.random() < 0.8  # else the assignment expired


def test_a_close_call_gains_most():
    gains = expected_gain(np.array([[0.5, 0.5], [0.7, 0.3], [0.95, 0.05]]), 0.8)

    assert gains[0] == pytest.approx(0.3)
    assert gains[0] > gains[1] > gains[2] > 0


def test_one_answer_cannot_overturn_what_three_can():
    lead = np.array([[0.9, 0.1]])

    assert expected_gain(lead, 0.8, depth=1)[0] == pytest.approx(0)
    assert expected_gain(lead, 0.8, depth=3)[0] > 0


def test_answers_to_come_are_believed_as_little_as_those_that_came():
    close = np.array([[0.5, 0.5]])

    assert expected_gain(close, 0.8, exponent=0.2)[0] < expected_gain(close, 0.8)[0] / 2


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=5), st.floats(0.5, 0.98))
def test_more_answers_are_never_expected_to_harm(weights, accuracy):
    posterior = np.array([weights]) / sum(weights)

    assert expected_gain(posterior, accuracy)[0] >= -1e-12


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"minimum": 0}, "minimum"),
        ({"minimum": 16}, "minimum"),
        ({"rule": Rule.SPEND}, "nothing to spend"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(options, problem):
    with pytest.raises(ValueError, match=problem):
        Policy(**options)
