"""Which mathematics each element of an interface gets. No rows, and nothing slow to import."""

from __future__ import annotations

import pytest

from tasks.combine import Combined, combine
from tasks.interface import parse

LABEL = {"type": "choice", "name": "label", "options": ["cat", "dog"]}
SEEN = {"type": "choice", "name": "seen", "options": ["cat", "dog", "bird"], "multiple": True}
SAID = {"type": "text", "name": "said"}
NOTE = {"type": "text", "name": "note", "required": False}


def combined(elements, answers, method="majority_vote", gold=None):
    return combine(parse(elements), answers, method=method, gold=gold or {})


def told(decided):
    """By task and element: what was decided, how surely, how, and on how many answers."""
    return {
        (each.task, each.name): (each.value, each.confidence, each.method, each.answers)
        for each in decided.consensus
    }


def test_a_choice_is_decided_by_the_most_votes():
    decided = combined(
        [LABEL],
        [
            (1, 11, {"label": "cat"}),
            (1, 12, {"label": "dog"}),
            (1, 13, {"label": "cat"}),
            (2, 11, {"label": "dog"}),
        ],
    )

    two_thirds = pytest.approx(2 / 3)
    assert decided.consensus == [
        Combined(1, "label", "cat", two_thirds, two_thirds, False, "majority_vote", 3),
        Combined(2, "label", "dog", 1.0, 1.0, False, "majority_vote", 1),
    ]


def test_a_workers_share_is_how_often_the_others_agreed():
    decided = combined(
        [LABEL],
        [(1, 11, {"label": "cat"}), (1, 12, {"label": "cat"}), (1, 13, {"label": "dog"})],
    )

    assert decided.right == {11: (0.5, 1), 12: (0.5, 1), 13: (0.0, 1)}


def test_no_answers_are_no_consensus():
    decided = combined([LABEL, SEEN, SAID], [])

    assert (decided.consensus, decided.right) == ([], {})


def test_each_option_of_a_multiple_choice_is_decided_by_itself():
    decided = combined(
        [SEEN],
        [
            (1, 11, {"seen": ["cat", "dog"]}),
            (1, 12, {"seen": ["cat"]}),
            (1, 13, {"seen": ["cat", "dog", "bird"]}),
        ],
    )

    # Birds were seen by one of three, so that the others are two thirds sure there are none.
    assert told(decided) == {
        (1, "seen"): (["cat", "dog"], pytest.approx(2 / 3), "majority_vote", 3)
    }
    assert set(decided.right) == {11, 12, 13}


def test_an_option_needs_more_than_half_of_the_votes():
    decided = combined([SEEN], [(1, 11, {"seen": ["cat"]}), (1, 12, {"seen": ["dog"]})])

    assert told(decided)[1, "seen"] == ([], 0.5, "majority_vote", 2)


def test_text_is_decided_by_the_commonest_whatever_its_case():
    decided = combined(
        [SAID],
        [
            (1, 11, {"said": "Good  Morning"}),
            (1, 12, {"said": "good morning"}),
            (1, 13, {"said": "good evening"}),
        ],
    )

    assert told(decided)[1, "said"] == (
        "Good  Morning",
        pytest.approx(2 / 3),
        "text_majority",
        3,
    )


def test_an_element_that_may_be_left_out_is_decided_by_those_who_answered_it():
    decided = combined(
        [LABEL, NOTE],
        [
            (1, 11, {"label": "cat", "note": "asleep"}),
            (1, 12, {"label": "cat"}),
            (2, 11, {"label": "dog"}),
        ],
    )

    assert told(decided) == {
        (1, "label"): ("cat", 1.0, "majority_vote", 2),
        (2, "label"): ("dog", 1.0, "majority_vote", 1),
        (1, "note"): ("asleep", 1.0, "text_majority", 1),
    }


def test_a_share_is_the_mean_over_the_elements_and_counts_answers_once():
    decided = combined(
        [LABEL, SAID],
        [
            (1, 11, {"label": "cat", "said": "a"}),
            (1, 12, {"label": "cat", "said": "b"}),
            (2, 11, {"label": "cat", "said": "a"}),
        ],
    )

    # They agreed on the label and not on the text.
    assert decided.right[12] == (0.5, 1)
    assert decided.right[11] == (0.5, 2)


@pytest.mark.parametrize("method", ["text_majority", "rover", "no such method"])
def test_a_choice_is_not_decided_by_a_method_for_text_or_by_none(method):
    decided = combined([LABEL, SEEN], [(1, 11, {"label": "cat", "seen": ["dog"]})], method)

    assert told(decided) == {
        (1, "label"): ("cat", 1.0, "majority_vote", 1),
        (1, "seen"): (["dog"], 1.0, "majority_vote", 1),
    }


@pytest.mark.parametrize("method", ["majority_vote", "dawid_skene", "no such method"])
def test_text_is_not_decided_by_a_method_for_choices_or_by_none(method):
    decided = combined([SAID], [(1, 11, {"said": "a"})], method)

    assert told(decided) == {(1, "said"): ("a", 1.0, "text_majority", 1)}


def test_nobody_is_right_because_they_agree_with_themselves():
    decided = combined([LABEL], [(1, 11, {"label": "cat"}), (2, 12, {"label": "dog"})])

    assert decided.right == {}


def test_what_is_shown_is_not_decided_on():
    decided = combined([{"type": "image", "value": "${url}"}, LABEL], [(1, 11, {"label": "cat"})])

    assert list(told(decided)) == [(1, "label")]


def test_a_model_has_a_voice_and_is_no_worker():
    decided = combined(
        [LABEL],
        [(1, 11, {"label": "cat"}), (1, -1, {"label": "dog"}), (1, -2, {"label": "dog"})],
    )

    assert told(decided)[1, "label"] == ("dog", pytest.approx(2 / 3), "majority_vote", 1)
    assert set(decided.right) == {11}
