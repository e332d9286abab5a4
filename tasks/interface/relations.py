"""The question ``relations``: what spans of the same answer have to do with each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tasks.interface.marks import Mark, Marks
from tasks.interface.ranges import span_schema
from tasks.interface.reading import Element, read_name


@dataclass(frozen=True, kw_only=True)
class Relations(Marks):
    """Ask for labelled relations from one span to another."""

    kind: ClassVar[str] = "relations"
    noun: ClassVar[tuple[str, str]] = ("relation", "relations")
    form: ClassVar[str] = '{"label", "from": {"start", "end"}, "to": {"start", "end"}}'
    keys: ClassVar[frozenset[str]] = frozenset({"spans"})

    spans: str  # name of the question that asks for them

    @classmethod
    def read_own(cls, place: str, element: Element) -> dict[str, Any]:
        return {"spans": read_name(place, element, "spans")}

    def place_schema(self) -> dict[str, Any]:
        span = {
            "type": "object",
            "properties": span_schema(),
            "required": ["start", "end"],
            "additionalProperties": False,
        }
        return {"from": span, "to": span}

    def clean(self, mark: Mark, which: str) -> Mark:
        return {"label": mark["label"], "from": _span(mark["from"]), "to": _span(mark["to"])}

    def order(self, mark: Mark) -> Any:
        return *_ends(mark["from"]), *_ends(mark["to"]), mark["label"]

    def check_spans(self, answers: Mapping[str, Any]) -> None:
        """Refuse relations of what is not a span of the same answer.

        ``answers`` are canonical, by name of their question. Raises ``InvalidAnswer``.
        """
        spans = {_ends(span) for span in answers.get(self.spans, ())}
        for relation in answers.get(self.name, ()):
            for end in ("from", "to"):
                if _ends(relation[end]) not in spans:
                    start, stop = _ends(relation[end])
                    what = f'"{end}" {start} to {stop} of a relation'
                    raise self.unfit(what, f"must be a span given in {self.spans!r}")


def _span(span: Mark) -> Mark:
    return {"start": int(span["start"]), "end": int(span["end"])}


def _ends(span: Mark) -> tuple[int, int]:
    return span["start"], span["end"]
