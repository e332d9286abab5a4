"""Points set by several workers on one image → the points that are there."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.aggregation import overlap
from tasks.aggregation.averages import geometric_median
from tasks.aggregation.drawings import Geometry
from tasks.aggregation.labels import Merged, Reading
from tasks.aggregation.objects import Drawn, fit_objects, list_objects


def fit_keypoints(readings: Sequence[Reading]) -> Merged:
    """Aggregate lists of ``{"label", "x", "y"}``; see ``objects.fit_objects``.

    Points match up to ``overlap.KEYPOINT_DISTANCE`` apart, in shares of the image's width and
    height. The average is the weighted geometric median, which a few wild points do not move.
    """
    return fit_objects(readings, GEOMETRY)


def keypoint_objects(readings: Sequence[Reading]) -> dict[int, list[Drawn]]:
    """Return the points of ``fit_keypoints`` by task, each with what speaks for it."""
    return list_objects(readings, GEOMETRY)


GEOMETRY = Geometry(
    encode=overlap.keypoints,
    decode=lambda point: {"x": point[0], "y": point[1]},
    alike=lambda shapes: overlap.keypoint_similarities(shapes, shapes),
    paired=overlap.paired_keypoint_similarities,
    average=lambda shapes, members, weights: geometric_median(shapes[members], weights),
)
