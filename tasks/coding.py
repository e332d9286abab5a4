"""Questions as the online model takes them: a few classes, one or more units per task.

A single choice is one unit with a class per option, a multiple choice one yes/no unit per
option, a rating one unit with a class per level. Questions whose answers have no classes, such
as boxes or free text, have no coding: what their answers come to is judged by agreement.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tasks.interface import Choice, Question

CLASSES_MAX = 60  # confusion matrices grow with the square


class Coding(NamedTuple):
    """How the answers to one question become labels."""

    name: str
    classes: int
    units: int  # per task
    code: Callable[[Any], list[tuple[int, int]]]  # a canonical answer to (unit, class) pairs


def coding(question: Question) -> Coding | None:
    """Return the coding of a question, or None if its answers have no classes.

    A question of more than ``CLASSES_MAX`` outcomes has none either: its confusion matrices
    would take more memory than their few answers fill.
    """
    if isinstance(question, Choice) and question.multiple:
        return _by_option(question)
    outcomes = question.outcomes
    if not 1 < len(outcomes) <= CLASSES_MAX:
        return None
    place = {value: number for number, value in enumerate(outcomes)}

    def chosen(answer: Any) -> list[tuple[int, int]]:
        return [(0, place[answer])]

    return Coding(question.name, classes=len(outcomes), units=1, code=chosen)


def _by_option(question: Choice) -> Coding:
    options = [option.value for option in question.options]

    def ticked(answer: Any) -> list[tuple[int, int]]:
        return [(unit, int(option in answer)) for unit, option in enumerate(options)]

    return Coding(question.name, classes=2, units=len(options), code=ticked)
