"""Which candidates are real, when every worker either drew a candidate or did not.

A worker draws what is real with their hit rate and what is not with their false-alarm rate.
Source: A. Dawid and A. Skene, Maximum Likelihood Estimation of Observer Error-Rates Using the
EM Algorithm, Applied Statistics 28 (1979), with two classes and Beta priors; on pixels it is
STAPLE (S. Warfield, K. Zou, W. Wells, IEEE Transactions on Medical Imaging 23 (2004)). For
candidates that nobody drew: A. Dempster, N. Laird, D. Rubin, Maximum Likelihood from Incomplete
Data via the EM Algorithm, Journal of the Royal Statistical Society B 39 (1977), section 4.2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

# What is known of a worker beforehand, as if counted: 80 of 100 real things drawn, and 20 of
# 100 things that are not. Drawing then counts as much for a candidate as not drawing counts
# against it: among strangers this is the majority vote. The counts are high because with
# three answers a task the rates are hard to tell apart: with 10 instead of 100, simulated
# crowds came out below the majority vote when tasks held little.
HITS, MISSES = 80.0, 20.0
FALSE_ALARMS, RIGHTLY_LEFT = 20.0, 80.0
ITERATIONS = 200
TOLERANCE = 1e-5
TIE = 0.1  # log odds this close to 0 are a tie: probabilities from 0.475 to 0.525


class Ballots(NamedTuple):
    """One row for each worker who could have drawn a candidate, as arrays of equal length."""

    candidate: Codes
    worker: Codes
    drew: NDArray[np.bool_]


class Rates(NamedTuple):
    """How often a worker draws what is real and what is not; by worker."""

    hit: Floats
    false_alarm: Floats


class Detection(NamedTuple):
    log_odds: Floats  # by candidate, of being real
    evidence: Floats  # by ballot: what it adds to the log odds
    weights: Floats  # by worker: log odds between their drawing and not drawing, at least 0

    @property
    def real(self) -> NDArray[np.bool_]:
        """Which candidates are likelier real than not; a tie is not real."""
        return np.asarray(self.log_odds > TIE)

    @property
    def probabilities(self) -> Floats:
        return np.asarray(expit(self.log_odds))


def detect(ballots: Ballots, sizes: Floats, workers: int) -> Detection:
    """Estimate which candidates are real and how reliable each of ``workers`` workers is.

    ``sizes`` is how much each candidate counts in estimating the rates (an object 1, a patch
    of an image its share). Before anyone drew, real and not real are equally likely. Nothing
    becomes a candidate unless somebody draws it: those that nobody drew are counted in, as
    many as there should be. A hit rate below the false-alarm rate counts as no information,
    never as information reversed: drawing something never speaks against it.
    """
    drawn = _total(ballots.candidate, ballots.drew, len(sizes))
    probabilities = drawn / np.bincount(ballots.candidate, minlength=len(sizes))
    rates = Rates(
        np.full(workers, HITS / (HITS + MISSES)),
        np.full(workers, FALSE_ALARMS / (FALSE_ALARMS + RIGHTLY_LEFT)),
    )
    for _ in range(ITERATIONS):
        rates = _rates(ballots, probabilities, sizes, rates)
        pro, contra = np.log(rates.hit / rates.false_alarm), _log_left(rates)
        evidence = np.where(ballots.drew, pro[ballots.worker], contra[ballots.worker])
        log_odds = _total(ballots.candidate, evidence, len(sizes))
        before, probabilities = probabilities, expit(log_odds)
        if np.abs(probabilities - before).max(initial=0.0) < TOLERANCE:
            break
    return Detection(log_odds, evidence, pro - contra)


def _log_left(rates: Rates) -> Floats:
    return np.asarray(np.log((1 - rates.hit) / (1 - rates.false_alarm)))


def _rates(ballots: Ballots, probabilities: Floats, sizes: Floats, before: Rates) -> Rates:
    """Return the rates by worker: posterior means, given the ``before`` of one step ago."""
    real, unreal = probabilities * sizes, (1 - probabilities) * sizes
    hit = _rate(ballots, real, before.hit, (HITS, MISSES))
    false_alarm = _rate(ballots, unreal, before.false_alarm, (FALSE_ALARMS, RIGHTLY_LEFT))
    middle = (hit + false_alarm) / 2
    backwards = hit < false_alarm
    return Rates(np.where(backwards, middle, hit), np.where(backwards, middle, false_alarm))


def _rate(ballots: Ballots, amounts: Floats, before: Floats, prior: tuple[float, float]) -> Floats:
    """Return how often each worker draws candidates of one class, there being ``amounts``."""
    missed = _total(ballots.candidate, np.log1p(-before)[ballots.worker], len(amounts))
    with_unseen = amounts / -np.expm1(missed)  # of all there are, this share is seen
    drew = _total(ballots.worker, amounts[ballots.candidate] * ballots.drew, len(before))
    could = _total(ballots.worker, with_unseen[ballots.candidate], len(before))
    return (prior[0] + drew) / (sum(prior) + could)


def _total(codes: Codes, amounts: NDArray[Any], length: int) -> Floats:
    return np.bincount(codes, amounts, length).astype(np.float64)
