"""Masks as run lengths, worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import InvalidAnswer, InvalidInterface
from tasks.interface import Checker, parse
from tasks.interface.masks import merged

MASKS = {"type": "masks", "name": "m", "labels": ["road", "grass"], "of": "${url}"}


def mask(counts, label="road", size=(2, 3)):
    return {"label": label, "size": list(size), "counts": counts}


def check(*masks):
    return Checker(parse([MASKS])).check({"m": list(masks)})["m"]


@pytest.mark.parametrize(
    ("counts", "canonical"),
    [
        ([6], [6]),
        ([0, 6], [0, 6]),
        ([0, 5, 0, 1], [0, 6]),
        ([1, 0, 2, 3], [3, 3]),
        ([1, 2, 3, 0, 0], [1, 2, 3]),
        ([0, 0, 2, 4], [2, 4]),
        ([1.0, 5.0], [1, 5]),
    ],
)
def test_empty_runs_are_merged_away(counts, canonical):
    assert repr(check(mask(counts))) == repr([mask(canonical)])


@given(st.lists(st.integers(0, 3), min_size=1))
def test_merging_runs_changes_no_pixel(counts):
    assert pixels(merged(counts)) == pixels(counts)
    assert 0 not in merged(counts)[1:]


def pixels(counts):
    return [place % 2 for place, count in enumerate(counts) for _ in range(count)]


def test_masks_come_in_the_order_of_their_labels():
    assert check(mask([6], "grass"), mask([6])) == [mask([6]), mask([6], "grass")]


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ([mask([5])], "'m': mask 1 has counts for 5 pixels, of 6."),
        ([mask([6]), mask([0, 7], "grass")], "'m': mask 2 has counts for 7 pixels, of 6."),
        ([mask([6]), mask([0, 6])], "'m': a label has several masks: make them one."),
        ([mask([6]), mask([6])], "'m': a mask is there twice: leave one out."),
        ([mask([6]), mask([6], "grass", (3, 2))], "'m': the masks must all have the size of the"),
        ([mask([6, -1])], "Item 1 does not fit, at its 'counts'."),
        ([mask([])], "Item 1 does not fit, at its 'counts'."),
        ([mask([5.5, 0.5])], "Item 1 does not fit, at its 'counts'."),
        ([mask([4_097], size=(4_097, 1))], "Item 1 does not fit, at its 'size'."),
        ([mask([6], size=(2, 3, 1))], "Item 1 does not fit, at its 'size'."),
        ([mask([6])] * 3, "'m' must be a list of 0 to 2 masks, each"),
    ],
)
def test_masks_that_do_not_fit_are_refused(masks, message):
    with pytest.raises(InvalidAnswer) as refused:
        check(*masks)

    assert message in str(refused.value)


def test_there_are_no_more_masks_than_labels():
    with pytest.raises(InvalidInterface, match='"max" must be a number from 1 to 2'):
        parse([{**MASKS, "max": 3}])
