"""The online worker model: how likely is each label of each task, given all answers so far.

Every worker has a confusion matrix: a row per true class, saying how often they give each
label. Few workers have answered enough to know their rows from their own answers alone, so
rows are shrunk towards those of the worker's community, and the communities (a few kinds of
workers, spammers among them) are learned from everybody's answers. Five things keep the model
honest while answers are few:

* An answer is weighed by what its worker's *other* answers say of them, and by the community
  these put them in. Else a new worker confirms themselves.
* The class prior is damped to the mix of the answers. Else it collapses to one class.
* A cold fit stops after ``ROUNDS`` rounds. Run to convergence, posteriors sharpen by repeating
  themselves, and accuracy falls on sets where workers share mistakes.
* A label that nobody gave a task is never its likeliest. The prior of a common class may well
  outweigh the one worker who saw a rare one, but then the task is in doubt, not decided.
* Gold tasks are clamped to their known label where they teach about workers; ``evidence`` says
  what the answers alone would make of them.

The state is a function of the answers. A former model passed as ``start`` saves rounds and
nothing else.

Sources: A. Dawid, A. Skene, Maximum Likelihood Estimation of Observer Error-Rates, Applied
Statistics 28 (1979); M. Venanzi et al., Community-Based Bayesian Aggregation Models for
Crowdsourcing, WWW (2014); the leave-one-out weights are collapsed variational inference at
zeroth order, A. Asuncion et al., On Smoothing and Inference for Topic Models, UAI (2009).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation.communities import Communities, Counts

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]  # for what there is one of per answer: half the memory to walk
Ints = NDArray[np.int64]

ROUNDS = 10  # of a cold fit
WARM_ROUNDS = 3  # of a fit that starts from the model of a few answers ago
ROW_STRENGTH = 20.0  # answers that a community's rows count for in those of its workers
RAREST = 2e-3  # no label is rarer: one slip of the mouse must not outweigh ten careful workers
NOT_GIVEN = 0.99  # of the likeliest label given to a task: the most that any other can reach
DAMPING = 1.0  # weight of the answers' mix in the class prior, against the posteriors' mean
HARD_SHARE = 0.1  # of tasks, a priori: their answers say nothing about the truth


class Answers(NamedTuple):
    """Codes from 0 on, three arrays of one length; a worker answers a task at most once."""

    tasks: Ints
    workers: Ints
    labels: Ints


class OnlineModel:
    """A model of ``tasks`` x ``workers`` x ``classes``, fitted by calls of ``refit``.

    Arrays it gives away have a row per task (or worker) and a column per class.
    """

    def __init__(
        self,
        answers: Answers,
        *,
        tasks: int,
        workers: int,
        classes: int,
        gold: Mapping[int, int] | None = None,
        start: OnlineModel | None = None,
    ) -> None:
        """Prepare the model; ``gold`` is the known class by task, ``start`` an earlier model.

        ``start`` may hold fewer answers, tasks and workers, but the same classes.
        Raises ``ValueError`` for fewer than two classes.
        """
        if classes < 2:  # noqa: PLR2004 - a question with one option is none
            raise ValueError("A model needs at least two classes.")
        self.tasks, self.workers, self.classes = tasks, workers, classes
        # Sorted by label, so that each label's answers are one slice; then by worker and task,
        # so that sums do not depend on the order of arrival.
        order = np.argsort((answers.labels * workers + answers.workers) * tasks + answers.tasks)
        self._order = order
        self._task, self._worker, self._label = (column[order] for column in answers)
        self._of_label = np.searchsorted(self._label, np.arange(classes + 1))
        self._cell = self._worker * classes + self._label  # in a matrix of workers x labels
        self._at = self._label * tasks + self._task  # in a matrix of labels x tasks
        self._answered = np.bincount(self._task, minlength=tasks)
        self._votes = np.bincount(self._at, minlength=classes * tasks).reshape(classes, tasks)
        self._not_given = (self._votes == 0) & (self._answered > 0)
        self._counted = np.bincount(self._worker, minlength=workers).astype(float)
        self._mix = (np.bincount(self._label, minlength=classes) + 1.0) / (order.size + classes)
        self._gold_tasks = np.fromiter(gold or (), np.int64)
        self._gold_labels = np.fromiter((gold or {}).values(), np.int64)
        self.communities: Communities | None = start.communities if start else None
        self._posterior = self._clamped(self._first_guess(start))  # classes x tasks, like all below
        self._evidence = self._posterior
        self.prior = self._mix
        self._rows: Singles = np.ones((classes, order.size), np.float32)  # classes x answers
        self._log_joint = np.zeros((classes, tasks))
        self._counts: Counts | None = None

    def refit(self, rounds: int = ROUNDS) -> Self:
        """Improve all estimates by that many rounds, and return the model."""
        for _ in range(rounds):
            self._round()
        return self

    @property
    def posteriors(self) -> Floats:
        """Probability of each class of each task; gold tasks have their known one."""
        return self._posterior.T

    @property
    def evidence(self) -> Floats:
        """As ``posteriors``, but gold tasks are judged by their answers like any other.

        What the workers of a gold task are worth is still estimated without that very task,
        so these are the posteriors to calibrate on.
        """
        return self._evidence.T

    def posterior(self, task: int) -> Floats:
        """Return the probability of each class of ``task``."""
        return self._posterior[:, task]

    @property
    def answered(self) -> Ints:
        """Answers by task."""
        return self._answered

    @property
    def accuracy(self) -> float:
        """Probability that an answer is right, over the whole pool."""
        return self._learned().accuracy

    def confusions(self) -> Floats:
        """Return the worker x true class x label matrices; a worker unseen is an average one."""
        counts = self._learned()
        communities = self.communities or Communities.starting(counts)
        members = _softmax(communities.log_members(counts))
        prior = ROW_STRENGTH * communities.expected(members)
        rows = counts.by_worker.transpose(1, 0, 2) + prior
        confusions: Floats = rows / rows.sum(axis=2, keepdims=True)
        return confusions

    def skills(self) -> Floats:
        """Return each worker's probability of a right label, for tasks of the batch's mix."""
        skills: Floats = np.einsum("wkk,k->w", self.confusions(), self.prior)
        return skills

    def without_own_answer(self) -> Floats:
        """Return, answer by answer as given, the posterior of its task without that answer."""
        return self._in_order_given(_softmax(self._log_joint[:, self._task] - np.log(self._rows)))

    def soundness(self) -> Floats:
        """Return by task the probability that its answers say anything about its class.

        The alternative is a task on which every worker gives labels in their usual mix,
        whatever is true. Conflict beyond what the workers' skills explain lowers it: after six
        votes against six, more answers will not help. The share of such tasks is learned.
        """
        log_mix = np.log(self.prior @ self._rows)
        unsound = np.bincount(self._task, log_mix, self.tasks) - _log_sum(self._log_joint)
        share, seen = HARD_SHARE, self._answered > 0
        hard = np.zeros(self.tasks)
        for _ in range(10):  # expectation maximisation with 20 pseudo-tasks
            hard = 1 / (1 + np.exp(np.clip(np.log(1 / share - 1) - unsound, -500, 500)))
            share = (float(hard[seen].sum()) + 20 * HARD_SHARE) / (float(seen.sum()) + 20)
        return 1 - hard

    def _round(self) -> None:
        here = self._here()
        counts = self._count(here)
        communities = self.communities or Communities.starting(counts)
        self.prior = self._damped_prior()
        log_members = communities.log_members(counts)
        prior_rows = self._prior_rows(communities, log_members)
        given = counts.by_worker.astype(np.float32).reshape(self.classes, -1)
        total = (counts.by_worker.sum(axis=2) + ROW_STRENGTH).astype(np.float32)
        rows = prior_rows  # turned into the posterior ones in place
        rows *= ROW_STRENGTH
        for k in range(self.classes):
            rows[k] += given[k].take(self._cell)
            rows[k] -= here[k]
            rows[k] /= total[k].take(self._worker) - here[k]
        self._rows = np.clip(rows, RAREST, 1.0, out=rows)
        self.communities = communities.relearned(counts, _softmax(log_members))
        log_rows = np.log(self._rows)
        for k in range(self.classes):
            self._log_joint[k] = np.bincount(self._task, log_rows[k], self.tasks)
        self._log_joint += np.log(self.prior)[:, None]
        self._evidence = self._among_given(_softmax(self._log_joint))
        self._posterior = self._clamped(self._evidence)

    def _here(self) -> Singles:
        """Return the posteriors of the tasks answered, classes x answers."""
        return self._posterior.astype(np.float32).take(self._task, axis=1)

    def _count(self, here: Singles) -> Counts:
        """Count labels by true class and worker; ``here``: posteriors, classes x answers."""
        size = self.workers * self.classes
        by_worker = np.array([np.bincount(self._cell, row, size) for row in here], float)
        self._counts = Counts(
            by_worker.reshape(self.classes, self.workers, self.classes), self._counted, self._mix
        )
        return self._counts

    def _learned(self) -> Counts:
        return self._counts or self._count(self._here())

    def _prior_rows(self, communities: Communities, log_members: Floats) -> Singles:
        """Return classes x answers: how likely its community makes each answer, by true class.

        The community is known by the worker's other answers only.
        """
        # Only differences between communities count; the best at 0 leaves single precision
        # enough digits, however many answers a worker has.
        log_members = log_members - log_members.max(axis=0)
        of_worker = log_members.astype(np.float32)
        log_rows = communities.log_rows.transpose(0, 2, 1).reshape(-1, self.classes)
        # No matrix products here: BLAS would wake a thread per core, and these burn more CPU
        # waiting for each other than such flat matrices take.
        own = np.einsum("rk,kt->rt", log_rows, self._posterior).astype(np.float32)
        own = own.reshape(len(of_worker), -1)
        weights = of_worker.take(self._worker, axis=1)
        for community in range(len(weights)):
            weights[community] -= own[community].take(self._at)
        _normalise(weights)
        rows = np.empty((self.classes, self._task.size), np.float32)
        community_rows = communities.rows.astype(np.float32)
        for label in range(self.classes):
            part = slice(self._of_label[label], self._of_label[label + 1])
            np.einsum("ak,aj->kj", community_rows[:, :, label], weights[:, part], out=rows[:, part])
        return rows

    def _damped_prior(self) -> Floats:
        seen = self._answered > 0
        mean = self._posterior[:, seen].mean(axis=1) if seen.any() else self._mix
        damped: Floats = (mean + DAMPING * self._mix) / (1 + DAMPING)
        return damped

    def _first_guess(self, start: OnlineModel | None) -> Floats:
        """Return vote shares, one pseudo-vote each; where ``start`` saw answers, its posteriors."""
        guess = self._votes.astype(float) + 1 / self.classes
        guess /= guess.sum(axis=0)
        if start:
            known = np.flatnonzero(start.answered)
            guess[:, known] = start._evidence[:, known]  # noqa: SLF001 - the same class
        return guess

    def _among_given(self, posterior: Floats) -> Floats:
        """Lower labels that nobody gave a task below its likeliest given one.

        What they lose is shared in proportion, so the task keeps its doubt. Tasks without
        answers stay as they are.
        """
        limit = NOT_GIVEN * np.where(self._not_given, 0.0, posterior).max(axis=0)
        above = np.where(self._not_given, posterior, 0.0).max(axis=0) > limit
        if not above.any():
            return posterior
        some = posterior[:, above]
        capped = np.where(self._not_given[:, above], np.minimum(some, limit[above]), some)
        among = posterior.copy()
        among[:, above] = capped / capped.sum(axis=0)
        return among

    def _clamped(self, posterior: Floats) -> Floats:
        if not self._gold_tasks.size:
            return posterior
        clamped = posterior.copy()
        clamped[:, self._gold_tasks] = 0.0
        clamped[self._gold_labels, self._gold_tasks] = 1.0
        return clamped

    def _in_order_given(self, by_answer: Floats) -> Floats:
        given = np.empty((by_answer.shape[1], by_answer.shape[0]))
        given[self._order] = by_answer.T
        return given


def _log_sum(log_joint: Floats) -> Floats:
    top = log_joint.max(axis=0)
    total: Floats = np.log(np.exp(log_joint - top).sum(axis=0)) + top
    return total


def _softmax(log_weights: Floats) -> Floats:
    """Return weights that sum to 1 over the first axis."""
    weights = log_weights.copy()
    _normalise(weights)
    return weights


def _normalise(log_weights: Floats | Singles) -> None:
    """Turn logs into weights that sum to 1 over the first axis, in place."""
    log_weights -= log_weights.max(axis=0)
    np.exp(log_weights, out=log_weights)
    log_weights /= log_weights.sum(axis=0)
