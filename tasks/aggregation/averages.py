"""Averages that a few wild values do not move, for many groups of values at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TIE = 1e-9  # weights this close, in shares of all weight, are a tie
STEPS = 200
TINY = 1e-12


def weighted_median(values: Floats, weights: Floats) -> Floats:
    """Return the weighted median along the last axis: (…, k) → (…,).

    Where the weight splits exactly in half between two values, it is their mean.
    """
    order = np.argsort(values, axis=-1, kind="stable")
    ordered = np.take_along_axis(values, order, -1)
    share = np.cumsum(np.take_along_axis(weights, order, -1), axis=-1)
    share /= share[..., -1:]
    low = (share < 0.5 - TIE).sum(axis=-1, keepdims=True)
    high = (share < 0.5 + TIE).sum(axis=-1, keepdims=True)
    pair = [np.take_along_axis(ordered, place, -1)[..., 0] for place in (low, high)]
    return np.asarray(np.where(pair[0] == pair[1], pair[0], (pair[0] + pair[1]) / 2))


def geometric_median(points: Floats, weights: Floats) -> Floats:
    """Return the point of least weighted distance to all: (g, k, 2), (g, k) → (g, 2).

    Approached by Weiszfeld's steps from the weighted mean. One of the points itself is
    returned when it does better, which is where the steps would crawl. Of two points of
    equal weight, all between them are as good: it is the one halfway.
    Source: E. Weiszfeld, F. Plastria, On the point for which the sum of the distances to n given
    points is minimum, Annals of Operations Research 167 (2009), after Weiszfeld's paper of 1937.
    """
    best = _mean(points, weights)
    for _ in range(STEPS):
        distance = np.linalg.norm(points - best[:, None], axis=-1)
        best = _mean(points, weights / np.maximum(distance, TINY))
    reached = _cost(points, weights, best[:, None])[:, 0]
    costs = _cost(points, weights, points)
    nearest = costs.argmin(axis=1)
    lowest = costs[np.arange(len(costs)), nearest]
    known = points[np.arange(len(points)), nearest]
    there = np.linalg.norm(known - best, axis=-1) <= TIE
    better = (lowest < reached * (1 - TIE)) | there
    return np.asarray(np.where(better[:, None], known, best))


def _mean(points: Floats, weights: Floats) -> Floats:
    total = (points * weights[..., None]).sum(axis=1)
    return np.asarray(total / weights.sum(axis=1, keepdims=True))


def _cost(points: Floats, weights: Floats, places: Floats) -> Floats:
    """Return the weighted distance of each of ``places``, (g, p, 2), to all points: (g, p)."""
    distance = np.linalg.norm(places[:, :, None] - points[:, None], axis=-1)
    return np.asarray((distance * weights[:, None]).sum(axis=-1))


def most_supported(rows: Floats, weights: Floats, lengths: Floats) -> NDArray[np.int64]:
    """Return which row most weight is on: (g, k, c), (g, k), (g, k) → positions (g,).

    Equal rows pool their weight. A tie goes to the longer, then to the lower row.
    """
    equal = (rows[:, :, None] == rows[:, None]).all(axis=-1)
    support = (equal * weights[:, None]).sum(axis=-1)
    total = weights.sum(axis=1, keepdims=True)
    left = support >= support.max(axis=1, keepdims=True) - TIE * total
    for criterion in (-lengths, *np.moveaxis(rows, -1, 0)):
        cost = np.where(left, criterion, np.inf)
        left &= cost == cost.min(axis=1, keepdims=True)
    return np.asarray(left.argmax(axis=1))
