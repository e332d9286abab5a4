from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Reading
from tasks.agreement.alpha import NO_VARIATION, NOTHING_TO_PAIR, alpha
from tasks.agreement.distances import distance_of
from tasks.agreement.kappa import fleiss
from tasks.agreement.summary import FEW, MOST, agreement_of
from tests.tasks.agreement.readings import answers, clicking, crowd, mostly_right, renamed, table

SPAN = {"label": "name", "start": 0, "end": 10}
RELATION = {
    "label": "of",
    "from": {"start": 0, "end": 4},
    "to": {"start": 6, "end": 9},
}
BOX = {"label": "cat", "x": 0.1, "y": 0.1, "width": 0.4, "height": 0.4}
SHAPE = {"label": "cat", "points": [[0, 0], [1, 0], [1, 1]]}
MASK = {"label": "cat", "size": [2, 2], "counts": [1, 3]}
KINDS = {
    "choice": ("a", "b"),
    "pairwise": ("left", "right"),
    "multiple_choice": (["a"], ["a", "b"]),
    "text": ("New York", "new  yorks"),
    "rating": (1, 4),
    "number": (0.5, 2.25),
    "ranking": (["a", "b", "c"], ["b", "a", "c"]),
    "boxes": ([BOX], [BOX | {"width": 0.3}]),
    "polygons": ([SHAPE], []),
    "keypoints": ([{"label": "eye", "x": 0.5, "y": 0.5}], [{"label": "eye", "x": 0.53, "y": 0.5}]),
    "masks": ([MASK], [MASK | {"counts": [2, 2]}]),
    "spans": ([SPAN], [SPAN | {"end": 8}]),
    "relations": ([RELATION], []),
    "audio_regions": ([SPAN], [SPAN | {"start": 4}]),
    "video_regions": ([SPAN], [SPAN | {"start": 6}]),
}


@pytest.fixture
def small() -> list[Reading]:
    """Task 0 unanimous, 1 split two to one, 2 split in three, 3 with one answer."""
    return [*table("a a a", "a a b", "a b c"), Reading(3, 0, "c")]


def test_a_summary_counts_what_can_be_compared(small):
    found = agreement_of("choice", small)

    assert (found["kind"], found["tasks"], found["answers"], found["workers"]) == (
        "choice",
        3,
        9,
        3,
    )
    assert found["alpha"] == alpha(small, distance_of("choice"))._asdict()
    assert found["fleiss"] == fleiss(small)._asdict()


def test_tasks_weigh_the_same_in_the_shares(small):
    found = agreement_of("choice", small)

    assert found["percent_agreement"] == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert found["unanimous"] == pytest.approx(1 / 3)


def test_similarity_says_what_it_is_and_how_far_it_is_above_chance(small):
    found = agreement_of("choice", small)["similarity"]

    # Of nine answers six are a, two b, one c: 16 of 36 pairs are equal.
    assert found["name"] == "equal or not"
    assert found["mean"] == pytest.approx(4 / 9)
    assert found["chance"] == pytest.approx(16 / 36)
    assert found["above_chance"] == pytest.approx(0)
    assert found["agree_from"] == 1.0


def test_uncertainty_of_tasks_and_overall(small):
    found = agreement_of("choice", small)["uncertainty"]

    two_to_one = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    assert found["tasks"] == pytest.approx((two_to_one + math.log(3)) / 3)
    assert found["overall"] == pytest.approx(
        -(6 / 9 * math.log(6 / 9) + 2 / 9 * math.log(2 / 9) + 1 / 9 * math.log(1 / 9))
    )


def test_consistency_goes_by_the_skills_given_or_by_agreement_with_the_others(small):
    sure = agreement_of("choice", small, {0: 0.9, 1: 0.5, 2: 0.5})["consistency"]
    unsure = agreement_of("choice", small, {0: 0.4, 1: 0.4, 2: 0.4})["consistency"]

    assert unsure < sure < 1
    assert 0 < agreement_of("choice", small)["consistency"] < 1


def test_the_most_disputed_tasks_come_first_and_undisputed_ones_not_at_all(small):
    found = agreement_of("choice", small)["disputed"]

    assert [(one["task"], one["answers"]) for one in found] == [(2, 3), (1, 3)]
    assert [one["disagreement"] for one in found] == pytest.approx([1.0, 2 / 3])


def test_no_more_disputed_tasks_and_pairs_are_named_than_can_be_read():
    found = agreement_of("choice", crowd(clicking(), tasks=300))

    assert len(found["disputed"]) == MOST
    assert [one["task"] for one in found["disputed"]] == sorted(
        one["task"] for one in found["disputed"]
    )
    assert len(found["best_pairs"]) == len(found["worst_pairs"]) == FEW
    assert found["pairs_compared"] == 66


def test_the_best_and_the_worst_pair_of_workers():
    found = agreement_of("choice", table("a b a b a", "a b a b b", "b a b b b"))

    assert [(one["a"], one["b"]) for one in found["best_pairs"]] == [(0, 1), (1, 2)]
    assert [(one["a"], one["b"]) for one in found["worst_pairs"]] == [(0, 2)]
    assert found["worst_pairs"][0]["agreement"] == pytest.approx(0.2)


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_of_question_has_a_summary_that_is_json(kind):
    one, other = KINDS[kind]
    readings = [
        Reading(task, worker, other if task % 3 == 0 or (task, worker) == (4, 1) else one)
        for task in range(12)
        for worker in range(3)
    ]

    found = agreement_of(kind, readings)

    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["alpha"]["distance"] == distance_of(kind).name
    assert 0 < found["alpha"]["value"] < 1
    assert 0 < found["similarity"]["chance"] < found["similarity"]["mean"] < 1
    assert [one["task"] for one in found["disputed"]] == [4]
    assert found["pairs_compared"] == 3
    assert (found["fleiss"] is not None) == (kind in {"choice", "pairwise", "text"})


@pytest.mark.parametrize("kind", KINDS)
def test_alpha_in_the_summary_is_alpha(kind):
    one, other = KINDS[kind]
    readings = crowd(lambda rng, task: one if rng.random() < task % 5 / 4 else other)

    known = alpha(readings, distance_of(kind))
    found = agreement_of(kind, readings)["alpha"]

    assert (found["value"], found["low"], found["high"]) == pytest.approx(
        (known.value, known.low, known.high)
    )


def test_drawings_that_overlap_by_half_agree():
    half = BOX | {"width": 0.2}
    barely = BOX | {"width": 0.19}
    readings = [
        *(Reading(1, worker, [box]) for worker, box in enumerate([BOX, half])),
        *(Reading(2, worker, [box]) for worker, box in enumerate([BOX, barely])),
    ]

    found = agreement_of("boxes", readings)

    assert found["similarity"]["name"] == "matched IoU"
    assert found["similarity"]["agree_from"] == 0.5
    assert (found["percent_agreement"], found["unanimous"]) == (0.5, 0.5)


def test_numbers_are_similar_by_the_range_of_all_answers():
    found = agreement_of("number", table("0 10", "5 10", read=int))

    assert found["similarity"]["name"] == "1 - difference / range"
    assert found["similarity"]["mean"] == pytest.approx((0.5 + 1) / 2)
    assert found["percent_agreement"] == 0.5


def test_texts_are_labels_once_normalised():
    found = agreement_of("text", table("Yes no", "YES NO", "yes maybe"))

    assert found["unanimous"] == 0.5
    assert found["fleiss"] == fleiss(table("yes no", "yes no", "yes maybe"))._asdict()


def test_without_answers_everything_is_none_or_empty():
    found = agreement_of("choice", [])

    assert found["alpha"]["reason"] == NOTHING_TO_PAIR
    assert (found["tasks"], found["answers"], found["pairs_compared"]) == (0, 0, 0)
    for name in ("fleiss", "percent_agreement", "unanimous", "uncertainty", "consistency"):
        assert found[name] is None
    assert found["similarity"]["mean"] is found["similarity"]["chance"] is None
    assert found["disputed"] == found["best_pairs"] == found["worst_pairs"] == []


def test_where_all_answers_are_the_same_the_shares_stand_in_for_alpha():
    found = agreement_of("choice", table("a a", "a a"))

    assert (found["alpha"]["value"], found["alpha"]["reason"]) == (None, NO_VARIATION)
    assert (found["percent_agreement"], found["unanimous"]) == (1.0, 1.0)
    assert found["similarity"]["above_chance"] is None


def test_a_type_that_is_not_measured_is_refused():
    with pytest.raises(UnsupportedLabels, match="No agreement is measured for 'survey'"):
        agreement_of("survey", [])


@given(answers(st.sampled_from("abc")), st.integers(0, 99))
@settings(deadline=None)
def test_the_order_of_rows_and_all_ids_change_no_figure(readings, seed):
    def figures(rows: list[Reading]) -> dict[str, object]:
        found = agreement_of("choice", rows)
        named = ("disputed", "best_pairs", "worst_pairs")
        return {name: value for name, value in found.items() if name not in named}

    found, other = figures(readings), figures(renamed(readings, seed))

    # The majority adds up what a worker earned in the order of tasks.
    assert other.pop("consistency") == pytest.approx(found.pop("consistency"))
    assert other == found


def test_an_honest_crowd_agrees_more_than_a_clicking_one():
    honest, clickers = (
        agreement_of("choice", crowd(answer, tasks=200))
        for answer in (mostly_right(skill=0.9), clicking())
    )

    for name in ("percent_agreement", "unanimous", "consistency"):
        assert honest[name] > clickers[name] + 0.1
    assert honest["uncertainty"]["tasks"] < clickers["uncertainty"]["tasks"]
