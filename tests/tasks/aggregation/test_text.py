from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.aggregation.labels import Consensus, Fit, Label
from tasks.aggregation.text import normalise, text_majority


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hello  world", "hello world"),
        ("  a\tb\n", "a b"),
        ("STRASSE", "straße"),
        ("\uff21\uff22\u3000\uff11", "ab 1"),
        ("\ufb01ne", "fine"),
        ("\u0065\u0301", "\u00e9"),
        ("no\u00a0break", "no break"),
    ],
)
def test_spelling_that_only_looks_different_counts_as_the_same(one, other):
    assert normalise(one) == normalise(other)


def test_accents_and_punctuation_make_a_difference():
    assert normalise("resume") != normalise("résumé")
    assert normalise("it's") != normalise("its")


@given(st.text())
def test_normalising_again_changes_nothing(text):
    assert normalise(normalise(text)) == normalise(text)


def test_the_commonest_spelling_of_the_winning_text_is_returned():
    fit = text_majority(
        [
            Label(1, 1, "New York"),
            Label(1, 2, "new york"),
            Label(1, 3, "New  York"),
            Label(1, 4, "New York"),
            Label(1, 5, "Boston"),
        ]
    )

    assert fit.consensus == {1: Consensus("New York", 0.8)}


def test_ties_go_to_the_alphabetically_first_text_and_spelling():
    fit = text_majority(
        [Label(1, 1, "b"), Label(1, 2, "a"), Label(2, 1, "x"), Label(2, 2, "X")],
    )

    assert fit.consensus == {1: Consensus("a", 0.5), 2: Consensus("X", 1.0)}


def test_skill_is_agreement_on_what_was_meant():
    fit = text_majority([Label(1, 1, "Yes"), Label(1, 2, "yes"), Label(1, 3, "YES ")])

    assert fit.skills == {1: 1.0, 2: 1.0, 3: 1.0}


def test_no_texts_give_an_empty_fit():
    assert text_majority([]) == Fit({}, {})
