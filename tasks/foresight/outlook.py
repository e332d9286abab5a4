"""What a batch will cost and yield, as rows know it: between ``tasks.forecasting`` and the verbs.

Everything is about the whole batch, from its publication to its last answer, so that it can be
held against what became of it. Cost follows from answers; gold costs from nothing, where
workers have met it all, to its full share.

The simulations are kept small (``effort``), because a request waits for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil, floor, log, sqrt
from typing import Any, NamedTuple

import numpy as np

from tasks import escrow
from tasks.aggregation.adaptive import Policy
from tasks.errors import IllegalTransition
from tasks.forecasting import pace
from tasks.forecasting.forecast import forecast
from tasks.forecasting.intervals import LEVEL, NORMAL, Interval
from tasks.forecasting.plan import Assumptions, Fixed, Job, Pilot
from tasks.forecasting.simulate import Size
from tasks.foresight.pilots import FEWEST_TASKS, Seen, first_coding, read
from tasks.models import Batch
from tasks.policies import policy_of

# About a second of CPU: fewer tasks where each has many answers, or answers many classes.
CELLS = 4_000  # answers times classes, in one simulated batch
TASKS = 20, 100  # fewest and most
RUNS = 7
RUNS_OF_MANY = 4  # the same above ``MANY`` classes, whose models take longest
MANY = 10
DEEPEST = 15  # answers to one task, beyond which nothing is learned that would matter here
ROUNDS = 8  # at most about so many waves of answers are simulated under a budget
AHEAD = 0.25  # share of the tasks in each of them, or more
QUANTITIES = (
    "answers_per_task",
    "cost_minor",
    "accuracy",
    "closed",
    "hours",
    "hourly_wage_minor",
)
WHOLE = ("cost_minor", "hourly_wage_minor")  # whole minor units, rounded outwards
DIGITS = 4
NEARLY_ALL = 0.95  # of a budget: a batch that spent as much may have wanted more
NO_CLASSES = "No question of the interface has classes, and only those can be foretold."
TOO_FEW_TIMES = "Too few answers have arrived to reckon from their times."


class Stated(NamedTuple):
    """What a requester expects; ranges hold with 80 %. The defaults are usual for public crowds."""

    accuracy: tuple[float, float] = (0.65, 0.9)  # of the average worker
    seconds: tuple[float, float] = (8.0, 40.0)  # median per answer
    workers_per_hour: float = 5.0  # at work at any time
    answers_per_worker: float = 30.0


class Outlook(NamedTuple):
    intervals: dict[str, Interval]
    unknown: dict[str, str]  # by quantity that is not foretold: why
    assumptions: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {
            "level": LEVEL,
            "intervals": {name: _rounded(name, self.intervals[name]) for name in self.intervals},
            "unknown": self.unknown,
            "assumptions": self.assumptions,
        }


def assumed(batch: Batch, stated: Stated) -> Outlook:
    """Foretell ``batch`` from what is ``stated``. Raises ``ValueError`` for impossible ranges."""
    question = first_coding(batch)
    source = Assumptions(
        accuracy=stated.accuracy,
        classes=question.classes if question else 2,
        answers_per_worker=stated.answers_per_worker,
        seconds=stated.seconds,
    )
    low, high = stated.seconds
    said = [
        f"{stated.workers_per_hour:g} workers are at work at any time.",
        f"The median answer takes {low:g} to {high:g} seconds.",
    ]
    per_task = _bounds(batch)
    found: dict[str, Interval | None] = {}
    if question:
        size = effort(batch, question.classes)
        foretold = forecast(source, _job(batch, batch.task_count, _budget(batch)), size=size)
        per_task = _per_task(batch, foretold.answers_per_task)
        found = {"accuracy": foretold.accuracy, "closed": foretold.closed}
        said = [*foretold.assumptions, *said, _simulated(size)]
    answers, deviation = _answers(batch, per_task), _deviation(per_task)
    workers, usual = stated.workers_per_hour, sqrt(low * high)
    found["hours"] = pace.hours_with_workers(workers, usual, answers, deviation)
    found["hourly_wage_minor"] = pace.assumed_wage(batch.reward_minor, stated.seconds)
    return _outlook(batch, per_task, found, said)


def piloted(batch: Batch, pilot: Batch) -> Outlook:
    """Foretell ``batch`` from the answers of ``pilot``, which may be the batch itself.

    Raises:
        IllegalTransition: no task is left to foretell.
        PilotTooSmall: too few tasks have their first answers.
    """
    question = first_coding(batch)
    classes = question.classes if question else 2
    size = min(effort(pilot, classes), effort(batch, classes))
    seen = read(pilot, tasks=max(size.tasks, FEWEST_TASKS))
    own = pilot.pk == batch.pk
    tasks, answers = (seen.tasks, seen.answers) if own else (0, 0)
    rest = batch.task_count - tasks
    if rest < 1:
        raise IllegalTransition("Every task of the batch has its first answers: nothing is left.")
    per_task = _bounds(batch)
    found: dict[str, Interval | None] = {}
    said = [f"The pilot is {seen.answers} answers to {seen.tasks} tasks of batch {pilot.pk}."]
    if seen.recording:
        spent = len(seen.recording.answers.tasks)
        job = _job(batch, rest + seen.recording.tasks, _budget(batch) - answers + spent)
        source = Pilot(recording=seen.recording, policy=_bought_by(seen, job, own=own))
        foretold = forecast(source, job, size=size)
        of_rest, known = rest / batch.task_count, answers / batch.task_count
        per_task = _per_task(batch, foretold.answers_per_task.scaled(of_rest, known))
        found = {"accuracy": foretold.accuracy, "closed": foretold.closed}
        said += [*foretold.assumptions, _simulated(size)]
    if not own and pilot.reward_minor != batch.reward_minor:
        said.append(f"The pilot paid {pilot.reward}, this batch pays {batch.reward}.")
    found["hours"] = _hours(batch, seen, per_task, own=own)
    found["hourly_wage_minor"] = pace.hourly_wage(
        batch.reward_minor,
        seen.seconds,
        seen.workers,
        _answers(batch, per_task),
        np.random.default_rng(0),
    )
    return _outlook(batch, per_task, found, said)


def effort(batch: Batch, classes: int) -> Size:
    """Say how much to simulate for about a second of CPU; the pilot has as many tasks at most."""
    mean = batch.overlap
    if batch.is_adaptive:
        mean = max(batch.overlap_min, min(batch.overlap_max, _mean_budget(batch)))
    fewest, most = TASKS
    tasks = min(max(CELLS // (mean * classes), fewest), most)
    return Size(runs=RUNS if classes <= MANY else RUNS_OF_MANY, tasks=tasks)


def _simulated(size: Size) -> str:
    return f"{size.runs} batches are simulated, each with at most {size.tasks} tasks to come."


def _job(batch: Batch, tasks: int, budget: int) -> Job:
    # Larger waves than the engine's change the result by less than its spread, and take less time.
    ahead = max(AHEAD, (min(_mean_budget(batch), DEEPEST) - batch.overlap_min) / ROUNDS)
    policy = _policy(batch, max(budget, 0), ahead)
    return Job(
        tasks=tasks, policy=policy, price_minor=batch.unit.minor, gold_rate=_gold_rate(batch)
    )


def _policy(batch: Batch, budget: int, ahead: float) -> Policy | Fixed:
    """Return how the batch buys, with no more answers to one task than are simulated."""
    if not batch.is_adaptive:
        return Fixed(overlap=min(batch.overlap, DEEPEST), target=batch.target)
    policy = policy_of(batch, budget=budget)
    return replace(
        policy,
        ahead=ahead,
        minimum=min(policy.minimum, DEEPEST),
        cautious_minimum=min(policy.cautious_minimum, DEEPEST),
        maximum=min(policy.maximum, DEEPEST),
    )


def _per_task(batch: Batch, foretold: Interval) -> Interval:
    """Return the answers per task: as foretold, unless that is certain or was not simulated."""
    is_deep = batch.rule == Batch.Rule.SPEND and _mean_budget(batch) > DEEPEST
    if not batch.is_adaptive or is_deep or batch.overlap_min > DEEPEST:
        return _bounds(batch)
    return foretold


def _bought_by(seen: Seen, job: Job, *, own: bool) -> Policy | Fixed | None:
    """Return the policy that bought the pilot; None where it may have wanted more answers."""
    pilot = seen.batch
    ahead = job.policy.ahead if isinstance(job.policy, Policy) else AHEAD
    if not pilot.is_adaptive:
        return _policy(pilot, 0, ahead)
    thrifty = pilot.spent < NEARLY_ALL * pilot.budget_minor
    is_done = not own and pilot.status == Batch.Status.CLOSED and seen.is_whole
    if not (is_done and thrifty) or pilot.rule == Batch.Rule.SPEND:
        return None
    return _policy(pilot, 0, ahead)


def _budget(batch: Batch) -> int:
    """Answers to ordinary tasks that the batch's money pays for."""
    return int(escrow.cost(batch).minor // batch.unit.minor * (1 - _gold_rate(batch)))


def _mean_budget(batch: Batch) -> int:
    return max(_budget(batch) // batch.task_count, 1)


def _gold_rate(batch: Batch) -> float:
    return batch.gold_rate if escrow.gold_live(batch) else 0.0


def _bounds(batch: Batch) -> Interval:
    """Return the answers per task that are possible, with a fixed overlap the one number."""
    if not batch.is_adaptive:
        mean = batch.slot_count / batch.task_count
        return Interval(mean, mean, mean)
    most = max(min(float(batch.overlap_max), _budget(batch) / batch.task_count), 0.0)
    least = min(float(batch.overlap_min), most)
    return Interval(least, sqrt(least * most), most)


def _answers(batch: Batch, per_task: Interval) -> float:
    """Answers of the whole batch, gold included."""
    return per_task.mid * batch.task_count / (1 - _gold_rate(batch))


def _deviation(per_task: Interval) -> float:
    return log(per_task.high / per_task.low) / 2 / NORMAL if per_task.low > 0 else 0.0


def _hours(batch: Batch, seen: Seen, per_task: Interval, *, own: bool) -> Interval | None:
    """Return the hours from publication to the last answer."""
    answers, passed = _answers(batch, per_task), 0.0
    if own:
        assert batch.published_at is not None
        answers -= batch.assignments.filter(submitted_at__isnull=False).count()
        passed = (seen.last - batch.published_at).total_seconds() / pace.HOUR
    found = pace.hours_at_pace(seen.arrived, max(answers, 1.0), _deviation(per_task))
    return found and found.scaled(1.0, passed)


def _cost(batch: Batch, per_task: Interval) -> Interval:
    ordinary = per_task.scaled(batch.task_count * batch.unit.minor)
    with_gold = ordinary.scaled(1 / (1 - _gold_rate(batch)))
    most = float(escrow.cost(batch).minor)
    high = with_gold.high if batch.is_adaptive else most
    return Interval(ordinary.low, with_gold.mid, high).clipped(0.0, most)


def _outlook(
    batch: Batch, per_task: Interval, found: Mapping[str, Interval | None], said: list[str]
) -> Outlook:
    """Put the quantities together, and say why the others are missing."""
    all_found = {"answers_per_task": per_task, "cost_minor": _cost(batch, per_task), **found}
    known = {name: one for name in QUANTITIES if (one := all_found.get(name)) is not None}
    why = {"accuracy": NO_CLASSES, "closed": NO_CLASSES}
    unknown = {name: why.get(name, TOO_FEW_TIMES) for name in QUANTITIES if name not in known}
    return Outlook(known, unknown, [*said, *_of_cost(batch, known)])


def _of_cost(batch: Batch, known: Mapping[str, Interval]) -> list[str]:
    said = []
    if not batch.is_adaptive:
        said.append("The overlap is fixed: how many answers each task gets is certain.")
    elif "accuracy" not in known:
        said.append("How many answers a task gets is only bounded: by min, max and the budget.")
    if _gold_rate(batch):
        said.append("Gold costs from nothing, where workers have met it all, to its full share.")
    return said


def _rounded(name: str, one: Interval) -> dict[str, float]:
    if name in WHOLE:
        low, high = floor(round(one.low, DIGITS)), ceil(round(one.high, DIGITS))
        return {"low": low, "mid": round(one.mid), "high": high}
    return {end: round(bound, DIGITS) for end, bound in one._asdict().items()}
