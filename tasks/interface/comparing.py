"""Questions that compare: ``pairwise`` and ``ranking``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from tasks.interface.choice import draw
from tasks.interface.question import Question, in_words, values_of
from tasks.interface.reading import (
    Element,
    Option,
    read_count,
    read_flag,
    read_options,
    read_question,
    read_template,
)
from tasks.interface.templates import fields_of


@dataclass(frozen=True, kw_only=True)
class Pairwise(Question):
    """Ask which of two is better.

    The answers ``left`` and ``right`` mean the templates, on whichever side they were shown.
    """

    kind: ClassVar[str] = "pairwise"

    left: str  # template
    right: str
    tie: bool  # whether neither may be better

    @classmethod
    def read(cls, place: str, element: Element) -> Self:
        return cls(
            **read_question(place, element, {"left", "right", "tie"}),
            left=read_template(place, element, "left"),
            right=read_template(place, element, "right"),
            tie=read_flag(place, element, "tie", default=False),
        )

    @property
    def fields(self) -> tuple[str, ...]:
        return fields_of(self.left, self.right)

    @property
    def outcomes(self) -> tuple[str | int, ...]:
        return ("left", "right", "tie") if self.tie else ("left", "right")

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.outcomes)}

    def allowed(self) -> str:
        return "must be one of " + ", ".join(repr(each) for each in self.outcomes)

    def canonical(self, answer: Any) -> str:
        return str(answer)


@dataclass(frozen=True, kw_only=True)
class Ranking(Question):
    """Ask for the first ``top`` of ``items``, best first."""

    kind: ClassVar[str] = "ranking"

    items: tuple[Option, ...]
    top: int  # places to fill; all items unless told otherwise

    @classmethod
    def read(cls, place: str, element: Element) -> Self:
        common = read_question(place, element, {"items", "top"})
        items = read_options(place, element, "items", least=2)
        places = range(1, len(items) + 1)
        top = read_count(place, element, "top", len(items), places)
        return cls(**common, items=items, top=top)

    @property
    def listed(self) -> tuple[Option, ...]:
        return self.items

    def schema(self) -> dict[str, Any]:
        return {
            "type": "array",
            "items": {"enum": values_of(self.items)},
            "uniqueItems": True,
            "minItems": self.top,
            "maxItems": self.top,
        }

    def allowed(self) -> str:
        return (
            f"must be a list of {self.top} different items, best first, of {in_words(self.items)}"
        )

    def canonical(self, answer: Any) -> list[str]:
        return list(answer)


def shown_flipped(element: Pairwise, assignment_id: int) -> bool:
    """Whether this assignment shows ``right`` on the left: half of them do.

    Decided by the first bit of SHA-256 of ``assignment:element``, so that it can be computed
    again, and proven, long after the answer.
    """
    return draw(assignment_id, element.name)[0] >= 128  # noqa: PLR2004 - half of a byte
