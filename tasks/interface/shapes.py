"""Marks on an image: ``boxes``, ``polygons`` and ``keypoints``.

All coordinates are shares of the image's width and height from its upper left corner, from 0 to
1, rounded to a millionth. What lies outside by no more than that is moved to the edge.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tasks.interface.marks import MAX_MARKS, Mark, MarksOf
from tasks.interface.reading import Element, Option, read_count

DIGITS = 6
TOLERANCE = 1e-6
MIN_POINTS = 3
MAX_POINTS = 1_000  # of one polygon
MAX_PER_LABEL = 100
SHARE = {"type": "number", "minimum": -TOLERANCE, "maximum": 1 + TOLERANCE}

Point = tuple[float, float]  # x, y


@dataclass(frozen=True, kw_only=True)
class Boxes(MarksOf):
    """Ask for boxes around things in an image, ordered by label, then downwards."""

    kind: ClassVar[str] = "boxes"
    noun: ClassVar[tuple[str, str]] = ("box", "boxes")
    form: ClassVar[str] = '{"label", "x", "y", "width", "height"} in shares of the image, 0 to 1'

    def place_schema(self) -> dict[str, Any]:
        return {"x": SHARE, "y": SHARE, "width": SHARE, "height": SHARE}

    def clean(self, mark: Mark, which: str) -> Mark:
        x, width = _side(mark["x"], mark["width"])
        y, height = _side(mark["y"], mark["height"])
        if not (width > 0 and height > 0):
            raise self.unfit(which, "must lie within the image and be wide and high")
        return {"label": mark["label"], "x": x, "y": y, "width": width, "height": height}

    def order(self, mark: Mark) -> Any:
        return self.rank[mark["label"]], mark["y"], mark["x"], mark["height"], mark["width"]


@dataclass(frozen=True, kw_only=True)
class Keypoints(MarksOf):
    """Ask for points in an image, each label at most ``per_label`` times."""

    kind: ClassVar[str] = "keypoints"
    noun: ClassVar[tuple[str, str]] = ("point", "points")
    form: ClassVar[str] = '{"label", "x", "y"} in shares of the image, 0 to 1'
    keys: ClassVar[frozenset[str]] = frozenset({"of", "per_label"})

    per_label: int

    @classmethod
    def read_own(cls, place: str, element: Element) -> dict[str, Any]:
        per_label = read_count(place, element, "per_label", 1, range(1, MAX_PER_LABEL + 1))
        return {**super().read_own(place, element), "per_label": per_label}

    @classmethod
    def highest(cls, labels: tuple[Option, ...], own: Mapping[str, Any]) -> int:
        return min(MAX_MARKS, len(labels) * int(own["per_label"]))

    def place_schema(self) -> dict[str, Any]:
        return {"x": SHARE, "y": SHARE}

    def clean(self, mark: Mark, which: str) -> Mark:
        x, y = _share(mark["x"]), _share(mark["y"])
        if math.isnan(x + y):
            raise self.unfit(which, "must lie within the image")
        return {"label": mark["label"], "x": x, "y": y}

    def order(self, mark: Mark) -> Any:
        return self.rank[mark["label"]], mark["y"], mark["x"]

    def check_together(self, marks: list[Mark]) -> None:
        for label, count in Counter(mark["label"] for mark in marks).items():
            if count > self.per_label:
                raise self.unfit(
                    f"{label!r}", f"is there {count} times, of at most {self.per_label}"
                )


@dataclass(frozen=True, kw_only=True)
class Polygons(MarksOf):
    """Ask for outlines of things in an image.

    In canonical form an outline starts at its uppermost point, the leftmost of several, and goes
    round clockwise, without a point that repeats the one before. It may cross itself.
    """

    kind: ClassVar[str] = "polygons"
    noun: ClassVar[tuple[str, str]] = ("polygon", "polygons")
    form: ClassVar[str] = (
        f'{{"label", "points": [[x, y], …]}} with {MIN_POINTS} to {MAX_POINTS} points '
        "in shares of the image, 0 to 1"
    )

    def place_schema(self) -> dict[str, Any]:
        point = {"type": "array", "items": SHARE, "minItems": 2, "maxItems": 2}
        length = {"minItems": MIN_POINTS, "maxItems": MAX_POINTS}
        return {"points": {"type": "array", "items": point, **length}}

    def clean(self, mark: Mark, which: str) -> Mark:
        points = [(_share(x), _share(y)) for x, y in mark["points"]]
        if any(math.isnan(x + y) for x, y in points):
            raise self.unfit(which, "must lie within the image")
        points = [point for n, point in enumerate(points) if point != points[n - 1]]
        area = _area(points)
        if not area or len(set(points)) < MIN_POINTS:
            raise self.unfit(which, f"must have {MIN_POINTS} different points and an area")
        if area < 0:
            points.reverse()
        first = min(range(len(points)), key=lambda n: (points[n][1], points[n][0]))
        around = points[first:] + points[:first]
        return {"label": mark["label"], "points": [[x, y] for x, y in around]}

    def order(self, mark: Mark) -> Any:
        return self.rank[mark["label"]], [(y, x) for x, y in mark["points"]]


def _share(value: float) -> float:
    """Return a coordinate rounded and within 0 to 1; NaN, which passes any schema, stays NaN."""
    rounded = round(value, DIGITS) + 0.0  # -0.0 becomes 0.0
    return min(max(rounded, 0.0), 1.0)  # in this order of arguments, or NaN would become 0.0


def _side(start: float, length: float) -> tuple[float, float]:
    """Return start and length of a box along one axis; length 0 if it is not in the image."""
    low, long = _share(start), _share(length)
    # Half a tolerance each for the rounding of start and length, and one for the worker's browser.
    if not low + long <= 1 + 2 * TOLERANCE:  # also where one is NaN
        return 0.0, 0.0
    return low, min(long, round(1 - low, DIGITS))


def _area(points: list[Point]) -> int:
    """Return twice the area in square millionths: positive clockwise, exact in whole numbers."""
    grid = [(round(x * 10**DIGITS), round(y * 10**DIGITS)) for x, y in points]
    return sum(
        x * below - right * y
        for (x, y), (right, below) in zip(grid, grid[1:] + grid[:1], strict=True)
    )
