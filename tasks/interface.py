"""What a worker is shown and asked: a project's ``interface``, and whether an answer fits it.

An interface is a JSON list of elements (or ``{"elements": [...]}``). An element with a
``name`` asks for an answer, one with a ``value`` shows something of the task's input:

    [{"type": "image", "value": "${url}"},
     {"type": "choice", "name": "label", "options": ["cat", "dog"]}]

No Django here: the edge, the steps and the command line read interfaces alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import fastjsonschema

from tasks.errors import InvalidAnswer, InvalidInterface

MAX_ELEMENTS = 50
MAX_OPTIONS = 1_000  # of all choices together: a checker's build time grows with them
MAX_OPTION_LENGTH = 200  # characters, of a value and of a label
MAX_TITLE_LENGTH = 500
MAX_TEMPLATE_LENGTH = 100_000
DEFAULT_TEXT_LENGTH = 10_000
MAX_TEXT_LENGTH = 100_000

NAME = re.compile(r"[a-z][a-z0-9_]{0,49}\Z")
FIELD = re.compile(r"\$\{([^{}]*)\}")
# PostgreSQL's JSON refuses NUL, and half a surrogate pair is not a character at all.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

DISPLAYS = frozenset({"image", "text", "audio", "video", "html"})
SUPPORTED = (
    "Asking: choice, text (with a name). Showing: audio, html, image, text (with a value), video."
)


@dataclass(frozen=True)
class Option:
    value: str  # what is stored
    label: str  # what is shown


@dataclass(frozen=True)
class Choice:
    """Ask for one of ``options``, or for several of them."""

    name: str
    options: tuple[Option, ...]
    multiple: bool
    required: bool
    least: int  # options to tick; 0 or 1 unless ``multiple``
    most: int
    title: str

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of this element's answer."""
        values = {"enum": [option.value for option in self.options]}
        if not self.multiple:
            return values
        return {
            "type": "array",
            "items": values,
            "uniqueItems": True,
            "minItems": self.least,
            "maxItems": self.most,
        }

    def allowed(self) -> str:
        """Say what may be answered, in words for whoever answered something else."""
        shown = ", ".join(repr(option.value) for option in self.options[:10])
        rest = len(self.options) - 10
        values = f"{shown} and {rest} more" if rest > 0 else shown
        if not self.multiple:
            return f"must be one of {values}"
        count = str(self.least) if self.least == self.most else f"{self.least} to {self.most}"
        return f"must be a list of {count} different options out of {values}"

    def canonical(self, answer: Any) -> str | list[str]:
        """Return a fitting answer in the one form that is stored: options in their order."""
        if not self.multiple:
            return str(answer)
        ticked = set(answer)
        return [option.value for option in self.options if option.value in ticked]


@dataclass(frozen=True)
class Text:
    """Ask for free text of at most ``max_length`` characters; required means not only spaces."""

    name: str
    max_length: int
    required: bool
    title: str

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of this element's answer."""
        visible = {"pattern": r"\S"} if self.required else {}
        return {"type": "string", "maxLength": self.max_length, **visible}

    def allowed(self) -> str:
        """Say what may be answered, in words for whoever answered something else."""
        some = "1" if self.required else "0"
        return (
            f"must be a text of {some} to {self.max_length} characters, without NUL or surrogates"
        )

    def canonical(self, answer: Any) -> str:
        """Return the text as it is; raises ``InvalidAnswer`` when it cannot be stored."""
        if UNSTORABLE.search(answer):
            raise InvalidAnswer(f"{self.name!r} {self.allowed()}.")
        return str(answer)


@dataclass(frozen=True)
class Display:
    """Show something of the task's input."""

    kind: str  # one of DISPLAYS
    value: str  # template: ${field} stands for the input's field of that name

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The fields a task's input must have, in order of appearance."""
        return tuple(dict.fromkeys(FIELD.findall(self.value)))

    def fill(self, task_input: Mapping[str, Any]) -> str:
        """Return ``value`` with the fields filled in; one that is missing becomes nothing.

        Nothing is escaped: whoever shows it knows whether it is text, HTML or an address.
        """
        return FIELD.sub(lambda field: str(task_input.get(field[1], "")), self.value)


@dataclass(frozen=True)
class Interface:
    elements: tuple[Choice | Text | Display, ...]

    @cached_property
    def questions(self) -> tuple[Choice | Text, ...]:
        """The elements that ask for an answer; at least one."""
        return tuple(e for e in self.elements if not isinstance(e, Display))

    @cached_property
    def fields(self) -> frozenset[str]:
        """The fields every task's input must have."""
        return frozenset(f for e in self.elements if isinstance(e, Display) for f in e.fields)


def answer_schema(interface: Interface) -> dict[str, Any]:
    """Return the JSON Schema (draft 7) of an answer, an object such as ``{"label": "cat"}``."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {question.name: question.schema() for question in interface.questions},
        "required": [question.name for question in interface.questions if question.required],
        "additionalProperties": False,
    }


def labels_of(question: Choice | Text, answer: Mapping[str, Any]) -> str | frozenset[str] | None:
    """Return what aggregation counts: a label, the set of options ticked, or None if left out."""
    value = answer.get(question.name)
    if value is None:
        return None
    return frozenset(value) if isinstance(value, list) else str(value)


class Checker:
    """Checks answers against one interface: milliseconds to build, microseconds to use."""

    def __init__(self, interface: Interface) -> None:
        self.interface = interface
        self._questions = interface.questions
        self._validate = fastjsonschema.compile(answer_schema(interface), use_default=False)

    def check(self, answer: object) -> dict[str, Any]:
        """Return ``answer`` in canonical form, equal for equal answers: fields in their order.

        An interface that asks one thing accepts the bare value for ``{name: value}``. Raises
        ``InvalidAnswer``, whose message names the field and what is allowed there.
        """
        if not isinstance(answer, dict) and len(self._questions) == 1:
            answer = {self._questions[0].name: answer}
        try:
            fitting = self._validate(answer)
        except fastjsonschema.JsonSchemaValueException as problem:
            raise InvalidAnswer(self._explain(problem)) from None
        return {
            question.name: question.canonical(fitting[question.name])
            for question in self._questions
            if question.name in fitting
        }

    def _explain(self, problem: fastjsonschema.JsonSchemaValueException) -> str:
        if len(problem.path) > 1:
            question = next(q for q in self._questions if q.name == problem.path[1])
            return f"{question.name!r} {question.allowed()}."
        if problem.rule == "required":
            answered = problem.value
            question = next(q for q in self._questions if q.required and q.name not in answered)
            return f"{question.name!r} is missing: it {question.allowed()}."
        names = ", ".join(repr(question.name) for question in self._questions)
        return f"The answer must be an object with no other fields than {names}."


def parse(interface: object) -> Interface:
    """Read an interface from its JSON form.

    Raises ``InvalidInterface``, whose message says which element is wrong and what to write.
    """
    elements = interface
    if isinstance(interface, dict):
        _refuse_unknown_keys("The interface", interface, {"elements"})
        elements = interface.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= MAX_ELEMENTS:
        raise InvalidInterface(f"The interface must be a list of 1 to {MAX_ELEMENTS} elements.")
    parsed = Interface(tuple(_element(f"Element {n}", e) for n, e in enumerate(elements, 1)))
    names = [question.name for question in parsed.questions]
    if not names:
        raise InvalidInterface(
            "The interface asks nothing: add an element such as "
            '{"type": "choice", "name": "label", "options": ["cat", "dog"]}.'
        )
    for name in names:
        if names.count(name) > 1:
            raise InvalidInterface(f"Two elements are named {name!r}: give each its own name.")
    options = sum(len(q.options) for q in parsed.questions if isinstance(q, Choice))
    if options > MAX_OPTIONS:
        raise InvalidInterface(f"The choices have {options} options, of at most {MAX_OPTIONS}.")
    return parsed


def _element(place: str, element: object) -> Choice | Text | Display:
    if not isinstance(element, dict):
        raise InvalidInterface(f'{place} must be an object with a "type". {SUPPORTED}')
    kind = element.get("type")
    if kind == "choice":
        return _choice(place, element)
    if kind == "text" and "name" in element:
        return _text(place, element)
    if isinstance(kind, str) and kind in DISPLAYS:
        return _display(place, element)
    raise InvalidInterface(f"{place}: type {kind!r:.60} is not supported. {SUPPORTED}")


def _choice(place: str, element: dict[str, Any]) -> Choice:
    _refuse_unknown_keys(
        place, element, {"type", "name", "options", "multiple", "required", "min", "max", "title"}
    )
    options = _options(place, element.get("options"))
    multiple = _flag(place, element, "multiple", default=False)
    required = _flag(place, element, "required", default=True)
    if not multiple and ("min" in element or "max" in element):
        raise InvalidInterface(f'{place}: "min" and "max" go with "multiple": true.')
    most = _count(place, element, "max", len(options), range(1, len(options) + 1))
    least = _count(place, element, "min", int(required), range(most + 1))
    return Choice(
        name=_name(place, element),
        options=options,
        multiple=multiple,
        required=required,
        least=least if multiple else int(required),
        most=most if multiple else 1,
        title=_string(place, element, "title", "", MAX_TITLE_LENGTH),
    )


def _text(place: str, element: dict[str, Any]) -> Text:
    _refuse_unknown_keys(place, element, {"type", "name", "max_length", "required", "title"})
    lengths = range(1, MAX_TEXT_LENGTH + 1)
    return Text(
        name=_name(place, element),
        max_length=_count(place, element, "max_length", DEFAULT_TEXT_LENGTH, lengths),
        required=_flag(place, element, "required", default=True),
        title=_string(place, element, "title", "", MAX_TITLE_LENGTH),
    )


def _display(place: str, element: dict[str, Any]) -> Display:
    _refuse_unknown_keys(place, element, {"type", "value"})
    value = _string(place, element, "value", "", MAX_TEMPLATE_LENGTH)
    if not value:
        hint = ' (or a "name", to ask for a text)' if element["type"] == "text" else ""
        raise InvalidInterface(f'{place}: needs a "value" such as "${{field}}"{hint}.')
    if "${" in FIELD.sub("", value) or "" in FIELD.findall(value):
        raise InvalidInterface(f'{place}: write a field of the input as "${{field}}".')
    return Display(kind=element["type"], value=value)


def _options(place: str, options: object) -> tuple[Option, ...]:
    if not isinstance(options, list) or not 1 <= len(options) <= MAX_OPTIONS:
        raise InvalidInterface(f'{place}: "options" must be a list of 1 to {MAX_OPTIONS} options.')
    parsed = tuple(_option(f"{place}, option {n}", option) for n, option in enumerate(options, 1))
    values = [option.value for option in parsed]
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise InvalidInterface(f"{place}: option {twice!r} is there twice.")
    return parsed


def _option(place: str, option: object) -> Option:
    fields = {"value": option} if isinstance(option, str) else option
    if not isinstance(fields, dict) or not fields.get("value"):
        raise InvalidInterface(f'{place}: write "cat" or {{"value": "cat", "label": "A cat"}}.')
    _refuse_unknown_keys(place, fields, {"value", "label"})
    value = _string(place, fields, "value", "", MAX_OPTION_LENGTH)
    return Option(value, _string(place, fields, "label", value, MAX_OPTION_LENGTH))


def _name(place: str, element: dict[str, Any]) -> str:
    name = element.get("name")
    if isinstance(name, str) and NAME.match(name):
        return name
    raise InvalidInterface(
        f'{place}: needs a "name" of 1 to 50 of a-z, 0-9 and _, starting with a letter.'
    )


def _string(place: str, fields: dict[str, Any], key: str, default: str, longest: int) -> str:
    value = fields.get(key, default)
    if isinstance(value, str) and len(value) <= longest and not UNSTORABLE.search(value):
        return value
    raise InvalidInterface(
        f'{place}: "{key}" must be a string of at most {longest} characters, '
        "without NUL or surrogates."
    )


def _flag(place: str, element: dict[str, Any], key: str, *, default: bool) -> bool:
    value = element.get(key, default)
    if isinstance(value, bool):
        return value
    raise InvalidInterface(f'{place}: "{key}" must be true or false.')


def _count(place: str, element: dict[str, Any], key: str, default: int, allowed: range) -> int:
    value = element.get(key, default)
    if isinstance(value, int) and not isinstance(value, bool) and value in allowed:
        return value
    raise InvalidInterface(f'{place}: "{key}" must be a number from {allowed[0]} to {allowed[-1]}.')


def _refuse_unknown_keys(place: str, fields: dict[str, Any], known: set[str]) -> None:
    # A version never changes, so a misspelt key would be wrong for good if it were ignored.
    if unknown := sorted(str(key) for key in fields if key not in known):
        raise InvalidInterface(
            f"{place}: does not know {unknown[0]!r:.60}. It knows {', '.join(sorted(known))}."
        )
