"""Simulated batches: what a policy buys from a crowd like the pilot's, or like the assumed one.

A crowd is drawn anew for every simulated batch, with workers from the posterior of the pilot's
confusion matrices, so that what the pilot leaves open shows as spread. Two kinds of tasks keep
the simulated crowd from being better than people are: unsound ones, on which all answer in
their usual mix, and misleading ones, on which the crowd agrees on a class that is not the known
one. How many mislead is what gold says the model's confidence is too high by.

Source: the parametric bootstrap of B. Efron, R. Tibshirani, An Introduction to the Bootstrap
(1993), chapter 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation import replay
from tasks.aggregation.adaptive import Policy
from tasks.aggregation.online import HARD_SHARE, ROW_STRENGTH, Answers, OnlineModel
from tasks.aggregation.replay import Recording
from tasks.forecasting.accuracy import right_shares
from tasks.forecasting.intervals import NORMAL
from tasks.forecasting.plan import Assumptions, Fixed, Job, Pilot

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEW_WORKERS = 1.5  # workers of the batch per worker of the pilot
SCATTER = 10.0  # answers that the average skill counts for in an assumed worker's own
USUAL_OVERLAP = 5  # answers per task, by which an assumed crowd's size is reckoned
NEVER = 1e-9


class Size(NamedTuple):
    """How much is simulated; what it costs in time grows with both."""

    runs: int = 12  # batches; their mean and spread are used, not their quantiles
    tasks: int = 250  # beyond the pilot: from there on a batch hardly changes


FULL = Size()


class Crowd(NamedTuple):
    """Workers and tasks to draw answers from."""

    confusions: Floats  # worker x true class x label
    activity: Floats  # by worker: relative frequency of their answers
    prior: Floats  # of the classes
    mix: Floats  # of the labels
    unsound: float  # share of tasks whose answers say nothing
    misleading: float  # share of tasks on which the crowd sees another class than the known one


class Run(NamedTuple):
    """One simulated batch; evidence is tasks x classes, what the model makes of the answers."""

    pilot_answers: float  # per task of the pilot, had it been the whole batch
    answers: float  # per further task, once the whole batch is done
    pilot_evidence: Floats
    evidence: Floats  # of the further tasks


def fitted(recording: Recording, answers: Answers | None = None) -> OnlineModel:
    """Fit the online model, gold not told: its tasks must not be better known than others."""
    return OnlineModel(
        answers or recording.answers,
        tasks=recording.tasks,
        workers=recording.workers,
        classes=recording.classes,
    ).refit()


def crowd_like(pilot: Pilot, model: OnlineModel, random: np.random.Generator) -> Crowd:
    """Draw a crowd like the pilot's, of which ``model`` is the fit."""
    answers = pilot.recording.answers
    counts = np.bincount(answers.workers, minlength=pilot.recording.workers)
    pool = random.choice(np.flatnonzero(counts), int(NEW_WORKERS * (counts > 0).sum()))
    mix = np.bincount(answers.labels, minlength=pilot.recording.classes) + 1.0
    strength = (ROW_STRENGTH + counts[pool])[:, None, None]
    return Crowd(
        confusions=_drawn_rows(strength * model.confusions()[pool], random),
        activity=counts[pool].astype(float),
        prior=model.prior,
        mix=mix / mix.sum(),
        unsound=float(1 - model.soundness()[model.answered > 0].mean()),
        misleading=_misleading(pilot, model),
    )


def assumed_crowd(
    assumed: Assumptions, tasks: int, random: np.random.Generator, *, overlap: int = USUAL_OVERLAP
) -> Crowd:
    """Draw a crowd as assumed: classes equally common, mistakes equally likely.

    There are twice as many workers as ``overlap`` at least.
    """
    classes = assumed.classes
    low, high = (np.log(share / (1 - share)) for share in assumed.accuracy)
    logit = random.normal((low + high) / 2, (high - low) / 2 / NORMAL)
    mean = 1 / (1 + np.exp(-logit))
    workers = max(int(USUAL_OVERLAP * tasks / assumed.answers_per_worker), 2 * overlap)
    skills = random.beta(SCATTER * mean, SCATTER * (1 - mean), workers)
    rows = np.repeat((1 - skills) / (classes - 1), classes**2).reshape(-1, classes, classes)
    rows[:, np.arange(classes), np.arange(classes)] = skills[:, None]
    even = np.full(classes, 1 / classes)
    return Crowd(rows, np.ones(workers), even, even, HARD_SHARE, 0.0)


def answered(crowd: Crowd, tasks: int, overlap: int, random: np.random.Generator) -> Recording:
    """Let ``overlap`` of the crowd, or all if it is smaller, answer each of so many tasks."""
    workers = len(crowd.activity)
    overlap = min(overlap, workers)
    seen = random.choice(len(crowd.prior), tasks, p=crowd.prior)
    waits = random.exponential(size=(tasks, workers)) / crowd.activity
    who = np.argsort(waits, axis=1)[:, :overlap]
    rows = crowd.confusions[who, seen[:, None]]
    rows[random.random(tasks) < crowd.unsound] = crowd.mix
    labels = (random.random((tasks, overlap, 1)) > rows.cumsum(axis=2)[:, :, :-1]).sum(axis=2)
    misled = random.random(tasks) < crowd.misleading
    others = random.integers(1, len(crowd.prior), tasks)
    truth = np.where(misled, (seen + others) % len(crowd.prior), seen)
    # First everybody's first answer, and so on, as a policy opens the slots.
    answers = Answers(np.tile(np.arange(tasks), overlap), who.T.ravel(), labels.T.ravel())
    return Recording(answers, truth, workers, len(crowd.prior))


def simulated(
    job: Job, source: Pilot | Assumptions, random: np.random.Generator, size: Size = FULL
) -> list[Run]:
    """Simulate the batch several times, or as much of it as tells the rest."""
    if isinstance(source, Assumptions):
        tasks = min(job.tasks, size.tasks)
        # As many workers as go with these tasks: then each gives the answers they are said to.
        most = job.most_per_task
        crowds = (assumed_crowd(source, tasks, random, overlap=most) for _ in range(size.runs))
        return [run(job, answered(crowd, tasks, most, random)) for crowd in crowds]
    pilot, model = source.recording.tasks, fitted(source.recording)
    tasks = min(job.tasks, pilot + size.tasks)
    runs = []
    for _ in range(size.runs):
        crowd = crowd_like(source, model, random)
        batch = answered(crowd, tasks, job.most_per_task, random)
        runs.append(run(job, batch, pilot, len(source.gold)))
    return runs


def run(job: Job, batch: Recording, pilot: int = 0, gold: int = 0) -> Run:
    """Buy by the job's policy: first as if ``pilot`` tasks were all, then the whole batch.

    The first ``gold`` of the tasks are gold. Without a pilot its figures are empty.
    """
    known = dict(zip(range(gold), batch.truth[:gold].tolist(), strict=True))
    whole = bought(batch, job.policy_for(batch.tasks), known)
    evidence = fitted(batch, whole).evidence[pilot:]
    answers = np.bincount(whole.tasks, minlength=batch.tasks)[pilot:]
    if not pilot:
        return Run(np.nan, float(answers.mean()), evidence[:0], evidence)
    first = np.flatnonzero(batch.answers.tasks < pilot)
    begun = batch._replace(
        answers=Answers(*(column[first] for column in batch.answers)), truth=batch.truth[:pilot]
    )
    part = bought(begun, job.policy_for(pilot), known)
    after = float(answers.mean()) if len(answers) else np.nan
    return Run(len(part.tasks) / pilot, after, fitted(begun, part).evidence, evidence)


def bought(recording: Recording, policy: Policy | Fixed, gold: Mapping[int, int]) -> Answers:
    """Return the answers that ``policy`` would have bought of the recorded ones."""
    if isinstance(policy, Fixed):
        return replay.first_answers(recording, policy.overlap)
    released = replay.buy(recording, policy, gold)
    return Answers(*(column[released] for column in recording.answers))


def _misleading(pilot: Pilot, model: OnlineModel) -> float:
    gold = pilot.gold
    if not len(gold):
        return 0.0
    right = right_shares(model.evidence[gold], pilot.recording.truth[gold]).sum()
    return max(float(model.evidence.max(axis=1).mean() - (right + 0.5) / (len(gold) + 1)), 0.0)


def _drawn_rows(parameters: Floats, random: np.random.Generator) -> Floats:
    """Draw rows from Dirichlet distributions along the last axis."""
    weights = random.standard_gamma(parameters) + NEVER
    rows: Floats = weights / weights.sum(axis=-1, keepdims=True)
    return rows
