"""Comparisons of two items: a score per item, so that all of them can be put in one order.

Bradley and Terry's model, with two things that crowds add. The item shown first wins more
often than it should; how much is estimated. And a worker is attentive with a probability of
their own; else they go by a habit of theirs, first or second, whatever the items are. Scores,
habits and attention have weak priors: items that never lost, were hardly compared or have no
path of comparisons between them keep finite scores, with standard errors to match.

Sources: R. Bradley, M. Terry, Rank Analysis of Incomplete Block Designs, Biometrika 39 (1952);
R. Davidson, R. Beaver, On Extending the Bradley-Terry Model to Incorporate Within-Pair Order
Effects, Biometrics 33 (1977); X. Chen et al., Pairwise Ranking Aggregation in a Crowdsourced
Setting, WSDM (2013).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.rankings import fit_rankings

__all__ = ["Compared", "Comparison", "Position", "Score", "compare", "fit_rankings", "judge"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Side = Literal["left", "right"]

MOST_ITEMS = 3000  # standard errors need a matrix of items x items: 72 MB
SCORE_DEVIATION = 2.0  # of scores, a priori: 19 items in 20 win 2 to 98 % against an average one
FIRST_DEVIATION = 1.0  # of the advantage of being first, in the same unit
ATTENTIVE = 2.0  # log-odds of a worker to be attentive, a priori: 88 %
ATTENTIVE_DEVIATION = 1.0  # of the crowd's mean from that, and of a worker from the crowd's mean
HABIT_DEVIATION = 1.0  # of the log-odds of an inattentive worker to take the first
NORMAL_95 = 1.959964
PRECISION = 1e-9
ROUNDS = 500


class Comparison(NamedTuple):
    """One worker's choice between two items; they may make it more than once."""

    worker: int
    left: str
    right: str
    winner: Literal["left", "right", "tie"]
    first: Side = "left"  # which of the two was shown first (or, side by side, on the left)


class Score(NamedTuple):
    """Log-odds to win against an average item, and their standard error."""

    score: float
    error: float


class Position(NamedTuple):
    """Probability of the item shown first to win between equals; 95 % interval; ½ is no bias."""

    estimate: float
    low: float
    high: float


class Compared(NamedTuple):
    scores: dict[str, Score]
    ranking: list[str]  # best first; equal scores alphabetically
    first: Position
    reliability: dict[int, float]  # by worker: probability to have looked at the items


def compare(comparisons: Sequence[Comparison]) -> Compared:
    """Score all items of ``comparisons``; a tie counts as half a win each.

    Scores average to 0. A worker is as reliable as the crowd until their answers say more.
    Neither the order of ``comparisons``, the workers' ids nor which of two items is called left
    matter. No comparisons: no scores, no bias, anywhere from 0 to 1.

    Raises ``UnsupportedLabels`` for an item compared with itself, and for more than
    ``MOST_ITEMS`` items.
    """
    if not comparisons:
        return Compared({}, [], Position(0.5, 0.0, 1.0), {})
    data = _encoded(comparisons)
    model = _unpacked(_maximum(data), data)
    scores = model.scores - model.scores.mean()
    errors, first_error = _errors(model, data)
    listed = {
        item: Score(score, error)
        for item, score, error in zip(data.names, scores.tolist(), errors.tolist(), strict=True)
    }
    return Compared(
        scores=listed,
        ranking=sorted(listed, key=lambda item: (-listed[item].score, item)),
        first=_position(model.first, first_error),
        reliability=dict(zip(data.ids, expit(model.attention).tolist(), strict=True)),
    )


class Data(NamedTuple):
    """Half a comparison an entry, two for each: 1 win for a winner, ½ for both in a tie."""

    worker: Ints
    first: Ints  # item shown first
    second: Ints
    wins: Floats  # of the first, 0, ½ or 1
    names: list[str]
    ids: list[int]  # of workers, by code


class Model(NamedTuple):
    """All in log-odds; also the shape of a gradient."""

    scores: Floats
    first: float
    attentive: float  # the crowd's mean
    attention: Floats  # by worker
    habits: Floats  # by worker: to take the first


def _encoded(comparisons: Sequence[Comparison]) -> Data:
    histories: defaultdict[int, list[tuple[str, str, float]]] = defaultdict(list)
    for comparison in comparisons:
        histories[comparison.worker].append(_as_shown(comparison))
    # Sums run in this order, so it must not depend on ids: by what the workers answered.
    ids = sorted(histories, key=lambda worker: (sorted(histories[worker]), worker))
    names = sorted({name for rows in histories.values() for row in rows for name in row[:2]})
    if len(names) > MOST_ITEMS:
        raise UnsupportedLabels(f"At most {MOST_ITEMS} items can be compared, not {len(names)}.")
    code = {name: number for number, name in enumerate(names)}
    rows = [
        (number, code[first], code[second], wins)
        for number, worker in enumerate(ids)
        for first, second, wins in sorted(histories[worker])
    ]
    workers, firsts, seconds, wins = zip(*rows, strict=True)
    return Data(
        np.array(workers), np.array(firsts), np.array(seconds), np.array(wins, float), names, ids
    )


def _as_shown(comparison: Comparison) -> tuple[str, str, float]:
    """Return the first item, the second, and the wins of the first."""
    _, left, right, winner, first = comparison
    if left == right:
        raise UnsupportedLabels(f"{left!r} is compared with itself.")
    pair = (left, right) if first == "left" else (right, left)
    return (*pair, 0.5 if winner == "tie" else float(winner == first))


def _maximum(data: Data) -> Floats:
    start = np.zeros(len(data.names) + 2 + 2 * len(data.ids))
    attentive = slice(len(data.names) + 1, len(data.names) + 2 + len(data.ids))
    start[attentive] = ATTENTIVE
    options = {"maxiter": ROUNDS, "ftol": PRECISION * PRECISION, "gtol": PRECISION * len(data.wins)}
    found = minimize(_loss, start, args=(data,), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x, dtype=np.float64)


def _unpacked(values: Floats, data: Data) -> Model:
    items, workers = len(data.names), len(data.ids)
    attention = items + 2
    return Model(
        values[:items],
        float(values[items]),
        float(values[items + 1]),
        values[attention : attention + workers],
        values[attention + workers :],
    )


def _loss(values: Floats, data: Data) -> tuple[float, Floats]:
    """Return the negative log posterior and its gradient.

    With f the logistic function and p = a · f(s₁ - s₂ + b) + (1 - a) · f(h) for the first to
    win, a comparison adds wins · ln p + (1 - wins) · ln(1 - p).
    """
    model = _unpacked(values, data)
    fair, attention, habit = _parts(model, data)
    wins_first = attention * fair + (1 - attention) * habit
    loses_first = attention * (1 - fair) + (1 - attention) * (1 - habit)
    gain = data.wins * np.log(wins_first) + (1 - data.wins) * np.log(loses_first)
    slope = data.wins / wins_first - (1 - data.wins) / loses_first
    prior, prior_slope = _prior(model)
    by_score = slope * attention * fair * (1 - fair)
    items, workers = len(data.names), len(data.ids)
    likelihood = np.concatenate(
        [
            np.bincount(data.first, by_score, items) - np.bincount(data.second, by_score, items),
            [by_score.sum(), 0.0],
            np.bincount(data.worker, slope * (fair - habit) * attention * (1 - attention), workers),
            np.bincount(data.worker, slope * (1 - attention) * habit * (1 - habit), workers),
        ]
    )
    return -float(gain.sum()) - prior, -likelihood - prior_slope


def _parts(model: Model, data: Data) -> tuple[Floats, Floats, Floats]:
    """Return, by comparison: P(first wins | attentive), P(attentive), P(first wins | not)."""
    fair = expit(model.scores[data.first] - model.scores[data.second] + model.first)
    # Kept off 0 and 1: in doubles a worker can be so attentive that an upset is impossible.
    attention = np.clip(expit(model.attention), PRECISION, 1 - PRECISION)[data.worker]
    return fair, attention, expit(model.habits)[data.worker]


def _prior(model: Model) -> tuple[float, Floats]:
    away = model.attention - model.attentive
    crowd = model.attentive - ATTENTIVE
    spread = ATTENTIVE_DEVIATION**2
    slope = np.concatenate(
        [
            -model.scores / SCORE_DEVIATION**2,
            [-model.first / FIRST_DEVIATION**2, (away.sum() - crowd) / spread],
            -away / spread,
            -model.habits / HABIT_DEVIATION**2,
        ]
    )
    value = (
        (model.scores**2).sum() / SCORE_DEVIATION**2
        + model.first**2 / FIRST_DEVIATION**2
        + ((away**2).sum() + crowd**2) / spread
        + (model.habits**2).sum() / HABIT_DEVIATION**2
    )
    return -float(value) / 2, slope


def _errors(model: Model, data: Data) -> tuple[Floats, float]:
    """Return standard errors of the scores, taken from their mean, and of the advantage.

    They are the curvature that is expected of the log posterior where workers are as reliable
    as found: answers that may be habit inform less.
    """
    fair, attention, habit = _parts(model, data)
    wins_first = attention * fair + (1 - attention) * habit
    slope = attention * fair * (1 - fair)
    worth = slope**2 / (wins_first * (1 - wins_first))
    items = len(data.names)
    curvature = np.diag(np.r_[np.full(items, SCORE_DEVIATION**-2), FIRST_DEVIATION**-2])
    for one, other, sign in (
        (data.first, data.first, 1),
        (data.second, data.second, 1),
        (data.first, data.second, -1),
        (data.second, data.first, -1),
    ):
        np.add.at(curvature, (one, other), sign * worth)
    edge = np.bincount(data.first, worth, items) - np.bincount(data.second, worth, items)
    curvature[items, :items] = curvature[:items, items] = edge
    curvature[items, items] += worth.sum()
    covariance = np.linalg.inv(curvature)
    own = covariance[:items, :items]
    centred = own.diagonal() - 2 * own.mean(axis=1) + own.mean()
    return np.sqrt(np.maximum(centred, 0.0)), float(np.sqrt(covariance[items, items]))


def _position(first: float, error: float) -> Position:
    bounds = (first, first - NORMAL_95 * error, first + NORMAL_95 * error)
    return Position(*(float(expit(bound)) for bound in bounds))


def judge(compared: Compared, pairs: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], float]:
    """Return for each of ``pairs`` the probability that the first named beats the second.

    That is for an attentive worker and no advantage of place. An unknown item is average.
    """
    average = Score(0.0, SCORE_DEVIATION)
    return {
        (one, other): float(
            expit(
                compared.scores.get(one, average).score - compared.scores.get(other, average).score
            )
        )
        for one, other in pairs
    }
