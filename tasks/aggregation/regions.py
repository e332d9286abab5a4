"""Stretches of sound or film marked by several workers → the stretches that are there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.aggregation import overlap
from tasks.aggregation.averages import weighted_median
from tasks.aggregation.drawings import Codes, Floats, Geometry, Shapes
from tasks.aggregation.labels import Merged, Reading
from tasks.aggregation.objects import Drawn, fit_objects, list_objects


def fit_regions(readings: Sequence[Reading]) -> Merged:
    """Aggregate lists of ``{"label", "start", "end"}`` in seconds; see ``objects.fit_objects``.

    Regions match when their IoU is at least ½. Start and end are each the weighted median.
    """
    return fit_objects(readings, GEOMETRY)


def region_objects(readings: Sequence[Reading]) -> dict[int, list[Drawn]]:
    """Return the regions of ``fit_regions`` by task, each with what speaks for it."""
    return list_objects(readings, GEOMETRY)


def _average(shapes: Shapes, members: Codes, weights: Floats) -> Shapes:
    bounds = shapes[members].swapaxes(1, 2)  # (g, 2, k)
    return weighted_median(bounds, np.broadcast_to(weights[:, None], bounds.shape))


GEOMETRY = Geometry(
    encode=overlap.intervals,
    decode=lambda region: {"start": region[0], "end": region[1]},
    alike=lambda shapes: overlap.interval_ious(shapes, shapes),
    paired=overlap.paired_interval_ious,
    average=_average,
)
