"""Boxes drawn by several workers on one image → the boxes that are there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.aggregation import overlap
from tasks.aggregation.averages import weighted_median
from tasks.aggregation.drawings import Codes, Floats, Geometry, Object, Shapes
from tasks.aggregation.labels import Merged, Reading
from tasks.aggregation.objects import Drawn, fit_objects, list_objects


def fit_boxes(readings: Sequence[Reading]) -> Merged:
    """Aggregate lists of ``{"label", "x", "y", "width", "height"}``; see ``fit_objects``.

    Boxes match when their IoU is at least ½. Each of the four edges is the weighted median
    of the workers' edges, so that a few wild boxes do not move it.
    """
    return fit_objects(readings, GEOMETRY)


def box_objects(readings: Sequence[Reading]) -> dict[int, list[Drawn]]:
    """Return the boxes of ``fit_boxes`` by task, each with what speaks for it."""
    return list_objects(readings, GEOMETRY)


def _encode(boxes: Sequence[Object]) -> Shapes:
    # The size is kept beside the edges: (x + width) - x is not always width.
    sizes = np.array([(b["width"], b["height"]) for b in boxes], dtype=np.float64)
    return np.hstack([overlap.boxes(boxes), sizes.reshape(-1, 2)])


def _decode(box: Sequence[float]) -> dict[str, Any]:
    left, top, _, _, width, height = box
    return {"x": left, "y": top, "width": width, "height": height}


def _average(shapes: Shapes, members: Codes, weights: Floats) -> Shapes:
    boxes = shapes[members].swapaxes(1, 2)  # (g, 6, k)
    edges = weighted_median(boxes[:, :4], np.broadcast_to(weights[:, None], boxes[:, :4].shape))
    return np.hstack([edges, *(_length(boxes, edges, axis) for axis in (0, 1))])


def _length(boxes: Floats, edges: Floats, axis: int) -> Floats:
    """Return the width (axis 0) or height (1), (g, 1): a box's own where its edges are these."""
    low, high = edges[:, [axis]], edges[:, [axis + 2]]
    known = (boxes[:, axis] == low) & (boxes[:, axis + 2] == high)
    own = np.where(known, boxes[:, axis + 4], np.inf).min(axis=1, keepdims=True)
    return np.asarray(np.where(np.isfinite(own), own, high - low))


GEOMETRY = Geometry(
    encode=_encode,
    decode=_decode,
    alike=lambda shapes: overlap.box_ious(shapes[:, :4], shapes[:, :4]),
    paired=lambda a, b: overlap.paired_box_ious(a[:, :4], b[:, :4]),
    average=_average,
)
