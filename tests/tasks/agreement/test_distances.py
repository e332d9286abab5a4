from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from nltk.metrics.distance import masi_distance
from scipy.stats import kendalltau

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.overlap import KINDS
from tasks.agreement.distances import (
    EDITS,
    INTERVAL,
    JACCARD,
    KENDALL,
    MASI,
    NOMINAL,
    RATIO,
    SAME_TEXT,
    Distance,
    distance_of,
)

OPTIONS = st.sets(st.sampled_from("abcde"))
BOX = {"label": "cat", "x": 0.0, "y": 0.0, "width": 0.4, "height": 0.4}
HALF = BOX | {"width": 0.2}


def apart(distance: Distance, first: object, second: object) -> float:
    return distance.between(distance.read(first), distance.read(second))


def test_labels_are_the_same_or_not():
    assert apart(NOMINAL, "cat", "dog") == 1.0
    assert apart(NOMINAL, "cat", "cat") == 0.0


def test_numbers_differ_by_the_square():
    assert apart(INTERVAL, 2, "5") == 9.0


def test_a_ratio_is_relative_to_the_sum():
    assert apart(RATIO, 1, 3) == 0.25
    assert apart(RATIO, 0, 7) == 1.0
    assert apart(RATIO, 0, 0) == 0.0


@pytest.mark.parametrize("value", ["many", float("nan"), float("inf"), [3]])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(UnsupportedLabels, match="is not a number"):
        INTERVAL.read(value)


def test_a_ratio_scale_has_no_negative_numbers():
    with pytest.raises(UnsupportedLabels, match="below 0"):
        RATIO.read(-1)


def test_jaccard_counts_options_that_only_one_ticked():
    assert apart(JACCARD, ["a", "b"], ["b", "c"]) == pytest.approx(2 / 3)
    assert apart(JACCARD, [], []) == 0.0


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ("ab", "ba", 0.0),
        ("ab", "abcd", 1 - 2 / 4 * 2 / 3),
        ("ab", "bc", 1 - 1 / 3 * 1 / 3),
        ("a", "b", 1.0),
        ("", "a", 1.0),
        ("", "", 0.0),
    ],
)
def test_masi_weighs_the_overlap_by_whether_one_set_holds_the_other(first, second, distance):
    assert apart(MASI, list(first), list(second)) == pytest.approx(distance)


@given(OPTIONS, OPTIONS)
def test_masi_is_that_of_nltk(first, second):
    assume(first or second)

    assert apart(MASI, first, second) == pytest.approx(masi_distance(first, second))


def test_texts_that_differ_in_case_and_spaces_are_the_same():
    assert apart(EDITS, " New  York", "new york") == 0.0
    assert SAME_TEXT.read(" New  York") == SAME_TEXT.read("new york")


def test_texts_differ_by_their_share_of_edits():
    assert apart(EDITS, "kitten", "Sitting") == 3 / 7


@given(st.permutations("abcdef"), st.permutations("abcdef"))
def test_rankings_differ_by_kendalls_tau(first, second):
    items = sorted(first)
    places = [[ranking.index(item) for item in items] for ranking in (first, second)]
    tau = kendalltau(*places).statistic

    assert apart(KENDALL, first, second) == pytest.approx((1 - tau) / 2)


def test_a_tie_in_one_ranking_only_counts_half():
    assert apart(KENDALL, ["a", ["c", "b"]], ["a", "b", "c"]) == pytest.approx(0.5 / 3)
    assert apart(KENDALL, ["a", ["b", "c"]], ["a", ["c", "b"]]) == 0.0


def test_items_left_out_of_a_ranking_are_tied_behind_the_others():
    assert apart(KENDALL, ["a"], ["b", "a", "c"]) == pytest.approx((1 + 0.5) / 3)


def test_a_ranking_of_one_item_orders_nothing():
    assert apart(KENDALL, ["a"], ["a"]) == 0.0
    assert apart(KENDALL, [], []) == 0.0


def test_boxes_differ_by_what_they_do_not_share():
    boxes = distance_of("boxes")

    assert apart(boxes, [BOX], [BOX]) == 0.0
    assert apart(boxes, [BOX], [HALF]) == pytest.approx(0.5)
    assert apart(boxes, [BOX], []) == 1.0


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_all_kinds_of_places_are_compared_by_overlap(kind):
    found = distance_of(kind)

    assert found.name == f"1 - overlap of {kind.replace('_', ' ')}"
    assert apart(found, [], []) == 0.0


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("choice", "nominal"),
        ("pairwise", "nominal"),
        ("multiple_choice", "MASI"),
        ("text", "edit distance / length"),
        ("rating", "ordinal"),
        ("number", "interval"),
        ("ranking", "(1 - Kendall's τ) / 2"),
    ],
)
def test_each_type_of_question_has_its_distance(kind, name):
    assert distance_of(kind).name == name


def test_an_unknown_type_is_refused_with_what_there_is():
    with pytest.raises(UnsupportedLabels, match="'survey': choose from audio_regions, boxes"):
        distance_of("survey")
