"""The adapter to crowd-kit's methods for image segmentation.

Source: D. Jung-Lin Lee, A. Das Sarma, A. Parameswaran, Aggregating Crowdsourced Image
Segmentations (2018) for EM; J. Li, F. Fukumoto, A Dataset of Crowdsourced Word Sequences
(2019) for RASA.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd
from crowdkit.aggregation import SegmentationEM, SegmentationMajorityVote, SegmentationRASA
from numpy.typing import NDArray

from tasks.aggregation.drawings import Drawings, even_out, read
from tasks.aggregation.errors import UnknownMethod
from tasks.aggregation.labels import Found, Merged, Reading
from tasks.aggregation.patches import Layer, encode_masks, layers
from tasks.aggregation.runs import counts_within, window

Picture = NDArray[np.bool_]  # (height, width)

METHODS: Mapping[str, Callable[[], Any]] = {
    "segmentation_majority_vote": SegmentationMajorityVote,
    "segmentation_rasa": SegmentationRASA,
    "segmentation_em": SegmentationEM,
}


def fit_masks(method: str, readings: Sequence[Reading]) -> Merged:
    """Aggregate lists of ``{"label", "size", "counts"}`` by ``method``, a key of ``METHODS``.

    Each label is aggregated on its own; who answered without using it marked nothing. Only
    the bounding box of what anybody marked is unpacked, one label of one task at a time.
    Masks that end up without a pixel are left out, the others are listed by label. With
    crowd-kit a pixel that half of the workers marked is in by majority and RASA, out by EM.
    EM stops by its mean gain per pixel: within the bounding box, so that a wide blank margin
    does not make it stop sooner, as it does when whole images are given to crowd-kit.

    These methods have no probabilities. The confidence of a task is the mean similarity of
    its answers to the consensus, label by label as in ``overlap.list_similarity``. A skill is
    the mean similarity between a worker's answers and what the method makes of the others',
    which takes one more run per answer; who shares no task with anyone has none.

    Raises ``UnknownMethod``; ``UnsupportedLabels`` when a worker answered a task twice, the
    masks of a task differ in size, or run lengths do not add up to it.
    """
    if method not in METHODS:
        raise UnknownMethod(f"There is no method {method!r}. There are: {', '.join(METHODS)}.")
    drawings = read(readings, encode_masks)
    found: dict[int, list[dict[str, Any]]] = {code: [] for code in range(len(drawings.tasks))}
    with_all: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    without: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for label, name in enumerate(drawings.labels):
        for layer in layers(drawings, label):
            pictures = _pictures(layer)
            merged = _merge(method, pictures)
            if merged.any():
                counts = _counts(layer, merged)
                found[layer.task].append({"label": name, "size": layer.size, "counts": counts})
            for position, worker in enumerate(layer.workers.tolist()):
                own, others = pictures[position], np.delete(pictures, position, axis=0)
                with_all[layer.task, worker] += _ious(own, merged)
                without[layer.task, worker] += _ious(own, _merge(method, others))
    return Merged(_consensus(drawings, found, with_all), _skills(drawings, without))


def _merge(method: str, pictures: NDArray[np.bool_]) -> Picture:
    """Return what ``method`` makes of one worker's picture each, (workers, height, width)."""
    if not pictures.any():
        return np.zeros(pictures.shape[1:], dtype=bool)
    frame = pd.DataFrame(
        {"task": 0, "worker": range(len(pictures)), "segmentation": list(pictures)}
    )
    # RASA divides by zero where a worker and the vote both mark nothing; the result is then
    # that nothing is marked, which is right.
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", pd.errors.SettingWithCopyWarning)
        merged = METHODS[method]().fit_predict(frame)
    return np.asarray(merged.loc[0], dtype=bool)


def _columns(layer: Layer) -> tuple[int, int]:
    """Return the first column that anybody marked and the one after the last."""
    height = layer.size[0]
    marked = np.flatnonzero(layer.patch > 0)
    return int(layer.starts[marked[0]]) // height, -(-int(layer.starts[marked[-1] + 1]) // height)


def _rows(layer: Layer) -> tuple[int, int]:
    """Return the first row that anybody marked and the one after the last."""
    height = layer.size[0]
    marked = np.flatnonzero(layer.patch > 0)
    first, last = layer.starts[marked], layer.starts[marked + 1] - 1
    if (first // height != last // height).any():
        return 0, height  # some stretch goes on at the top of the next column
    return int((first % height).min()), int((last % height).max()) + 1


def _pictures(layer: Layer) -> NDArray[np.bool_]:
    """Unpack the masks of all workers within their common bounding box: (workers, h, w)."""
    (left, right), (top, bottom), height = _columns(layer), _rows(layer), layer.size[0]
    columns = [window(edges, left * height, right * height) for edges in layer.masks]
    return np.stack([c.reshape(right - left, height).T[top:bottom] for c in columns])


def _counts(layer: Layer, picture: Picture) -> list[int]:
    (left, right), (top, bottom), (height, width) = _columns(layer), _rows(layer), layer.size
    columns = np.zeros((right - left, height), dtype=bool)
    columns[:, top:bottom] = picture.T
    return counts_within(columns.ravel(), left * height, height * width)


def _ious(own: Picture, other: Picture) -> list[float]:
    """Return the IoU once for each of the two that has a pixel: their mean is the F1 score."""
    covered = int((own | other).sum())
    iou = int((own & other).sum()) / max(covered, 1)
    return [iou] * (int(own.any()) + int(other.any()))


def _consensus(
    drawings: Drawings,
    found: Mapping[int, list[dict[str, Any]]],
    ious: Mapping[tuple[int, int], list[float]],
) -> dict[int, Found]:
    similarities: defaultdict[int, list[float]] = defaultdict(list)
    for task, worker in drawings.answered.tolist():
        similarities[task].append(fmean(ious.get((task, worker)) or [1.0]))
    return {
        task: Found(found[code], fmean(similarities[code]))
        for code, task in enumerate(drawings.tasks)
    }


def _skills(drawings: Drawings, ious: Mapping[tuple[int, int], list[float]]) -> dict[int, float]:
    shared = np.bincount(drawings.answered[:, 0])[drawings.answered[:, 0]] > 1
    scores: defaultdict[int, list[float]] = defaultdict(list)
    for task, worker in drawings.answered[shared].tolist():
        scores[worker].append(fmean(ious.get((task, worker)) or [1.0]))
    even = even_out({worker: fmean(own) for worker, own in scores.items()}, drawings.twins)
    return {drawings.workers[worker]: skill for worker, skill in even.items()}
