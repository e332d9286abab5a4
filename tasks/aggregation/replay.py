"""Replay recorded answers under a redundancy policy: what would it have cost, how good is it?

An answer is released only when the policy opens a slot for its task; of the answers recorded
for a task the next in order of arrival fills the slot. So every released answer is real, and
a policy can do no better here than it would have done then, except that workers are taken as
they came. Nothing is drawn at random but the gold tasks, by a stated seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import floor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation.adaptive import Policy, Rule, State, decide, expected_gain
from tasks.aggregation.calibration import calibration_error, fit_exponent, overconfidence, tempered
from tasks.aggregation.labels import Label
from tasks.aggregation.methods import fit
from tasks.aggregation.online import ROUNDS, WARM_ROUNDS, Answers, OnlineModel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

UNKNOWN = -1
TIE = 1e-9  # probabilities this close differ by rounding only


class Recording(NamedTuple):
    """Answers in order of arrival, as codes, and what is known about the tasks."""

    answers: Answers
    truth: Ints  # class by task, UNKNOWN where it is not known
    workers: int
    classes: int

    @property
    def tasks(self) -> int:
        return len(self.truth)


class Outcome(NamedTuple):
    """How a policy did; accuracies are shares of the scored tasks, ties by expected value."""

    policy: str
    answers: int  # bought
    answers_per_task: float
    most_answers: int  # of one task
    accuracy: float | None  # None where no truth is known
    calibration_error: float | None
    overconfidence: float | None
    closed: float | None  # share of the scored tasks with a confidence at the target or above
    closed_accuracy: float | None  # of these; None where there are none
    exponent: float | None  # of the temperature fitted on gold; None without gold


def shuffled(recording: Recording, seed: int) -> Recording:
    """Return the recording with its answers in another order, the same for the same seed."""
    order = np.random.default_rng(seed).permutation(len(recording.answers.tasks))
    return recording._replace(answers=_chosen(recording.answers, order))


def gold_tasks(recording: Recording, count: int, seed: int = 0) -> Ints:
    """Draw ``count`` of the tasks with a known truth, or all if there are fewer."""
    known = np.flatnonzero(recording.truth != UNKNOWN)
    return np.sort(np.random.default_rng(seed).permutation(known)[:count])


def unscored(recording: Recording, tasks: Ints) -> Recording:
    """Return the recording with these tasks' truth forgotten, so that they are not scored."""
    truth = recording.truth.copy()
    truth[tasks] = UNKNOWN
    return recording._replace(truth=truth)


def mean_budget(recording: Recording, mean: float) -> int:
    """Return how many answers a mean of so many per task may buy."""
    return floor(mean * recording.tasks + 1e-9)


def first_answers(recording: Recording, overlap: int) -> Answers:
    """Return the first ``overlap`` answers of each task: what a fixed overlap buys."""
    return _chosen(recording.answers, np.flatnonzero(_places(recording) < overlap))


def replay_majority(recording: Recording, overlap: int) -> Outcome:
    """Score the majority of a fixed overlap; its confidence is the winner's share."""
    answers = first_answers(recording, overlap)
    shares = _votes(answers, recording)
    total = shares.sum(axis=1, keepdims=True)
    return _outcome(f"majority of {overlap}", recording, answers, shares / np.maximum(total, 1))


def replay_method(recording: Recording, overlap: int, method: str) -> Outcome:
    """Score a fixed overlap aggregated by one of crowd-kit's classification methods."""
    answers = first_answers(recording, overlap)
    triples = zip(*(column.tolist() for column in answers), strict=True)
    # Labels sort like their codes only if they have the same length.
    labels = [Label(task, worker, f"{label:09}") for task, worker, label in triples]
    posteriors = np.full((recording.tasks, recording.classes), 0.0)
    for task, (label, confidence) in fit(method, labels).consensus.items():
        posteriors[task] = (1 - confidence) / max(recording.classes - 1, 1)
        posteriors[task, int(label)] = confidence
    return _outcome(f"{method} of {overlap}", recording, answers, posteriors)


def replay_fixed(recording: Recording, overlap: int, gold: Ints | None = None) -> Outcome:
    """Score a fixed overlap aggregated by the online model."""
    answers = first_answers(recording, overlap)
    return _scored(f"fixed {overlap}", recording, answers, _gold(recording, gold))


def replay_adaptive(
    recording: Recording, policy: Policy, gold: Ints | None = None, *, name: str = ""
) -> Outcome:
    """Replay ``policy``, and score the online model on the answers it bought.

    ``gold`` names tasks whose truth the policy is told: they calibrate its confidence, teach
    it about workers, and are not scored.
    """
    known = _gold(recording, gold)
    released = buy(recording, policy, known)
    answers = _chosen(recording.answers, np.flatnonzero(released))
    return _scored(name or policy.rule.value, recording, answers, known, policy.target)


def buy(recording: Recording, policy: Policy, gold: Mapping[int, int] | None = None) -> Flags:
    """Return which of the recorded answers the policy would have bought."""
    places = _places(recording)
    recorded = np.bincount(recording.answers.tasks, minlength=recording.tasks)
    bought = np.zeros(recording.tasks, np.int64)
    model = None
    while True:
        released = places < bought[recording.answers.tasks]
        answers = _chosen(recording.answers, np.flatnonzero(released))
        model = _model(recording, answers, gold or {}, model)
        model.refit(WARM_ROUNDS if bought.any() else 1)
        posteriors, exponent = _calibrated(model, gold or {})
        state = State(
            confidence=posteriors.max(axis=1),
            gain=expected_gain(posteriors, model.accuracy, exponent=exponent),
            soundness=model.soundness(),
            answers=bought,
            in_flight=np.zeros_like(bought),
            feedable=bought < recorded,
        )
        opened = decide(state, policy).open
        if not len(opened):
            return released
        bought[opened] += 1


def ruled(policy: Policy, rule: Rule) -> Policy:
    """Return ``policy`` with another rule."""
    return replace(policy, rule=rule)


def budgeted(policy: Policy, recording: Recording, mean: float) -> Policy:
    """Return ``policy`` with a budget of ``mean`` answers per task, all of it to be spent."""
    return replace(policy, rule=Rule.SPEND, budget=mean_budget(recording, mean))


def _scored(
    name: str,
    recording: Recording,
    answers: Answers,
    gold: Mapping[int, int],
    target: float = Policy.target,
) -> Outcome:
    # Cold, so that the result depends on the answers only, not on the way to them.
    model = _model(recording, answers, gold, None).refit(ROUNDS)
    posteriors, exponent = _calibrated(model, gold)
    judged = unscored(recording, np.array(list(gold), np.int64))
    outcome = _outcome(name, judged, answers, posteriors, target)
    return outcome._replace(exponent=exponent if gold else None)


def _outcome(
    name: str,
    recording: Recording,
    answers: Answers,
    posteriors: Floats,
    target: float = Policy.target,
) -> Outcome:
    per_task = np.bincount(answers.tasks, minlength=recording.tasks)
    scored = np.flatnonzero(recording.truth != UNKNOWN)
    confidences = posteriors[scored].max(axis=1)
    right = _right(posteriors[scored], recording.truth[scored])
    closed = confidences >= target
    known, some_closed = bool(len(scored)), bool(closed.any())
    return Outcome(
        policy=name,
        answers=len(answers.tasks),
        answers_per_task=len(answers.tasks) / max(recording.tasks, 1),
        most_answers=int(per_task.max(initial=0)),
        accuracy=float(right.mean()) if known else None,
        calibration_error=calibration_error(confidences, right) if known else None,
        overconfidence=overconfidence(confidences, right) if known else None,
        closed=float(closed.mean()) if known else None,
        closed_accuracy=float(right[closed].mean()) if some_closed else None,
        exponent=None,
    )


def _right(posteriors: Floats, truth: Ints) -> Floats:
    """Return by task the chance to be right when ties are broken at random."""
    if not len(truth):
        return np.zeros(0)
    tied = posteriors >= posteriors.max(axis=1, keepdims=True) - TIE
    right: Floats = tied[np.arange(len(truth)), truth] / tied.sum(axis=1)
    return right


def _model(
    recording: Recording, answers: Answers, gold: Mapping[int, int], start: OnlineModel | None
) -> OnlineModel:
    return OnlineModel(
        answers,
        tasks=recording.tasks,
        workers=recording.workers,
        classes=recording.classes,
        gold=gold,
        start=start,
    )


def _calibrated(model: OnlineModel, gold: Mapping[int, int]) -> tuple[Floats, float]:
    tasks, truth = np.array(list(gold), np.int64), np.array(list(gold.values()), np.int64)
    exponent = fit_exponent(model.evidence[tasks], truth)
    return tempered(model.evidence, exponent), exponent


def _gold(recording: Recording, gold: Ints | None) -> dict[int, int]:
    return {} if gold is None else dict(zip(gold.tolist(), recording.truth[gold], strict=True))


def _places(recording: Recording) -> Ints:
    """Return by answer how many answers of its task arrived before it."""
    tasks = recording.answers.tasks
    order = np.argsort(tasks, kind="stable")
    counts = np.bincount(tasks, minlength=recording.tasks)
    places = np.empty_like(tasks)
    places[order] = np.arange(len(tasks)) - np.repeat(np.cumsum(counts) - counts, counts)
    return places


def _votes(answers: Answers, recording: Recording) -> Floats:
    cells = answers.tasks * recording.classes + answers.labels
    votes = np.bincount(cells, minlength=recording.tasks * recording.classes)
    return votes.reshape(recording.tasks, recording.classes).astype(float)


def _chosen(answers: Answers, rows: Ints) -> Answers:
    return Answers(*(column[rows] for column in answers))
