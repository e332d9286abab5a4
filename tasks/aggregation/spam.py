"""Is a worker looking at the tasks at all? Likelihood ratios against workers who do not.

Three ways of not looking are told from honest work, each by a likelihood that integrates over
what is not known about the worker:

* ``random``: every label equally likely;
* ``mix``: labels drawn in the proportions in which everybody gives them;
* ``habit``: the worker's own few favourite labels, one button at the extreme.

The honest alternative is a mixture over levels of skill, each worker's confusion matrix
scattering around its level. The levels' weights and the pooled matrix they are tilts of are
learned from the crowd with the suspects weighed out. A worker's answers are compared with what
the *other* workers of the same tasks make of them, so nobody vouches for themselves.

Scores are evidence, not verdicts. Among honest workers ten answers suffice to be wrong about
some: above ``CHECK`` ask for more gold and fewer answers at a time; a person decides the rest.

Sources: V. Raykar, S. Yu, Eliminating Spammers and Ranking Annotators for Crowdsourced
Labeling Tasks, JMLR 13 (2012); the integrals are Dirichlet-multinomial.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from tasks.aggregation.communities import tilted
from tasks.aggregation.online import Answers

Floats = NDArray[np.float64]

CHECK = 0.5  # probability of spam above which a worker is more likely a spammer than not
LEVELS = (0.5, 1.0, 2.0, 4.0)  # odds of a right answer, against the pool's
SCATTER = 10.0  # answers that a level's row counts for in a worker's own
HABIT = 0.05  # total of the Dirichlet parameters: below 1 most answers share one label
# Of workers, a priori: random, mix, habit. One-button work shows within a few answers whatever
# the prior; a larger one would cast doubt on honest workers where one label is common.
SPAMMERS = np.array([0.08, 0.01, 0.01])
RELIABILITY_STRENGTH = 6.0  # answers that the pool's reliability counts for
ROUNDS = 8  # the weights settle to two digits
NEVER = 1e-6


class Population(NamedTuple):
    """What honest workers of a crowd are like."""

    rows: Floats  # level x true class x label
    weights: Floats  # of the levels; they sum to 1
    mix: Floats  # share of each label among all answers


class Suspicion(NamedTuple):
    """Scores by worker; log likelihood ratios are positive where spam explains more."""

    random: Floats
    mix: Floats
    habit: Floats
    spam: Floats  # probability that the worker is any of these three
    # Expected share of right answers, pulled to the pool's. It is judged by the others alone,
    # so where they are unsure it lies nearer to chance than ``OnlineModel.skills``.
    reliability: Floats


def population(answers: Answers, beliefs: Floats, workers: int) -> Population:
    """Learn what the honest workers of a crowd are like, spammers weighed out.

    ``beliefs`` says for each answer how likely each class of its task is without that answer:
    ``OnlineModel.without_own_answer``, or the known classes of gold tasks.
    """
    classes = beliefs.shape[1]
    counts = _counts(answers, beliefs, workers)
    answered = counts.sum(axis=(1, 2)) > 0
    mix = counts.sum(axis=(0, 1)) + 1.0
    mix /= mix.sum()
    honest = np.full(workers, 1 - SPAMMERS.sum())
    weights = np.full(len(LEVELS), 1 / len(LEVELS))
    spam = _spam_likelihoods(answers, workers, mix) + np.log(SPAMMERS)[:, None]
    for _ in range(ROUNDS):
        pooled = np.einsum("w,wkl->kl", honest, counts) + 0.5 + 2.0 * np.eye(classes)
        pooled /= pooled.sum(axis=1, keepdims=True)
        found = Population(np.stack([tilted(pooled, odds) for odds in LEVELS]), weights, mix)
        levels = _level_likelihoods(answers, beliefs, counts, found) + np.log(1 - SPAMMERS.sum())
        total = np.logaddexp(_log_sum(levels), _log_sum(spam))
        members = np.exp(levels - total)
        honest = members.sum(axis=0)
        weights = members[:, answered].sum(axis=1) + 0.5  # half a pseudo-worker per level
        weights /= weights.sum()
    return found._replace(weights=weights)


def suspicion(
    answers: Answers, beliefs: Floats, workers: int, crowd: Population | None = None
) -> Suspicion:
    """Score each worker by these answers; one without answers has the prior.

    ``beliefs`` as in ``population``; ``crowd`` is what that returned for more answers than
    these, and is learned from these where it is left out.
    """
    crowd = crowd or population(answers, beliefs, workers)
    counts = _counts(answers, beliefs, workers)
    honest = _log_sum(_level_likelihoods(answers, beliefs, counts, crowd))
    ratios = _spam_likelihoods(answers, workers, crowd.mix) - honest
    odds = _log_sum(ratios + np.log(SPAMMERS)[:, None]) - np.log(1 - SPAMMERS.sum())
    probability = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
    return Suspicion(ratios[0], ratios[1], ratios[2], probability, _reliability(counts))


def _counts(answers: Answers, beliefs: Floats, workers: int) -> Floats:
    """Return worker x true class x label: expected numbers of answers."""
    classes = beliefs.shape[1]
    cells = answers.workers * classes + answers.labels
    columns = [np.bincount(cells, column, workers * classes) for column in beliefs.T]
    return np.stack([column.reshape(workers, classes) for column in columns], axis=1)


def _level_likelihoods(
    answers: Answers, beliefs: Floats, counts: Floats, crowd: Population
) -> Floats:
    """Return level x worker: log of weight x likelihood of the worker's answers."""
    workers = len(counts)
    likelihoods = []
    for rows, weight in zip(crowd.rows, crowd.weights, strict=True):
        chance = np.einsum("jk,kj->j", beliefs, rows[:, answers.labels])
        logs = np.bincount(answers.workers, np.log(np.maximum(chance, NEVER)), workers)
        likelihoods.append(logs + _scatter(counts, rows) + np.log(weight))
    return np.stack(likelihoods)


def _scatter(counts: Floats, rows: Floats) -> Floats:
    """Return by worker how much likelier answers are once rows scatter around ``rows``.

    The log of the Dirichlet-multinomial over the multinomial, true class by true class.
    """
    prior = SCATTER * rows
    total = counts.sum(axis=2)
    integrated = (gammaln(counts + prior) - gammaln(prior)).sum(axis=2)
    integrated += gammaln(SCATTER) - gammaln(SCATTER + total)
    gain: Floats = integrated.sum(axis=1) - np.einsum("wkl,kl->w", counts, np.log(rows))
    return gain


def _spam_likelihoods(answers: Answers, workers: int, mix: Floats) -> Floats:
    """Return way x worker: log likelihood of the worker's labels, whatever the tasks."""
    classes = len(mix)
    cells = np.bincount(answers.workers * classes + answers.labels, minlength=workers * classes)
    labels = cells.reshape(workers, classes).astype(float)
    total = labels.sum(axis=1)
    prior = HABIT * mix
    habit = (gammaln(labels + prior) - gammaln(prior)).sum(axis=1)
    habit += gammaln(HABIT) - gammaln(HABIT + total)
    return np.stack([-total * np.log(classes), labels @ np.log(mix), habit])


def _reliability(counts: Floats) -> Floats:
    right, total = np.einsum("wkk->w", counts), counts.sum(axis=(1, 2))
    pool = (right.sum() + 0.5) / (total.sum() + 1.0)
    reliability: Floats = (right + RELIABILITY_STRENGTH * pool) / (total + RELIABILITY_STRENGTH)
    return reliability


def _log_sum(logs: Floats) -> Floats:
    total: Floats = np.logaddexp.reduce(logs, axis=0)
    return total
