"""Whether a part of an answer fits an interface: what a model says of some of its questions."""

from __future__ import annotations

from typing import Any

import fastjsonschema

from tasks.errors import InvalidAnswer
from tasks.interface.relations import Relations
from tasks.interface.whole import Interface


class PartChecker:
    """Checks each question that is answered by itself; none has to be, and pages do not count."""

    def __init__(self, interface: Interface) -> None:
        self._questions = interface.questions
        self._relations = [q for q in interface.questions if isinstance(q, Relations)]
        self._validate = {
            question.name: fastjsonschema.compile(question.schema(), use_default=False)
            for question in interface.questions
        }

    def check(self, part: object) -> dict[str, Any]:
        """Return ``part`` in the canonical form of an answer, questions in the interface's order.

        An interface that asks one thing accepts the bare value for ``{name: value}``. Raises
        ``InvalidAnswer`` where nothing is answered, something unknown, or something wrongly.
        """
        if not isinstance(part, dict) and len(self._questions) == 1:
            part = {self._questions[0].name: part}
        if not isinstance(part, dict) or not part or part.keys() - self._validate.keys():
            names = ", ".join(repr(question.name) for question in self._questions)
            raise InvalidAnswer(f"The answer must be an object with some of the fields {names}.")
        canonical = {}
        for question in self._questions:
            if question.name not in part:
                continue
            try:
                fitting = self._validate[question.name](part[question.name])
            except fastjsonschema.JsonSchemaValueException:
                raise question.refusal() from None
            canonical[question.name] = question.canonical(fitting)
        for relations in self._relations:
            relations.check_spans(canonical)
        return canonical
