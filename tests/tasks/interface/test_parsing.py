"""How an interface is read, and refused."""

from __future__ import annotations

import pytest
from hypothesis import given

from tasks.errors import TasksError
from tasks.interface import (
    Choice,
    Display,
    Interface,
    InvalidInterface,
    Option,
    Text,
    parse,
)
from tests.tasks.interface.strategies import json_values

IMAGE = {"type": "image", "value": "${url}"}
LABEL = {"type": "choice", "name": "label", "options": ["cat", "dog"]}
TAGS = {"type": "choice", "name": "tags", "options": ["big", "wet", "old"], "multiple": True}
NOTE = {"type": "text", "name": "note", "required": False, "max_length": 10}
CAT_OR_DOG = (Option("cat", "cat"), Option("dog", "dog"))


def test_an_interface_is_a_list_of_elements_that_ask_or_show():
    assert parse([IMAGE, LABEL]) == Interface(
        (
            Display("image", "${url}"),
            Choice(
                name="label",
                options=CAT_OR_DOG,
                multiple=False,
                required=True,
                least=1,
                most=1,
                title="",
            ),
        )
    )


def test_an_object_with_elements_is_read_as_its_list():
    assert parse({"elements": [IMAGE, LABEL]}) == parse([IMAGE, LABEL])


def test_an_option_is_a_string_or_a_value_with_a_label():
    options = ["cat", {"value": "dog", "label": "A dog"}, {"value": "fox"}]

    (choice,) = parse([{**LABEL, "options": options}]).questions

    assert isinstance(choice, Choice)
    assert choice.options == (Option("cat", "cat"), Option("dog", "A dog"), Option("fox", "fox"))


def test_a_text_with_a_name_asks_and_one_with_a_value_shows():
    shown, asked = parse(
        [{"type": "text", "value": "Read: ${body}"}, {**NOTE, "title": "Why?"}]
    ).elements

    assert shown == Display("text", "Read: ${body}")
    assert asked == Text("note", max_length=10, required=False, title="Why?")


def test_a_text_answer_is_required_and_up_to_ten_thousand_characters_unless_said_otherwise():
    assert parse([{"type": "text", "name": "note"}]).questions == (
        Text("note", max_length=10_000, required=True, title=""),
    )


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ({}, 1, 3),
        ({"required": False}, 0, 3),
        ({"min": 0}, 0, 3),
        ({"min": 2, "max": 2}, 2, 2),
    ],
)
def test_a_required_multiple_choice_wants_one_option_unless_told_how_many(said, least, most):
    (tags,) = parse([{**TAGS, **said}]).questions

    assert isinstance(tags, Choice)
    assert (tags.least, tags.most) == (least, most)


def test_the_fields_a_task_must_have_are_those_the_templates_name():
    interface = parse(
        [IMAGE, {"type": "html", "value": "<b>${a b}</b> ${url} $5 {x} ${a b}"}, LABEL]
    )

    assert interface.fields == {"url", "a b"}
    assert interface.elements[1].fields == ("a b", "url")


def test_a_template_is_filled_from_the_input_and_a_missing_field_is_nothing():
    display = Display("text", "${n} of ${total}: ${title}")

    assert display.fill({"n": 3, "title": "${n}"}) == "3 of : ${n}"


@pytest.mark.parametrize(
    ("interface", "message"),
    [
        ("choice", "must be a list of 1 to 50 elements"),
        ([], "must be a list of 1 to 50 elements"),
        ([LABEL] * 51, "must be a list of 1 to 50 elements"),
        ({"elements": [LABEL], "colour": "red"}, "The interface: does not know 'colour'"),
        ([IMAGE], "asks nothing: add an element such as"),
        ([LABEL, {**NOTE, "name": "label"}], "Two elements are named 'label'"),
        (["choice"], 'Element 1 must be an object with a "type"'),
        (
            [LABEL, {"type": "dance", "name": "b"}],
            "Element 2: type 'dance' is not supported. Asking: ch",
        ),
        ([{"type": ["choice"]}], r"type \['choice'\] is not supported"),
        (
            [{**LABEL, "mandatory": True}],
            "Element 1: does not know 'mandatory'. It knows max, min, mul",
        ),
        ([{**LABEL, "name": "Label"}], 'needs a "name" of 1 to 50 of a-z, 0-9 and _'),
        ([{**LABEL, "name": "a" * 51}], 'needs a "name"'),
        ([{**LABEL, "name": "label\n"}], 'needs a "name"'),
        ([{"type": "choice", "options": ["a"]}], 'needs a "name"'),
        ([{**LABEL, "options": []}], '"options" must be a list of 1 to 1000 options'),
        ([{**LABEL, "options": "cat"}], '"options" must be a list of 1 to 1000 options'),
        ([{**LABEL, "options": [str(n) for n in range(1_001)]}], "a list of 1 to 1000 options"),
        ([{**LABEL, "options": ["cat", 7]}], 'Element 1, option 2: write "cat" or {"value": "cat"'),
        ([{**LABEL, "options": [""]}], 'option 1: write "cat"'),
        ([{**LABEL, "options": [{"label": "A cat"}]}], 'option 1: write "cat"'),
        ([{**LABEL, "options": [{"value": "a", "hint": "b"}]}], "option 1: does not know 'hint'"),
        ([{**LABEL, "options": ["cat", "dog", "cat"]}], "option 'cat' is there twice"),
        ([{**LABEL, "options": ["x" * 201]}], '"value" must be a string of at most 200 characters'),
        ([{**LABEL, "options": ["a\x00"]}], "without NUL or surrogates"),
        ([{**LABEL, "options": ["\ud800"]}], "without NUL or surrogates"),
        ([{**LABEL, "options": [{"value": "a", "label": 7}]}], '"label" must be a string'),
        ([{**LABEL, "multiple": "yes"}], '"multiple" must be true or false'),
        ([{**LABEL, "min": 1}], '"min" and "max" go with "multiple": true'),
        ([{**TAGS, "max": 4}], '"max" must be a number from 1 to 3'),
        ([{**TAGS, "max": True}], '"max" must be a number from 1 to 3'),
        ([{**TAGS, "min": 3, "max": 2}], '"min" must be a number from 0 to 2'),
        ([{**NOTE, "max_length": 0}], '"max_length" must be a number from 1 to 100000'),
        ([{**NOTE, "title": "x" * 501}], '"title" must be a string of at most 500'),
        ([{**NOTE, "value": "x"}], "does not know 'value'"),
        ([{"type": "image"}, LABEL], r'Element 1: needs a "value" such as "\${field}"\.'),
        ([{"type": "text"}, LABEL], r'"\${field}" \(or a "name", to ask for a text\)'),
        ([{"type": "text", "value": "${a"}, LABEL], r'write a field of the input as "\${field}"'),
        ([{"type": "text", "value": "${}"}, LABEL], r'write a field of the input as "\${field}"'),
    ],
)
def test_a_faulty_interface_is_refused_and_the_message_says_what_to_write(interface, message):
    with pytest.raises(InvalidInterface, match=message):
        parse(interface)


def test_the_choices_have_at_most_a_thousand_options_together():
    many = [str(n) for n in range(501)]

    with pytest.raises(InvalidInterface, match="have 1002 options, of at most 1000"):
        parse([{**LABEL, "options": many}, {**TAGS, "options": many}])


def test_a_faulty_interface_is_a_domain_error_with_its_own_message():
    assert issubclass(InvalidInterface, TasksError)
    assert str(InvalidInterface()).startswith("The interface is not a list of elements")


@given(json_values)
def test_any_json_is_either_read_as_an_interface_or_refused_by_a_domain_error(value):
    try:
        interface = parse(value)
    except InvalidInterface:
        return
    assert interface.questions
