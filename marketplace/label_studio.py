"""Our interfaces, tasks and answers in the words of Label Studio, and its results in ours.

A question becomes a control tag of the same name; what a task shows becomes an object tag
named by its kind and place, such as ``image-1``, and what marks are made on, where it is not
shown besides, one named by the question, such as ``image-cats``. How each type of question is
asked and answered is in ``marketplace.label_studio_forms``.
Source: https://labelstud.io/guide/predictions and the pages of https://labelstud.io/tags/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from marketplace.backend_http import BackendAnswerInvalid, BackendError
from marketplace.label_studio_forms import Form, Value, form_of
from tasks.errors import InvalidAnswer
from tasks.interface import Display, Interface, Question, Survey, fill

OBJECT_TAGS = {
    "image": "Image",
    "text": "Text",
    "audio": "Audio",
    "video": "Video",
    "html": "HyperText",
}
NOTHING_SHOWN = "text-0"  # a control needs an object, even where a task shows nothing
WHOLE_FIELD = re.compile(r"\$\{(\w+)\}\Z")
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # in XML 1.0


class NotExpressible(BackendError):
    """Label Studio has no form for anything that this interface asks."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class Shown(NamedTuple):
    """Something of the task's input, as an object tag."""

    kind: str
    name: str
    template: str

    @property
    def field(self) -> str:
        """The field of the task's data that holds it; one of its own for more than a field."""
        whole = WHOLE_FIELD.match(self.template)
        return whole[1] if whole else f"filled_{self.name.replace('-', '_')}"


class Control(NamedTuple):
    """A question that Label Studio has a form for."""

    question: Question
    form: Form
    to_name: str  # the object's that it is about


def label_config(interface: Interface) -> str:
    """Return the labeling config, XML, of what a model can be asked.

    Questions that Label Studio has no form for are left out. Raises ``NotExpressible`` when
    that leaves none, or for an option with a character that XML cannot hold.
    """
    view, controls = ET.Element("View"), _controls(interface)
    if not controls:
        raise NotExpressible
    for shown in _shown(interface):
        attributes = {"name": shown.name, "value": f"${shown.field}"}
        ET.SubElement(view, OBJECT_TAGS[shown.kind], attributes)
    if any(control.to_name == NOTHING_SHOWN for control in controls):
        ET.SubElement(view, "Text", {"name": NOTHING_SHOWN, "value": ""})
    for question, form, to_name in controls:
        named = {"name": question.name, "toName": to_name}
        control = ET.SubElement(view, form.tag, {**named, **form.attributes(question)})
        for option in question.listed:
            ET.SubElement(control, form.option_tag, {"value": option.value})
    config = ET.tostring(view, encoding="unicode")
    if found := UNWRITABLE.search(config):
        raise NotExpressible(f"An option has the character {found[0]!r}, which XML cannot hold.")
    return config


def task_data(interface: Interface, task_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of a task that the config refers to: its input, and templates filled in."""
    filled = {
        shown.field: fill(shown.template, task_input)
        for shown in _shown(interface)
        if not WHOLE_FIELD.match(shown.template)
    }
    return {**task_input, **filled}


def example(
    interface: Interface, task: int, task_input: Mapping[str, Any], answer: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a task with its answer, to learn from."""
    annotation = {"id": task, "result": to_result(interface, answer)}
    return {"id": task, "data": task_data(interface, task_input), "annotations": [annotation]}


def to_answer(interface: Interface, result: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what ``result``, a prediction's parts, answers to the interface's questions.

    A question that it says nothing of is left out, and how many marks there must be is not
    looked at, so that the answer may still not be one that ``Checker`` lets pass. Parts about
    anything else are ignored. Places outside the image are cut off at its edge, and boxes of
    which nothing remains left out. Raises ``BackendAnswerInvalid`` for a part that is no
    possible answer to its question.
    """
    answer = {}
    for question, form, _ in _controls(interface):
        parts = [part for part in result if part.get("from_name") == question.name]
        if not parts:
            continue
        try:
            found = form.read(question, [_value(part, form) for part in parts])
            answer[question.name] = question.canonical(found)
        except InvalidAnswer as problem:
            raise BackendAnswerInvalid(f"The model's answer: {problem}") from None
        except KeyError as missing:
            raise BackendAnswerInvalid(
                f"The result for {question.name!r} lacks {missing} in its value."
            ) from None
        except (ValueError, TypeError, OverflowError) as problem:
            raise BackendAnswerInvalid(
                f"The result for {question.name!r} is no {form.type}: {problem!s:.200}."
            ) from None
    return answer


def to_result(interface: Interface, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return ``answer`` in the parts of a result; what Label Studio has no form for is left out."""
    return [
        {
            "id": f"{question.name}-{place}",
            "from_name": question.name,
            "to_name": to_name,
            "type": form.type,
            "value": value,
        }
        for question, form, to_name in _controls(interface)
        if answer.get(question.name) is not None
        for place, value in enumerate(form.write(answer[question.name]), 1)
    ]


def _elements(interface: Interface) -> Iterator[Question | Display]:
    for element in interface.elements:
        if isinstance(element, Survey):
            for page in element.pages:
                yield from page.elements
        else:
            yield element


def _shown(interface: Interface) -> list[Shown]:
    """Return what displays show and marks are made on, each once."""
    elements = list(_elements(interface))
    displays = [each for each in elements if isinstance(each, Display)]
    found = [
        Shown(display.kind, f"{display.kind}-{place}", display.value)
        for place, display in enumerate(displays, 1)
        if display.kind in OBJECT_TAGS
    ]
    for question in interface.questions:
        form = form_of(question)
        of = getattr(question, "of", "")
        if form and form.object_kind and not _find(found, form.object_kind, of):
            found.append(Shown(form.object_kind, f"{form.object_kind}-{question.name}", of))
    return found


def _find(shown: Sequence[Shown], kind: str, template: str) -> Shown | None:
    return next((each for each in shown if (each.kind, each.template) == (kind, template)), None)


def _controls(interface: Interface) -> list[Control]:
    shown = _shown(interface)
    found = []
    for question in interface.questions:
        form = form_of(question)
        if form is None:
            continue
        on = _find(shown, form.object_kind, getattr(question, "of", "")) if shown else None
        about = on or next(iter(shown), None)
        found.append(Control(question, form, about.name if about else NOTHING_SHOWN))
    return found


def _value(part: Mapping[str, Any], form: Form) -> Value:
    value = part.get("value")
    if not isinstance(value, dict) or part.get("type", form.type) != form.type:
        raise ValueError(f'its parts need "type": "{form.type}" and a "value"')
    return value
