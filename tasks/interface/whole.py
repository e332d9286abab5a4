"""An interface as a whole, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tasks.interface.display import Display
from tasks.interface.question import Question
from tasks.interface.survey import Condition, Survey


@dataclass(frozen=True)
class Interface:
    elements: tuple[Question | Display | Survey, ...]

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """The elements that ask for an answer, also those on pages, in order; at least one."""
        return tuple(each for each, _ in self._placed() if isinstance(each, Question))

    @cached_property
    def conditions(self) -> dict[str, Condition]:
        """By name of a question that not everybody is asked: when it is asked."""
        return {
            each.name: condition
            for each, condition in self._placed()
            if isinstance(each, Question) and condition is not None
        }

    @cached_property
    def fields(self) -> frozenset[str]:
        """The fields every task's input must have."""
        return frozenset(field for each, _ in self._placed() for field in each.fields)

    def _placed(self) -> Iterator[tuple[Question | Display, Condition | None]]:
        """Each question and display with the condition of its page."""
        for element in self.elements:
            if isinstance(element, Survey):
                for page in element.pages:
                    yield from ((each, page.show_if) for each in page.elements)
            else:
                yield element, None


def answer_schema(interface: Interface) -> dict[str, Any]:
    """Return the JSON Schema (draft 7) of an answer, an object such as ``{"label": "cat"}``.

    What it cannot say, such as which pages of a survey are shown, ``Checker`` adds.
    """
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {question.name: question.schema() for question in interface.questions},
        "required": [
            question.name
            for question in interface.questions
            if question.required and question.name not in interface.conditions
        ],
        "additionalProperties": False,
    }
