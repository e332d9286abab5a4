"""Accept a model's predictions unasked, as far as an audit proves that few are wrong.

Three parts: which tasks are audited (``audit_sample``), how sure the model must be for its
prediction to be accepted (``threshold``), and whether that is still so (``monitor``). An audit
is a task answered by people who do not see the prediction, whose answers no model that scores
the task has learnt.

Sources: A. Angelopoulos, S. Bates, E. Candès, M. Jordan, L. Lei, Learn then Test: Calibrating
Predictive Algorithms to Achieve Risk Control, arXiv:2110.01052 (2021); C. Clopper, E. Pearson,
Biometrika 26 (1934) 404-413; for ``monitor`` see there. Pure Python: the web shows the figures.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from math import ceil, exp, lgamma, log, log1p
from typing import NamedTuple

CONFIDENCE = 0.9
# Fixed before anybody looks, close together where the thresholds usually end up.
GRID = (0.999, 0.995, 0.99, 0.98, 0.97, 0.96, *(place / 20 for place in range(19, -1, -1)))
HALVINGS = 60  # to the last digit of a float


class Threshold(NamedTuple):
    """From which score on predictions may be accepted, and what is known of them."""

    score: float | None  # accept at this score and above; None: accept nothing
    bound: float  # Clopper and Pearson's, of the error rate from there on; at most ``error``
    accepted_share: float  # of the audited tasks, so about that of all
    judged: int  # audited tasks at the score or above
    errors: int  # wrong ones among them
    why: str


def least_audits(error: float, confidence: float = CONFIDENCE) -> int:
    """Return how many audits, all right, prove an error rate below ``error``."""
    _check(error, confidence)
    return ceil(log(1 - confidence) / log1p(-error))


def threshold(
    scores: Sequence[float],
    right: Sequence[bool],
    *,
    error: float,
    confidence: float = CONFIDENCE,
    grid: Sequence[float] = GRID,
) -> Threshold:
    """Return the lowest score above which fewer than ``error`` of the predictions are wrong.

    ``scores`` and ``right`` have an entry per audited task: how sure the model was, and
    whether the audit agreed. The scores of ``grid`` are tried from the strictest down, each by
    the exact binomial test of "the error rate at this score or above is ``error`` or more" at
    the level 1 - ``confidence``; the first that cannot be rejected ends it, and the last
    rejected is the result. So all tests together are wrong, and a score comes out whose error
    rate is above ``error``, with a probability of at most 1 - ``confidence``, over the draw of
    the audit; no correction for the number of tests is needed.

    Scores too strict to have the audits that could prove anything are passed over, which
    looks at how many there are and never at which were right. It presumes, as a score does,
    that errors get no rarer further down; that audits are a random sample of the tasks to be
    accepted; and that ``grid`` was not chosen by these audits.

    Raises ``ValueError`` for sequences of unequal length, and unless 0 < error, confidence < 1.
    """
    needed = least_audits(error, confidence)
    audits = list(zip(scores, right, strict=True))
    proven: _Rung | None = None
    refuted: _Rung | None = None
    for score in sorted(set(grid), reverse=True):
        rung = _rung(audits, score)
        if rung.judged < needed:
            continue
        if binomial_cumulative(rung.errors, rung.judged, error) > 1 - confidence:
            refuted = rung
            break
        proven = rung
    if proven:
        return Threshold(
            score=proven.score,
            bound=upper_bound(proven.errors, proven.judged, confidence),
            accepted_share=proven.judged / len(audits),
            judged=proven.judged,
            errors=proven.errors,
            why=f"{proven}: an error rate below {error:.1%} with {confidence:.0%} confidence.",
        )
    few = f"An error rate below {error:.1%} takes {needed} audits at least, of {len(audits)}."
    return Threshold(None, 1.0, 0.0, 0, 0, f"{refuted}: too many." if refuted else few)


class _Rung(NamedTuple):
    score: float
    judged: int
    errors: int

    def __str__(self) -> str:
        return (
            f"At {self.score:g} and above {self.errors} of {self.judged} audited predictions "
            "were wrong"
        )


def _rung(audits: Sequence[tuple[float, bool]], score: float) -> _Rung:
    judged = [was_right for scored, was_right in audits if scored >= score]
    return _Rung(score, len(judged), len(judged) - sum(judged))


def audit_sample(task_ids: Iterable[int], share: float, key: bytes) -> set[int]:
    """Return the tasks to audit: each with the probability ``share``, whatever its score.

    By a keyed hash of the id: the same tasks whenever it is asked, a larger share contains the
    smaller one, and nobody without ``key`` can tell which tasks will be looked at. Raises
    ``ValueError`` unless 0 ≤ share ≤ 1 and for an empty key.
    """
    if not 0 <= share <= 1 or not key:
        raise ValueError("the share must be from 0 to 1, and the key not empty")
    return {task for task in task_ids if _draw(key, task) < share}


def binomial_cumulative(successes: int, trials: int, probability: float) -> float:
    """Return the probability of at most ``successes`` in ``trials``, for 0 < probability < 1."""
    if successes >= trials:
        return 1.0
    odds = log(probability) - log1p(-probability)
    constant = lgamma(trials + 1) + trials * log1p(-probability)
    terms = (
        exp(constant - lgamma(k + 1) - lgamma(trials - k + 1) + k * odds)
        for k in range(successes + 1)
    )
    return min(sum(terms), 1.0)


def upper_bound(errors: int, judged: int, confidence: float = CONFIDENCE) -> float:
    """Return Clopper and Pearson's one-sided bound: above it lies the rate in 1 - confidence.

    The rate at which ``errors`` or fewer have the probability 1 - ``confidence``; 1 when
    nothing was judged right.
    """
    if errors >= judged:
        return 1.0
    below, above = errors / judged, 1.0
    for _ in range(HALVINGS):
        middle = (below + above) / 2
        likely = binomial_cumulative(errors, judged, middle) > 1 - confidence
        below, above = (middle, above) if likely else (below, middle)
    return above


def _check(error: float, confidence: float) -> None:
    if not (0 < error < 1 and 0 < confidence < 1):
        raise ValueError("error and confidence must lie between 0 and 1")


def _draw(key: bytes, task: int) -> float:
    """Return a number in [0, 1) that only the key and the task decide."""
    digest = hmac.new(key, b"audit:%d" % task, hashlib.sha256).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53
