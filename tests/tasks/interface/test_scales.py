"""Ratings and numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import InvalidAnswer, InvalidInterface
from tasks.interface import Checker, Number, Rating, parse

RATING = {"type": "rating", "name": "r"}
NUMBER = {"type": "number", "name": "n"}


def checked(element, answer):
    return Checker(parse([element])).check(answer)[element["name"]]


def refusal(element, answer):
    with pytest.raises(InvalidAnswer) as refused:
        checked(element, answer)
    return str(refused.value)


def test_a_rating_goes_from_1_to_5_unless_told_otherwise():
    said = {"min": 0, "max": 100, "low": "bad", "high": "good", "title": "How?"}

    assert parse([RATING]).questions == (
        Rating("r", required=True, title="", least=1, most=5, low="", high=""),
    )
    assert parse([{**RATING, **said, "required": False}]).questions == (
        Rating("r", required=False, title="How?", least=0, most=100, low="bad", high="good"),
    )


@pytest.mark.parametrize("answer", [0, 6, 2.5, "3", None, True, [3]])
def test_a_rating_is_a_whole_number_within_its_bounds(answer):
    assert refusal(RATING, {"r": answer}) == "'r' must be a whole number from 1 to 5."


def test_a_rating_with_a_point_is_the_same_rating():
    assert repr(checked(RATING, 3.0)) == "3"


@pytest.mark.parametrize(
    ("element", "message"),
    [
        ({**RATING, "min": 0, "max": 101}, '"max" must be a number from 1 to 100'),
        ({**RATING, "min": 3, "max": 3}, '"max" must be a number from 4 to 103'),
        ({**RATING, "min": 0.5}, '"min" must be a number from -1000 to 999'),
        ({**RATING, "low": 7}, '"low" must be a string'),
        ({**RATING, "step": 1}, "does not know 'step'"),
        ({**NUMBER, "min": 2, "max": 2}, '"min" must be less than "max"'),
        ({**NUMBER, "min": "0"}, '"min" must be a number from -1000000000000000 to 10000'),
        ({**NUMBER, "max": float("nan")}, '"max" must be a number'),
        ({**NUMBER, "max": 10**400}, '"max" must be a number'),
        ({**NUMBER, "max": True}, '"max" must be a number'),
        ({**NUMBER, "step": 0}, '"step" must be a number from 1e-09 to'),
        ({**NUMBER, "step": 0.5, "max": 6e8}, '"max" must be a number from -500000000 to 50000'),
        ({**NUMBER, "unit": 7}, '"unit" must be a string'),
        ({**NUMBER, "digits": 2}, "does not know 'digits'"),
    ],
)
def test_a_faulty_scale_is_refused(element, message):
    with pytest.raises(InvalidInterface, match=message):
        parse([element])


def test_a_number_has_bounds_even_if_it_is_told_none():
    (plain,) = parse([NUMBER]).questions

    assert plain == Number(
        "n", required=True, title="", least=-1e15, most=1e15, start=0.0, step=None, unit=""
    )


@pytest.mark.parametrize(
    ("said", "answer", "stored"),
    [
        ({}, 5, "5.0"),
        ({}, -0.0, "0.0"),
        ({}, 0.1 + 0.2, "0.30000000000000004"),
        ({"step": 1}, 5.0, "5"),
        ({"step": 1}, -0.0, "0"),
        ({"step": 1}, 2.9999999, "3"),
        ({"step": 1}, 10**15, "1000000000000000"),
        ({"step": 0.1}, 0.1 + 0.2, "0.3"),
        ({"step": 0.1}, 3, "3.0"),
        ({"step": 5, "min": 2}, 12, "12"),
        ({"step": 1, "min": 0.5}, 2.5, "2.5"),
        ({"step": 0.01, "max": 0.3}, 0.3, "0.3"),
    ],
)
def test_a_number_is_whole_if_its_step_is_and_otherwise_has_a_point(said, answer, stored):
    assert repr(checked({**NUMBER, **said}, answer)) == stored


@pytest.mark.parametrize(
    ("said", "answer", "message"),
    [
        ({"min": 0, "max": 9}, 9.5, "'n' must be a number from 0 to 9."),
        ({"min": 0, "max": 9, "unit": "kg"}, "9", "'n' must be a number from 0 to 9 (kg)."),
        ({"min": 0, "max": 9, "step": 2}, 3, "'n' must be a number from 0 to 9 in steps of 2."),
        ({"min": 1, "max": 9, "step": 2}, 4, "from 1 to 9 in steps of 2 from 1."),
        ({"step": 1}, 2.9999, "in steps of 1."),
        ({"step": 1, "max": 2.9999999}, 2.9999999, "in steps of 1."),
        ({}, float("nan"), "must be a number"),
        ({"step": 1}, float("nan"), "must be a number"),
        ({}, float("inf"), "must be a number"),
        ({}, 10**400, "must be a number"),
        ({}, True, "must be a number"),
    ],
)
def test_a_number_that_does_not_fit_is_refused_with_what_is_allowed(said, answer, message):
    assert message in refusal({**NUMBER, **said}, {"n": answer})


@given(st.integers(-(10**9), 10**9), st.sampled_from([0.1, 0.01, 0.25, 0.003, 1e-9]))
def test_every_step_is_stored_as_the_float_next_to_it(count, step):
    answer = count * step  # with the error of a float product

    assert checked({**NUMBER, "step": step}, answer) == float(count * Decimal(str(step)))
