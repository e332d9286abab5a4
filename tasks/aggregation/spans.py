"""Spans marked by several workers in one text, and relations between spans → those that are there.

Offsets are usually exact, so the average is the commonest of them, not something in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tasks.aggregation import overlap
from tasks.aggregation.averages import most_supported
from tasks.aggregation.drawings import Codes, Floats, Geometry, Object, Shapes
from tasks.aggregation.labels import Merged, Reading
from tasks.aggregation.matching import THRESHOLD
from tasks.aggregation.objects import Drawn, fit_objects, list_objects

Span = tuple[int, int]


def fit_spans(readings: Sequence[Reading]) -> Merged:
    """Aggregate lists of ``{"label", "start", "end"}`` in code points; see ``fit_objects``.

    Spans match when their IoU is at least ½. The start and end are the pair with most weight
    behind it; a tie goes to the longer span, then to the earlier.
    """
    return fit_objects(readings, SPANS)


def span_objects(readings: Sequence[Reading]) -> dict[int, list[Drawn]]:
    """Return the spans of ``fit_spans`` by task, each with what speaks for it."""
    return list_objects(readings, SPANS)


def fit_relations(readings: Sequence[Reading], spans: Merged | None = None) -> Merged:
    """Aggregate lists of ``{"label", "from", "to"}``; see ``fit_objects``.

    With ``spans``, the result of ``fit_spans``, the ends are first moved to the consensus
    spans of their task: the span with the same offsets, else the one with the highest IoU
    that is at least ½, the longer and then the earlier in a tie. An end near none keeps its
    offsets. It takes part in the vote, but the relation is not in the result: what it links
    is not there. Tasks that ``spans`` does not have are aggregated as without it.

    Relations match when both pairs of ends have an IoU of at least ½. The ends are the four
    offsets with most weight behind them; a tie goes to the longer spans, then to the earlier.
    """
    if spans is None:
        return fit_objects(readings, RELATIONS)
    known = {
        task: [(span["start"], span["end"]) for span in found.value]
        for task, found in spans.consensus.items()
    }
    merged = fit_objects([_moved(reading, known) for reading in readings], RELATIONS)
    consensus = {
        task: found._replace(value=[r for r in found.value if _linked(r, known.get(task))])
        for task, found in merged.consensus.items()
    }
    return Merged(consensus, merged.skills)


def relation_objects(readings: Sequence[Reading]) -> dict[int, list[Drawn]]:
    """Return the relations of ``fit_relations`` without spans, each with what speaks for it."""
    return list_objects(readings, RELATIONS)


def _moved(reading: Reading, known: Mapping[int, Sequence[Span]]) -> Reading:
    if reading.task not in known:
        return reading
    spans = known[reading.task]
    moved: list[Object] = []
    for relation in reading.value:
        ends = {end: _nearest(relation[end], spans) for end in ("from", "to")}
        if (row := {"label": relation["label"], **ends}) not in moved:
            moved.append(row)  # two of a worker's relations can become one
    return reading._replace(value=moved)


def _nearest(end: Object, spans: Sequence[Span]) -> Object:
    best = max(spans, key=lambda span: _closeness(end, span), default=None)
    if best is None or _closeness(end, best)[0] < THRESHOLD:
        return {"start": end["start"], "end": end["end"]}
    return {"start": best[0], "end": best[1]}


def _closeness(end: Object, span: Span) -> tuple[float, int, int]:
    start, stop = span
    shared = max(min(end["end"], stop) - max(end["start"], start), 0)
    covered = (end["end"] - end["start"]) + (stop - start) - shared
    equal = (end["start"], end["end"]) == span
    return (1.0 if equal else shared / max(covered, 1)), stop - start, -start


def _linked(relation: Object, spans: Sequence[Span] | None) -> bool:
    ends = (relation["from"], relation["to"])
    return spans is None or all((end["start"], end["end"]) in spans for end in ends)


def _encode_relations(relations: Sequence[Object]) -> Shapes:
    return np.hstack([overlap.intervals([r[end] for r in relations]) for end in ("from", "to")])


def _decode_span(span: Sequence[float]) -> dict[str, Any]:
    start, end = span
    return {"start": int(start), "end": int(end)}


def _average(shapes: Shapes, members: Codes, weights: Floats) -> Shapes:
    rows = shapes[members]
    lengths = (rows[..., 1::2] - rows[..., ::2]).sum(axis=-1)
    return rows[np.arange(len(rows)), most_supported(rows, weights, lengths)]


def _paired_relations(a: Shapes, b: Shapes) -> Floats:
    ends = (overlap.paired_interval_ious(a[..., e], b[..., e]) for e in (slice(2), slice(2, 4)))
    return np.minimum(*ends)


SPANS = Geometry(
    encode=overlap.intervals,
    decode=_decode_span,
    alike=lambda shapes: overlap.interval_ious(shapes, shapes),
    paired=overlap.paired_interval_ious,
    average=_average,
)
RELATIONS = Geometry(
    encode=_encode_relations,
    decode=lambda ends: {"from": _decode_span(ends[:2]), "to": _decode_span(ends[2:])},
    alike=lambda shapes: _paired_relations(shapes[:, None], shapes[None]),
    paired=_paired_relations,
    average=_average,
)
