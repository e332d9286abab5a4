"""The masks of one label on one task, cut into patches: the pixels marked by the same workers.

However large an image, five workers cut it into at most 31 patches, and every pixel of a patch
has the same votes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation.drawings import Codes, Drawings, Floats, Object, Shapes
from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.runs import Edges, coverage, edges_of, ones_at


class Layer(NamedTuple):
    """All masks of one label on one task; at least one of them has a pixel."""

    task: int  # code
    size: list[int]  # height, width
    workers: Codes  # codes of all who answered the task, ascending
    masks: list[Edges]  # by worker; without a one for who did not use the label
    starts: Edges  # of the stretches of pixels with the same votes; the last is the end
    patch: Codes  # by stretch; 0 is what nobody marked
    marked: NDArray[np.bool_]  # (workers, patches): who marked it
    areas: Floats  # by patch, in pixels; that of patch 0 counts as nothing


def encode_masks(masks: Sequence[Object]) -> Shapes:
    """Return masks for ``drawings.read``: one tuple of size and run lengths each."""
    shapes = np.empty(len(masks), dtype=object)
    shapes[:] = [(tuple(mask["size"]), tuple(mask["counts"])) for mask in masks]
    return shapes


def layers(drawings: Drawings, label: int) -> Iterator[Layer]:
    """Yield the layer of every task on which somebody used ``label``, by task.

    A worker's masks of one label are one mask, and a mask without a pixel is none. Raises
    ``UnsupportedLabels`` when the masks of a task differ in size or their runs do not add up.
    """
    positions: defaultdict[int, list[int]] = defaultdict(list)
    for position in np.flatnonzero(drawings.label == label).tolist():
        positions[int(drawings.task[position])].append(position)
    for task, of_task in positions.items():
        low, high = np.searchsorted(drawings.answered[:, 0], [task, task + 1])
        workers = drawings.answered[low:high, 1]
        size, masks = _masks(drawings, of_task)
        layer = _layer(task, size, workers, masks)
        if layer.areas.any():
            yield layer


def _masks(drawings: Drawings, positions: Sequence[int]) -> tuple[list[int], dict[int, Edges]]:
    """Return the size and each worker's mask."""
    shapes = [drawings.shapes[position] for position in positions]
    size = shapes[0][0]
    if any(other != size for other, _ in shapes):
        raise UnsupportedLabels("The masks of one task must have the same size.")
    own: defaultdict[int, list[Edges]] = defaultdict(list)
    for position, (_, counts) in zip(positions, shapes, strict=True):
        own[int(drawings.worker[position])].append(_edges({"size": size, "counts": counts}))
    return list(size), {worker: _union(masks) for worker, masks in own.items()}


def _edges(mask: Mapping[str, Any]) -> Edges:
    try:
        return edges_of(mask)
    except ValueError as wrong:
        raise UnsupportedLabels(str(wrong)) from wrong


def _union(masks: Sequence[Edges]) -> Edges:
    if len(masks) == 1:
        return masks[0]
    starts, votes = coverage(masks, [1.0] * len(masks))
    change = np.flatnonzero(np.diff(votes > 0, prepend=False))
    return np.concatenate([starts[change], starts[-1:]])


def _layer(task: int, size: list[int], workers: Codes, masks: Mapping[int, Edges]) -> Layer:
    nothing = np.array([size[0] * size[1]], dtype=np.int64)
    own = [masks.get(worker, nothing) for worker in workers.tolist()]
    starts = np.unique(np.concatenate([np.zeros(1, dtype=np.int64), *own]))
    votes = np.stack([ones_at(edges, starts) for edges in own])
    # The last stretch is empty and marked by nobody, so the first pattern is always that.
    marked, patch = np.unique(votes, axis=1, return_inverse=True)
    patch = patch.reshape(-1)
    areas = np.bincount(patch[:-1], np.diff(starts), marked.shape[1]).astype(np.float64)
    areas[0] = 0.0
    return Layer(task, size, workers, own, starts, patch, marked, areas)
