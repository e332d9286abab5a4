"""How alike two answers are, from 0 to 1, when answers are places such as boxes or spans.

Objects come in the form of answers. Two of zero size are alike (1) when equal, else not (0).
Source: P. Jaccard, The distribution of the flora in the alpine zone (1912), for intersection
over union (IoU).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tasks.aggregation import clipping, runs

Object = Mapping[str, Any]
Floats = NDArray[np.float64]

KEYPOINT_DISTANCE = 0.05  # in shares of the image; this far apart, two points are half alike


def box_iou(a: Object, b: Object) -> float:
    """Return the IoU of two boxes ``{"x", "y", "width", "height"}``."""
    return float(box_ious(boxes([a]), boxes([b]))[0, 0])


def polygon_iou(a: Object, b: Object) -> float:
    """Return the IoU of two polygons ``{"points": [[x, y], …]}``, exact up to rounding.

    What is inside goes by the even-odd rule. Polygons that list the same points are alike.
    """
    if a["points"] == b["points"]:
        return 1.0
    first, second = points(a), points(b)
    if _apart(first, second):
        return 0.0
    shared, covered = clipping.areas(first, second)
    return shared / covered if covered > 0 else 0.0


def interval_iou(a: Object, b: Object) -> float:
    """Return the IoU of two intervals ``{"start", "end"}``: spans, audio or video regions."""
    return float(interval_ious(intervals([a]), intervals([b]))[0, 0])


def mask_iou(a: Object, b: Object) -> float:
    """Return the IoU of two masks ``{"size", "counts"}``; 0 when their sizes differ.

    Raises ``ValueError`` when run lengths do not add up to the size.
    """
    first, second = runs.edges_of(a), runs.edges_of(b)
    if list(a["size"]) != list(b["size"]):
        return 0.0
    starts, votes = runs.coverage([first, second], [1.0, 1.0])
    lengths = np.diff(starts)
    covered = int(lengths[votes[:-1] > 0].sum())
    return int(lengths[votes[:-1] > 1].sum()) / covered if covered else 1.0


def set_iou(a: Collection[Any], b: Collection[Any]) -> float:
    """Return the share of the elements of either that are in both; 1 when both are empty."""
    first, second = set(a), set(b)
    return len(first & second) / len(first | second) if first | second else 1.0


def keypoint_similarity(a: Object, b: Object) -> float:
    """Return 1 for one place, ½ at ``KEYPOINT_DISTANCE``, 0 from twice that on, linearly."""
    return float(keypoint_similarities(keypoints([a]), keypoints([b]))[0, 0])


def relation_similarity(a: Object, b: Object) -> float:
    """Return the IoU of the ends, whichever pair of ends is less alike."""
    return min(interval_iou(a["from"], b["from"]), interval_iou(a["to"], b["to"]))


def list_similarity(a: Sequence[Object], b: Sequence[Object], kind: str) -> float:
    """Return how alike two whole answers of one ``kind``, a key of ``KINDS``, are.

    Objects are paired one to one so that the sum of their similarities is highest; objects of
    different labels are not alike at all. The result is twice that sum over the number of
    objects in both: the F1 score, with a pair counted by how alike it is instead of as hit or
    miss. 1 when both are empty.
    """
    if not a or not b:
        return float(not a and not b)
    same = np.array([[x["label"] == y["label"] for y in b] for x in a])
    alike = similarities(a, b, kind) * same
    rows, columns = linear_sum_assignment(alike, maximize=True)
    return min(2 * float(alike[rows, columns].sum()) / (len(a) + len(b)), 1.0)


def similarities(a: Sequence[Object], b: Sequence[Object], kind: str) -> Floats:
    """Return the similarity of places, whatever the labels: (len(a), len(b)).

    Raises ``ValueError`` when there is no such ``kind``.
    """
    if kind not in KINDS:
        raise ValueError(f"There is no kind {kind!r} of objects. There are: {', '.join(KINDS)}.")
    return KINDS[kind](a, b)


def boxes(objects: Sequence[Object]) -> Floats:
    """Return the edges of boxes: left, top, right, bottom; (n, 4)."""
    sides = [(o["x"], o["y"], o["x"] + o["width"], o["y"] + o["height"]) for o in objects]
    return np.array(sides, dtype=np.float64).reshape(-1, 4)


def intervals(objects: Sequence[Object]) -> Floats:
    """Return starts and ends: (n, 2)."""
    return np.array([(o["start"], o["end"]) for o in objects], dtype=np.float64).reshape(-1, 2)


def keypoints(objects: Sequence[Object]) -> Floats:
    """Return x and y: (n, 2)."""
    return np.array([(o["x"], o["y"]) for o in objects], dtype=np.float64).reshape(-1, 2)


def points(polygon: Object) -> Floats:
    """Return the corners of one polygon: (n, 2)."""
    return np.array(polygon["points"], dtype=np.float64).reshape(-1, 2)


def box_ious(a: Floats, b: Floats) -> Floats:
    """Return the IoU of every box in ``a`` with every one in ``b``, given as edges."""
    return paired_box_ious(a[:, None], b[None])


def paired_box_ious(a: Floats, b: Floats) -> Floats:
    """Return the IoU of boxes given as edges, (…, 4), pair by pair."""
    inner = np.maximum(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0)
    shared = inner[..., 0] * inner[..., 1]
    own, other = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    covered = own[..., 0] * own[..., 1] + other[..., 0] * other[..., 1] - shared
    return _ratio(shared, covered, a, b)


def interval_ious(a: Floats, b: Floats) -> Floats:
    """Return the IoU of every interval in ``a`` with every one in ``b``."""
    return paired_interval_ious(a[:, None], b[None])


def paired_interval_ious(a: Floats, b: Floats) -> Floats:
    """Return the IoU of intervals, (…, 2), pair by pair."""
    shared = np.maximum(np.minimum(a[..., 1], b[..., 1]) - np.maximum(a[..., 0], b[..., 0]), 0)
    covered = (a[..., 1] - a[..., 0]) + (b[..., 1] - b[..., 0]) - shared
    return _ratio(shared, covered, a, b)


def keypoint_similarities(a: Floats, b: Floats) -> Floats:
    """Return ``keypoint_similarity`` of every point in ``a`` with every one in ``b``."""
    return paired_keypoint_similarities(a[:, None], b[None])


def paired_keypoint_similarities(a: Floats, b: Floats) -> Floats:
    """Return ``keypoint_similarity`` of points, (…, 2), pair by pair."""
    distance = np.hypot(a[..., 0] - b[..., 0], a[..., 1] - b[..., 1])
    return np.asarray(np.maximum(1 - distance / (2 * KEYPOINT_DISTANCE), 0.0))


def _ratio(shared: Floats, covered: Floats, a: Floats, b: Floats) -> Floats:
    equal = (a == b).all(axis=-1).astype(np.float64)
    return np.asarray(np.where(covered > 0, shared / np.where(covered > 0, covered, 1), equal))


def _apart(first: Floats, second: Floats) -> bool:
    """Say whether two polygons' bounding boxes have no area in common."""
    if not len(first) or not len(second):
        return True
    low = np.maximum(first.min(axis=0), second.min(axis=0))
    high = np.minimum(first.max(axis=0), second.max(axis=0))
    return bool((low >= high).any())


def _one_by_one(
    similarity: Callable[[Object, Object], float],
) -> Callable[[Sequence[Object], Sequence[Object]], Floats]:
    def matrix(a: Sequence[Object], b: Sequence[Object]) -> Floats:
        rows = [[similarity(x, y) for y in b] for x in a]
        return np.array(rows, dtype=np.float64).reshape(len(a), len(b))

    return matrix


def _of_intervals(a: Sequence[Object], b: Sequence[Object]) -> Floats:
    return interval_ious(intervals(a), intervals(b))


def _of_relations(a: Sequence[Object], b: Sequence[Object]) -> Floats:
    ends = (([o[end] for o in a], [o[end] for o in b]) for end in ("from", "to"))
    return np.minimum(*(_of_intervals(x, y) for x, y in ends))


KINDS: Mapping[str, Callable[[Sequence[Object], Sequence[Object]], Floats]] = {
    "boxes": lambda a, b: box_ious(boxes(a), boxes(b)),
    "polygons": _one_by_one(polygon_iou),
    "keypoints": lambda a, b: keypoint_similarities(keypoints(a), keypoints(b)),
    "masks": _one_by_one(mask_iou),
    "spans": _of_intervals,
    "relations": _of_relations,
    "audio_regions": _of_intervals,
    "video_regions": _of_intervals,
}
