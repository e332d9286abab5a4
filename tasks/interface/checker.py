"""Whether an answer fits an interface: the check that every submit goes through."""

from __future__ import annotations

from typing import Any

import fastjsonschema

from tasks.errors import InvalidAnswer
from tasks.interface.question import Question
from tasks.interface.relations import Relations
from tasks.interface.whole import Interface, answer_schema

ITEM, INSIDE = 2, 4  # lengths of a problem's path: data, name, item, field of it


class Checker:
    """Checks answers against one interface: milliseconds to build, microseconds to use."""

    def __init__(self, interface: Interface) -> None:
        self.interface = interface
        self._questions = interface.questions
        self._by_name = {question.name: question for question in interface.questions}
        self._conditions = interface.conditions
        self._relations = [q for q in interface.questions if isinstance(q, Relations)]
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
        canonical = {
            question.name: question.canonical(fitting[question.name])
            for question in self._questions
            if question.name in fitting
        }
        if self._conditions:
            self._check_pages(canonical)
        for question in self._relations:
            question.check_spans(canonical)
        return canonical

    def _check_pages(self, answers: dict[str, Any]) -> None:
        """Refuse answers on pages that are not shown, and missing ones on pages that are."""
        # In order: what a condition asks about comes before, and is known to be there rightly.
        for name, condition in self._conditions.items():
            question = self._by_name[name]
            shown = condition.holds(answers)
            if not shown and name in answers:
                raise InvalidAnswer(
                    f"{name!r} must be left out: its page is shown only where "
                    f"{condition.name!r} is {' or '.join(map(repr, condition.values))}."
                )
            if shown and question.required and name not in answers:
                raise InvalidAnswer(_missing(question))

    def _explain(self, problem: fastjsonschema.JsonSchemaValueException) -> str:
        path = problem.path
        if len(path) > 1:
            question = self._by_name[path[1]]
            return f"{question.name!r} {question.allowed()}.{_where(path)}"
        if problem.rule == "required":
            wanted = (self._by_name[name] for name in problem.definition["required"])
            return _missing(next(each for each in wanted if each.name not in problem.value))
        names = ", ".join(repr(question.name) for question in self._questions)
        return f"The answer must be an object with no other fields than {names}."


def _missing(question: Question) -> str:
    return f"{question.name!r} is missing: it {question.allowed()}."


def _where(path: list[str]) -> str:
    """Say which item of a list does not fit."""
    if len(path) <= ITEM:
        return ""
    inside = f", at its {path[ITEM + 1]!r}" if len(path) >= INSIDE else ""
    return f" Item {int(path[ITEM]) + 1} does not fit{inside}."
