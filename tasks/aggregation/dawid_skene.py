"""Dawid and Skene's model: every worker has a confusion matrix.

A task's class z is drawn from the class shares p. Worker w answers k with the probability
e_w[k, z], independently of the others. Expectation maximisation takes two steps in turn:

* what to believe of task j:  P_j[z] ∝ p[z] · Π over its answers (w, k) of e_w[k, z]
* the workers and the shares: e_w[k, z] ∝ Σ over the tasks j that w answered k of P_j[z],
  scaled so that Σ over k is 1, and p = the mean of P_j

It begins with each task's shares of the votes. Source: A. P. Dawid, A. M. Skene, Maximum
Likelihood Estimation of Observer Error-Rates Using the EM Algorithm, Journal of the Royal
Statistical Society C 28 (1979) 20-28, https://doi.org/10.2307/2346806
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from tasks.aggregation.encoded import Answers, Estimate, Floats, Ints, fit_model, normalised
from tasks.aggregation.labels import Fit, Label

ROUNDS = 100
GAIN = 1e-5  # least gain of the bound, in nats an answer, that is worth another round
LEAST = 1e-10  # stands for a probability of 0, whose logarithm would forbid a class for good


class Habits(NamedTuple):
    """Who ever gave which label: a row for each such pair of worker and label, by worker.

    A worker's confusion matrix needs no row for a label they never gave, so that many classes
    cost no memory for the workers who use few.
    """

    worker: Ints  # by row
    label: Ints  # by row
    first: Ints  # by worker: their first row
    count: Any  # sparse, (rows, tasks): 1 where the worker gave the task that label


def dawid_skene(labels: Sequence[Label]) -> Fit:
    """Aggregate by a confusion matrix per worker; a skill is Σ over z of p[z] · e_w[z, z].

    Same answers as crowd-kit 1.4.2's ``DawidSkene`` with its defaults. That includes its end:
    after 100 rounds, or as soon as its bound (see ``_bound``) gains less than 1e-5. The bound
    often falls after a few rounds, and to stop there is right: run on to convergence, the
    matrices of workers with few answers fit the noise and accuracy drops by points.

    See ``encoded.fit_model`` for ties, the edges and what is raised.
    """
    return fit_model(_model, labels)


def _model(answers: Answers) -> Estimate:
    habits = _habits(answers)
    votes = answers.votes()
    asked = votes.sum(axis=1)
    beliefs = votes / asked[:, None]
    shares, errors = beliefs.mean(axis=0), _errors(habits, beliefs)
    bound = -np.inf
    for _ in range(ROUNDS):
        evidence = habits.count.T @ np.log(errors)
        beliefs = normalised(evidence + np.log(np.maximum(shares, LEAST)))
        shares, errors = beliefs.mean(axis=0), _errors(habits, beliefs)
        previous, bound = bound, _bound(habits, asked, beliefs, shares, errors)
        if bound - previous < GAIN:
            break
    right = shares[habits.label] * errors[np.arange(len(errors)), habits.label]
    return Estimate(beliefs, np.add.reduceat(right, habits.first))


def _habits(answers: Answers) -> Habits:
    pairs, row = np.unique(answers.worker * answers.classes + answers.label, return_inverse=True)
    worker, label = np.divmod(pairs, answers.classes)
    count = csr_array((np.ones(len(row)), (row, answers.task)), shape=(len(pairs), answers.tasks))
    return Habits(worker, label, np.searchsorted(worker, np.arange(answers.workers)), count)


def _errors(habits: Habits, beliefs: Floats) -> Floats:
    """Return e_w[k, z], of shape (rows of ``habits``, classes); each worker's rows sum to 1."""
    weights = np.maximum(habits.count @ beliefs, LEAST)
    return np.asarray(weights / np.add.reduceat(weights, habits.first)[habits.worker])


def _bound(habits: Habits, asked: Floats, beliefs: Floats, shares: Floats, errors: Floats) -> float:
    """Return crowd-kit's lower bound on the log-likelihood, in nats an answer.

    It counts log p[z] once for each of a task's answers, ``asked``, where the model has it once
    for each task. That is why it can fall, which a true bound cannot; kept because the early
    end it brings about is what makes the method good.
    """
    priors = np.log(np.maximum(shares, LEAST))
    evidence = habits.count.T @ np.log(errors) + asked[:, None] * priors
    entropy = -np.sum(beliefs * np.log(np.maximum(beliefs, LEAST)))
    return float((np.sum(beliefs * evidence) + entropy) / asked.sum())
