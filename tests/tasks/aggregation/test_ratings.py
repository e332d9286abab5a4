from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Label, Merged, Reading
from tasks.aggregation.majority import majority
from tasks.aggregation.ratings import MOST_LEVELS, Rated, fit_ratings, rate
from tests.tasks.aggregation.strategies import shuffles

CROWD = Path(__file__).parents[4] / "shared" / "data" / "crowd"
# By data set, its levels from lowest to highest.
ORDINAL = {"web": "01234", "s5_adult": "GPRX"}


def crowd(seed: int, *, tasks: int = 80, overlap: int = 5):
    """Eight workers give levels 1 to 5, half a level off as a rule; two always give 5."""
    random = np.random.default_rng(seed)
    truth = random.integers(1, 6, tasks)
    given = []
    for task in range(tasks):
        for worker in random.permutation(10)[:overlap].tolist():
            honest = int(np.clip(round(truth[task] + random.normal(0, 0.7)), 1, 5))
            given.append(Reading(task, worker, 5 if worker >= 8 else honest))
    return given, truth


def distance(found: dict[int, int], truth: np.ndarray) -> float:
    return float(np.mean([abs(found[task] - level) for task, level in enumerate(truth)]))


def test_no_answers_have_no_consensus():
    assert fit_ratings([], (1, 5)) == Merged({}, {})


def test_a_level_all_agree_on_is_the_consensus():
    given = [Reading(task, worker, 1 + task % 5) for task in range(20) for worker in range(4)]

    merged = fit_ratings(given, (1, 5))

    assert all(merged.consensus[task].value == 1 + task % 5 for task in range(20))
    assert all(found.confidence > 0.8 for found in merged.consensus.values())
    assert all(skill > 0.9 for skill in merged.skills.values())


def test_between_two_levels_the_lower_is_taken_and_the_expected_level_lies_between():
    given = [
        Reading(task, worker, level) for task in range(2) for worker, level in enumerate((2, 4))
    ]

    rated = rate(given, (1, 5))

    assert rated.expected(1)[0] == pytest.approx(3, abs=0.3)
    assert fit_ratings(given, (1, 5)).consensus[0].value in {2, 3}


def test_the_expected_level_is_the_mean_of_the_beliefs():
    rated = Rated({7: (0.25, 0.25, 0.5)}, {})

    assert rated.expected(1) == {7: 1 * 0.25 + 2 * 0.25 + 3 * 0.5}


def test_beliefs_are_probabilities_and_the_consensus_is_their_median():
    given, _ = crowd(0)

    rated, merged = rate(given, (1, 5)), fit_ratings(given, (1, 5))

    for task, shares in rated.beliefs.items():
        value, confidence = merged.consensus[task]
        assert sum(shares) == pytest.approx(1)
        assert sum(shares[: value - 1]) < 0.5 <= sum(shares[:value]) + 1e-9
        assert confidence == pytest.approx(shares[value - 1])


def test_it_is_nearer_than_the_majority_and_knows_who_always_gives_the_highest():
    errors = {"ours": [], "majority": []}
    for seed in range(5):
        given, truth = crowd(seed)
        merged = fit_ratings(given, (1, 5))
        votes = majority([Label(r.task, r.worker, str(r.value)) for r in given]).consensus
        errors["ours"].append(distance({t: f.value for t, f in merged.consensus.items()}, truth))
        errors["majority"].append(distance({t: int(f.label) for t, f in votes.items()}, truth))
        assert max(merged.skills[8], merged.skills[9]) < min(merged.skills[w] for w in range(8))

    assert np.mean(errors["ours"]) < 0.8 * np.mean(errors["majority"])


def test_who_shared_no_task_has_no_skill():
    given = [Reading(0, 0, 1), Reading(0, 1, 2), Reading(1, 2, 5)]

    assert fit_ratings(given, (1, 5)).skills.keys() == {0, 1}


@pytest.mark.parametrize("value", [0, 6, 2.0, "3", True, None])
def test_what_is_no_level_is_refused(value):
    with pytest.raises(UnsupportedLabels, match="not a level 1 to 5"):
        fit_ratings([Reading(0, 0, value)], (1, 5))


@pytest.mark.parametrize("levels", [(1, 1), (5, 1), (0, MOST_LEVELS)])
def test_too_few_and_too_many_levels_are_refused(levels):
    with pytest.raises(UnsupportedLabels, match="as numbers"):
        fit_ratings([], levels)


def test_two_answers_of_a_worker_to_a_task_are_refused():
    with pytest.raises(UnsupportedLabels, match="more than once"):
        fit_ratings([Reading(0, 0, 1), Reading(0, 0, 2)], (1, 5))


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 4), st.integers(0, 4)), st.integers(1, 4), min_size=1, max_size=20
    ),
    st.data(),
)
def test_neither_the_order_of_answers_nor_the_names_of_workers_matter(pairs, data):
    given_readings = [Reading(*pair, value) for pair, value in pairs.items()]
    names = data.draw(shuffles(range(5)))
    renamed = [reading._replace(worker=names[reading.worker]) for reading in given_readings]

    merged = fit_ratings(given_readings, (1, 4))
    other = fit_ratings(data.draw(shuffles(renamed)), (1, 4))

    assert other.consensus == merged.consensus
    assert other.skills == {names[worker]: skill for worker, skill in merged.skills.items()}
    assert merged.consensus.keys() == {reading.task for reading in given_readings}
    assert all(0 <= skill <= 1 for skill in merged.skills.values())


@pytest.mark.skipif(not CROWD.exists(), reason="../shared/data/crowd is not on this machine")
@pytest.mark.parametrize("name", ORDINAL)
def test_on_recorded_crowds_it_is_nearer_than_the_median_and_the_majority(name):
    level = {label: place for place, label in enumerate(ORDINAL[name])}
    tasks: dict[str, int] = {}
    answers: dict[tuple[int, str], int] = {}
    with (CROWD / name / "answers.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            task = tasks.setdefault(row["task"], len(tasks))
            answers.setdefault((task, row["worker"]), level[row["label"]])
    with (CROWD / name / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    truth = {tasks[row["task"]]: level[row["label"]] for row in rows if row["task"] in tasks}
    given = [Reading(t, int(w.removeprefix("w")), v) for (t, w), v in answers.items()]
    by_task: dict[int, list[int]] = {}
    for reading in given:
        by_task.setdefault(reading.task, []).append(reading.value)

    merged = fit_ratings(given, (0, len(level) - 1))

    def mean_error(found: dict[int, int]) -> float:
        return float(np.mean([abs(found[task] - value) for task, value in truth.items()]))

    medians = {task: sorted(values)[(len(values) - 1) // 2] for task, values in by_task.items()}
    votes = {task: min(v, key=lambda x: (-v.count(x), x)) for task, v in by_task.items()}
    ours = mean_error({task: found.value for task, found in merged.consensus.items()})
    assert ours < 0.95 * mean_error(medians)
    assert ours < 0.95 * mean_error(votes)
