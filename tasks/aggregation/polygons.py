"""Polygons drawn by several workers on one image → the polygons that are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from tasks.aggregation import overlap
from tasks.aggregation.averages import TIE
from tasks.aggregation.drawings import Floats, Geometry, Object, Shapes
from tasks.aggregation.labels import Merged, Reading
from tasks.aggregation.objects import Drawn, fit_objects, list_objects

Points = tuple[tuple[float, float], ...]


def fit_polygons(readings: Sequence[Reading]) -> Merged:
    """Aggregate lists of ``{"label", "points"}``; see ``objects.fit_objects``.

    Polygons match when their IoU is at least ½. The average is their medoid: the worker's
    polygon that is most like the others', by the weighted sum of IoUs. So it is always one
    that somebody drew, with corners where a person put them. A tie goes to the polygon whose
    list of points is the lower.
    """
    return fit_objects(readings, _geometry())


def polygon_objects(readings: Sequence[Reading]) -> dict[int, list[Drawn]]:
    """Return the polygons of ``fit_polygons`` by task, each with what speaks for it."""
    return list_objects(readings, _geometry())


def _geometry() -> Geometry:
    """Return the geometry of polygons with a memory: a pair is measured once per fit."""

    @cache
    def measured(a: Points, b: Points) -> float:
        return overlap.polygon_iou({"points": a}, {"points": b})

    def iou(a: Points, b: Points) -> float:
        return measured(*sorted((a, b)))

    return Geometry(
        encode=_encode,
        decode=lambda points: {"points": [list(point) for point in points]},
        alike=lambda shapes: _alike(shapes, iou),
        paired=lambda a, b: np.array([iou(x, y) for x, y in zip(a, b, strict=True)], np.float64),
        average=lambda shapes, members, weights: _medoids(shapes[members], weights, iou),
    )


def _encode(polygons: Sequence[Object]) -> Shapes:
    return _listed([tuple((x, y) for x, y in polygon["points"]) for polygon in polygons])


def _listed(values: Sequence[Any]) -> Shapes:
    """Return an array of Python objects; numpy by itself would make a table of equal lengths."""
    shapes = np.empty(len(values), dtype=object)
    shapes[:] = values
    return shapes


def _alike(shapes: Shapes, iou: Callable[[Points, Points], float]) -> Floats:
    alike = np.eye(len(shapes))
    for i, j in combinations(range(len(shapes)), 2):
        alike[i, j] = alike[j, i] = iou(shapes[i], shapes[j])
    return alike


def _medoids(groups: Shapes, weights: Floats, iou: Callable[[Points, Points], float]) -> Shapes:
    return _listed([_medoid(g, w, iou) for g, w in zip(groups, weights, strict=True)])


def _medoid(group: Shapes, weights: Floats, iou: Callable[[Points, Points], float]) -> Points:
    support = _alike(group, iou) @ weights
    close = support >= support.max() - TIE * weights.sum()
    chosen: Points = min(group[close])
    return chosen
