"""Choices and texts, checked and put into canonical form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import InvalidAnswer
from tasks.interface import Checker, answer_schema, parse

IMAGE = {"type": "image", "value": "${url}"}
LABEL = {"type": "choice", "name": "label", "options": ["cat", "dog"]}
TAGS = {"type": "choice", "name": "tags", "options": ["big", "wet", "old"], "multiple": True}
NOTE = {"type": "text", "name": "note", "required": False, "max_length": 10}


def checker(*elements: object) -> Checker:
    return Checker(parse(list(elements)))


def test_one_json_schema_describes_the_whole_answer():
    assert answer_schema(parse([IMAGE, LABEL, TAGS, NOTE, {"type": "text", "name": "why"}])) == {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "label": {"enum": ["cat", "dog"]},
            "tags": {
                "type": "array",
                "items": {"enum": ["big", "wet", "old"]},
                "uniqueItems": True,
                "minItems": 1,
                "maxItems": 3,
            },
            "note": {"type": "string", "maxLength": 10},
            "why": {"type": "string", "maxLength": 10_000, "pattern": r"\S"},
        },
        "required": ["label", "tags", "why"],
        "additionalProperties": False,
    }


def test_an_answer_comes_back_with_fields_and_options_in_the_interfaces_order():
    answer = checker(LABEL, TAGS, NOTE).check({"note": "", "tags": ["old", "big"], "label": "dog"})

    assert answer == {"label": "dog", "tags": ["big", "old"], "note": ""}
    assert list(answer) == ["label", "tags", "note"]


def test_an_optional_field_may_be_left_out():
    assert checker(LABEL, NOTE).check({"label": "cat"}) == {"label": "cat"}


def test_a_bare_answer_is_enough_when_one_thing_is_asked():
    assert checker(IMAGE, LABEL).check("cat") == {"label": "cat"}
    assert checker(TAGS).check(["wet"]) == {"tags": ["wet"]}
    assert checker(NOTE).check("fine") == {"note": "fine"}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"label": "cow", "tags": ["big"]}, "'label' must be one of 'cat', 'dog'."),
        ({"label": None, "tags": ["big"]}, "'label' must be one of 'cat', 'dog'."),
        ({"label": ["cat"], "tags": ["big"]}, "'label' must be one of 'cat', 'dog'."),
        ({"label": "cat"}, "'tags' is missing: it must be a list of 1 to 3 different options"),
        ({"label": "cat", "tags": []}, "'tags' must be a list of 1 to 3 different options out of"),
        ({"label": "cat", "tags": "big"}, "'tags' must be a list"),
        ({"label": "cat", "tags": ["big", "big"]}, "'tags' must be a list"),
        ({"label": "cat", "tags": ["tall"]}, "out of 'big', 'wet', 'old'."),
        ({"label": "cat", "tags": [["big"]]}, "'tags' must be a list"),
        ({"label": "cat", "tags": ["big"], "note": "x" * 11}, "'note' must be a text of 0 to 10"),
        ({"label": "cat", "tags": ["big"], "note": 7}, "'note' must be a text"),
        ({"label": "cat", "tags": ["big"], "note": "a\x00"}, "without NUL or surrogates"),
        ({"label": "cat", "tags": ["big"], "note": "\udfff"}, "without NUL or surrogates"),
        ({"label": "cat", "tags": ["big"], "x": 1}, "no other fields than 'label', 'tags', 'note'"),
        ("cat", "The answer must be an object"),
        (None, "The answer must be an object"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_with_the_field_and_what_is_allowed(answer, message):
    with pytest.raises(InvalidAnswer) as refusal:
        checker(LABEL, TAGS, NOTE).check(answer)

    assert message in str(refusal.value)


@pytest.mark.parametrize("answer", ["", "  \n", {"why": " "}, {}])
def test_a_required_text_needs_something_visible(answer):
    with pytest.raises(InvalidAnswer, match=r"'why' .*must be a text of 1 to 10000 characters"):
        checker({"type": "text", "name": "why"}).check(answer)


def test_a_fixed_number_of_options_is_said_as_one_number_and_long_lists_are_cut():
    many = checker({**TAGS, "options": [str(n) for n in range(30)], "min": 2, "max": 2})

    with pytest.raises(InvalidAnswer, match=r"a list of 2 different options .*'9' and 20 more"):
        many.check(["1"])


@given(st.permutations(["big", "wet", "old"]), st.integers(1, 3))
def test_equal_choices_give_one_canonical_answer_in_whatever_order_they_were_ticked(order, count):
    tags = checker(TAGS)

    assert tags.check(order[:count]) == tags.check(sorted(order[:count]))
