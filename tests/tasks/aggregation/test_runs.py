from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.aggregation.runs import (
    counts_of,
    counts_within,
    coverage,
    edges_of,
    ones_at,
    window,
)
from tests.tasks.aggregation.drawn_crowds import mask

columns = st.lists(st.booleans(), min_size=6, max_size=6)


def packed(pixels):
    return mask(np.array([pixels]))  # one row, so that down the columns is from left to right


def test_runs_that_do_not_fill_the_image_are_refused():
    with pytest.raises(ValueError, match="2 by 2 pixels must add up"):
        edges_of({"size": [2, 2], "counts": []})


def test_runs_of_no_length_are_read_as_if_they_were_not_there():
    edges = edges_of({"size": [1, 4], "counts": [1, 1, 0, 2]})

    assert ones_at(edges, np.arange(4)).tolist() == [False, True, True, True]


def test_weights_add_up_where_masks_overlap():
    masks = [edges_of(packed(pixels)) for pixels in ([1, 1, 0, 0], [0, 1, 1, 0])]

    starts, total = coverage(masks, [2.0, 1.0])

    assert starts.tolist() == [0, 1, 2, 3, 4]
    assert total.tolist() == [2, 3, 1, 0, 0]


@given(columns)
def test_packing_undoes_unpacking(pixels):
    whole = packed(pixels)
    edges = edges_of(whole)
    starts = np.unique([0, *edges])

    assert counts_of(starts, ones_at(edges, starts)) == whole["counts"]
    assert counts_within(np.array(pixels), 0, 6) == whole["counts"]


@given(columns, st.integers(0, 3), st.integers(3, 6))
def test_a_window_shows_the_pixels_from_first_to_before_last(pixels, first, last):
    inside = [p and first <= i < last for i, p in enumerate(pixels)]

    shown = window(edges_of(packed(pixels)), first, last)

    assert shown.tolist() == pixels[first:last]
    assert counts_within(shown, first, 6) == packed(inside)["counts"]
