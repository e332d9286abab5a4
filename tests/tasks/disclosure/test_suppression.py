"""No cell of few people can be read, or computed from what is published."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.disclosure.suppression import hidden

SIZES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 40), max_size=8)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({}, set()),
        ({"DE": 10, "FR": 30}, set()),
        ({"DE": 0, "FR": 30}, set()),
        ({"DE": 9, "FR": 30, "IT": 12}, {"DE", "IT"}),  # or the total would tell DE
        ({"DE": 4, "FR": 30, "IT": 6}, {"DE", "IT"}),  # ten together: enough
        ({"DE": 4, "FR": 30, "IT": 5}, {"DE", "IT", "FR"}),
        ({"DE": 9}, {"DE"}),
        ({"DE": 3, "FR": 20, "IT": 20}, {"DE", "FR"}),  # of equals the first by name
    ],
)
def test_worked_examples(sizes, expected):
    assert hidden(sizes) == expected


def test_groups_that_share_people_never_add_up_to_enough():
    assert hidden({"final": 6, "overturned": 7, "pending": 20}, apart=False) == {
        "final", "overturned", "pending",
    }  # fmt: skip


@given(SIZES, st.booleans())
def test_what_is_shown_has_enough_people_or_none(sizes, apart):
    shown = set(sizes) - hidden(sizes, apart=apart)

    assert all(sizes[name] == 0 or sizes[name] >= 10 for name in shown)


@given(SIZES)
def test_the_total_minus_what_is_shown_is_nobody_or_enough(sizes):
    left_out = hidden(sizes)
    rest = sum(sizes[name] for name in left_out)

    assert rest == 0 or rest >= 10 or left_out == {name for name in sizes if sizes[name]}


@given(SIZES)
def test_the_rest_is_never_one_small_group(sizes):
    left_out = hidden(sizes)

    assert len(left_out) != 1 or sum(sizes.values()) < 10


@given(SIZES)
def test_nothing_is_left_out_of_a_table_without_small_groups(sizes):
    assert hidden({name: size + 10 for name, size in sizes.items()}) == set()


@given(SIZES, st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_the_groups_does_not_matter(sizes, apart, random):
    mixed = list(sizes.items())
    random.shuffle(mixed)

    assert hidden(dict(mixed), apart=apart) == hidden(sizes, apart=apart)
