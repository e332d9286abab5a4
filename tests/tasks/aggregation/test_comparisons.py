from __future__ import annotations

import csv
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from tasks.aggregation import comparisons
from tasks.aggregation.comparisons import Compared, Comparison, Position, compare, judge
from tasks.aggregation.errors import UnsupportedLabels
from tests.tasks.aggregation.strategies import shuffles

CROWD = Path(__file__).parents[4] / "shared" / "data" / "crowd"


def crowd(
    seed: int, *, items: int = 12, workers: int = 12, each: int = 60, advantage: float = 0.0,
    careless: int = 0,
) -> tuple[list[Comparison], dict[str, float]]:  # fmt: skip
    """Return comparisons and true scores; the first ``careless`` workers always take the first."""
    random = np.random.default_rng(seed)
    scores = {
        f"i{item:02}": float(score) for item, score in enumerate(random.normal(0, 1.2, items))
    }
    given = []
    for worker in range(workers):
        for _ in range(each):
            left, right = random.choice(list(scores), 2, replace=False).tolist()
            first = "left" if random.random() < 0.5 else "right"
            odds = scores[left] - scores[right] + (advantage if first == "left" else -advantage)
            winner = "left" if random.random() < 1 / (1 + np.exp(-odds)) else "right"
            given.append(
                Comparison(worker, left, right, first if worker < careless else winner, first)
            )
    return given, scores


def order_accuracy(found: dict[str, float], pairs: list[tuple[str, str]]) -> float:
    """Return the share of ``pairs``, better first, in the right order; a tie is half right."""
    points = [np.sign(found.get(one, 0) - found.get(other, 0)) for one, other in pairs]
    return float(np.mean(points)) / 2 + 0.5


def scores_of(compared: Compared) -> dict[str, float]:
    return {item: score.score for item, score in compared.scores.items()}


def test_no_comparisons_have_no_scores_and_no_bias():
    assert compare([]) == Compared({}, [], Position(0.5, 0.0, 1.0), {})


def test_one_comparison_puts_the_winner_ahead_by_little():
    compared = compare([Comparison(1, "a", "b", "right")])

    assert compared.ranking == ["b", "a"]
    assert compared.scores["a"].score == pytest.approx(-compared.scores["b"].score)
    assert compared.scores["b"].error > compared.scores["b"].score > 0


def test_ties_leave_both_equal():
    compared = compare([Comparison(1, "b", "a", "tie"), Comparison(1, "b", "a", "tie", "right")])

    assert compared.scores["a"].score == pytest.approx(0, abs=1e-6)


def test_an_item_that_never_lost_and_one_apart_from_the_others_stay_finite():
    given = [Comparison(w, "best", other, "left") for w in range(9) for other in ("b", "c", "d")]
    given += [Comparison(1, "x", "y", "left")]

    compared = compare(given)

    assert compared.ranking[0] == "best"
    assert all(np.isfinite(score).all() for score in compared.scores.values())
    assert compared.scores["x"].error > compared.scores["best"].error


def test_scores_average_to_nothing_and_more_answers_make_smaller_errors():
    few, _ = crowd(0, each=20)
    many, _ = crowd(0, each=200)

    assert sum(score.score for score in compare(few).scores.values()) == pytest.approx(0, abs=1e-9)
    assert max(s.error for s in compare(many).scores.values()) < min(
        s.error for s in compare(few).scores.values()
    )


def test_the_true_scores_lie_within_two_standard_errors_as_often_as_they_should():
    held = []
    for seed in range(6):
        given, truth = crowd(seed)
        mean = np.mean(list(truth.values()))
        for item, (score, error) in compare(given).scores.items():
            held.append(abs(score - truth[item] + mean) < 2 * error)

    assert np.mean(held) > 0.85


@pytest.mark.parametrize("advantage", [0.0, 0.6])
def test_the_advantage_of_being_first_is_found_with_its_interval(advantage):
    given, _ = crowd(1, advantage=advantage, each=150)

    found = compare(given).first

    assert found.low < 1 / (1 + np.exp(-advantage)) < found.high
    assert found.low < found.estimate < found.high
    assert (found.low > 0.5) == (advantage > 0)


def test_which_item_is_called_left_does_not_matter():
    given, _ = crowd(2)
    other = {"left": "right", "right": "left", "tie": "tie"}
    mirrored = [
        Comparison(c.worker, c.right, c.left, other[c.winner], other[c.first]) for c in given
    ]

    assert compare(mirrored) == compare(given)


def test_workers_who_always_take_the_first_are_found_out_and_hurt_little():
    given, truth = crowd(3, careless=4)
    pairs = [
        pair if truth[pair[0]] > truth[pair[1]] else pair[::-1] for pair in combinations(truth, 2)
    ]

    compared = compare(given)

    assert max(compared.reliability[worker] for worker in range(4)) < min(
        compared.reliability[worker] for worker in range(4, 12)
    )
    assert compared.first.estimate < 0.6
    assert order_accuracy(scores_of(compared), pairs) > 0.9


def test_the_probability_of_a_pair_is_the_logistic_of_the_difference():
    compared = compare([Comparison(1, "a", "b", "left")] * 3)
    difference = compared.scores["a"].score - compared.scores["b"].score

    found = judge(compared, [("a", "b"), ("b", "a"), ("a", "stranger")])

    assert found["a", "b"] == pytest.approx(1 / (1 + np.exp(-difference)))
    assert found["a", "b"] + found["b", "a"] == pytest.approx(1)
    assert found["a", "stranger"] > 0.5


def test_the_gradient_is_that_of_the_loss():
    given, _ = crowd(4, each=10)
    given[0] = given[0]._replace(winner="tie")
    data = comparisons._encoded(given)
    point = np.random.default_rng(0).normal(0, 0.7, len(data.names) + 2 + 2 * len(data.ids))

    slope = comparisons._loss(point, data)[1]

    numeric = approx_fprime(point, lambda values: comparisons._loss(values, data)[0], 1e-6)
    assert slope == pytest.approx(numeric, abs=1e-3)


def test_an_item_compared_with_itself_and_too_many_items_are_refused(monkeypatch):
    with pytest.raises(UnsupportedLabels, match="'a' is compared with itself"):
        compare([Comparison(1, "a", "a", "left")])
    monkeypatch.setattr(comparisons, "MOST_ITEMS", 2)
    with pytest.raises(UnsupportedLabels, match="At most 2 items"):
        compare([Comparison(1, "a", "b", "left"), Comparison(1, "a", "c", "left")])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.builds(
            Comparison,
            st.integers(0, 3),
            st.sampled_from("ab"),
            st.sampled_from("cd"),
            st.sampled_from(["left", "right", "tie"]),
            st.sampled_from(["left", "right"]),
        ),
        min_size=1,
        max_size=20,
    ),
    st.data(),
)
def test_neither_the_order_of_answers_nor_the_names_of_workers_matter(given_rows, data):
    names = data.draw(shuffles(range(4)))
    shuffled = data.draw(shuffles([c._replace(worker=names[c.worker]) for c in given_rows]))

    compared, other = compare(given_rows), compare(shuffled)

    assert other.scores == compared.scores
    assert other.first == compared.first
    # Workers with the same answers differ by rounding only.
    assert {names[w]: r for w, r in compared.reliability.items()} == pytest.approx(
        other.reliability, abs=1e-6
    )


@pytest.mark.skipif(not CROWD.exists(), reason="../shared/data/crowd is not on this machine")
@pytest.mark.parametrize(("name", "kept"), [("pair_ai_character", 0.05), ("pair_music", 0.8)])
def test_on_recorded_crowds_unseen_answers_are_foretold_as_well_as_by_crowd_kit(name, kept):
    from tasks.aggregation import methods  # noqa: PLC0415 - crowd-kit takes seconds

    rows = {}
    with (CROWD / name / "answers.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            winner = {row["left"]: "left", row["right"]: "right"}.get(row["label"], "tie")
            worker = int(row["worker"].removeprefix("w"))
            key = (row["task"], worker)
            rows.setdefault(key, Comparison(worker, row["left"], row["right"], winner))
    given = list(rows.values())
    right: dict[str, list[float]] = {method: [] for method in methods.COMPARISONS}
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(given))
        cut = int(len(order) * kept)
        shown = [given[place] for place in order[:cut]]
        hidden = [given[place] for place in order[cut:] if given[place].winner != "tie"]
        pairs = [(c.left, c.right) if c.winner == "left" else (c.right, c.left) for c in hidden]
        for method, shares in right.items():
            shares.append(order_accuracy(methods.fit_comparisons(method, shown), pairs))

    ours = np.mean(right["crowd_bradley_terry"])
    assert ours > np.mean(right["bradley_terry"]) - 0.005
    assert ours > np.mean(right["noisy_bradley_terry"]) - 0.005
