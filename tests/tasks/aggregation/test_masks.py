from __future__ import annotations

from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Reading
from tasks.aggregation.masks import fit_masks_vote
from tasks.aggregation.overlap import list_similarity
from tests.tasks.aggregation.drawn_crowds import mask, mask_crowd, picture


def fit_one(*answers):
    return fit_masks_vote([Reading(1, worker, answer) for worker, answer in enumerate(answers)])


def test_a_pixel_is_in_when_more_than_half_marked_it():
    fit = fit_one(
        [mask([[1, 1, 0], [1, 0, 0]])],
        [mask([[1, 1, 0], [0, 0, 1]])],
        [mask([[1, 0, 0], [0, 0, 0]])],
    )

    # Down the columns: 1, then three of [1 0, 1 0, 0 1]: the majority is the top left pair.
    assert fit.consensus[1].value == [{"label": "cat", "size": [2, 3], "counts": [0, 1, 1, 1, 3]}]


def test_a_pixel_that_half_of_the_workers_marked_is_out():
    fit = fit_one([mask([[1, 1]])], [mask([[1, 0]])])

    assert fit.consensus[1].value == [mask([[1, 0]])]


def test_each_label_is_a_vote_of_its_own_and_masks_may_overlap():
    both = [mask([[1, 1, 0]], "cat"), mask([[0, 1, 1]], "fur")]

    fit = fit_one(both, both, [mask([[1, 0, 0]], "dog")])

    assert fit.consensus[1].value == both


def test_two_masks_of_one_label_are_one_mask():
    halves, whole = [mask([[1, 0, 0, 0]]), mask([[0, 0, 0, 1]])], [mask([[1, 0, 0, 1]])]

    fit = fit_one(halves, whole, whole)

    assert fit.consensus[1].value == whole
    assert fit.skills == {0: 1.0, 1: 1.0, 2: 1.0}


def test_the_confidence_is_the_mean_over_the_pixels_that_anybody_marked():
    # One pixel has three of three strangers (odds 64 to 1), three have one (odds 1 to 4).
    fit = fit_one([mask([[1, 1, 1, 1, 0]])], [mask([[1, 0, 0, 0, 0]])], [mask([[1, 0, 0, 0, 0]])])

    assert fit.consensus[1].confidence == pytest.approx((64 / 65 + 3 * 0.8) / 4, abs=0.02)


def test_a_skill_is_the_likeness_to_what_the_others_marked():
    three = [mask([[1, 1, 0, 0]])]

    fit = fit_one(three, three, three, [mask([[0, 1, 0, 0]])])

    assert fit.skills == {0: 1.0, 1: 1.0, 2: 1.0, 3: 0.5}


def test_masks_of_different_sizes_on_one_task_are_refused():
    with pytest.raises(UnsupportedLabels, match="same size"):
        fit_one([mask([[1, 1]])], [mask([[1], [1]])])


def test_runs_that_do_not_fill_the_image_are_refused():
    with pytest.raises(UnsupportedLabels, match="2 by 3 pixels must add up"):
        fit_one([{"label": "cat", "size": [2, 3], "counts": [0, 5]}])


pictures = st.lists(
    st.lists(st.booleans(), min_size=12, max_size=12), min_size=3, max_size=3
).filter(lambda rows: any(map(any, rows)))


@settings(max_examples=60, deadline=None)
@given(st.lists(pictures, min_size=1, max_size=5))
def test_on_one_image_the_vote_of_an_odd_crowd_of_strangers_is_the_majority_pixel_by_pixel(drawn):
    # Three or five strangers on one image: their rates cannot yet differ enough to matter.
    odd = drawn[: len(drawn) - 1 + len(drawn) % 2]
    majority = np.mean([np.array(rows) for rows in odd], axis=0) > 0.5

    found = fit_one(*([mask(rows)] for rows in odd)).consensus[1].value

    assert [picture(m).tolist() for m in found] == [majority.tolist()] * bool(majority.any())


def test_a_simulated_crowd_is_better_than_its_workers_and_than_the_majority():
    crowd = mask_crowd()
    consensus = fit_masks_vote(crowd.readings).consensus

    ours = fmean(
        list_similarity(found.value, crowd.truth[task], "masks")
        for task, found in consensus.items()
    )

    workers = [list_similarity(r.value, crowd.truth[r.task], "masks") for r in crowd.readings]
    majority = [
        list_similarity([_majority(crowd, task)], truth, "masks")
        for task, truth in crowd.truth.items()
    ]
    assert ours > fmean(workers) + 0.1
    assert ours > fmean(majority)


def _majority(crowd, task):
    drawn = [picture(r.value[0]) for r in crowd.readings if r.task == task]
    return mask(np.mean(drawn, axis=0) > 0.5)


def test_an_image_of_a_billion_pixels_is_no_more_work_than_a_small_one():
    size = [30_000, 40_000]
    wide = {"label": "sky", "size": size, "counts": [0, 600_000_000, 600_000_000]}
    narrow = {"label": "sky", "size": size, "counts": [0, 300_000_000, 900_000_000]}

    assert fit_one([wide], [narrow], [wide]).consensus[1].value == [wide]
