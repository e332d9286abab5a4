"""What a batch's answers say about its tasks, as arrays that grow with every look.

Nothing here is a truth of its own: the rows are, and an ``Evidence`` that is lost, or meets
something it did not expect, is built from them again. Keeping it between looks saves reading
all answers for every few that are new.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation.adaptive import State, expected_gain
from tasks.aggregation.calibration import fit_exponent, tempered
from tasks.aggregation.grouping import ACCURACY, Grouping, grouped
from tasks.aggregation.online import ROUNDS, WARM_ROUNDS, OnlineModel
from tasks.aggregation.online import Answers as Labels
from tasks.coding import Coding, coding
from tasks.models import Assignment, Batch, Consensus, Gold, Task
from tasks.versions import asked

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# A submit becomes visible when its transaction commits, which may be later than its time says.
LATE_COMMITS = timedelta(seconds=35)
# While new workers keep coming, a task that all known ones have answered may still find another.
NEWCOMERS = timedelta(minutes=10)
REMEMBERED = 16  # batches; the one longest unused is forgotten first
CHUNK = 5_000
DEPTHS = (2, 6)  # answers per group of a gold task: as ordinary tasks have, within these


class View(NamedTuple):
    """The state of the ordinary tasks, with the rows it speaks of."""

    tasks: Ints  # ids
    overlaps: Ints
    state: State


class Voices:
    """The answers to one question that has classes, and the model of who gives them."""

    def __init__(self, question: Coding) -> None:
        self.question = question
        self.units, self.workers, self.labels = array("q"), array("q"), array("q")
        self.gold: dict[int, int] = {}
        self.model: OnlineModel | None = None

    def add(self, place: int, worker: int, value: Any) -> None:
        """Hear ``worker`` say ``value`` about the task at ``place``."""
        for unit, label in self.question.code(value):
            self.units.append(place * self.question.units + unit)
            self.workers.append(worker)
            self.labels.append(label)

    def clamp(self, place: int, value: Any) -> None:
        """Know the answer of the gold task at ``place``."""
        for unit, label in self.question.code(value):
            self.gold[place * self.question.units + unit] = label

    def fit(self, places: int, workers: int) -> OnlineModel:
        """Bring the model up to date with everything heard."""
        said = Labels(
            *(np.array(each, np.int64) for each in (self.units, self.workers, self.labels))
        )
        model = OnlineModel(
            said,
            tasks=places * self.question.units,
            workers=workers,
            classes=self.question.classes,
            gold=self.gold,
            start=self.model,
        )
        self.model = model.refit(WARM_ROUNDS if self.model else ROUNDS)
        return model

    def judge(self, chosen: Ints, places: int, workers: int) -> tuple[Floats, Floats, Floats]:
        """Return confidence, expected gain and soundness of the tasks at the places ``chosen``.

        Of a task with several units its least certain one speaks.
        """
        model = self.fit(places, workers)
        exponent = self._exponent(model)
        units = (chosen[:, None] * self.question.units + np.arange(self.question.units)).ravel()
        posteriors = tempered(model.evidence[units], exponent)
        gain = expected_gain(posteriors, model.accuracy, exponent=exponent)
        shape = (len(chosen), self.question.units)
        confidence = posteriors.max(axis=1).reshape(shape)
        least = confidence.argmin(axis=1)[:, None]

        def of_least(values: Floats) -> Floats:
            return np.take_along_axis(values.reshape(shape), least, axis=1)[:, 0]

        return of_least(confidence), of_least(gain), of_least(model.soundness()[units])

    def _exponent(self, model: OnlineModel) -> float:
        known = [unit for unit in self.gold if model.answered[unit]]
        truth = np.array([self.gold[unit] for unit in known], np.int64)
        return fit_exponent(model.evidence[np.array(known, np.int64)], truth)


class Opinions:
    """The answers to one question without classes: how far those to one task agree."""

    def __init__(self, name: str, kind: str) -> None:
        self.name, self.kind = name, kind
        self.values: defaultdict[int, list[Any]] = defaultdict(list)
        self.groups: dict[int, Grouping] = {}
        self.fresh: set[int] = set()

    def add(self, place: int, worker: int, value: Any) -> None:
        """Hear somebody say ``value`` about the task at ``place``."""
        self.values[place].append(value)
        self.fresh.add(place)

    def clamp(self, place: int, value: Any) -> None:
        """Gold teaches nothing where nobody is weighed."""

    def judge(self, chosen: Ints, places: int, workers: int) -> tuple[Floats, Floats, Floats]:
        """Return confidence, expected gain and soundness, as ``Voices.judge`` does."""
        for place in self.fresh:
            self.groups[place] = grouped(self.values[place], self.kind)
        self.fresh.clear()
        confidence = np.array(
            [self.groups[p].confidence if p in self.groups else 0.0 for p in chosen.tolist()]
        )
        sure = np.clip(confidence, 0.5, 1.0)
        gain = expected_gain(np.stack([sure, 1 - sure], axis=1), ACCURACY)
        return confidence, gain, np.ones(len(chosen))


class Evidence:
    """All counted answers of one batch, by task and question."""

    def __init__(self, batch: Batch) -> None:
        """Prepare for the batch's answers; ``refresh`` reads them."""
        self.batch_id = batch.pk
        self.stamp = _stamp(batch)
        self.through: datetime | None = None
        self.newcomer_at: datetime | None = None  # when a worker last answered for the first time
        self.answers = 0
        self._recent: dict[int, datetime] = {}
        self._places: dict[int, int] = {}  # of ordinary tasks, by id
        self._counts = array("q")  # answers by place
        self._workers: dict[int, int] = {}
        questions = asked(batch.version_id).checker.interface.questions
        self._gold = dict(
            Gold.objects.filter(task__batch=batch)
            .exclude(retired_for__in=Gold.VOID)
            .values_list("task_id", "answer")
        )
        self._groups: dict[tuple[int, int], int] = {}  # places of parts of gold tasks
        self._heard: defaultdict[int, int] = defaultdict(int)  # answers by gold task
        self.depth = _depth(batch)
        self._tracks: list[tuple[str, Voices | Opinions]] = []
        for question in questions:
            coded = coding(question)
            track = Voices(coded) if coded else Opinions(question.name, question.kind)
            self._tracks.append((question.name, track))

    @property
    def workers(self) -> int:
        """How many workers have answered."""
        return len(self._workers)

    @property
    def pace(self) -> float:
        """Answers per second, of late."""
        return len(self._recent) / LATE_COMMITS.total_seconds()

    def refresh(self) -> int:
        """Read the answers that came since the last call; return how many."""
        submitted = Assignment.objects.filter(batch=self.batch_id, submitted_at__isnull=False)
        if self.through is not None:
            submitted = submitted.filter(submitted_at__gt=self.through - LATE_COMMITS)
            ids = submitted.counted().values_list("pk", flat=True)
            new = [pk for pk in ids if pk not in self._recent]
            read = sum(
                self._read(submitted.counted().filter(pk__in=new[at : at + CHUNK]))
                for at in range(0, len(new), CHUNK)
            )
        else:
            read = self._read(submitted.counted())
        self._forget_old()
        return read

    def view(self, settled: Iterable[int], *, now: datetime) -> View:
        """Judge every ordinary task of the batch; those ``settled`` want nothing.

        What is in flight is all that was ever asked for and not answered yet.
        """
        rows = list(
            Task.objects.filter(batch=self.batch_id)
            .ordinary()
            .order_by("pk")
            .values_list("pk", "overlap", "expires_at")
        )
        tasks = np.array([row[0] for row in rows], np.int64)
        overlaps = np.array([row[1] for row in rows], np.int64)
        places = np.array([self._place(row[0]) for row in rows], np.int64)
        answers = np.array(self._counts, np.int64)[places]
        done = set(settled)
        # An expired task has lost its slots.
        feedable = overlaps > 0
        if not self._crowd_grows(now):
            feedable &= answers < self.workers
        if done:
            feedable &= ~np.isin(tasks, list(done))
        confidence, gain, soundness = self._judge(places)
        state = State(
            confidence=confidence,
            gain=gain,
            soundness=soundness,
            answers=answers,
            in_flight=np.maximum(overlaps - answers, 0),
            feedable=feedable,
        )
        return View(tasks, overlaps, state)

    def _judge(self, places: Ints) -> tuple[Floats, Floats, Floats]:
        """Combine the questions: a task is as certain as the least certain of them."""
        judged = [
            track.judge(places, len(self._counts), max(len(self._workers), 1))
            for _, track in self._tracks
        ]
        confidences = np.stack([each[0] for each in judged])
        least = confidences.argmin(axis=0)[None, :]

        def pick(part: int) -> Floats:
            parts = np.stack([each[part] for each in judged])
            chosen: Floats = np.take_along_axis(parts, least, axis=0)[0]
            return chosen

        return pick(0), pick(1), pick(2)

    def _crowd_grows(self, now: datetime) -> bool:
        return self.newcomer_at is None or now - self.newcomer_at < NEWCOMERS

    def _read(self, rows: Any) -> int:
        count = 0
        fields = ("pk", "task_id", "worker_id", "submitted_at", "answer__value")
        for pk, task, worker, at, value in rows.values_list(*fields).iterator(chunk_size=CHUNK):
            if worker not in self._workers:
                self.newcomer_at = max(self.newcomer_at or at, at)
            self._hear(task, worker, value)
            self._recent[pk] = at
            self.through = max(self.through or at, at)
            count += 1
        self.answers += count
        return count

    def _hear(self, task: int, worker: int, value: Mapping[str, Any]) -> None:
        place = self._gold_place(task) if task in self._gold else self._place(task)
        who = self._workers.setdefault(worker, len(self._workers))
        self._counts[place] += 1
        for name, track in self._tracks:
            if name in value:
                track.add(place, who, value[name])

    def _place(self, task: int) -> int:
        place = self._places.get(task)
        if place is None:
            place = self._places[task] = len(self._counts)
            self._counts.append(0)
        return place

    def _gold_place(self, task: int) -> int:
        """Return where the next answer to a gold task belongs.

        Gold collects many more answers than ordinary tasks; taken together they would say
        little about how far a few answers can be believed. So they are dealt out into groups
        of ``depth``, each a task of its own.
        """
        group = self._heard[task] // self.depth
        self._heard[task] += 1
        if (task, group) not in self._groups:
            place = self._groups[task, group] = len(self._counts)
            self._counts.append(0)
            for name, track in self._tracks:
                if name in self._gold[task]:
                    track.clamp(place, self._gold[task][name])
        return self._groups[task, group]

    def _forget_old(self) -> None:
        if self.through is not None:
            horizon = self.through - LATE_COMMITS
            self._recent = {pk: at for pk, at in self._recent.items() if at > horizon}


def recall(batch: Batch) -> Evidence:
    """Return the batch's evidence as this process remembers it, or a new one to be filled."""
    known = _remembered.pop(batch.pk, None)
    if known is None or known.stamp != _stamp(batch) or known.depth != _depth(batch):
        known = Evidence(batch)
    _remembered[batch.pk] = known
    if len(_remembered) > REMEMBERED:
        _remembered.popitem(last=False)
    return known


def settled(batch: Batch) -> list[int]:
    """Tasks whose answer no further answers of workers will change."""
    decided = Consensus.objects.filter(task__batch=batch, source=Consensus.Source.REVIEW)
    return list(decided.values_list("task_id", flat=True).distinct())


def _stamp(batch: Batch) -> tuple[Any, ...]:
    """What, when it changes, makes remembered evidence worthless."""
    return (batch.created_at, batch.rejected_count, batch.gold_count, batch.gold_retired)


def _depth(batch: Batch) -> int:
    mean = batch.decided_answers / batch.task_count if batch.task_count else 0
    return int(np.clip(round(mean), *DEPTHS))


_remembered: OrderedDict[int, Evidence] = OrderedDict()
