"""Marks on an image, pixel by pixel: ``masks``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tasks.interface.marks import Mark, MarksOf
from tasks.interface.reading import Option

MAX_SIDE = 4_096  # pixels
MAX_RUNS = 500_000  # of one mask: more do not fit into a request


@dataclass(frozen=True, kw_only=True)
class Masks(MarksOf):
    """Ask for the pixels that belong to each label, one mask per label.

    A mask is the lengths of runs of zeros and ones in turn, zeros first, down one column after
    the other, as in COCO's uncompressed form. All masks of an answer have one size.

    Source: https://github.com/cocodataset/cocoapi (RLE)
    """

    kind: ClassVar[str] = "masks"
    noun: ClassVar[tuple[str, str]] = ("mask", "masks")
    form: ClassVar[str] = (
        '{"label", "size": [height, width], "counts": [lengths of runs, zeros first]} '
        f"of at most {MAX_SIDE} by {MAX_SIDE} pixels"
    )

    @classmethod
    def highest(cls, labels: tuple[Option, ...], own: Mapping[str, Any]) -> int:
        return len(labels)

    def place_schema(self) -> dict[str, Any]:
        side = {"type": "integer", "minimum": 1, "maximum": MAX_SIDE}
        run = {"type": "integer", "minimum": 0, "maximum": MAX_SIDE**2}
        return {
            "size": {"type": "array", "items": side, "minItems": 2, "maxItems": 2},
            "counts": {"type": "array", "items": run, "minItems": 1, "maxItems": MAX_RUNS},
        }

    def clean(self, mark: Mark, which: str) -> Mark:
        height, width = (int(side) for side in mark["size"])
        counts = merged(mark["counts"])
        if sum(counts) != height * width:
            raise self.unfit(which, f"has counts for {sum(counts)} pixels, of {height * width}")
        return {"label": mark["label"], "size": [height, width], "counts": counts}

    def order(self, mark: Mark) -> Any:
        return self.rank[mark["label"]], mark["size"], mark["counts"]

    def check_together(self, marks: list[Mark]) -> None:
        if len({mark["label"] for mark in marks}) < len(marks):
            raise self.unfit("a label", "has several masks: make them one")
        if len({tuple(mark["size"]) for mark in marks}) > 1:
            raise self.unfit("the masks", "must all have the size of the image")


def merged(counts: Iterable[float]) -> list[int]:
    """Return run lengths without empty runs, but for a first one where the mask starts with ones.

    [0, 5, 0, 3, 2] becomes [0, 8, 2].
    """
    runs = [0]
    for place, count in enumerate(counts):
        if not count:
            continue
        if place % 2 == (len(runs) - 1) % 2:
            runs[-1] += int(count)
        else:
            runs.append(int(count))
    return runs
