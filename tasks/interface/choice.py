"""The question ``choice``: one of several options, or some of them."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar, Self

from tasks.errors import InvalidInterface
from tasks.interface.question import Question, between, in_words, values_of
from tasks.interface.reading import (
    Element,
    Option,
    read_count,
    read_flag,
    read_options,
    read_question,
)


@dataclass(frozen=True, kw_only=True)
class Choice(Question):
    """Ask for one of ``options``, or for several of them."""

    kind: ClassVar[str] = "choice"

    options: tuple[Option, ...]
    multiple: bool
    least: int  # options to tick; 0 or 1 unless ``multiple``
    most: int
    shuffle: bool = False  # show the options in another order in each assignment

    @classmethod
    def read(cls, place: str, element: Element) -> Self:
        """Read the element; a required multiple choice wants one option unless told how many."""
        common = read_question(place, element, {"options", "multiple", "min", "max", "shuffle"})
        options = read_options(place, element, "options")
        multiple = read_flag(place, element, "multiple", default=False)
        if not multiple and ("min" in element or "max" in element):
            raise InvalidInterface(f'{place}: "min" and "max" go with "multiple": true.')
        most = read_count(place, element, "max", len(options), range(1, len(options) + 1))
        one = int(common["required"])
        least = read_count(place, element, "min", one, range(most + 1))
        return cls(
            **common,
            options=options,
            multiple=multiple,
            least=least if multiple else one,
            most=most if multiple else 1,
            shuffle=read_flag(place, element, "shuffle", default=False),
        )

    @property
    def listed(self) -> tuple[Option, ...]:
        return self.options

    @property
    def outcomes(self) -> tuple[str | int, ...]:
        return tuple(values_of(self.options))

    def schema(self) -> dict[str, Any]:
        values = {"enum": values_of(self.options)}
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
        values = in_words(self.options)
        if not self.multiple:
            return f"must be one of {values}"
        count = between(self.least, self.most)
        return f"must be a list of {count} different options out of {values}"

    def canonical(self, answer: Any) -> str | list[str]:
        """Return the option, or the options ticked in the interface's order."""
        if not self.multiple:
            return str(answer)
        ticked = set(answer)
        return [option.value for option in self.options if option.value in ticked]


def shown_order(element: Choice, assignment_id: int) -> list[str]:
    """Return the options' values in the order in which this assignment shows them.

    With ``shuffle`` they are sorted by SHA-256 of ``assignment:element:value``, so that the
    order can be computed again, and proven, long after the answer.
    """
    values = values_of(element.options)
    if not element.shuffle:
        return values
    return sorted(values, key=lambda value: draw(assignment_id, element.name, value))


def draw(assignment_id: int, *parts: str) -> bytes:
    """Return 32 bytes that look random and follow from the arguments alone."""
    return sha256(":".join((str(assignment_id), *parts)).encode()).digest()
