from __future__ import annotations

import nltk
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.agreement.edits import edit_distance, relative_distance


@pytest.mark.parametrize(
    ("first", "second", "edits"),
    [
        ("kitten", "sitting", 3),
        ("flaw", "lawn", 2),
        ("", "abc", 3),
        ("abc", "", 3),
        ("", "", 0),
        ("a" * 200, "a" * 199 + "b", 1),
    ],
)
def test_edits_turn_one_text_into_the_other(first, second, edits):
    assert edit_distance(first, second) == edits


@given(st.text("abc", max_size=80), st.text("abc", max_size=80))
def test_edits_are_those_of_the_table_of_prefixes(first, second):
    assert edit_distance(first, second) == nltk.edit_distance(first, second)


def test_the_distance_is_a_share_of_the_longer_text():
    assert relative_distance("kitten", "sitting") == 3 / 7
    assert relative_distance("", "ab") == 1.0


def test_two_empty_texts_are_the_same():
    assert relative_distance("", "") == 0.0
