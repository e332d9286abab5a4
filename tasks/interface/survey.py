"""Surveys: questions on pages, some of which are shown only after certain answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.interface.display import Display
from tasks.interface.question import Question


@dataclass(frozen=True)
class Condition:
    """Holds where the question ``name`` is answered by one of ``values``."""

    name: str
    values: tuple[str | int, ...]

    def holds(self, answers: Mapping[str, Any]) -> bool:
        """Whether canonical ``answers`` meet it; one of several options ticked is enough."""
        given = answers.get(self.name)
        said = given if isinstance(given, list) else [given]
        return any(value in self.values for value in said)


@dataclass(frozen=True)
class Page:
    title: str
    elements: tuple[Question | Display, ...]
    show_if: Condition | None  # None: always shown


@dataclass(frozen=True)
class Survey:
    """Pages in their order. Their questions are questions of the interface like any other."""

    pages: tuple[Page, ...]
