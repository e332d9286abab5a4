from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Found, Merged, Reading
from tasks.aggregation.numbers import fit_numbers, intervals
from tests.tasks.aggregation.strategies import shuffles

CROWD = Path(__file__).parents[4] / "shared" / "data" / "crowd"
# By data set: what its truth must be multiplied by to be on the scale of its answers.
SCALES = {"snow_valence_num": 1.0, "snow_wordsim_num": 2.5}


def readings(*tasks: list[float]) -> list[Reading]:
    """Answer i of each list is worker i's."""
    return [
        Reading(task, worker, value)
        for task, values in enumerate(tasks)
        for worker, value in enumerate(values)
    ]


def crowd(seed: int, *, careless: int = 0, workers: int = 10, tasks: int = 60, overlap: int = 5):
    """Errors have the deviation 1, those of the first ``careless`` workers 8."""
    random = np.random.default_rng(seed)
    truth = random.normal(50, 10, tasks)
    deviation = np.where(np.arange(workers) < careless, 8.0, 1.0)
    given = [
        Reading(task, int(worker), float(truth[task] + random.normal(0, deviation[worker])))
        for task in range(tasks)
        for worker in random.permutation(workers)[:overlap]
    ]
    return given, truth


def error(merged: Merged, truth: np.ndarray) -> float:
    return float(
        np.sqrt(np.mean([(merged.consensus[t].value - v) ** 2 for t, v in enumerate(truth)]))
    )


def test_no_answers_have_no_consensus():
    assert fit_numbers([]) == Merged({}, {})
    assert intervals([]) == {}


def test_answers_that_agree_are_the_consensus_and_certain():
    merged = fit_numbers(readings([3.0, 3.0], [0.1, 0.1], [7.0, 7.0]))

    assert [merged.consensus[task].value for task in range(3)] == [3.0, 0.1, 7.0]
    assert all(found.confidence > 0.999 for found in merged.consensus.values())


def test_a_single_answer_is_the_consensus_without_much_confidence_and_nobody_has_a_skill():
    merged = fit_numbers([Reading(0, 1, 5), Reading(1, 2, 9), Reading(2, 3, 2)])

    assert [merged.consensus[task].value for task in range(3)] == [5.0, 9.0, 2.0]
    assert all(found.confidence < 0.5 for found in merged.consensus.values())
    assert merged.skills == {}


def test_of_two_workers_alike_the_consensus_is_the_mean():
    merged = fit_numbers(readings([1.0, 3.0], [6.0, 4.0]))

    assert merged.consensus[0].value == pytest.approx(2.0)
    assert merged.consensus[1].value == pytest.approx(5.0)


@pytest.mark.parametrize("factor", [10, 1000, 1e9])
def test_a_slip_by_any_factor_does_not_move_the_consensus(factor):
    given, _ = crowd(0)
    slipped = [given[0]._replace(value=given[0].value * factor), *given[1:]]
    honest = [reading.value for reading in given if reading.task == given[0].task]

    found = fit_numbers(slipped).consensus[given[0].task].value

    assert abs(found - fit_numbers(given).consensus[given[0].task].value) < np.ptp(honest) / 2


def test_careless_workers_count_less():
    given, truth = crowd(1, careless=5)
    means = [np.mean([r.value for r in given if r.task == task]) for task in range(len(truth))]

    merged = fit_numbers(given)

    assert error(merged, truth) < 0.8 * np.sqrt(np.mean((means - truth) ** 2))
    assert max(merged.skills[worker] for worker in range(5)) < min(
        merged.skills[worker] for worker in range(5, 10)
    )


def test_a_worker_who_is_always_five_too_high_is_corrected():
    given, truth = crowd(2, overlap=3)
    tilted = [r._replace(value=r.value + 5 * (r.worker == 0)) for r in given]
    shift = 5 / 10  # who the biased one is cannot be known, only how workers differ
    means = [np.mean([r.value for r in tilted if r.task == task]) for task in range(len(truth))]

    assert error(fit_numbers(tilted), truth + shift) < 0.75 * np.sqrt(
        np.mean((means - truth - shift) ** 2)
    )


def test_intervals_hold_the_truth_as_often_as_they_say():
    held = []
    for seed in range(6):
        given, truth = crowd(seed, careless=3)
        found = intervals(given, 0.9)
        held += [found[task].low <= value <= found[task].high for task, value in enumerate(truth)]

    assert 0.87 < np.mean(held) < 1


def test_the_confidence_is_the_chance_to_lie_within_the_tolerance():
    sure, right = [], []
    for seed in range(6):
        given, truth = crowd(seed, careless=3)
        merged = fit_numbers(given, tolerance=0.5)
        sure += [found.confidence for found in merged.consensus.values()]
        right += [abs(merged.consensus[t].value - v) <= 0.5 for t, v in enumerate(truth)]

    assert np.mean(sure) == pytest.approx(np.mean(right), abs=0.12)


def test_a_wider_tolerance_is_surer():
    given, _ = crowd(3)
    narrow, wide = fit_numbers(given, tolerance=0.1), fit_numbers(given, tolerance=1.0)

    for task, found in narrow.consensus.items():
        assert found.confidence < wide.consensus[task].confidence


@pytest.mark.parametrize("value", [True, "3", None, float("nan"), float("inf")])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(UnsupportedLabels, match="not a finite number"):
        fit_numbers([Reading(0, 0, value)])


def test_two_answers_of_a_worker_to_a_task_are_refused():
    with pytest.raises(UnsupportedLabels, match="more than once"):
        fit_numbers([Reading(0, 0, 1), Reading(0, 0, 2)])


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 4), st.integers(0, 4)),
        st.one_of(st.integers(-3, 3), st.floats(-1e300, 1e300)),
        min_size=1,
        max_size=20,
    ),
    st.data(),
)
def test_a_consensus_lies_between_its_answers_whoever_gave_them_in_whatever_order(pairs, data):
    given_readings = [Reading(*pair, value) for pair, value in pairs.items()]
    names = data.draw(shuffles(range(5)))
    renamed = [reading._replace(worker=names[reading.worker]) for reading in given_readings]

    merged, other = fit_numbers(given_readings), fit_numbers(data.draw(shuffles(renamed)))

    assert other.consensus == merged.consensus
    assert other.skills == {names[worker]: skill for worker, skill in merged.skills.items()}
    for task, (value, confidence) in merged.consensus.items():
        answers = [reading.value for reading in given_readings if reading.task == task]
        assert min(answers) <= value <= max(answers)
        assert 0 <= confidence <= 1
    assert all(0 <= skill <= 1 for skill in merged.skills.values())


def recorded(name: str) -> tuple[dict[str, list[Reading]], dict[str, float]]:
    answers: dict[str, list[Reading]] = {}
    with (CROWD / name / "answers.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            of_task = answers.setdefault(row["task"], [])
            worker = int(row["worker"].removeprefix("w"))
            of_task.append(Reading(len(answers) - 1, worker, float(row["label"])))
    with (CROWD / name / "truth.csv").open(encoding="utf-8", newline="") as file:
        return answers, {row["task"]: float(row["label"]) for row in csv.DictReader(file)}


@pytest.mark.skipif(not CROWD.exists(), reason="../shared/data/crowd is not on this machine")
@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("depth", [3, 5, 10])
def test_on_recorded_crowds_it_is_as_near_as_the_mean_and_nearer_than_the_median(name, depth):
    answers, known = recorded(name)
    truth = np.array([known[task] * SCALES[name] for task in answers])
    errors: dict[str, list[float]] = {"ours": [], "mean": [], "median": []}
    for seed in range(20 if depth < 10 else 1):
        random = np.random.default_rng(seed)
        kept = [
            [of_task[place] for place in random.permutation(len(of_task))[:depth]]
            for of_task in answers.values()
        ]
        merged = fit_numbers([reading for of_task in kept for reading in of_task])
        errors["ours"].append(error(merged, truth))
        for method, function in (("mean", np.mean), ("median", np.median)):
            found = {
                t: Found(function([r.value for r in rows]), 1.0) for t, rows in enumerate(kept)
            }
            errors[method].append(error(Merged(found, {}), truth))

    # With all ten answers there is one draw, and three in a hundred are noise.
    assert np.mean(errors["ours"]) <= np.mean(errors["mean"]) * (1.03 if depth == 10 else 1.005)
    assert np.mean(errors["ours"]) < np.mean(errors["median"])
