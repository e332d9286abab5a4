from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.aggregation.skill import Estimate, estimate

records = st.integers(0, 3_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_without_answers_anything_is_possible():
    assert estimate(0, 0) == Estimate(estimate=0.5, low=0.0, high=1.0, answers=0)


@pytest.mark.parametrize(
    ("right", "answers", "low", "high"),
    [  # quantiles of the Beta distribution as SciPy gives them
        (3, 3, 0.464416756957050, 1.0),
        (8, 10, 0.497225503560007, 0.955940586447369),
        (90, 100, 0.829876070347813, 0.947415324709331),
        (0, 20, 0.0, 0.116638982904875),
        (391_705, 435_226, 0.899109755447307, 0.900892276932177),
        (1, 2_000_000, 5.394882594e-08, 2.337098462e-06),
    ],
)
def test_the_interval_is_that_of_jeffreys_prior(right, answers, low, high):
    found = estimate(right, answers)

    assert found.low == pytest.approx(low, abs=1e-9)
    assert found.high == pytest.approx(high, abs=1e-9)


def test_three_right_of_three_is_promising_and_not_certain():
    found = estimate(3, 3)

    assert found.estimate == 0.875
    assert found.low < 0.5


@pytest.mark.parametrize(("right", "answers"), [(-1, 3), (4, 3), (0, -1)])
def test_a_record_that_cannot_be_is_refused(right, answers):
    with pytest.raises(ValueError, match="is not possible"):
        estimate(right, answers)


@given(records)
def test_the_estimate_lies_in_its_interval_and_the_interval_in_zero_to_one(record):
    found = estimate(*record)

    assert 0 <= found.low <= found.estimate <= found.high <= 1


@given(records)
def test_one_more_right_answer_among_as_many_never_lowers_anything(record):
    right, answers = record
    worse, better = estimate(right, answers + 1), estimate(right + 1, answers + 1)

    assert worse.estimate < better.estimate
    assert worse.low <= better.low
    assert worse.high <= better.high


@given(records, st.integers(2, 10))
def test_the_interval_narrows_as_answers_of_the_same_kind_add_up(record, times):
    right, answers = record
    few, many = estimate(right, answers), estimate(times * right, times * answers)

    assert many.high - many.low <= few.high - few.low


@given(records)
def test_wrong_answers_mirror_right_ones(record):
    right, answers = record
    found, mirrored = estimate(right, answers), estimate(answers - right, answers)

    assert found.low == pytest.approx(1 - mirrored.high, abs=1e-9)
    assert found.estimate == pytest.approx(1 - mirrored.estimate)
