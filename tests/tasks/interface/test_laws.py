"""What holds of every type of element."""

from __future__ import annotations

import json

import fastjsonschema
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from tasks.errors import InvalidAnswer
from tasks.interface import QUESTIONS, Checker, InvalidInterface, answer_schema, parse
from tests.tasks.interface.strategies import ELEMENTS, answers, interface_of, json_values

CHECKERS = {key: Checker(parse(interface_of(key))) for key in ELEMENTS}
LIGHTLY = settings(max_examples=25, deadline=None)  # of seventeen elements each
MARKS = [key for key in ELEMENTS if key in QUESTIONS and hasattr(QUESTIONS[key], "clean")]


def canonical(key, answer):
    """Return the canonical form, or None if the answer is refused."""
    try:
        return CHECKERS[key].check(answer)
    except InvalidAnswer:
        return None


def test_the_laws_are_tried_on_every_type():
    assert set(QUESTIONS) <= set(ELEMENTS)
    assert len(MARKS) == 8


@pytest.mark.parametrize("key", ELEMENTS)
@LIGHTLY
@given(data=st.data())
def test_the_canonical_form_of_a_canonical_form_is_itself(key, data):
    once = canonical(key, data.draw(answers(key)))
    if once is None:
        return

    again = CHECKERS[key].check(once)

    assert repr(again) == repr(once)  # types, signs of zero and order of keys included
    assert json.loads(json.dumps(once, allow_nan=False)) == once


@pytest.mark.parametrize("key", ELEMENTS)
def test_a_canonical_answer_fits_the_schema_that_is_derived_from_the_interface(key):
    validate = fastjsonschema.compile(answer_schema(parse(interface_of(key))))

    @LIGHTLY
    @given(answers(key))
    def law(answer):
        once = canonical(key, answer)
        assert once is None or validate(once) == once

    law()


@pytest.mark.parametrize("key", ELEMENTS)
def test_every_strategy_finds_answers_that_fit(key):
    found = find(answers(key), lambda answer: canonical(key, answer) is not None)

    assert canonical(key, found)


@pytest.mark.parametrize("key", MARKS)
@LIGHTLY
@given(data=st.data())
def test_marks_in_any_order_are_one_answer(key, data):
    answer = data.draw(answers(key))
    shuffled = {name: data.draw(st.permutations(each)) for name, each in answer.items()}

    assert canonical(key, shuffled) == canonical(key, answer)


@pytest.mark.parametrize("key", ELEMENTS)
@LIGHTLY
@given(data=st.data())
def test_junk_is_refused_by_a_domain_error_and_by_nothing_else(key, data):
    names = st.sampled_from([question.name for question in CHECKERS[key].interface.questions])
    junk = data.draw(json_values | st.dictionaries(names, json_values))

    once = canonical(key, junk)

    assert once is None or CHECKERS[key].check(once) == once


@pytest.mark.parametrize("key", ELEMENTS)
@LIGHTLY
@given(data=st.data())
def test_a_fitting_answer_with_junk_in_one_place_is_refused_by_a_domain_error_or_fits(key, data):
    answer = json.loads(json.dumps(data.draw(answers(key))))
    spoil(answer, data)

    once = canonical(key, answer)

    assert once is None or CHECKERS[key].check(once) == once


@pytest.mark.parametrize("key", ELEMENTS)
@LIGHTLY
@given(data=st.data())
def test_an_element_with_junk_in_one_place_is_read_or_refused_by_a_domain_error(key, data):
    elements = json.loads(json.dumps(interface_of(key)))
    spoil(elements, data)

    try:
        interface = parse(elements)
    except InvalidInterface:
        return
    assert interface.questions


def spoil(value, data):
    """Put junk somewhere into a JSON object or list."""
    while isinstance(value, dict | list) and value:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(value[key], dict | list) or data.draw(st.booleans()):
            value[key] = data.draw(json_values)
            return
        value = value[key]
