"""When careful workers disagree: what they were told is unclear, not who was told it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import NamedTuple

from tasks.aggregation.labels import Reading
from tasks.agreement.alpha import alpha
from tasks.agreement.distances import distance_of, options
from tasks.agreement.units import as_text

ANSWERS = 10  # of a worker, from which their skill says enough to call them careful
SHARED = 20  # tasks that two or more careful workers answered
LOW_ALPHA = 0.4  # below which careful workers disagree
HIGH_ALPHA = 0.67  # that the interval must not reach: from there on labels are fit for use
NAMED = 3  # pairs of labels in the sentence


class Confusion(NamedTuple):
    """Two labels given to the same tasks; for multiple choice, an option ticked and not."""

    first: str
    second: str | None  # None: not ticked
    tasks: int


class Unclear(NamedTuple):
    """A guideline that careful workers read differently."""

    alpha: float
    low: float
    high: float
    tasks: int  # that two or more of them answered
    workers: list[int]  # the careful ones, by id
    confused: list[Confusion]  # most often first; empty where answers are no labels
    sentence: str  # for the requester


def careful_disagree(
    readings: Sequence[Reading], skills: Mapping[int, float], *, kind: str = "choice"
) -> Unclear | None:
    """Say whether the careful workers disagree among themselves, and about which labels.

    Careful are the upper half by skill, ties at the median included, of the workers with at
    least ``ANSWERS`` answers. None unless their alpha is below ``LOW_ALPHA`` with its interval
    below ``HIGH_ALPHA``, on at least ``SHARED`` tasks.

    Raises ``UnsupportedLabels`` as ``alpha`` and ``distance_of`` do.
    """
    careful = _careful(readings, skills)
    theirs = [
        reading for reading in readings if reading.worker in careful and reading.value is not None
    ]
    found = alpha(theirs, distance_of(kind))
    if found.units < SHARED or found.value is None or found.low is None or found.high is None:
        return None
    if found.value >= LOW_ALPHA or found.high >= HIGH_ALPHA:
        return None
    confused = _confused(theirs, kind)
    sentence = _sentence(found.value, found.high, found.units, confused)
    return Unclear(
        found.value, found.low, found.high, found.units, sorted(careful), confused, sentence
    )


def _careful(readings: Sequence[Reading], skills: Mapping[int, float]) -> set[int]:
    answers = Counter(reading.worker for reading in readings if reading.value is not None)
    known = {
        worker: skills[worker]
        for worker, number in answers.items()
        if number >= ANSWERS and worker in skills
    }
    if not known:
        return set()
    middle = median(known.values())
    return {worker for worker, skill in known.items() if skill >= middle}


def _confused(readings: Sequence[Reading], kind: str) -> list[Confusion]:
    """Count the tasks on which two labels met; ties go to the alphabetically first."""
    answers: defaultdict[int, list[frozenset[str]]] = defaultdict(list)
    for task, _, value in readings:
        if kind == "multiple_choice":
            answers[task].append(frozenset(options(value)))
        elif kind in {"choice", "pairwise", "rating"}:
            answers[task].append(frozenset([as_text(value)]))
    met: Counter[tuple[str, str | None]] = Counter()
    for given in answers.values():
        met.update(_meetings(given, kind))
    ranked = sorted(met.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or ""))
    return [Confusion(*labels, number) for labels, number in ranked]


def _meetings(given: Sequence[frozenset[str]], kind: str) -> list[tuple[str, str | None]]:
    ticked = frozenset[str]().union(*given)
    if kind == "multiple_choice":
        return [(option, None) for option in ticked - frozenset.intersection(*given)]
    return list(combinations(sorted(ticked), 2))


def _sentence(value: float, high: float, tasks: int, confused: Sequence[Confusion]) -> str:
    plain = (
        f"Careful workers disagree among themselves (alpha {value:.2f}, at most {high:.2f}, on "
        f"{tasks} tasks), so it is the guideline that needs work, not the workers."
    )
    if not confused:
        return plain
    named = ", ".join(_in_words(confusion) for confusion in confused[:NAMED])
    return f"{plain} Most in doubt: {named}."


def _in_words(confusion: Confusion) -> str:
    where = f"{confusion.tasks} task{'s' if confusion.tasks > 1 else ''}"
    if confusion.second is None:
        return f"whether “{confusion.first}” applies ({where})"
    return f"“{confusion.first}” or “{confusion.second}” ({where})"
