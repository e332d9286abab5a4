from __future__ import annotations

import pytest

from tasks.aggregation.known import agrees, comparable

KINDS = {"label": "choice", "note": "text", "size": "number", "boxes": "boxes", "order": "ranking"}
BOX = {"x": 0, "y": 0, "width": 10, "height": 10, "label": "cat"}


@pytest.mark.parametrize(
    ("said", "known", "same"),
    [
        ({"label": "cat"}, {"label": "cat"}, True),
        ({"label": "Cat"}, {"label": "cat"}, False),
        ({"note": "Whole  Cat "}, {"note": "whole cat"}, True),
        ({"size": 101}, {"size": 100}, True),
        ({"size": 105}, {"size": 100}, False),
        ({"boxes": [{**BOX, "width": 11}]}, {"boxes": [BOX]}, True),
        ({"boxes": [{**BOX, "x": 9}]}, {"boxes": [BOX]}, False),
        ({"order": ["b", "a"]}, {"order": ["a", "b"]}, False),
        ({"strange": "cat"}, {"strange": "cat"}, True),
        ({"strange": "CAT"}, {"strange": "cat"}, False),
    ],
)
def test_answers_are_the_same_within_the_tolerance_of_their_kind(said, known, same):
    assert agrees(said, known, KINDS) is same


def test_every_known_element_must_be_said_and_others_do_not_matter():
    known = {"label": "cat", "size": 5}

    assert agrees({"label": "cat", "size": 5, "note": "x"}, known, KINDS)
    assert not agrees({"label": "cat"}, known, KINDS)
    assert not agrees({"label": "cat", "size": 9}, known, KINDS)


def test_nothing_known_is_always_agreed_to():
    assert agrees({}, {}, KINDS)


def test_only_exact_kinds_can_be_compared_by_their_text():
    assert comparable({"label": 1, "order": 1}, KINDS)
    assert not comparable({"label": 1, "note": 1}, KINDS)
