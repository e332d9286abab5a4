"""An alert needs people on both sides, a difference that matters, and one that is no accident."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.disclosure.disparity import compare

SHARES = st.dictionaries(st.sampled_from("abc"), st.lists(st.floats(0, 1), max_size=40), max_size=3)


def alerts(shares, **how):
    return [found.group for found in compare("m", shares, **how) if found.is_alert]


def test_a_group_with_half_of_what_others_have_is_an_alert():
    assert alerts({"DE": [0.9] * 50, "KE": [0.45] * 50}) == ["KE"]


def test_a_group_that_is_harmed_more_often_is_an_alert():
    assert alerts({"DE": [0.02] * 100, "KE": [0.3] * 50}, is_harm=True) == ["KE"]


def test_a_difference_within_a_fifth_is_none():
    assert alerts({"DE": [0.98] * 5000, "KE": [0.85] * 5000}) == []


def test_a_difference_that_may_be_an_accident_is_none():
    assert alerts({"DE": [1.0] * 12, "KE": [0.7] * 12}) == []


@pytest.mark.parametrize("few", [0, 9])
def test_fewer_than_ten_people_are_not_compared(few):
    assert compare("m", {"DE": [1.0] * 50, "KE": [0.0] * few}) == []


def test_a_group_is_compared_with_all_others_together():
    [first, *_] = compare("m", {"a": [1.0] * 10, "b": [0.0] * 10, "c": [1.0] * 30})

    assert (first.group, first.own.answers, first.others.answers) == ("a", 10, 40)
    assert first.others.estimate == pytest.approx(30.5 / 41)


@given(SHARES)
def test_only_the_worse_of_two_can_be_an_alert(shares):
    two = {name: shares[name] for name in sorted(shares)[:2]}

    assert len(alerts(two)) <= 1


@given(SHARES, st.randoms(use_true_random=False))
def test_order_does_not_matter(shares, random):
    mixed = {name: random.sample(shares[name], len(shares[name])) for name in reversed(shares)}

    assert compare("m", mixed) == compare("m", shares)
