"""The answers of a batch, made one answer per element: which mathematics each type gets."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tasks.aggregation import methods
from tasks.aggregation.errors import AggregationError
from tasks.aggregation.labels import Fit, Label
from tasks.aggregation.multiple import fit_multiple
from tasks.interface import Choice, Interface

FALLBACK = "majority_vote"  # where the batch's method cannot work with what there is
FOR_TEXT = "text_majority"

Answers = Sequence[tuple[int, int, Mapping[str, Any]]]  # task, worker, {element: value}


class Combined(NamedTuple):
    """One element of one task."""

    task: int
    name: str
    value: Any
    confidence: float
    method: str
    answers: int


class Decided(NamedTuple):
    consensus: list[Combined]
    right: dict[int, tuple[float, int]]  # by worker: share of right answers, of how many


def combine(
    interface: Interface, answers: Answers, *, method: str, gold: Mapping[int, Mapping[str, Any]]
) -> Decided:
    """Aggregate every element of ``interface`` over ``answers``.

    ``method`` is the batch's; text elements take it if it is one for text. A method that cannot
    work with these answers gives way to the majority, and the result says so. A worker's share
    of right answers is the method's own estimate, or else their agreement with the consensus,
    averaged over the elements.
    """
    consensus: list[Combined] = []
    shares: defaultdict[int, list[float]] = defaultdict(list)
    counts: defaultdict[int, int] = defaultdict(int)
    for _, worker, _ in answers:
        counts[worker] += 1
    for element in interface.questions:
        given = [(task, worker, value[element.name]) for task, worker, value in answers
                 if element.name in value]  # fmt: skip
        known = {task: value[element.name] for task, value in gold.items() if element.name in value}
        if isinstance(element, Choice) and element.multiple:
            rows, skills = _multiple(element, given, method)
        else:
            one_of_many = isinstance(element, Choice)
            rows, skills = _single(element.name, given, method, known, one_of_many=one_of_many)
        consensus += rows
        for worker, skill in skills.items():
            shares[worker].append(skill)
    right = {
        worker: (sum(each) / len(each), counts[worker]) for worker, each in shares.items() if each
    }
    return Decided(consensus, right)


def _single(
    name: str,
    given: Sequence[tuple[int, int, str]],
    method: str,
    gold: Mapping[int, str],
    *,
    one_of_many: bool,
) -> tuple[list[Combined], dict[int, float]]:
    labels = [Label(task, worker, value) for task, worker, value in given]
    wanted, spare = (method, FALLBACK) if one_of_many else (_for_text(method), FOR_TEXT)
    if one_of_many and wanted not in methods.CLASSIFICATION:
        wanted = spare
    fit, used = _fit(wanted, spare, labels, gold)
    counts: defaultdict[int, int] = defaultdict(int)
    for label in labels:
        counts[label.task] += 1
    rows = [
        Combined(task, name, found.label, _probability(found.confidence), used, counts[task])
        for task, found in fit.consensus.items()
    ]
    return rows, fit.skills or _agreement(fit, labels)


def _fit(
    wanted: str, spare: str, labels: Sequence[Label], gold: Mapping[int, str]
) -> tuple[Fit, str]:
    try:
        return methods.fit(wanted, labels, gold=gold), wanted
    except AggregationError:
        return methods.fit(spare, labels), spare


def _for_text(method: str) -> str:
    return method if method in methods.TEXTS else FOR_TEXT


def _agreement(fit: Fit, labels: Sequence[Label]) -> dict[int, float]:
    """How often each worker said what was decided, where anybody else had a say in it."""
    voices = Counter(label.task for label in labels)
    agreed: defaultdict[int, list[bool]] = defaultdict(list)
    for label in labels:
        if voices[label.task] > 1:
            agreed[label.worker].append(fit.consensus[label.task].label == label.label)
    return {worker: sum(each) / len(each) for worker, each in agreed.items()}


def _multiple(
    element: Choice, given: Sequence[tuple[int, int, list[str]]], method: str
) -> tuple[list[Combined], dict[int, float]]:
    used: set[str] = set()

    def fit_one(labels: Sequence[Label]) -> Fit:
        known = method if method in methods.CLASSIFICATION else FALLBACK
        fit, name = _fit(known, FALLBACK, labels, {})
        used.add(name)
        return fit

    ticked = [(task, worker, frozenset(values)) for task, worker, values in given]
    found = fit_multiple(ticked, [option.value for option in element.options], fit_one)
    counts: defaultdict[int, int] = defaultdict(int)
    for task, _, _ in given:
        counts[task] += 1
    name = method if used == {method} else FALLBACK
    rows = [
        Combined(
            task=task,
            name=element.name,
            value=list(chosen.options),
            confidence=_probability(chosen.confidence),
            method=name,
            answers=counts[task],
        )
        for task, chosen in found.consensus.items()
    ]
    return rows, found.skills


def _probability(confidence: float) -> float:
    """Confidence as the database wants it: rounding errors must not leave [0, 1]."""
    return min(1.0, max(0.0, float(confidence)))
