"""Let a simulated crowd loose on a batch: several workers at once, each in short visits."""

from __future__ import annotations

import heapq
import itertools
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from threading import Event, Lock
from types import TracebackType
from typing import Any, Self

from marketplace.simulation.answers import Lookalikes, Oracle, fill_in
from marketplace.simulation.client import Caller, Refused
from marketplace.simulation.crowd import SimulatedWorker
from tasks import interface as interfaces

VISIT_SECONDS = 1.5  # how long a worker stays before somebody else has a turn
LOOK_AGAIN_SECONDS = 0.5  # at least, for a worker who found nothing
WAIT_SECONDS = 0.1
# What may happen to a claim and an answer without anything being wrong.
HOLDS_TOO_MANY = "too_many_live_assignments"
TOO_LATE = "illegal_transition"


@dataclass(slots=True)
class Member:
    """A simulated worker with the account they work under."""

    worker: SimulatedWorker
    caller: Caller
    claims: int = 0


@dataclass
class Tally:
    """What the crowd has done so far, as its own workers count it."""

    counts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)  # who may not work, by code
    found_at: float = field(default_factory=time.monotonic)  # when somebody last found a task
    _lock: Lock = field(default_factory=Lock)

    def add(self, what: str) -> None:
        """Count one of claimed, answered, skipped, abandoned, late."""
        with self._lock:
            self.counts[what] += 1
            if what == "claimed":
                self.found_at = time.monotonic()

    def refuse(self, code: str) -> None:
        """Count a worker who may not work on the batch."""
        with self._lock:
            self.refusals[code] += 1


class Rota:
    """Whose turn it is: whoever has waited longest, and not before they want to come again."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._order = itertools.count()
        self._lock = Lock()
        self._waiting = [(0.0, next(self._order), member) for member in members]

    def next(self) -> Member | None:
        """Take the next worker out, if one is due."""
        with self._lock:
            if self._waiting and self._waiting[0][0] <= time.monotonic():
                return heapq.heappop(self._waiting)[2]
            return None

    def put_back(self, member: Member, *, after_seconds: float) -> None:
        """Let a worker come again later."""
        with self._lock:
            due = time.monotonic() + after_seconds
            heapq.heappush(self._waiting, (due, next(self._order), member))


class Crowd:
    """Workers who share ``at_once`` places and work until told to stop.

    ``speed`` says how many times faster than people they are: a task that would take a person
    eight seconds takes them 8 / ``speed``. Use it as a context manager; leaving it ends the work
    and raises what went wrong in it.
    """

    def __init__(
        self,
        members: Sequence[Member],
        *,
        batch_id: int,
        truth: Oracle,
        lookalikes: Lookalikes | None = None,
        at_once: int = 8,
        speed: float = 40.0,
    ) -> None:
        self.tally = Tally()
        self._rota = Rota(members)
        self._members = len(members)
        self._batch_id = batch_id
        self._truth = truth
        self._lookalikes = lookalikes or {}
        self._at_once = at_once
        self._speed = speed
        self._stopping = Event()
        self._places: list[Future[None]] = []
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="simulated-worker")

    def __enter__(self) -> Self:
        self._places = [self._pool.submit(self._take_turns) for _ in range(self._at_once)]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._pool.shutdown()
        if error is None:
            self.check()

    def check(self) -> None:
        """Raise what ended one of the places, if something did."""
        for place in self._places:
            if place.done():
                place.result()

    def idle_seconds(self) -> float:
        """Return how long nobody has found a task."""
        return time.monotonic() - self.tally.found_at

    def has_workers(self) -> bool:
        """Whether anybody is left: those who may not work on the batch go for good."""
        return self.tally.refusals.total() < self._members

    def _take_turns(self) -> None:
        while not self._stopping.is_set():
            member = self._rota.next()
            if member is None:
                self._stopping.wait(WAIT_SECONDS)
                continue
            after_seconds = self._visit(member)
            if after_seconds is not None:
                self._rota.put_back(member, after_seconds=after_seconds)

    def _visit(self, member: Member) -> float | None:
        """Work for a while; return when to come again, or None for never."""
        until = time.monotonic() + VISIT_SECONDS
        while time.monotonic() < until and not self._stopping.is_set():
            try:
                reply = member.caller.post(f"batches/{self._batch_id}/claim")
            except Refused as refusal:
                if refusal.code == HOLDS_TOO_MANY:
                    return VISIT_SECONDS
                self.tally.refuse(refusal.code)
                return None
            if reply.status == HTTPStatus.NO_CONTENT:
                return max(reply.retry_after_seconds, LOOK_AGAIN_SECONDS)
            self.tally.add("claimed")
            member.claims += 1
            self._do(member, reply.body)
        return 0.0

    def _do(self, member: Member, assignment: Mapping[str, Any]) -> None:
        """Answer an assignment, hand it back, or walk away from it."""
        worker, task = member.worker, task_key(assignment["input"])
        if member.claims == worker.walks_away_at:
            self.tally.add("abandoned")
            return
        self._stopping.wait(worker.seconds_for(task) / self._speed)
        address = f"assignments/{assignment['id']}"
        try:
            if worker.skips(task):
                member.caller.post(f"{address}/skip", {"reason": "The simulated worker passes."})
                self.tally.add("skipped")
            else:
                member.caller.post(
                    f"{address}/submit", {"answer": self._answer(worker, task, assignment)}
                )
                self.tally.add("answered")
        except Refused as refusal:
            if refusal.code != TOO_LATE:
                raise
            self.tally.add("late")

    def _answer(
        self, worker: SimulatedWorker, task: str, assignment: Mapping[str, Any]
    ) -> dict[str, Any]:
        return fill_in(
            interfaces.parse(assignment["interface"]),
            worker=worker,
            task=task,
            truth=self._truth(assignment),
            lookalikes=self._lookalikes,
        )


def task_key(shown: Mapping[str, Any]) -> str:
    """Return what tells tasks apart by what is shown, the same on every site and in every run."""
    return sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()
