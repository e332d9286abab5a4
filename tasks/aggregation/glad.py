"""GLAD: workers have an ability, tasks a difficulty.

A task's class z is any of K, all equally likely. Worker i answers task j rightly with the
probability s = 1 / (1 + exp(-x)), x = a_i · exp(b_j), and with each of the K - 1 wrong labels
with the probability (1 - s) / (K - 1). The ability a_i may be negative: such a worker is worse
than chance. exp(b_j) is how easy the task is. The priors of all a_i and b_j are normal with
mean 1 and variance 1. Expectation maximisation takes two steps in turn:

* what to believe of task j:  P_j[z] ∝ exp(Σ over its answers z of (x + log(K - 1)))
* the workers and the tasks: raise, by conjugate gradients,
  Q = Σ over the answers k of (P_j[k] · log s + (1 - P_j[k]) · log((1 - s) / (K - 1)))
      - ½ Σ (a_i - 1)² - ½ Σ (b_j - 1)²

Source: J. Whitehill, P. Ruvolo, T. Wu, J. Bergsma, J. Movellan, Whose Vote Should Count More:
Optimal Integration of Labels from Labelers of Unknown Expertise, NIPS 22 (2009),
https://proceedings.neurips.cc/paper/2009/hash/f899139df5e1059396431415e770c6dd-Abstract.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_array

from tasks.aggregation.encoded import Answers, Estimate, Floats, fit_model, normalised
from tasks.aggregation.labels import Fit, Label

ROUNDS = 100
GAIN = 1e-5  # least gain of Q, in nats for each answer and class, worth another round
STEPS = 25  # of conjugate gradients a round
FLAT = 1e-2  # no component of the gradient of Q larger than this: near enough to the top
PRIOR_MEAN = 1.0
STEEPEST = 500.0  # |x| beyond which the exponential could overflow; s is 0 or 1 long before


def glad(labels: Sequence[Label]) -> Fit:
    """Aggregate by ability and difficulty; a skill is the mean of s over a worker's own tasks.

    Priors, rounds and both tolerances are crowd-kit 1.4.2's defaults for ``GLAD``, and so are
    the answers, but for what rounding makes of the last steps. Whether an answer is right is
    all the model asks of it, so one term an answer does where crowd-kit has one for each
    answer and class.

    See ``encoded.fit_model`` for ties, the edges and what is raised.
    """
    return fit_model(_model, labels)


def _model(answers: Answers) -> Estimate:
    point = np.full(answers.workers + answers.tasks, PRIOR_MEAN)
    pairs = _pairs(answers)
    q = -np.inf
    for _ in range(ROUNDS):
        beliefs = _believe(answers, point)
        belief = answers.at_answers(beliefs)
        found = minimize(
            _descent,
            point,
            args=(answers, pairs, belief),
            method="CG",
            jac=True,
            options={"gtol": FLAT, "maxiter": STEPS},
        )
        point = found.x
        # What Q has and ``_descent`` leaves out: it depends on the beliefs alone.
        wrong = np.log(answers.classes - 1) * np.sum(1 - belief)
        previous, q = q, -(found.fun + wrong) / (len(belief) * answers.classes)
        if q - previous < GAIN:
            break
    margin = _margin(answers, point[: answers.workers], np.exp(point[answers.workers :]))
    right = 1 / (1 + np.exp(np.minimum(-margin, STEEPEST)))
    count = np.bincount(answers.worker, minlength=answers.workers)
    return Estimate(beliefs, answers.by_worker(right) / count)


def _pairs(answers: Answers) -> Any:
    """Return the sparse matrix (tasks, workers) of who answered what.

    Its entries are in the order of ``answers``, which is by task and then by worker.
    """
    ones = np.ones(len(answers.task))
    return csr_array((ones, (answers.task, answers.worker)), shape=(answers.tasks, answers.workers))


def _margin(answers: Answers, ability: Floats, ease: Floats) -> Floats:
    """Return x, one an answer; ``ability`` is a, by worker, and ``ease`` exp(b), by task."""
    margin = ability[answers.worker]
    margin *= ease[answers.task]
    return margin


def _believe(answers: Answers, point: Floats) -> Floats:
    ability, ease = point[: answers.workers], np.exp(point[answers.workers :])
    return normalised(
        answers.by_cell(_margin(answers, ability, ease) + np.log(answers.classes - 1))
    )


def _descent(point: Floats, answers: Answers, pairs: Any, belief: Floats) -> tuple[float, Floats]:
    """Return -Q up to a constant, and its gradient, of the shape of ``point``.

    ``point`` is all a_i and then all b_j, ``belief`` P_j[k] for each answer k. This is run a
    thousand times on a large crowd, hence the care to make few arrays of one entry an answer.
    """
    away = point - PRIOR_MEAN
    with np.errstate(over="ignore", invalid="ignore"):  # a far too long step of the search
        ability, ease = point[: answers.workers], np.exp(point[answers.workers :])
        margin = _margin(answers, ability, ease)
        exponent = np.minimum(-margin, STEEPEST)
        odds = np.exp(exponent)
        odds += 1  # 1 / s
        # log s = -log(odds) and log(1 - s) = exponent - log(odds), which, where the exponent
        # was cut, is 0 as it should be.
        loss = np.log(odds).sum() - exponent.sum() - belief @ margin + away @ away / 2
        residual = np.divide(-1, odds, out=odds)
        residual += belief
        residuals = csr_array((residual, pairs.indices, pairs.indptr), shape=pairs.shape)
        gradient = away - np.concatenate([residuals.T @ ease, (residuals @ ability) * ease])
    return (float(loss) if np.isfinite(loss) else np.inf), gradient
