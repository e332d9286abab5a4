"""What every question of an interface can say about itself and about an answer to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Self

from tasks.errors import InvalidAnswer
from tasks.interface.reading import Element, Option, spell


@dataclass(frozen=True)
class Question(ABC):
    """An element that asks for an answer.

    ``Checker`` first holds an answer against ``schema``, then asks for its ``canonical`` form,
    which may still refuse what a schema cannot say.
    """

    kind: ClassVar[str]  # the type by which an interface asks for it

    name: str
    _: KW_ONLY
    required: bool
    title: str

    @classmethod
    @abstractmethod
    def read(cls, place: str, element: Element) -> Self:
        """Read the element; raises ``InvalidInterface``, which says what is wrong at ``place``."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema (draft 7) of an answer."""

    @abstractmethod
    def allowed(self) -> str:
        """Say what may be answered, in words for whoever answered something else: "must …"."""

    @abstractmethod
    def canonical(self, answer: Any) -> Any:
        """Return an answer that fits ``schema`` in the one form that is stored.

        Equal answers have equal forms, and the form of a form is itself. Raises
        ``InvalidAnswer`` for what a schema cannot refuse.
        """

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields a task's input must have, in order of appearance."""
        return ()

    @property
    def listed(self) -> tuple[Option, ...]:
        """The options, labels or items that the requester listed, in their order."""
        return ()

    @property
    def outcomes(self) -> tuple[str | int, ...]:
        """What an answer can be, or can hold, where a page may depend on it; else empty."""
        return ()

    def refusal(self) -> InvalidAnswer:
        """Return the error that says what is allowed."""
        return InvalidAnswer(f"{self.name!r} {self.allowed()}.")


def values_of(options: Sequence[Option]) -> list[str]:
    """Return what is stored for each option."""
    return [option.value for option in options]


def in_words(options: Sequence[Option]) -> str:
    """Name the first ten options and count the rest."""
    shown = ", ".join(repr(option.value) for option in options[:10])
    rest = len(options) - 10
    return f"{shown} and {rest} more" if rest > 0 else shown


def between(least: float, most: float) -> str:
    """Say a range in words; a range of one number is said as that number."""
    return spell(least) if least == most else f"{spell(least)} to {spell(most)}"
