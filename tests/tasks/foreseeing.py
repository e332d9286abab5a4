"""A simulated crowd that works on batches by the clock, and batches from draft to closed."""

from __future__ import annotations

from datetime import timedelta

from tasks import aggregate, answer, distribute, redundancy, settle
from tasks.models import Gold, Task
from tests.factories import MINUTE, NOON, a_worker, fresh, published_batch, seeded

SECOND = timedelta(seconds=1)
LABELS = ("cat", "dog")


def truth_of(batch):
    """Gold says cat; the others take turns."""
    ids = Task.objects.filter(batch=batch).order_by("pk").values_list("pk", flat=True)
    known = dict(Gold.objects.filter(task__batch=batch).values_list("task_id", "answer__label"))
    return {pk: known.get(pk, LABELS[place % 2]) for place, pk in enumerate(ids)}


class Crowd:
    """Workers who take turns, each answer taking ``seconds``; the clock goes on with each."""

    def __init__(self, workers=8, *, ability=0.85, seconds=20, seed=1):
        self.workers = [a_worker() for _ in range(workers)]
        self.ability, self.seconds = ability, timedelta(seconds=seconds)
        self.random = seeded(seed)
        self.now = NOON + MINUTE

    def work(self, batch, answers=10**6):
        """Let the crowd give so many answers, or all that it finds to give; return how many."""
        truth, given, idle = truth_of(batch), 0, 0
        while given < answers and idle < len(self.workers):
            worker = self.workers.pop(0)
            self.workers.append(worker)
            done = self._answer(batch, worker, truth)
            given, idle = given + done, 0 if done else idle + 1
        return given

    def _answer(self, batch, worker, truth):
        handout = distribute.claim(
            batch_id=batch.pk, worker=worker, now=self.now, draw=self.random.random
        )
        if not handout.assignments:
            return 0
        assignment = handout.assignments[0]
        said = truth[assignment.task_id]
        if self.random.random() > self.ability:
            said = LABELS[1 - LABELS.index(said)]
        self.now += self.seconds
        answer.submit(
            assignment_id=assignment.id, worker=worker, answer={"label": said}, now=self.now
        )
        return 1

    def finish(self, batch):
        """Answer all that the batch wants, and bring it to its end."""
        while self.work(batch) or (fresh(batch).is_adaptive and self._decided(batch)):
            pass
        conclude(batch, now=self.now + MINUTE)
        return fresh(batch)

    def _decided(self, batch):
        self.now += timedelta(hours=1)  # after which those who found nothing look again
        return redundancy.decide_batch(batch=fresh(batch), now=self.now)


def conclude(batch, *, now):
    """Accept, pay, aggregate and close."""
    batch = fresh(batch)
    settle.accept_all(batch=batch, assignment_ids=None, actor=batch.project.requester, now=now)
    settle.pay_accepted(now=now)
    aggregate.aggregate(batch=batch, now=now)
    settle.wind_up(now=now)
    settle.wind_up(now=now)


def a_pilot(crowd=None, *, answers=10**6, **fields):
    """A published batch with the first so many answers."""
    options = {"tasks": 40, "overlap": 3, "max_live_assignments": 100, "gold_rate": 0.1}
    batch = published_batch(**{**options, **fields})
    (crowd or Crowd()).work(batch, answers)
    return fresh(batch)


def bounds(forecast, name):
    """One interval of a forecast: low, mid, high."""
    found = forecast.data["intervals"][name]
    return found["low"], found["mid"], found["high"]
