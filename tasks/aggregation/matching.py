"""Which objects of several workers are the same object: the answers to one task → groups.

A group has at most one object per worker. Location decides; what a group is called is put to
the vote later, so a disagreement on a label is not two objects. Groups grow from single
objects: the two most alike are joined, alike being the mean similarity over all pairs of
their objects, as long as that is at least the threshold and no worker is in both.
Source: average linkage of R. Sokal and C. Michener, A statistical method for evaluating
systematic relationships (1958), with the rule that a worker's objects cannot be linked.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

THRESHOLD = 0.5
SAME_LABEL = 1e-3  # settles near ties: two names for one place are matched name by name
MORE_NEIGHBOURS = 1e-6  # settles those that remain: first what most workers can be matched to


def match(
    alike: Floats, workers: Codes, labels: Codes, *, threshold: float = THRESHOLD
) -> list[list[int]]:
    """Return the groups of one task's objects, as sorted lists of their positions.

    ``alike`` is the similarity of every pair of objects, (n, n), in [0, 1]; ``workers`` and
    ``labels`` are their codes, (n,). Ties go to the objects that come first, so the caller
    puts them into an order that says nothing about who came first or has which id.

    Best first is not always the best sum, but it does not depend on the order of workers,
    as matching them one by one would.
    """
    near = (alike >= threshold) & (workers[:, None] != workers)
    closed = near | np.eye(len(workers), dtype=bool)
    groups, rest = _undisputed(closed)
    if rest:
        part = np.ix_(rest, rest)
        wish = alike[part] + np.where(near[part], _preference(near, labels)[part], 0.0)
        wish[workers[rest][:, None] == workers[rest]] = -np.inf
        groups += [[rest[i] for i in group] for group in _join(wish, threshold)]
    return sorted(groups)


def _undisputed(closed: NDArray[np.bool_]) -> tuple[list[list[int]], list[int]]:
    """Return the groups whose objects are near each other and nothing else, and the rest.

    Joining one by one would end in the same groups, at a hundred times the cost.
    """
    sizes = closed.sum(axis=1).tolist()
    neighbourhoods: dict[bytes, list[int]] = {}
    for position, row in enumerate(closed):
        neighbourhoods.setdefault(row.tobytes(), []).append(position)
    groups = [g for g in neighbourhoods.values() if len(g) == sizes[g[0]]]
    rest = [i for g in neighbourhoods.values() if len(g) != sizes[g[0]] for i in g]
    return groups, sorted(rest)


def _preference(near: NDArray[np.bool_], labels: Codes) -> Floats:
    neighbours = near.sum(axis=1) / (2 * len(near))
    crowded = neighbours[:, None] + neighbours
    return np.asarray(SAME_LABEL * (labels[:, None] == labels) + MORE_NEIGHBOURS * crowded)


def _join(wish: Floats, threshold: float) -> list[list[int]]:
    """Join the most alike groups until none are alike enough; minus infinity forbids."""
    groups = {position: [position] for position in range(len(wish))}
    while True:
        kept, joined = divmod(int(wish.argmax()), len(wish))
        if wish[kept, joined] < threshold:
            return [sorted(group) for group in groups.values()]
        sizes = len(groups[kept]), len(groups[joined])
        mean = (sizes[0] * wish[kept] + sizes[1] * wish[joined]) / sum(sizes)
        wish[kept], wish[:, kept] = mean, mean
        wish[joined], wish[:, joined] = -np.inf, -np.inf
        groups[kept] += groups.pop(joined)
