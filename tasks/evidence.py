"""What a batch's answers say about its tasks, as arrays that grow with every look.

Nothing here is a truth of its own: the rows are, and an ``Evidence`` that is lost, or meets
something it did not expect, is built from them again. Keeping it between looks saves reading
all answers for every few that are new.
"""

from __future__ import annotations

from array import array
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation.adaptive import State
from tasks.coding import coding
from tasks.interface import Question
from tasks.models import Assignment, Batch, Consensus, Gold, Task
from tasks.versions import asked
from tasks.voices import Judged, Opinions, Voices
from workers.models import User

Ints = NDArray[np.int64]

# A submit becomes visible when its transaction commits, which may be later than its time says.
LATE_COMMITS = timedelta(seconds=35)
# While new workers keep coming, a task that all known ones have answered may still find another.
NEWCOMERS = timedelta(minutes=10)
REMEMBERED = 2_000_000  # answers, at some 100 bytes; the batch longest unused is forgotten first
CHUNK = 5_000
LOST = (Assignment.Status.REJECTED, Assignment.Status.SKIPPED, Assignment.Status.EXPIRED)
DEPTHS = (2, 6)  # answers per group of a gold task: as ordinary tasks have, within these


class View(NamedTuple):
    """The state of the ordinary tasks, with the rows it speaks of."""

    tasks: Ints  # ids
    overlaps: Ints
    state: State


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
        for question in _steering(questions):
            coded = coding(question)
            track = Voices(coded) if coded else Opinions(question.name, question.kind)
            self._tracks.append((question.name, track))

    def speaks_of(self, batch: Batch) -> bool:
        """Whether no answer read so far was rejected since, and gold is what it was."""
        return self.stamp == _stamp(batch)

    @property
    def size(self) -> int:
        """About how many answers would take as much memory."""
        return self.answers + len(self._counts) + CHUNK

    @property
    def pace(self) -> float:
        """Answers per second, of late."""
        return len(self._recent) / LATE_COMMITS.total_seconds()

    def refresh(self) -> int:
        """Read the answers that came since the last call; return how many."""
        submitted = Assignment.objects.filter(batch=self.batch_id, submitted_at__isnull=False)
        if self.through is not None:
            submitted = submitted.filter(submitted_at__gt=self.through - LATE_COMMITS)
            ids = submitted.counted().order_by("submitted_at", "pk").values_list("pk", flat=True)
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
        done = {*settled, *(pk for pk, _, expires in rows if expires and expires <= now)}
        feedable = (overlaps > 0) & ~np.isin(tasks, list(done))
        if not self._crowd_grows(now):
            people, lost = self._people()
            feedable &= answers + [lost[task] for task in tasks.tolist()] < people
        judged = self._judge(places)
        state = State(
            confidence=judged.confidence,
            gain=judged.gain,
            soundness=judged.soundness,
            answers=answers,
            in_flight=np.maximum(overlaps - answers, 0),
            feedable=feedable,
        )
        return View(tasks, overlaps, state)

    def _people(self) -> tuple[int, Counter[int]]:
        """Return how many people have answered, and by task how many of them no longer can.

        Beside those whose answer counts, these are all who were once given the task.
        """
        people = set(
            User.objects.filter(worker__in=list(self._workers)).values_list("person", flat=True)
        )
        given = Assignment.objects.filter(batch=self.batch_id, is_gold=False)
        rows = given.filter(status__in=LOST).values_list("task_id", "person_id")
        return len(people), Counter(task for task, person in rows.iterator() if person in people)

    def _judge(self, places: Ints) -> Judged:
        """Combine the questions: a task is as certain as the least certain of them.

        A question that nobody answered there, on a page not shown perhaps, does not speak.
        """
        judged = [
            track.judge(places, len(self._counts), max(len(self._workers), 1))
            for _, track in self._tracks
        ]
        silent = ~np.stack([each.spoke for each in judged])
        confidences = np.stack([each.confidence for each in judged])
        least = (confidences + np.where(silent, 2.0, 0.0)).argmin(axis=0)[None, :]
        parts = (np.stack(part) for part in zip(*judged, strict=True))
        return Judged(*(np.take_along_axis(part, least, axis=0)[0] for part in parts))

    def _crowd_grows(self, now: datetime) -> bool:
        return self.newcomer_at is None or now - self.newcomer_at < NEWCOMERS

    def _read(self, rows: Any) -> int:
        count = 0
        fields = ("pk", "task_id", "worker_id", "submitted_at", "answer__value")
        ordered = rows.order_by("submitted_at", "pk").values_list(*fields)
        for pk, task, worker, at, value in ordered.iterator(chunk_size=CHUNK):
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
                    track.know(place, self._gold[task][name])
        return self._groups[task, group]

    def _forget_old(self) -> None:
        if self.through is not None:
            horizon = self.through - LATE_COMMITS
            self._recent = {pk: at for pk, at in self._recent.items() if at > horizon}


def recall(batch: Batch) -> Evidence | None:
    """Return the batch's evidence as this process remembers it, if it does.

    It is remembered no more: were it to die half way through its next answers, it would be
    wrong. Give it to ``remember`` when nothing more can happen.
    """
    known = _remembered.pop(batch.pk, None)
    if known and known.speaks_of(batch) and known.depth == _depth(batch):
        return known
    return None


def remember(evidence: Evidence) -> None:
    """Keep evidence for the next look, and forget some if there is too much in all."""
    _remembered[evidence.batch_id] = evidence
    while len(_remembered) > 1 and sum(e.size for e in _remembered.values()) > REMEMBERED:
        _remembered.popitem(last=False)


def settled(batch: Batch) -> list[int]:
    """Tasks whose answer no further answers of workers will change."""
    decided = Consensus.objects.filter(task__batch=batch, source=Consensus.Source.REVIEW)
    return list(decided.values_list("task_id", flat=True).distinct())


def _stamp(batch: Batch) -> tuple[Any, ...]:
    """What, when it changes, makes remembered evidence worthless."""
    return (batch.created_at, batch.rejected_count, batch.gold_count, batch.gold_retired)


def _steering(questions: Sequence[Question]) -> list[Question]:
    """Leave out comments: texts that may be left blank, beside other questions.

    No two of them say the same, so they would ask for answers to the end.
    """
    steering = [each for each in questions if each.required or each.kind != "text"]
    return steering or list(questions)


def _depth(batch: Batch) -> int:
    mean = batch.slot_count / batch.task_count if batch.task_count else 0
    return int(np.clip(round(mean), *DEPTHS))


_remembered: OrderedDict[int, Evidence] = OrderedDict()
