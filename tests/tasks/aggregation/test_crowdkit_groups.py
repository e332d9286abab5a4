"""crowd-kit's other aggregators behind our adapters. Importing crowd-kit takes seconds."""

from __future__ import annotations

import inspect
from collections import Counter

import numpy as np
import pytest
from crowdkit import aggregation
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation import methods, multiple
from tasks.aggregation.comparisons import Comparison, compare
from tasks.aggregation.errors import NotEnoughLabels, UnsupportedLabels
from tasks.aggregation.labels import Found, Merged, Reading
from tasks.aggregation.majority import majority
from tests.tasks.aggregation.strategies import shuffles

PAIRS = [
    Comparison(worker, one, other, "right" if worker == 3 else "left")
    for worker in range(4)
    for one, other in (("a", "b"), ("b", "c"), ("a", "c"))
]


def test_all_of_crowd_kits_aggregators_have_a_name():
    classes = [name for name, _ in inspect.getmembers(aggregation, inspect.isclass)]

    assert len(classes) == 22
    assert len({methods.canonical_name(name) for name in classes}) == 22


@pytest.mark.parametrize("method", methods.COMPARISONS)
def test_a_clear_order_is_found_by_every_method(method):
    scores = methods.fit_comparisons(method, PAIRS)

    assert sorted(scores, key=scores.__getitem__, reverse=True) == ["a", "b", "c"]


@pytest.mark.parametrize("method", methods.COMPARISONS)
def test_no_comparisons_have_no_scores(method):
    assert methods.fit_comparisons(method, []) == {}


def test_our_scores_are_those_of_compare():
    ours = methods.fit_comparisons("crowd_bradley_terry", PAIRS)

    assert ours == {item: score.score for item, score in compare(PAIRS).scores.items()}


@pytest.mark.parametrize("method", ["bradley_terry", "noisy_bradley_terry"])
def test_order_does_not_matter_ties_are_left_out_and_the_dice_are_put_back(method):
    np.random.seed(7)
    expected = np.random.random()
    np.random.seed(7)

    scores = methods.fit_comparisons(method, PAIRS)

    assert np.random.random() == expected
    assert methods.fit_comparisons(method, [*PAIRS[::-1], Comparison(1, "a", "z", "tie")]) == scores
    with pytest.raises(NotEnoughLabels, match="ties"):
        methods.fit_comparisons(method, [Comparison(1, "a", "z", "tie")])


@pytest.mark.parametrize("method", methods.EMBEDDINGS)
def test_the_answer_nearest_to_the_others_is_chosen(method):
    numbers = [
        Reading(task, w, v + task) for task in range(4) for w, v in enumerate((5, 6, 6.5, 20))
    ]
    lists = [reading._replace(value=[1.0, reading.value]) for reading in numbers]

    found, of_lists = methods.fit_embeddings(method, numbers), methods.fit_embeddings(method, lists)

    assert all(found.consensus[task].value in {6 + task, 6.5 + task} for task in range(4))
    assert all(0.5 < found.consensus[task].confidence < 1 for task in range(4))
    assert all(of_lists.consensus[task].value[0] == 1.0 for task in range(4))


@pytest.mark.parametrize("method", methods.EMBEDDINGS)
def test_a_single_answer_is_chosen_and_nothing_comes_of_nothing(method):
    assert methods.fit_embeddings(method, [Reading(0, 0, 0)]) == Merged({0: Found(0, 1.0)}, {})
    assert methods.fit_embeddings(method, []) == Merged({}, {})


@pytest.mark.parametrize("method", methods.EMBEDDINGS)
def test_neither_the_order_of_embeddings_nor_the_names_of_workers_matter(method):
    @settings(max_examples=4, deadline=None)
    @given(
        st.dictionaries(
            st.tuples(st.integers(0, 2), st.integers(0, 4)),
            st.integers(-5, 5),
            min_size=3,
            max_size=12,
        ),
        st.data(),
    )
    def law(pairs, data):
        readings = [Reading(*pair, value) for pair, value in pairs.items()]
        names = data.draw(shuffles(range(5)))
        other = data.draw(shuffles([r._replace(worker=names[r.worker]) for r in readings]))

        merged = methods.fit_embeddings(method, readings)

        assert methods.fit_embeddings(method, other) == merged
        for task, found in merged.consensus.items():
            assert found.value in [r.value for r in readings if r.task == task]
            assert 0 <= found.confidence <= 1

    law()


@pytest.mark.parametrize(
    ("values", "message"),
    [(["x", 1], "not a number"), ([True, 1], "not a number"), ([[1, 2], [1]], "same length"),
     ([[], []], "same length"), ([float("nan"), 1], "not a number")],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(values, message):
    with pytest.raises(UnsupportedLabels, match=message):
        methods.fit_embeddings("rasa", [Reading(0, w, value) for w, value in enumerate(values)])


def test_options_win_by_more_than_half_of_the_answers():
    given_readings = [
        Reading(0, 0, ["a", "b"]), Reading(0, 1, ["a"]), Reading(0, 2, ["a", "b", "c"]),
        Reading(1, 0, []), Reading(1, 1, ["c"]),
    ]  # fmt: skip

    merged = methods.fit_multiple("BinaryRelevance", given_readings)

    assert merged == Merged({0: Found(["a", "b"], 2 / 3), 1: Found([], 1 / 2)}, {})


def test_nothing_ticked_is_a_consensus_too():
    merged = methods.fit_multiple("binary_relevance", [Reading(0, 0, []), Reading(0, 1, [])])

    assert merged == Merged({0: Found([], 1.0)}, {})
    assert methods.fit_multiple("binary_relevance", []) == Merged({}, {})


@settings(max_examples=10, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 2), st.integers(0, 4)),
        st.frozensets(st.sampled_from("abc")),
        min_size=1,
        max_size=12,
    )
)
def test_binary_relevance_is_our_option_by_option_majority(pairs):
    given_readings = [Reading(*pair, sorted(ticked)) for pair, ticked in pairs.items()]

    theirs = methods.fit_multiple("binary_relevance", given_readings)

    rows = [(*pair, ticked) for pair, ticked in pairs.items()]
    ours = multiple.fit_multiple(rows, "abc", lambda _, labels: majority(labels))
    assert {task: tuple(found.value) for task, found in theirs.consensus.items()} == {
        task: chosen.options for task, chosen in ours.consensus.items()
    }
    assert Counter(theirs.consensus.keys()) == Counter({task for task, _ in pairs})


@pytest.mark.parametrize("value", ["ab", [1], [""], None, ["a\nb"]])
def test_what_is_no_list_of_options_is_refused(value):
    with pytest.raises(UnsupportedLabels, match="not a list of options"):
        methods.fit_multiple("binary_relevance", [Reading(0, 0, value)])
