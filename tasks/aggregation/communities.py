"""Communities of workers: the few kinds of confusion matrices that a crowd is made of.

They are the shared prior of ``online``: a worker with few answers is judged as the kinds of
workers they may belong to. Four are enough to tell careful workers, average ones, weak ones
and those whose label does not depend on the task; what each is like is learned from the crowd,
starting from tilts of the pooled confusion matrix.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ODDS = (4.0, 1.0, 0.35)  # of a right answer, against the pool's: careful, average, weak
SPAM = 0.9  # share of a spammer's answers that do not depend on the task
SHARES = np.array([0.3, 0.4, 0.2, 0.1])  # of workers, a priori; the last are the spammers
SHARES_STRENGTH = 5.0  # workers that ``SHARES`` counts for
ROWS_STRENGTH = 20.0  # answers that each starting row counts for
POOL_STRENGTH = 100.0  # answers that a symmetric row counts for in the pooled matrix
ACCURACY_STRENGTH = 8.0  # answers that ``usual_accuracy`` counts for
RAREST = 1e-4


class Counts(NamedTuple):
    """What the posteriors make of the answers."""

    by_worker: Floats  # true class x worker x label: expected numbers of answers
    answers: Floats  # by worker
    mix: Floats  # share of each label among all answers

    @property
    def accuracy(self) -> float:
        """Share of right answers in the pool; kept between better than chance and perfect."""
        classes = len(self.mix)
        chance = 1 / classes
        usual = chance + (1 - chance) / 2  # halfway from chance to perfect, as crowds are
        right = float(np.einsum("kwk->", self.by_worker))
        share = (right + ACCURACY_STRENGTH * usual) / (
            float(self.answers.sum()) + ACCURACY_STRENGTH
        )
        return min(max(share, chance + 0.03), 0.985)

    def pooled(self) -> Floats:
        """Return the confusion matrix of the pool, true class x label, smoothed."""
        classes, accuracy = len(self.mix), self.accuracy
        symmetric = np.full((classes, classes), (1 - accuracy) / (classes - 1))
        np.fill_diagonal(symmetric, accuracy)
        return _rows(self.by_worker.sum(axis=1) + POOL_STRENGTH * symmetric)


class Communities(NamedTuple):
    """``shares`` of the workers, and their ``rows``: community x true class x label."""

    shares: Floats
    rows: Floats

    @classmethod
    def starting(cls, counts: Counts) -> Communities:
        """Return the communities before anything but the pooled confusion matrix is known."""
        pooled, accuracy = counts.pooled(), counts.accuracy
        classes = len(pooled)
        symmetric = np.full((classes, classes), (1 - accuracy) / (classes - 1))
        np.fill_diagonal(symmetric, accuracy)
        spam = SPAM * counts.mix + (1 - SPAM) * symmetric
        return cls(SHARES, np.stack([*(tilted(pooled, odds) for odds in ODDS), spam]))

    @property
    def log_rows(self) -> Floats:
        logs: Floats = np.log(self.rows)
        return logs

    def log_members(self, counts: Counts) -> Floats:
        """Return community x worker: log of share x likelihood of the worker's answers."""
        likelihood = np.einsum("akl,kwl->aw", self.log_rows, counts.by_worker, optimize=True)
        logs: Floats = likelihood + np.log(self.shares)[:, None]
        return logs

    def expected(self, members: Floats) -> Floats:
        """Return worker x true class x label: the rows expected of each worker."""
        expected: Floats = np.einsum("aw,akl->wkl", members, self.rows, optimize=True)
        return expected

    def relearned(self, counts: Counts, members: Floats) -> Communities:
        """Return the communities that these counts suggest, pulled to the starting ones.

        ``members`` is the probability, community x worker, that a worker belongs to one.
        """
        found = np.einsum("aw,kwl->akl", members, counts.by_worker, optimize=True)
        rows = _rows(found + ROWS_STRENGTH * Communities.starting(counts).rows)
        # Workers without answers belong everywhere, and would pull the shares to the prior.
        shares = members[:, counts.answers > 0].sum(axis=1) + SHARES_STRENGTH * SHARES
        return Communities(shares / shares.sum(), rows)


def tilted(rows: Floats, odds: float) -> Floats:
    """Return ``rows`` with the odds of a right answer multiplied, mistakes in proportion."""
    right = np.clip(np.diag(rows), 0.02, 0.98)
    raised = right / (1 - right) * odds
    raised /= 1 + raised
    mistakes = rows - np.diag(np.diag(rows))
    mistakes /= mistakes.sum(axis=1, keepdims=True)
    turned: Floats = mistakes * (1 - raised)[:, None] + np.diag(raised)
    return turned


def _rows(counts: Floats) -> Floats:
    rows: Floats = np.clip(counts / counts.sum(axis=-1, keepdims=True), RAREST, None)
    rows /= rows.sum(axis=-1, keepdims=True)
    return rows
