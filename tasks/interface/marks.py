"""What all questions have in common that are answered by a list of labelled marks.

A mark is an object with a ``label`` and a place: a box, a span, a relation. Marks are stored
in a stated order, and no two of an answer are alike.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, Self

from tasks.errors import InvalidAnswer, InvalidInterface
from tasks.interface.question import Question, between, in_words, values_of
from tasks.interface.reading import (
    Element,
    Option,
    read_count,
    read_options,
    read_question,
    read_template,
)
from tasks.interface.templates import fields_of

MAX_MARKS = 1_000  # of one question in one answer

Mark = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Marks(Question):
    """Ask for ``least`` to ``most`` marks, each with one of ``labels``.

    Required means that the list must be there; it may be empty where ``least`` is 0.
    """

    noun: ClassVar[tuple[str, str]]  # of one mark and of several
    form: ClassVar[str]  # of one mark, in words
    keys: ClassVar[frozenset[str]] = frozenset()  # that only this type of element has

    labels: tuple[Option, ...]
    least: int
    most: int

    @classmethod
    def read(cls, place: str, element: Element) -> Self:
        common = read_question(place, element, {"labels", "min", "max", *cls.keys})
        labels = read_options(place, element, "labels")
        own = cls.read_own(place, element)
        highest = cls.highest(labels, own)
        most = read_count(place, element, "max", highest, range(1, highest + 1))
        least = read_count(place, element, "min", 0, range(most + 1))
        return cls(**common, **own, labels=labels, least=least, most=most)

    @classmethod
    def read_own(cls, place: str, element: Element) -> dict[str, Any]:
        """Read the keys that only this type of element has."""
        return {}

    @classmethod
    def highest(cls, labels: tuple[Option, ...], own: Mapping[str, Any]) -> int:
        """Return how many marks an answer can have at most."""
        return MAX_MARKS

    @property
    def listed(self) -> tuple[Option, ...]:
        return self.labels

    @cached_property
    def rank(self) -> dict[str, int]:
        """Each label's place among the labels."""
        return {value: place for place, value in enumerate(values_of(self.labels))}

    @abstractmethod
    def place_schema(self) -> dict[str, Any]:
        """Return the JSON Schemas of a mark's fields besides ``label``, all of them required."""

    @abstractmethod
    def clean(self, mark: Mark, which: str) -> Mark:
        """Return one mark in canonical form; raise ``unfit(which, …)`` if it has none."""

    @abstractmethod
    def order(self, mark: Mark) -> Any:
        """Return what canonical marks are sorted by; equal for equal marks only."""

    def check_together(self, marks: list[Mark]) -> None:
        """Raise ``InvalidAnswer`` if these marks, in order, do not go together."""

    def schema(self) -> dict[str, Any]:
        place = self.place_schema()
        return {
            "type": "array",
            "minItems": self.least,
            "maxItems": self.most,
            "items": {
                "type": "object",
                "properties": {"label": {"enum": values_of(self.labels)}, **place},
                "required": ["label", *place],
                "additionalProperties": False,
            },
        }

    def allowed(self) -> str:
        count = between(self.least, self.most)
        several = self.noun[1]
        return (
            f"must be a list of {count} {several}, each {self.form}; "
            f"labels are {in_words(self.labels)}"
        )

    def canonical(self, answer: Any) -> list[Mark]:
        """Return the marks in canonical form and order."""
        one = self.noun[0]
        marks = [self.clean(mark, f"{one} {number}") for number, mark in enumerate(answer, 1)]
        marks.sort(key=self.order)
        for before, after in pairwise(marks):
            if before == after:
                raise self.unfit(f"a {one}", "is there twice: leave one out")
        self.check_together(marks)
        return marks

    def unfit(self, which: str, why: str) -> InvalidAnswer:
        """Return the error that names a mark and what to do about it."""
        return InvalidAnswer(f"{self.name!r}: {which} {why}.")


@dataclass(frozen=True, kw_only=True)
class MarksOf(Marks):
    """Marks on something that the task's input holds: an image, a text, a recording."""

    keys: ClassVar[frozenset[str]] = frozenset({"of"})

    of: str  # template

    @classmethod
    def read_own(cls, place: str, element: Element) -> dict[str, Any]:
        of = read_template(place, element, "of")
        if not fields_of(of):
            raise InvalidInterface(f'{place}: "of" must name a field, such as "${{field}}".')
        return {"of": of}

    @property
    def fields(self) -> tuple[str, ...]:
        return fields_of(self.of)
