"""Forecast a batch before its budget is committed, from a pilot or from assumptions.

Cost under an adaptive policy: simulated batches (``simulate``), drawn towards what the pilot
really took. Their answers per task and the pilot's are compared on the log scale, so that both
the model's errors and the pilot's luck show in the spread. Accuracy and closed tasks: the
model's confidence as far as gold trusts it (``accuracy``, ``closing``). Time and wage:
``pace``. The cost of a fixed overlap is certain.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.forecasting import pace
from tasks.forecasting.accuracy import DRAWS, Trust, accuracy_draws, counted, right_shares, trust
from tasks.forecasting.closing import closed_draws, exponents
from tasks.forecasting.intervals import NORMAL, Forecast, Interval
from tasks.forecasting.plan import Assumptions, Fixed, Job, Pilot
from tasks.forecasting.simulate import FULL, Run, Size, fitted, simulated

Floats = NDArray[np.float64]

MODEL_ERROR = 0.1  # log deviation of the simulated answers per task from real ones, with a pilot
FEWEST = 0.01  # answers per task, where a budget leaves none: logarithms need some
UNCORRECTED = 0.2  # the same where no pilot under the same policy corrects them


class _Known(NamedTuple):
    """What the model makes of the pilot; empty without one."""

    evidence: Floats  # of its tasks, if the job's policy bought their answers
    trust: Trust
    exponents: Floats


def forecast(
    source: Pilot | Assumptions, job: Job, *, seed: int = 0, size: Size = FULL
) -> Forecast:
    """Forecast ``job`` with 80 % intervals; the same for the same seed and size.

    Raises ``ValueError`` where no task is left beyond the pilot's.
    """
    if isinstance(source, Pilot):
        source = source.renumbered()
    rest = job.tasks - (source.recording.tasks if isinstance(source, Pilot) else 0)
    if rest < 1:
        raise ValueError("The pilot is the whole job; there is nothing left to forecast.")
    random = np.random.default_rng(seed)
    runs = simulated(job, source, random, size)
    known = _known(source, job, random)
    per_task = _answers_per_task(source, job, runs, rest)
    before = np.concatenate([run.pilot_evidence for run in runs])
    after = np.concatenate([run.evidence for run in runs])
    right = accuracy_draws(known.trust, _top(known.evidence), _top(before), _top(after), random)
    closed = closed_draws(
        known.evidence if len(known.evidence) else after,
        known.exponents,
        job.policy.target,
        gold=isinstance(source, Pilot) and len(source.gold) > 0,
        random=random,
    )
    to_come = per_task.scaled(rest / (1 - job.gold_rate))
    return Forecast(
        answers_per_task=per_task,
        cost_minor=to_come.scaled(job.price_minor, job.price_minor * _spent(source)),
        accuracy=Interval.of(counted(right, rest, random)),
        closed=Interval.of(counted(closed, rest, random)),
        hours=_hours(source, job, to_come),
        hourly_wage_minor=_wage(source, job, to_come.mid, random),
        assumptions=tuple(_assumptions(source, job)),
    )


def _known(source: Pilot | Assumptions, job: Job, random: np.random.Generator) -> _Known:
    if isinstance(source, Assumptions):
        nothing = np.zeros((0, source.classes))
        return _Known(nothing, trust(np.zeros(0), np.zeros(0), random), np.ones(DRAWS))
    evidence = fitted(source.recording).evidence
    gold, truth = evidence[source.gold], source.recording.truth[source.gold]
    return _Known(
        evidence=evidence if job.same_policy(source.policy) else evidence[:0],
        trust=trust(_top(gold), right_shares(gold, truth), random),
        exponents=exponents(gold, truth, random),
    )


def _answers_per_task(
    source: Pilot | Assumptions, job: Job, runs: list[Run], rest: int
) -> Interval:
    if isinstance(job.policy, Fixed):
        overlap = float(job.policy.overlap)
        return Interval(overlap, overlap, overlap)
    draws = np.log([max(run.answers, FEWEST) for run in runs])
    error = UNCORRECTED
    if isinstance(source, Pilot) and job.same_policy(source.policy):
        error = MODEL_ERROR
        simulated = np.log([max(run.pilot_answers, FEWEST) for run in runs])
        # How much of a difference to believe: all of it if it could only be the model's error,
        # little if pilots of this size differ as much by chance.
        believed = error**2 / (error**2 + simulated.var(ddof=1))
        took = _spent(source) / source.recording.tasks
        draws = draws - believed * (simulated - log(took))
    found = Interval.around(exp(draws.mean()), sqrt(draws.var(ddof=1) + error**2))
    return found.clipped(*_possible(source, job, rest))


def _possible(source: Pilot | Assumptions, job: Job, rest: int) -> tuple[float, float]:
    """Return the fewest and the most answers that a further task can take on average."""
    assert not isinstance(job.policy, Fixed)
    least, most = float(job.policy.minimum), float(job.policy.maximum)
    if job.budget is not None:
        most = min(most, max(job.budget - _spent(source), 0) / rest)
    return min(least, most), most


def _hours(source: Pilot | Assumptions, job: Job, answers: Interval) -> Interval | None:
    deviation = log(answers.high / answers.low) / 2 / NORMAL if answers.low > 0 else 0.0
    if isinstance(source, Pilot) and source.arrived is not None:
        return pace.hours_at_pace(source.arrived, answers.mid, deviation)
    seconds = _usual_seconds(source)
    if job.workers_per_hour is None or seconds is None:
        return None
    return pace.hours_with_workers(job.workers_per_hour, seconds, answers.mid, deviation)


def _usual_seconds(source: Pilot | Assumptions) -> float | None:
    if isinstance(source, Pilot):
        # The mean, not the median: the long ones take their time too.
        return None if source.seconds is None else float(source.seconds.mean())
    return sqrt(source.seconds[0] * source.seconds[1]) if source.seconds else None


def _wage(
    source: Pilot | Assumptions, job: Job, answers: float, random: np.random.Generator
) -> Interval | None:
    if source.seconds is None:
        return None
    if isinstance(source, Assumptions):
        return pace.assumed_wage(job.reward, source.seconds)
    workers = source.recording.answers.workers
    return pace.hourly_wage(job.reward, source.seconds, workers, answers, random)


def _assumptions(source: Pilot | Assumptions, job: Job) -> list[str]:
    if isinstance(source, Assumptions):
        low, high = source.accuracy
        said = [
            f"The average worker is right on {low:.0%} to {high:.0%} of the tasks.",
            f"A worker gives {source.answers_per_worker:g} answers.",
            f"The {source.classes} classes are equally common.",
            "No gold has been seen: the model is over-confident as on other crowds.",
        ]
    else:
        said = _said_of(source, job)
    if job.gold_rate:
        said.append(f"{job.gold_rate:.0%} of the answers go to further gold tasks.")
    said.append("The pace does not depend on the hour of the day; workers do not run out.")
    return said


def _said_of(pilot: Pilot, job: Job) -> list[str]:
    tasks, gold = pilot.recording.tasks, len(pilot.gold)
    said = [
        f"The tasks to come are like the {tasks} of the pilot, as if those were drawn at random.",
        "The workers to come are like those of the pilot.",
    ]
    if gold:
        said.append(f"{gold} gold tasks of the pilot say how far confidence can be trusted.")
    else:
        said.append("The pilot has no gold: the model is over-confident as on other crowds.")
    if not job.same_policy(pilot.policy):
        said.append("The pilot was answered under another policy; the job's is only simulated.")
    return said


def _spent(source: Pilot | Assumptions) -> int:
    return len(source.recording.answers.tasks) if isinstance(source, Pilot) else 0


def _top(evidence: Floats) -> Floats:
    confidences: Floats = evidence.max(axis=1, initial=0.0)
    return confidences
