"""Marks from a start to an end: ``spans`` of a text, ``audio_regions`` and ``video_regions``."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

from tasks.interface.marks import Mark, MarksOf
from tasks.interface.reading import Element, read_flag

MAX_POSITION = 1 << 20  # code points: a task's input has no more bytes
MAX_SECONDS = 1_000_000
DIGITS = 3  # of seconds


@dataclass(frozen=True, kw_only=True)
class Spans(MarksOf):
    """Ask for parts of a text, by code points, the end not included."""

    kind: ClassVar[str] = "spans"
    noun: ClassVar[tuple[str, str]] = ("span", "spans")
    form: ClassVar[str] = '{"label", "start", "end"} in characters, the end not included'
    keys: ClassVar[frozenset[str]] = frozenset({"of", "overlap"})

    overlap: bool  # whether spans may share characters

    @classmethod
    def read_own(cls, place: str, element: Element) -> dict[str, Any]:
        overlap = read_flag(place, element, "overlap", default=True)
        return {**super().read_own(place, element), "overlap": overlap}

    def place_schema(self) -> dict[str, Any]:
        return span_schema()

    def clean(self, mark: Mark, which: str) -> Mark:
        start, end = int(mark["start"]), int(mark["end"])
        if start >= end:
            raise self.unfit(which, "must start before it ends")
        return {"label": mark["label"], "start": start, "end": end}

    def order(self, mark: Mark) -> Any:
        return mark["start"], mark["end"], mark["label"]

    def check_together(self, marks: list[Mark]) -> None:
        if self.overlap:
            return
        for before, after in pairwise(marks):
            if after["start"] < before["end"]:
                where = f"the spans at {before['start']} and {after['start']}"
                raise self.unfit(where, "must not overlap")


@dataclass(frozen=True, kw_only=True)
class AudioRegions(MarksOf):
    """Ask for parts of a recording, in seconds rounded to milliseconds."""

    kind: ClassVar[str] = "audio_regions"
    noun: ClassVar[tuple[str, str]] = ("region", "regions")
    form: ClassVar[str] = '{"label", "start", "end"} in seconds'

    def place_schema(self) -> dict[str, Any]:
        second = {"type": "number", "minimum": 0, "maximum": MAX_SECONDS}
        return {"start": second, "end": second}

    def clean(self, mark: Mark, which: str) -> Mark:
        start, end = float(round(mark["start"], DIGITS)), float(round(mark["end"], DIGITS))
        if not start < end:  # also where one is NaN, which passes any schema
            raise self.unfit(which, "must start a millisecond or more before it ends")
        return {"label": mark["label"], "start": start + 0.0, "end": end}

    def order(self, mark: Mark) -> Any:
        return mark["start"], mark["end"], mark["label"]


@dataclass(frozen=True, kw_only=True)
class VideoRegions(AudioRegions):
    """Ask for parts of a video, in seconds rounded to milliseconds."""

    kind: ClassVar[str] = "video_regions"


def span_schema() -> dict[str, Any]:
    """Return the JSON Schemas of a span's two ends."""
    return {
        "start": {"type": "integer", "minimum": 0, "maximum": MAX_POSITION},
        "end": {"type": "integer", "minimum": 1, "maximum": MAX_POSITION},
    }
