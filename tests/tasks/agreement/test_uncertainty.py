"""Uncertainty and consistency, beside crowd-kit's."""

from __future__ import annotations

import math
from statistics import fmean

import pandas as pd
import pytest
from crowdkit.metrics.data import alpha_krippendorff
from crowdkit.metrics.data import consistency as their_consistency
from crowdkit.metrics.data import uncertainty as their_uncertainty
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.metrics.distance import masi_distance

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Label
from tasks.aggregation.majority import majority
from tasks.agreement.alpha import alpha
from tasks.agreement.distances import MASI, NOMINAL
from tasks.agreement.uncertainty import (
    consistency,
    overall_uncertainty,
    task_uncertainty,
    worker_uncertainty,
)
from tests.tasks.agreement.readings import answers, crowd, labels_of, mostly_right

FOUR = [Label(1, 1, "yes"), Label(1, 2, "no"), Label(2, 1, "yes"), Label(2, 2, "yes")]
CROWD = labels_of(crowd(mostly_right(skill=0.5), tasks=40, workers=8, overlap=5))
SKILLS = {worker: 0.5 + worker / 20 for worker in range(8)}


def frame(labels: list[Label]) -> pd.DataFrame:
    return pd.DataFrame(labels, columns=["task", "worker", "label"])


def winners(labels: list[Label]) -> dict[int, str]:
    return {task: found.label for task, found in majority(labels).consensus.items()}


def test_the_entropy_of_two_labels_is_one_bit_and_of_one_is_none():
    assert task_uncertainty(FOUR) == {1: pytest.approx(math.log(2)), 2: 0.0}
    assert worker_uncertainty(FOUR) == {1: 0.0, 2: pytest.approx(math.log(2))}
    assert overall_uncertainty(FOUR) == pytest.approx(
        -(3 / 4 * math.log(3 / 4) + 1 / 4 * math.log(1 / 4))
    )


def test_an_answer_counts_for_other_labels_by_what_its_worker_gets_wrong():
    # Of three labels the one given has 0.8 and the others 0.1 each.
    labels = [Label(1, 1, "a"), Label(2, 2, "b"), Label(2, 3, "c")]

    found = task_uncertainty(labels, {1: 0.8, 2: 1.0, 3: 1.0})

    assert found[1] == pytest.approx(-(0.8 * math.log(0.8) + 2 * 0.1 * math.log(0.1)))
    assert found[2] == pytest.approx(math.log(2))


def test_no_labels_leave_nothing_uncertain():
    assert task_uncertainty([]) == {}
    assert overall_uncertainty([]) == 0.0
    assert consistency([], {}, {}) == {}


def test_a_worker_without_a_skill_is_refused():
    with pytest.raises(UnsupportedLabels, match="Worker 2 has no skill"):
        task_uncertainty(FOUR, {1: 0.9})


def test_answers_that_make_no_label_possible_leave_entropy_zero():
    assert task_uncertainty([Label(1, 1, "a")], {1: 0.0}) == {1: 0.0}


@pytest.mark.parametrize("skills", [None, SKILLS])
@pytest.mark.parametrize(
    ("by", "ours"), [("task", task_uncertainty), ("worker", worker_uncertainty)]
)
def test_uncertainty_is_that_of_crowd_kit(by, ours, skills):
    found = ours(CROWD, skills)

    given_skills = None if skills is None else pd.Series(skills)
    known = their_uncertainty(frame(CROWD), given_skills, compute_by=by, aggregate=False)
    mean = their_uncertainty(frame(CROWD), given_skills, compute_by=by)

    assert found == pytest.approx(known.to_dict(), abs=1e-9)
    assert fmean(found.values()) == pytest.approx(mean, abs=1e-9)


@given(answers(st.sampled_from("abc")).filter(bool), st.lists(st.floats(0.4, 1), min_size=6))
@settings(max_examples=25, deadline=None)
def test_both_are_those_of_crowd_kit_whatever_the_answers(readings, of_workers):
    labels = labels_of(readings)
    skills = dict(enumerate(of_workers))
    consensus = winners(labels)

    known = their_uncertainty(frame(labels), pd.Series(skills), aggregate=False)
    assert task_uncertainty(labels, skills) == pytest.approx(known.to_dict(), abs=1e-9)

    class Majority:
        def fit_predict(self, data: object) -> pd.Series:
            return pd.Series(consensus)

    known = their_consistency(frame(labels), pd.Series(skills), Majority(), by_task=True)
    assert consistency(labels, skills, consensus) == pytest.approx(known.to_dict(), abs=1e-9)


def test_consistency_is_bayes_rule():
    labels = [Label(1, 1, "a"), Label(1, 2, "a"), Label(1, 3, "b"), Label(2, 3, "c")]

    found = consistency(labels, {1: 0.8, 2: 0.7, 3: 0.6}, {1: "a", 2: "c"})

    a, b, c = 0.8 * 0.7 * 0.2, 0.1 * 0.15 * 0.6, 0.1 * 0.15 * 0.2
    assert found == pytest.approx({1: a / (a + b + c), 2: 0.6})


def test_consistency_is_that_of_crowd_kit():
    # Five answers of two labels have a majority whoever breaks ties how.
    labels = labels_of(crowd(mostly_right("ab", 0.4), tasks=40, workers=8, overlap=5))

    found = consistency(labels, SKILLS, winners(labels))

    known = their_consistency(frame(labels), pd.Series(SKILLS), by_task=True)
    mean = their_consistency(frame(labels), pd.Series(SKILLS))
    assert found == pytest.approx(known.to_dict(), abs=1e-9)
    assert fmean(found.values()) == pytest.approx(mean, abs=1e-9)


def test_answers_of_workers_without_a_skill_say_nothing():
    assert consistency(FOUR, {2: 0.9}, {1: "no", 2: "yes"}) == pytest.approx({1: 0.9, 2: 0.9})
    assert consistency(FOUR, {}, {1: "no", 2: "yes"}) == pytest.approx({1: 0.5, 2: 0.5})


def test_two_workers_who_are_never_wrong_and_differ_make_nothing_possible():
    assert consistency(FOUR, {1: 1.0, 2: 1.0}, {1: "yes", 2: "yes"}) == {1: 0.0, 2: 1.0}


def test_a_consensus_that_nobody_answered_is_impossible():
    assert consistency(FOUR, {1: 0.9, 2: 0.9}, {1: "maybe", 2: "yes"})[1] == 0.0


def test_a_thousand_answers_do_not_vanish():
    labels = [Label(1, worker, "ab"[worker % 2]) for worker in range(1000)]

    assert consistency(labels, dict.fromkeys(range(1000), 0.3), {1: "a"}) == {1: pytest.approx(0.5)}


def test_alpha_is_that_of_crowd_kit():
    readings = crowd(mostly_right(skill=0.5), tasks=40, workers=8, overlap=4)

    known = alpha_krippendorff(frame(labels_of(readings)))

    assert alpha(readings, NOMINAL).value == pytest.approx(known, abs=1e-9)


def test_alpha_of_sets_is_that_of_crowd_kit():
    readings = crowd(lambda rng, task: rng.sample("abcd", rng.randint(1, 3)), tasks=40)

    known = alpha_krippendorff(
        frame([Label(task, worker, frozenset(value)) for task, worker, value in readings]),
        masi_distance,
    )

    assert alpha(readings, MASI).value == pytest.approx(known, abs=1e-9)
