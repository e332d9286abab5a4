"""Parts of answers: each question by itself, in the form in which a whole answer is stored."""

from __future__ import annotations

import pytest

from tasks.errors import InvalidAnswer
from tasks.interface import Checker, parse
from tasks.interface.partial import PartChecker

LABEL = {"type": "choice", "name": "label", "options": ["cat", "dog"]}
SEEN = {"type": "choice", "name": "seen", "options": ["ear", "paw", "tail"], "multiple": True}
MARKED = [
    {"type": "text", "value": "${text}"},
    {"type": "spans", "name": "names", "of": "${text}", "labels": ["who", "where"]},
    {"type": "relations", "name": "links", "spans": "names", "labels": ["in"]},
]
SPANS = [{"start": 0, "end": 3, "label": "who"}, {"start": 7, "end": 12, "label": "where"}]
LINK = {"label": "in", "from": {"start": 0, "end": 3}, "to": {"start": 7, "end": 12}}


def parts(*elements):
    return PartChecker(parse(list(elements)))


def test_what_is_not_answered_may_be_left_out():
    assert parts(LABEL, SEEN).check({"label": "cat"}) == {"label": "cat"}


def test_a_part_has_the_form_of_the_whole():
    both = {"seen": ["tail", "ear"], "label": "dog"}

    found = parts(LABEL, SEEN).check(both)

    assert found == Checker(parse([LABEL, SEEN])).check(both)
    assert list(found) == ["label", "seen"]
    assert found["seen"] == ["ear", "tail"]


def test_where_one_thing_is_asked_the_bare_value_will_do():
    assert parts(LABEL).check("cat") == {"label": "cat"}


@pytest.mark.parametrize("part", [None, [], 7, "cat", {}, {"label": "cat", "other": 1}])
def test_what_answers_nothing_or_something_else_is_refused_by_naming_the_questions(part):
    with pytest.raises(InvalidAnswer, match="some of the fields 'label', 'seen'"):
        parts(LABEL, SEEN).check(part)


def test_a_wrong_answer_is_refused_by_saying_what_is_allowed():
    with pytest.raises(InvalidAnswer, match="'label' must be one of 'cat', 'dog'"):
        parts(LABEL, SEEN).check({"label": "cow", "seen": ["ear"]})


def test_a_condition_of_a_page_is_for_whole_answers_only():
    paged = {
        "type": "survey",
        "pages": [
            {"title": "a", "elements": [LABEL]},
            {"title": "b", "elements": [SEEN], "show_if": {"name": "label", "is": "cat"}},
        ],
    }

    assert parts(paged).check({"label": "dog", "seen": ["ear"]})["seen"] == ["ear"]


def test_relations_are_of_spans_in_the_same_part():
    assert parts(*MARKED).check({"names": SPANS, "links": [LINK]})["links"] == [LINK]
    assert parts(*MARKED).check({"names": SPANS})["names"] == SPANS
    with pytest.raises(InvalidAnswer, match="must be a span given in 'names'"):
        parts(*MARKED).check({"links": [LINK]})
