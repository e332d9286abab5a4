"""The answers of a batch, made one answer per element, with a confidence that gold has measured."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tasks.aggregation.auto import ordinary_depth, split_gold
from tasks.aggregation.gauge import Gauge, gauge
from tasks.aggregation.grouping import same_answer
from tasks.aggregation.kinds import Asked, Result, merge, resolve
from tasks.aggregation.labels import Found, Label, Merged, Reading
from tasks.aggregation.methods import AUTO
from tasks.interface import Choice, Interface, Question, Relations

__all__ = ["Answers", "Combined", "Decided", "Picked", "combine", "readings_of"]

# Task, worker, {element: value}. A model that has a voice is a worker below 0.
Answers = Sequence[tuple[int, int, Mapping[str, Any]]]
NEEDS_GOLD = frozenset({"gold_majority_vote"})  # weighs workers by nothing else
PICK_AGAIN = 1.5  # times as many answers: then gold is asked anew which method is best


class Combined(NamedTuple):
    """One element of one task."""

    task: int
    name: str
    value: Any
    confidence: float
    raw_confidence: float  # the method's own word
    is_calibrated: bool
    method: str
    answers: int


class Picked(NamedTuple):
    """The method that ``AUTO`` stands for in one element, and since how many answers."""

    method: str
    why: str
    answers: int


class Element(NamedTuple):
    """What is to be said of one element of the batch as a whole."""

    kind: str
    method: str
    why: str
    gauge: Gauge
    skills: dict[int, float]


class Decided(NamedTuple):
    consensus: list[Combined]  # of the tasks whose answer is not known
    right: dict[int, tuple[float, int]]  # by worker: share of right answers, of how many
    elements: dict[str, Element]
    picked: dict[str, Picked]


class Dealt(NamedTuple):
    """Readings in which gold tasks have as many answers as ordinary ones; see ``auto``."""

    readings: list[Reading]
    gold: dict[int, int]  # by task among the readings: the gold task it is a part of
    parts: set[int]  # all tasks that stand for parts of gold tasks


def combine(
    interface: Interface,
    answers: Answers,
    *,
    method: str,
    gold: Mapping[int, Mapping[str, Any]],
    picked: Mapping[str, Picked] | None = None,
) -> Decided:
    """Aggregate every element of ``interface`` over ``answers``.

    ``method`` is the batch's: see ``kinds.merge`` for what each kind makes of it. ``picked`` is
    what ``AUTO`` stood for at the last call; it is asked again when there are many more answers.
    Where an element's answer is known of gold tasks, their answers measure its confidences.

    A worker's share of right answers is the method's own estimate, or else their agreement with
    the consensus, averaged over the elements.
    """
    consensus: list[Combined] = []
    shares: defaultdict[int, list[float]] = defaultdict(list)
    elements: dict[str, Element] = {}
    kept: dict[str, Picked] = {}
    merged: dict[str, tuple[Merged, Dealt]] = {}
    # Relations last: their ends are matched to what the spans came to.
    for question in sorted(interface.questions, key=lambda each: isinstance(each, Relations)):
        given = readings_of(question.name, answers)
        known = {
            task: value[question.name] for task, value in gold.items() if question.name in value
        }
        asked = _asked(question)
        kept[question.name] = _pick(asked, given, method, known, (picked or {}).get(question.name))
        dealt = _deal(given, known)
        of_part = {part: known[task] for part, task in dealt.gold.items()}
        if isinstance(question, Relations) and question.spans in merged:
            asked = asked._replace(spans=_spans_for(dealt, *merged[question.spans]))
        # What is to measure a method is kept from it. The groups of one gold task would tell on
        # each other: what the crowd takes for what is learnt from one, and used on the next.
        told = of_part if kept[question.name].method in NEEDS_GOLD else {}
        found = merge(asked, dealt.readings, kept[question.name].method, told)
        merged[question.name] = found.merged, dealt
        measured = _measure(asked, found.merged, dealt, known)
        rows = _rows(asked, found, measured, dealt)
        consensus += [row._replace(name=question.name) for row in rows]
        skills = found.merged.skills or _agreement(asked.kind, found.merged, dealt.readings)
        for worker, skill in skills.items():
            shares[worker].append(skill)
        why = kept[question.name].why
        elements[question.name] = Element(asked.kind, found.method, why, measured, skills)
    counts = Counter(worker for _, worker, _ in answers)
    right = {
        worker: (sum(each) / len(each), counts[worker])
        for worker, each in shares.items()
        if worker >= 0  # the others are models
    }
    return Decided(consensus, right, elements, kept)


def readings_of(name: str, answers: Answers) -> list[Reading]:
    """Return what was answered to the element ``name``, leaving out who left it out."""
    return [Reading(task, worker, value[name]) for task, worker, value in answers if name in value]


def _asked(question: Question) -> Asked:
    if isinstance(question, Choice):
        options = tuple(option.value for option in question.options)
        return Asked(question.kind, options, question.multiple)
    return Asked(question.kind, question.outcomes)


def _spans_for(dealt: Dealt, spans: Merged, dealt_spans: Dealt) -> Merged:
    """Return what the spans came to, by the tasks of the relations' readings.

    The two questions may have different gold, so a number that stands for a part of a gold task
    in one may stand for another's, or for a task, in the other.
    """
    of_gold = {gold: spans.consensus[part] for part, gold in dealt_spans.gold.items()}
    of_part = {part: of_gold[gold] for part, gold in dealt.gold.items() if gold in of_gold}
    numbered_anew = dealt_spans.parts | dealt.parts
    rest = {task: found for task, found in spans.consensus.items() if task not in numbered_anew}
    return Merged(rest | of_part, spans.skills)


def _pick(
    asked: Asked,
    given: Sequence[Reading],
    method: str,
    known: Mapping[int, Any],
    before: Picked | None,
) -> Picked:
    if method != AUTO:
        return Picked(method, "", len(given))
    if before and len(given) < PICK_AGAIN * before.answers:
        return before
    return Picked(*resolve(asked, given, known), len(given))


def _deal(given: Sequence[Reading], known: Mapping[int, Any]) -> Dealt:
    if not known:
        return Dealt(list(given), {}, set())
    labels = [Label(each.task, each.worker, json.dumps(each.value)) for each in given]
    split = split_gold(labels, known, ordinary_depth(labels, known))
    readings = [Reading(task, worker, json.loads(text)) for task, worker, text in split.labels]
    largest = max((each.task for each in given), default=0)
    parts = {each.task for each in readings if each.task > largest}
    return Dealt(readings, split.gold, parts)


def _measure(asked: Asked, merged: Merged, dealt: Dealt, known: Mapping[int, Any]) -> Gauge:
    judged = sorted(dealt.gold)
    return gauge(
        [_probability(merged.consensus[part].confidence) for part in judged],
        [
            same_answer(merged.consensus[part].value, known[dealt.gold[part]], asked.kind)
            for part in judged
        ],
        gold=[dealt.gold[part] for part in judged],
        answers=_possible(asked),
    )


def _possible(asked: Asked) -> int:
    """How many answers there are to be wrong among; a multiple choice is as sure as one option."""
    return 2 if asked.is_multiple else max(len(asked.outcomes), 2)


def _rows(asked: Asked, result: Result, measured: Gauge, dealt: Dealt) -> list[Combined]:
    """What is decided of the tasks whose answer is not known; the name is the caller's to add."""
    counts = Counter(each.task for each in dealt.readings if each.worker >= 0)
    decided = result.merged.consensus.items()
    found = [(task, each) for task, each in decided if task not in dealt.parts]
    raw = np.array([_probability(each.confidence) for _, each in found])
    believed = measured.apply(raw, _possible(asked)) if len(raw) else raw
    return [
        Combined(
            task=task,
            name="",
            value=each.value,
            confidence=_probability(confidence),
            raw_confidence=own,
            is_calibrated=measured.is_calibrated,
            method=result.method,
            answers=counts[task],
        )
        for (task, each), confidence, own in zip(
            found, believed.tolist(), raw.tolist(), strict=True
        )
    ]


def _agreement(kind: str, merged: Merged, given: Sequence[Reading]) -> dict[int, float]:
    """How often each worker said what was decided, where anybody else had a say in it."""
    voices = Counter(each.task for each in given)
    agreed: defaultdict[int, list[bool]] = defaultdict(list)
    for each in given:
        if voices[each.task] > 1:
            found: Found = merged.consensus[each.task]
            agreed[each.worker].append(same_answer(found.value, each.value, kind))
    return {worker: sum(each) / len(each) for worker, each in agreed.items()}


def _probability(confidence: float) -> float:
    """Confidence as the database wants it: rounding errors must not leave [0, 1]."""
    return min(1.0, max(0.0, float(confidence)))
