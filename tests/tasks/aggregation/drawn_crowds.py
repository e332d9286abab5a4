"""Simulated crowds that draw: workers of known habits, images of known contents."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tasks.aggregation.labels import Reading

NAMES = ("bus", "car", "van")


class Simulated(NamedTuple):
    readings: list[Reading]
    truth: dict[int, list[dict[str, Any]]]  # by task


def box_crowd(
    *, tasks: int = 150, overlap: int = 5, workers: int = 12, boxes: int = 5, seed: int = 0
) -> Simulated:
    """Let each worker miss boxes, invent some and place them with an error of their own."""
    random = np.random.default_rng(seed)
    hit, invented = random.uniform(0.55, 0.95, workers), random.uniform(0.05, 1, workers)
    error = random.uniform(0.005, 0.03, workers)
    readings, truth = [], {}
    for task in range(tasks):
        truth[task] = [_box(random) for _ in range(boxes)]
        for worker in random.permutation(workers)[:overlap]:
            seen = [box for box in truth[task] if random.random() < hit[worker]]
            drawn = [_moved(box, random.normal(0, error[worker], 4)) for box in seen]
            drawn += [_box(random) for _ in range(random.poisson(invented[worker]))]
            readings.append(Reading(task, int(worker), drawn))
    return Simulated(readings, truth)


def _box(random: np.random.Generator) -> dict[str, Any]:
    x, y = random.uniform(0, 0.7, 2).tolist()
    width, height = random.uniform(0.1, 0.3, 2).tolist()
    label = NAMES[random.integers(len(NAMES))]
    return {"label": label, "x": x, "y": y, "width": width, "height": height}


def _moved(box: dict[str, Any], by: np.ndarray) -> dict[str, Any]:
    x, y, width, height = by.tolist()
    return {
        "label": box["label"],
        "x": box["x"] + x,
        "y": box["y"] + y,
        "width": max(box["width"] + width, 0.02),
        "height": max(box["height"] + height, 0.02),
    }


def mask_crowd(*, tasks: int = 40, overlap: int = 5, workers: int = 8, seed: int = 0) -> Simulated:
    """Let each worker paint an ellipse, off by an error of their own."""
    random = np.random.default_rng(seed)
    error = random.uniform(0.01, 0.08, workers)
    readings, truth = [], {}
    for task in range(tasks):
        ellipse = np.concatenate([random.uniform(0.35, 0.65, 2), random.uniform(0.1, 0.25, 2)])
        truth[task] = [_ellipse(ellipse)]
        for worker in random.permutation(workers)[:overlap]:
            painted = _ellipse(ellipse + random.normal(0, error[worker], 4))
            readings.append(Reading(task, int(worker), [painted]))
    return Simulated(readings, truth)


def _ellipse(ellipse: np.ndarray) -> dict[str, Any]:
    x, y, a, b = ellipse
    rows, columns = np.mgrid[:40, :60] / np.array([40, 60])[:, None, None]
    return mask(((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 < 1)


def mask(picture: Any, label: str = "cat") -> dict[str, Any]:
    """Pack a picture of rows of ones and zeros, pixel by pixel."""
    pixels = np.asarray(picture, dtype=bool)
    counts, value = [0], False
    for pixel in pixels.T.ravel().tolist():
        if pixel != value:
            counts.append(0)
            value = pixel
        counts[-1] += 1
    return {"label": label, "size": list(pixels.shape), "counts": counts}


def picture(packed: dict[str, Any]) -> np.ndarray:
    """Unpack a mask."""
    height, width = packed["size"]
    pixels = np.repeat(np.arange(len(packed["counts"])) % 2 == 1, packed["counts"])
    return pixels.reshape(width, height).T
