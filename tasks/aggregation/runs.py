"""Masks as run lengths: what two share and cover, without ever unpacking a pixel.

A mask is ``{"label", "size": [height, width], "counts": [...]}``: the lengths of the runs of
zeros and ones in turn, zeros first, down the columns (the uncompressed form of COCO).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Edges = NDArray[np.int64]  # where the runs end; the last is the number of pixels


def edges_of(mask: Mapping[str, Any]) -> Edges:
    """Return where the runs of ``mask`` end.

    Raises ``ValueError`` when they do not add up to its size.
    """
    height, width = mask["size"]
    edges = np.cumsum(np.asarray(mask["counts"], dtype=np.int64))
    if (int(edges[-1]) if len(edges) else 0) != height * width:
        raise ValueError(f"The runs of a mask of {height} by {width} pixels must add up to that.")
    return edges


def coverage(masks: Sequence[Edges], weights: Sequence[float]) -> tuple[Edges, NDArray[np.float64]]:
    """Add up ``weights`` where the masks are one: stretches of pixels and the sum on each.

    Returns the stretches' starts, sorted, and the sums; the last stretch is empty and sums to
    0, so that ``numpy.diff`` of the starts are the lengths of all others.
    """
    starts = np.unique(np.concatenate([np.zeros(1, np.int64), *masks]))
    total = np.zeros(len(starts))
    for edges, weight in zip(masks, weights, strict=True):
        total += weight * ones_at(edges, starts)
    return starts, total


def ones_at(edges: Edges, pixels: Edges) -> NDArray[np.bool_]:
    """Return which of ``pixels``, positions down the columns, are one."""
    run = np.searchsorted(edges, pixels, side="right")
    return np.asarray((run % 2 == 1) & (run < len(edges)))


def counts_of(starts: Edges, ones: NDArray[np.bool_]) -> list[int]:
    """Return the run lengths of the mask that is ``ones`` on the stretches from ``starts``.

    The last start is the number of pixels, where the mask ends.
    """
    values = ones[:-1]
    change = np.flatnonzero(np.diff(values, prepend=False))  # the first run is of zeros
    ends = np.concatenate([starts[change], starts[-1:]])
    return [int(length) for length in np.diff(ends, prepend=0)]


def window(edges: Edges, first: int, last: int) -> NDArray[np.bool_]:
    """Return the pixels from ``first`` to before ``last``, unpacked."""
    ends = np.clip(edges, first, last)
    ones = np.arange(len(ends)) % 2 == 1
    return np.repeat(ones, np.diff(ends, prepend=first))


def counts_within(pixels: NDArray[np.bool_], first: int, total: int) -> list[int]:
    """Return the run lengths of a mask of ``total`` pixels: ``pixels`` from ``first``, else 0."""
    change = first + np.flatnonzero(np.diff(pixels, prepend=False, append=False))
    rest = [] if len(change) and change[-1] == total else [total]
    return [int(length) for length in np.diff([*change, *rest], prepend=0)]
