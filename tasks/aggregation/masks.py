"""Masks painted by several workers on one image → one mask per label, by vote on every pixel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation.detection import TIE, Ballots, Detection, detect
from tasks.aggregation.drawings import Floats, even_out, read
from tasks.aggregation.labels import Found, Merged, Reading
from tasks.aggregation.patches import Layer, encode_masks, layers
from tasks.aggregation.runs import counts_of

IMAGE = 10.0  # one image tells as much about a worker as that many objects


class Painted(NamedTuple):
    """One label on one task, put to the vote; arrays are by patch or (workers, patches)."""

    layer: Layer
    probabilities: Floats
    kept: NDArray[np.bool_]
    kept_without: NDArray[np.bool_]  # by worker left out


class Score(NamedTuple):
    """One worker's mask of one label on one task against that of the others."""

    iou: float
    masks: int  # 0 to 2: how many of the two have a pixel


def fit_masks_vote(readings: Sequence[Reading]) -> Merged:
    """Aggregate lists of ``{"label", "size", "counts"}``, label by label and pixel by pixel.

    A pixel is kept when it is likelier in than not, given which workers marked it and which
    did not (``detection.detect``, which learns each worker's rates on all masks of the label;
    an image counts as ``IMAGE`` objects). A tie is left out: among strangers a pixel needs more
    than half of the workers. Masks that end up without a pixel are left out, the others
    listed by label; two masks may overlap. Work is on runs, never on pixels.

    The confidence of a task is the mean over its labels of the mean probability, over all
    pixels that somebody marked, that the decision there is right; 1 when nobody marked any.
    A skill is the mean, over the tasks that others answered too, of
    ``overlap.list_similarity`` between the worker's masks and what the others' votes, with
    the same weights, come to without theirs.

    Raises ``UnsupportedLabels`` when a worker answered a task twice, the masks of a task
    differ in size, or run lengths do not add up to it.
    """
    drawings = read(readings, encode_masks)
    found: dict[int, list[dict[str, Any]]] = {code: [] for code in range(len(drawings.tasks))}
    certain: defaultdict[int, list[float]] = defaultdict(list)
    scores: defaultdict[tuple[int, int], list[Score]] = defaultdict(list)
    for label, name in enumerate(drawings.labels):
        for painted in _vote(list(layers(drawings, label)), len(drawings.workers)):
            layer = painted.layer
            certain[layer.task].append(_confidence(painted))
            if painted.kept.any():
                counts = counts_of(layer.starts, painted.kept[layer.patch])
                found[layer.task].append({"label": name, "size": layer.size, "counts": counts})
            for worker, score in zip(layer.workers.tolist(), _scores(painted), strict=True):
                scores[layer.task, worker].append(score)
    shared = np.bincount(drawings.answered[:, 0])[drawings.answered[:, 0]] > 1
    skills: defaultdict[int, list[float]] = defaultdict(list)
    for task, worker in drawings.answered[shared].tolist():
        skills[worker].append(_similarity(scores.get((task, worker), [])))
    even = even_out({worker: fmean(own) for worker, own in skills.items()}, drawings.twins)
    return Merged(
        consensus={
            task: Found(found[code], fmean(certain.get(code, [1.0])))
            for code, task in enumerate(drawings.tasks)
        },
        skills={drawings.workers[worker]: skill for worker, skill in even.items()},
    )


def _vote(of_label: Sequence[Layer], workers: int) -> Iterator[Painted]:
    """Put every patch of every layer to the vote, all layers together."""
    counts = [len(layer.areas) for layer in of_label]
    first = np.cumsum([0, *counts])
    ballots = [_ballots(layer, start) for layer, start in zip(of_label, first[:-1], strict=True)]
    columns = (np.concatenate(column) for column in zip(*ballots, strict=True))
    sizes = [IMAGE * layer.areas / layer.areas.sum() for layer in of_label]
    if not of_label:
        return
    detection = detect(Ballots(*columns), np.concatenate(sizes), workers)
    ballot = 0
    for layer, start in zip(of_label, first[:-1].tolist(), strict=True):
        patches = slice(start, start + len(layer.areas))
        own = slice(ballot, ballot + layer.marked.size)
        ballot = own.stop
        yield _painted(layer, detection, patches, own)


def _ballots(layer: Layer, start: int) -> Ballots:
    workers, patches = layer.marked.shape
    return Ballots(
        candidate=np.repeat(start + np.arange(patches), workers),
        worker=np.tile(layer.workers, patches),
        drew=layer.marked.T.ravel(),
    )


def _painted(layer: Layer, detection: Detection, patches: slice, own: slice) -> Painted:
    log_odds = detection.log_odds[patches]
    evidence = detection.evidence[own].reshape(layer.marked.T.shape).T
    marked_at_all = layer.areas > 0
    return Painted(
        layer,
        detection.probabilities[patches],
        (log_odds > TIE) & marked_at_all,
        (log_odds - evidence > TIE) & marked_at_all,
    )


def _confidence(painted: Painted) -> float:
    right = np.where(painted.kept, painted.probabilities, 1 - painted.probabilities)
    return float(np.average(right, weights=painted.layer.areas))


def _scores(painted: Painted) -> list[Score]:
    layer = painted.layer
    shared = (layer.marked & painted.kept_without) @ layer.areas
    covered = (layer.marked | painted.kept_without) @ layer.areas
    masks = (layer.marked @ layer.areas > 0).astype(int) + painted.kept_without.any(axis=1)
    ious = shared / np.maximum(covered, 1)
    return [Score(iou, n) for iou, n in zip(ious.tolist(), masks.tolist(), strict=True)]


def _similarity(scores: Sequence[Score]) -> float:
    masks = sum(score.masks for score in scores)
    return 2 * sum(score.iou for score in scores) / masks if masks else 1.0
