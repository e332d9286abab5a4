"""The first answers of a batch, read as a pilot: what a forecast of the others starts from.

Only so many answers are read, from the first on, and only so many of their tasks are used, so
that a forecast costs the same for every size of batch. Tasks count in the order of their first
answers. Tasks are served in random order, so these are like the others, which the first
finished ones would not be: hard tasks are finished last.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from django.db.models import Exists, F, OuterRef
from django.db.models.fields.json import KeyTransform
from numpy.typing import NDArray

from tasks.aggregation.online import Answers
from tasks.aggregation.replay import UNKNOWN, Recording
from tasks.coding import Coding, coding
from tasks.errors import PilotTooSmall
from tasks.models import Assignment, Batch, Gold
from tasks.versions import asked

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_TASKS = 30  # with all their first answers
READ = 5_000  # answers
LATEST = 2_000  # answers by whose times the pace is reckoned
DEPTHS = 2, 6  # answers to a part of a gold task: as ordinary tasks have, within these


class Said(NamedTuple):
    """One submitted answer."""

    task: int
    worker: int  # numbered in the order of their first answers
    is_gold: bool
    counts: bool  # not rejected
    seconds: float
    value: Any  # of the question that is foretold; None without one, or where it was left out


class Seen(NamedTuple):
    """A pilot as it was read; ``tasks`` and ``answers`` are those of ordinary tasks."""

    batch: Batch
    tasks: int
    answers: int
    recording: Recording | None  # with gold among its tasks; None without a question of classes
    seconds: Floats  # by ordinary answer
    workers: Ints
    arrived: Floats  # the batch's latest answers, gold included, in seconds
    last: datetime
    is_whole: bool  # no answer of the batch was left unread


def first_coding(batch: Batch) -> Coding | None:
    """Return the coding of the interface's first question with classes."""
    found = (coding(question) for question in asked(batch.version_id).checker.interface.questions)
    return next((each for each in found if each), None)


def earlier_batch(batch: Batch) -> Batch:
    """Return the project's latest batch with answers to the very interface of ``batch``.

    Raises:
        PilotTooSmall: there is none.
    """
    answered = Assignment.objects.filter(batch=OuterRef("pk"), submitted_at__isnull=False)
    found = (
        Batch.objects.published()
        .filter(Exists(answered), version=batch.version_id, purpose=batch.purpose)
        .exclude(pk=batch.pk)
        .select_related("escrow")
        .order_by("-published_at", "-pk")
        .first()
    )
    if found is None:
        raise PilotTooSmall(
            "No earlier batch of this project's version has answers: publish a pilot of"
            f" {FEWEST_TASKS} tasks or more first, or state assumptions."
        )
    return found


def read(batch: Batch, *, tasks: int) -> Seen:
    """Read the answers to at most so many ordinary tasks of ``batch``, with the gold given then.

    Raises:
        PilotTooSmall: fewer than ``FEWEST_TASKS`` tasks have their first answers.
    """
    question = first_coding(batch)
    said = _first_answers(batch, question)
    chosen = _chosen(batch, said, tasks)
    ours = [each for each in said if each.counts and each.task in chosen]
    recording = _recording(batch, question, chosen, said) if question else None
    times = _submitted(batch).order_by("-submitted_at").values_list("submitted_at", flat=True)
    latest = list(times[:LATEST])
    return Seen(
        batch=batch,
        tasks=len(chosen),
        answers=len(ours),
        recording=recording,
        seconds=np.array([each.seconds for each in ours]),
        workers=np.array([each.worker for each in ours], np.int64),
        arrived=np.array([(at - latest[-1]).total_seconds() for at in latest]),
        last=latest[0],
        is_whole=len(said) < READ,
    )


def _submitted(batch: Batch) -> Any:
    return Assignment.objects.filter(batch=batch, submitted_at__isnull=False)


def _first_answers(batch: Batch, question: Coding | None) -> list[Said]:
    value = KeyTransform(question.name, "answer__value") if question else F("reason")
    rows = (
        _submitted(batch)
        .annotate(said=value)
        .order_by("submitted_at", "pk")
        .values_list(
            "task_id",
            "worker_id",
            "is_gold",
            "status",
            "claimed_at",
            "submitted_at",
            "worked_seconds",
            "said",
        )
    )
    numbers: dict[int, int] = {}
    free_since: dict[int, datetime] = {}
    said = []
    for task, worker, is_gold, status, claimed, submitted, worked, value in rows[:READ]:
        # Older answers were not timed: of several claimed together, each begins when the one before
        # was submitted.
        began = max(claimed, free_since.get(worker, claimed))
        free_since[worker] = submitted
        said.append(
            Said(
                task=task,
                worker=numbers.setdefault(worker, len(numbers)),
                is_gold=is_gold,
                counts=status in Assignment.COUNTED and not (question and value is None),
                seconds=(submitted - began).total_seconds() if worked is None else worked,
                value=value if question else None,
            )
        )
    return said


def _chosen(batch: Batch, said: Sequence[Said], most: int) -> dict[int, int]:
    """Return places by task: of those with their first answers, in the order of the first one."""
    counts = Counter(each.task for each in said if each.counts and not each.is_gold)
    # Rows may want fewer answers than the batch's overlap says.
    least = max(min(batch.first_overlap, batch.slot_count // max(batch.task_count, 1)), 1)
    tasks = [task for task, count in counts.items() if count >= least]
    if len(tasks) < FEWEST_TASKS:
        raise PilotTooSmall(
            f"{len(tasks)} tasks of batch {batch.pk} have {least} answers or more. A forecast needs"
            f" {FEWEST_TASKS} such tasks, which is {FEWEST_TASKS * least} answers: wait for them,"
            " or state assumptions while the batch is a draft."
        )
    return {task: place for place, task in enumerate(tasks[:most])}


def _recording(
    batch: Batch, question: Coding, chosen: Mapping[int, int], said: Sequence[Said]
) -> Recording:
    """Code the answers to the chosen tasks, and to parts of gold tasks behind them."""
    ordinary = [each for each in said if each.counts and each.task in chosen]
    code = _unit(question, ordinary)
    depth = int(np.clip(round(len(ordinary) / len(chosen)), *DEPTHS))
    parts, truth = _gold_parts(batch, question, code, said, depth, most=len(chosen) // 2)
    places = {id(each): chosen[each.task] for each in ordinary}
    for number, part in enumerate(parts, start=len(chosen)):
        places.update((id(each), number) for each in part)
    used = [each for each in said if id(each) in places]
    answers = Answers(
        tasks=np.array([places[id(each)] for each in used], np.int64),
        workers=np.array([each.worker for each in used], np.int64),
        labels=np.array([code(each.value) for each in used], np.int64),
    )
    return Recording(
        answers=answers,
        truth=np.array([UNKNOWN] * len(chosen) + truth, np.int64),
        workers=1 + max(each.worker for each in used),
        classes=question.classes,
    )


def _unit(question: Coding, said: Iterable[Said]) -> Callable[[Any], int]:
    """Say how a value becomes a label: of several options, the most disputed one speaks.

    Ties go to the option that comes first.
    """
    if question.units == 1:
        return lambda value: question.code(value)[0][1]
    ticks = np.array([[label for _, label in question.code(each.value)] for each in said])
    disputed = int(np.abs(ticks.mean(axis=0) - 0.5).argmin())
    return lambda value: question.code(value)[disputed][1]


def _gold_parts(
    batch: Batch,
    question: Coding,
    code: Callable[[Any], int],
    said: Iterable[Said],
    depth: int,
    *,
    most: int,
) -> tuple[list[list[Said]], list[int]]:
    """Deal the answers to gold out into tasks of ``depth`` answers; return these and their truth.

    Gold collects many more answers than ordinary tasks, and would be better known than they.
    """
    live = Gold.objects.filter(task__batch=batch).exclude(retired_for__in=Gold.VOID)
    known = {
        task: code(answer[question.name])
        for task, answer in live.values_list("task_id", "answer")
        if answer.get(question.name) is not None
    }
    heard: defaultdict[int, list[Said]] = defaultdict(list)
    for each in said:
        if each.counts and each.task in known:
            heard[each.task].append(each)
    dealt = sorted(
        (start, place, task)
        for place, (task, given) in enumerate(heard.items())
        for start in range(0, len(given) - depth + 1, depth)
    )[:most]
    parts = [heard[task][start : start + depth] for start, _, task in dealt]
    return parts, [known[task] for *_, task in dealt]
