"""The areas that two polygons share and cover: exact up to rounding, for any polygon.

A polygon is what lies inside by the even-odd rule, so one that crosses itself is defined, too.
Source: the sweep of M. Shamos and D. Hoey, Geometric Intersection Problems (1976). The plane
is cut into slabs at every corner and crossing. Within a slab no edges cross, so the shared
width is linear in height, and height times the width halfway is the area.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CELLS = 1_000_000  # slabs times edges worked on at once: some tens of megabytes


class Areas(NamedTuple):
    shared: float
    covered: float


def areas(first: Floats, second: Floats) -> Areas:
    """Return the areas of the intersection and the union of two polygons, (n, 2) and (m, 2)."""
    edges, of_second = _edges(first, second)
    levels = np.unique(np.concatenate([edges[:, 1], edges[:, 3], _crossings(edges)]))
    middles, heights = (levels[1:] + levels[:-1]) / 2, np.diff(levels)
    shared = covered = 0.0
    rows = max(CELLS // max(len(edges), 1), 1)
    for start in range(0, len(heights), rows):
        part = slice(start, start + rows)
        both, either = _widths(edges, of_second, middles[part])
        shared += float(both @ heights[part])
        covered += float(either @ heights[part])
    return Areas(shared, covered)


def _edges(first: Floats, second: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return all edges (x1, y1, x2, y2), upwards and none level, and whose they are."""
    edges = np.concatenate([np.hstack([p, np.roll(p, -1, axis=0)]) for p in (first, second)])
    of_second = np.arange(len(edges)) >= len(first)
    downwards = edges[:, 1] > edges[:, 3]
    edges[downwards] = edges[downwards][:, [2, 3, 0, 1]]
    slanted = edges[:, 1] < edges[:, 3]
    return edges[slanted], of_second[slanted]


def _crossings(edges: Floats) -> Floats:
    """Return the heights at which two edges cross."""
    x, y, dx, dy = edges[:, 0], edges[:, 1], edges[:, 2] - edges[:, 0], edges[:, 3] - edges[:, 1]
    i, j = np.nonzero(np.triu(_meet(edges), 1))
    slant = dx[i] * dy[j] - dy[i] * dx[j]
    i, j, slant = i[slant != 0], j[slant != 0], slant[slant != 0]
    along = ((x[j] - x[i]) * dy[j] - (y[j] - y[i]) * dx[j]) / slant
    heights = y[i] + along * dy[i]
    top = np.minimum(edges[i, 3], edges[j, 3])
    return np.asarray(heights[(heights > np.maximum(y[i], y[j])) & (heights < top)])


def _meet(edges: Floats) -> NDArray[np.bool_]:
    """Mark the pairs of edges whose bounding boxes touch."""
    low, high = np.minimum(edges[:, 0], edges[:, 2]), np.maximum(edges[:, 0], edges[:, 2])
    across = (low[:, None] <= high) & (low <= high[:, None])
    upright = (edges[:, None, 1] <= edges[:, 3]) & (edges[:, 1] <= edges[:, None, 3])
    return np.asarray(across & upright)


def _widths(edges: Floats, of_second: NDArray[np.bool_], heights: Floats) -> tuple[Floats, Floats]:
    """Return how wide the intersection and the union are at each of ``heights``."""
    x1, y1, x2, y2 = edges.T
    active = (y1 <= heights[:, None]) & (heights[:, None] < y2)
    x = x1 + (heights[:, None] - y1) * ((x2 - x1) / (y2 - y1))
    order = np.argsort(np.where(active, x, np.inf), axis=1, kind="stable")
    x = np.take_along_axis(x, order, 1)
    active = np.take_along_axis(active, order, 1)
    inside_second = (np.cumsum(active & of_second[order], axis=1) % 2 == 1)[:, :-1]
    inside_first = (np.cumsum(active & ~of_second[order], axis=1) % 2 == 1)[:, :-1]
    gaps = np.where(active[:, 1:], np.diff(x, axis=1), 0.0)
    both = np.where(inside_first & inside_second, gaps, 0.0).sum(axis=1)
    either = np.where(inside_first | inside_second, gaps, 0.0).sum(axis=1)
    return both, either
