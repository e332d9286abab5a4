"""Pages of questions, some shown only after certain answers."""

from __future__ import annotations

import pytest

from tasks.errors import InvalidAnswer, InvalidInterface
from tasks.interface import Checker, Condition, Survey, parse

DRIVES = {"type": "choice", "name": "drives", "options": ["yes", "no", "soon"]}
CAR = {"type": "text", "name": "car"}
HAPPY = {"type": "rating", "name": "happy", "required": False}
WHY = {"type": "text", "name": "why"}
PICTURE = {"type": "image", "value": "${url}"}
IF_DRIVING = {"name": "drives", "is": ["yes", "soon"]}
UNHAPPY = {"name": "happy", "is": 1}
PAGES = [
    {"title": "You", "elements": [DRIVES]},
    {"title": "Car", "elements": [PICTURE, CAR, HAPPY], "show_if": IF_DRIVING},
    {"elements": [WHY], "show_if": UNHAPPY},
]


def survey(*pages):
    return {"type": "survey", "pages": list(pages)}


def check(answer):
    return Checker(parse([survey(*PAGES)])).check(answer)


def refusal(answer):
    with pytest.raises(InvalidAnswer) as refused:
        check(answer)
    return str(refused.value)


def test_the_questions_of_a_survey_are_questions_of_the_interface():
    interface = parse([{"type": "text", "name": "first"}, survey(*PAGES), {**CAR, "name": "last"}])
    names = [question.name for question in interface.questions]
    (pages,) = [each.pages for each in interface.elements if isinstance(each, Survey)]

    assert names == ["first", "drives", "car", "happy", "why", "last"]
    assert interface.fields == {"url"}
    assert [page.title for page in pages] == ["You", "Car", ""]
    assert interface.conditions == {
        "car": Condition("drives", ("yes", "soon")),
        "happy": Condition("drives", ("yes", "soon")),
        "why": Condition("happy", (1,)),
    }


@pytest.mark.parametrize(
    "answer",
    [
        {"drives": "no"},
        {"drives": "soon", "car": "red"},
        {"drives": "yes", "car": "red", "happy": 2},
        {"drives": "yes", "car": "red", "happy": 1, "why": "Slow."},
    ],
)
def test_what_is_shown_is_answered_and_nothing_else(answer):
    assert check(answer) == answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({}, "'drives' is missing: it must be one of 'yes', 'no', 'soon'."),
        ({"drives": "yes"}, "'car' is missing: it must be a text of 1 to 10000 characters"),
        ({"drives": "yes", "car": "red", "happy": 1}, "'why' is missing: it must be a text"),
        (
            {"drives": "no", "car": "red"},
            "'car' must be left out: its page is shown only where 'drives' is 'yes' or 'soon'.",
        ),
        ({"drives": "no", "happy": 1, "why": "?"}, "'happy' must be left out"),
        ({"drives": "yes", "car": "red", "why": "?"}, "shown only where 'happy' is 1."),
        ({"drives": "no", "x": 1}, "no other fields than 'drives', 'car', 'happy', 'why'."),
    ],
)
def test_an_answer_that_does_not_fit_the_pages_is_refused(answer, message):
    assert message in refusal(answer)


def test_one_of_the_options_ticked_shows_the_page():
    several = {**DRIVES, "multiple": True, "required": False}
    checker = Checker(parse([several, survey({"elements": [CAR], "show_if": IF_DRIVING})]))

    assert checker.check({"drives": ["no"]}) == {"drives": ["no"]}
    assert checker.check({"drives": ["no", "soon"], "car": "red"})["car"] == "red"
    with pytest.raises(InvalidAnswer, match="'car' is missing"):
        checker.check({"drives": ["no", "soon"]})


def page(**changed):
    return {"elements": [CAR], "show_if": IF_DRIVING, **changed}


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ([{"type": "survey"}], 'Element 1: "pages" must be a list of 1 to 50 pages'),
        ([survey()], '"pages" must be a list of 1 to 50 pages'),
        ([{**survey(page()), "name": "s"}], "does not know 'name'"),
        ([survey("page")], 'Element 1, page 1 must be an object with a list of "elements"'),
        ([survey({})], 'page 1: "elements" must be a list of 1 to 50 elements'),
        ([survey({"elements": [CAR], "if": 1})], "page 1: does not know 'if'"),
        ([survey({"elements": [CAR], "title": 7})], '"title" must be a string'),
        ([survey({"elements": [{"type": "dance"}]})], "page 1, element 1: type 'dance' is not"),
        ([survey({"elements": [survey(page())]})], "page 1, element 1: type 'survey' is not"),
        ([survey({"elements": [CAR]}, {"elements": [CAR]})], "Two elements are named 'car'"),
        ([survey({"elements": [PICTURE]})], "asks nothing"),
        ([survey(page())], "'drives' must be a choice, rating or pairwise question on an earlier"),
        ([survey(page(elements=[DRIVES]))], "must be a choice, rating or pairwise question on an"),
        ([WHY, survey(page(show_if={"name": "why", "is": "x"}))], "'why' must be a choice, rati"),
        ([DRIVES, survey(page(show_if="yes"))], 'page 1, "show_if": write {"name": "seen"'),
        ([DRIVES, survey(page(show_if={"name": "drives"}))], '"show_if": write {"name": "seen"'),
        ([DRIVES, survey(page(show_if={**IF_DRIVING, "not": 1}))], "does not know 'not'"),
        ([DRIVES, survey(page(show_if={**IF_DRIVING, "name": 7}))], 'needs a "name"'),
        ([DRIVES, survey(page(show_if={**IF_DRIVING, "is": "maybe"}))], "such as 'yes', 'no', 's"),
        ([DRIVES, survey(page(show_if={**IF_DRIVING, "is": []}))], '"is" must be an answer to'),
        ([HAPPY, survey(page(show_if={**UNHAPPY, "is": True}))], '"is" must be an answer to'),
        ([HAPPY, survey(page(show_if={**UNHAPPY, "is": 6}))], "to 'happy', such as 1, 2, 3, 4, 5"),
    ],
)
def test_a_faulty_survey_is_refused(elements, message):
    with pytest.raises(InvalidInterface) as refused:
        parse(elements)

    assert message in str(refused.value)


def test_the_pages_ask_at_most_a_hundred_questions():
    pages = [
        {"elements": [{**CAR, "name": f"q{number}_{each}"} for each in range(34)]}
        for number in range(3)
    ]

    with pytest.raises(InvalidInterface, match="ask 102 questions, of at most 100"):
        parse([survey(*pages)])
