from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from crowdkit.aggregation import SegmentationEM, SegmentationMajorityVote, SegmentationRASA
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation.crowdkit_masks import METHODS, fit_masks
from tasks.aggregation.errors import UnknownMethod, UnsupportedLabels
from tasks.aggregation.labels import Found, Merged, Reading
from tests.tasks.aggregation.drawn_crowds import mask, mask_crowd, picture
from tests.tasks.aggregation.test_masks import pictures

ORIGINALS = {
    "segmentation_majority_vote": SegmentationMajorityVote,
    "segmentation_rasa": SegmentationRASA,
    "segmentation_em": SegmentationEM,
}


def readings(*answers):
    return [Reading(1, worker, answer) for worker, answer in enumerate(answers)]


def _box(images):
    """Return the slices of what anybody marked."""
    _, rows, columns = np.nonzero(images)
    return np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


@pytest.mark.parametrize("method", METHODS)
def test_the_pixels_are_those_of_crowdkit(method):
    @settings(max_examples=15, deadline=None)
    @given(st.lists(pictures, min_size=1, max_size=4))
    def check(drawn):
        images = np.array(drawn)
        box = _box(images) if method == "segmentation_em" else np.s_[:, :]  # see ``fit_masks``
        cropped = [image[box] for image in images]
        frame = pd.DataFrame({"task": 1, "worker": range(len(drawn)), "segmentation": cropped})
        original = np.zeros(images[0].shape, bool)
        with np.errstate(all="ignore"):  # EM's bound can overflow, which crowd-kit means to bear
            original[box] = ORIGINALS[method]().fit_predict(frame).loc[1]

        found = fit_masks(method, readings(*([mask(rows)] for rows in drawn))).consensus[1].value

        assert [picture(m).tolist() for m in found] == [original.tolist()] * bool(original.any())

    check()


@pytest.mark.parametrize("method", METHODS)
def test_neither_the_order_nor_the_names_of_workers_matter(method):
    crowd = mask_crowd(tasks=3)
    renamed = [r._replace(worker=100 - r.worker) for r in reversed(crowd.readings)]

    fit, other = fit_masks(method, crowd.readings), fit_masks(method, renamed)

    assert other.consensus == fit.consensus
    assert other.skills == {100 - worker: skill for worker, skill in fit.skills.items()}


@pytest.mark.parametrize("method", METHODS)
def test_what_all_agree_on_is_the_answer_and_all_are_perfect(method):
    both = [mask([[1, 1, 0], [0, 0, 0]], "cat"), mask([[0, 0, 0], [0, 1, 1]], "dog")]

    fit = fit_masks(method, readings(both, both, both))

    assert fit == Merged({1: Found(both, 1.0)}, {0: 1.0, 1: 1.0, 2: 1.0})


@pytest.mark.parametrize("method", METHODS)
def test_most_of_the_workers_marking_nothing_is_an_answer(method):
    fit = fit_masks(method, readings([], [], [], [mask([[1, 0]])]))

    assert fit == Merged({1: Found([], 0.75)}, {0: 1.0, 1: 1.0, 2: 1.0, 3: 0.0})


@pytest.mark.parametrize("method", METHODS)
def test_no_answers_and_nothing_marked_are_no_problem(method):
    assert fit_masks(method, []) == Merged({}, {})
    assert fit_masks(method, readings([])) == Merged({1: Found([], 1.0)}, {})


def test_half_of_the_workers_are_enough_for_crowdkits_majority():
    drawn = readings([mask([[1, 1]])], [mask([[1, 0]])])

    fit = fit_masks("segmentation_majority_vote", drawn)

    assert fit.consensus == {1: Found([mask([[1, 1]])], 0.75)}
    assert fit.skills == {0: 0.5, 1: 0.5}


def test_a_small_mark_on_a_vast_image_is_unpacked_by_itself():
    spot = {"label": "cat", "size": [30_000, 40_000], "counts": [600_000_010, 5, 599_999_985]}

    fit = fit_masks("segmentation_em", readings([spot], [spot], [spot]))

    assert fit.consensus[1].value == [spot]


def test_an_unknown_method_and_a_second_answer_are_refused():
    with pytest.raises(UnknownMethod, match="segmentation_em"):
        fit_masks("segmentation_vote", [])
    with pytest.raises(UnsupportedLabels, match="more than once"):
        fit_masks("segmentation_em", [Reading(1, 7, []), Reading(1, 7, [])])
