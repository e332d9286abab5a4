"""Whether a chain is as it was written, and whether the rows still say what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tasks.models import Batch, Provenance
from tasks.provenance.chain import START, link
from tasks.provenance.records import FORMAT, Source, records, source_of
from tasks.provenance.write import CHUNK, RECORDED, unrecorded
from workers.models import Event

SHOWN = 60  # characters of a value that differs
# What no row can be held against: the software may be newer, times and reports are computed.
NOT_COMPARED = {"software", "active", "exponent"}


class Difference(NamedTuple):
    """One thing that is not as it was recorded."""

    link: int | None  # the number in the chain; None: of the chain as a whole
    task: int | None
    what: str


@dataclass
class Verdict:
    """What verifying one batch has found."""

    batch: int
    is_complete: bool  # whether all its labels had been recorded
    links: int = 0
    verified: int = 0  # links that are whole, and that the rows agree with
    head: bytes = START  # hash of the last link
    broken: int = 0  # differences in all
    differences: list[Difference] = field(default_factory=list)  # the first of them


def verify(batch: Batch, *, most: int = 20) -> Verdict:
    """Hold a batch's chain against itself and against the rows, reading a chunk at a time.

    At most ``most`` differences are kept; all are counted.
    """
    # The first that was ever written: nobody can take it back, but later ones could be added.
    told = Event.objects.filter(kind=RECORDED, subject_kind="batch", subject_id=batch.pk).first()
    verdict = Verdict(batch=batch.pk, is_complete=told is not None)
    source = source_of(batch)
    last, rows = 0, _chunk(batch, 0)
    while rows:
        now = records(source, [row.task_id for row in rows])
        for row in rows:
            found = list(_missing(last, row.number))
            found += [
                Difference(row.number, row.task_id, what)
                for what in _differences(verdict.head, row, now.get(row.task_id))
            ]
            last, verdict.head = row.number, bytes(row.sha256)
            verdict.links += 1
            verdict.verified += not found
            _keep(verdict, found, most)
        rows = _chunk(batch, last)
    _keep(verdict, list(_at_the_end(source, verdict, told, last)), most)
    return verdict


def _chunk(batch: Batch, after: int) -> list[Provenance]:
    rows = Provenance.objects.filter(batch=batch, number__gt=after)
    return list(rows.order_by("number")[:CHUNK])


def _keep(verdict: Verdict, found: list[Difference], most: int) -> None:
    verdict.broken += len(found)
    verdict.differences += found[: max(0, most - len(verdict.differences))]


def _missing(last: int, number: int) -> Iterator[Difference]:
    if number != last + 1:
        gone = str(last + 1) if number == last + 2 else f"{last + 1} to {number - 1}"
        yield Difference(last + 1, None, f"missing from the chain: {gone}")


def _differences(previous: bytes, row: Provenance, now: Mapping[str, Any] | None) -> Iterator[str]:
    if bytes(row.previous) != previous:
        yield "it does not follow the link before it"
    if link(bytes(row.previous), row.record) != bytes(row.sha256):
        yield "its record does not have its hash"
    elif row.record.get("task") != row.task_id:
        yield "its record is of another task"
    elif row.record.get("format") != FORMAT:
        yield "its record has a format that this version cannot compare with the rows"
    elif now is None:
        yield "the task, its input or its labels are gone"
    else:
        yield from _changes(_comparable(row.record), _comparable(now), "")


def _comparable(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record with its answers by assignment, so that each is held against itself."""
    order = [each["assignment"] for each in record["answers"]]
    return {
        **record,
        "order": order,
        "answers": dict(zip(map(str, order), record["answers"], strict=True)),
    }


def _changes(then: Any, now: Any, place: str) -> Iterator[str]:
    """Name what differs, by its path in the record."""
    if not (isinstance(then, Mapping) and isinstance(now, Mapping)):
        if then != now:
            yield f"{place}: was {_brief(then)}, is {_brief(now)}"
        return
    for key in sorted((then.keys() | now.keys()) - NOT_COMPARED):
        at = f"{place}.{key}" if place else key
        if key not in now:
            yield f"{at}: is gone"
        elif key not in then:
            yield f"{at}: was not there"
        else:
            yield from _changes(then[key], now[key], at)


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _at_the_end(
    source: Source, verdict: Verdict, told: Event | None, last: int
) -> Iterator[Difference]:
    """Compare the end of the chain with the event that told of it, and with today's labels."""
    if told is None:
        return
    if told.data["labels"] != last or told.data["head"] != verdict.head.hex():
        yield Difference(
            None,
            None,
            f"the chain ended with link {told.data['labels']}, {told.data['head'][:16]}…;"
            f" it ends with link {last}, {verdict.head.hex()[:16]}…",
        )
    left_out = unrecorded(source.batch, after=0).filter(provenance=None)
    if count := left_out.count():
        first = left_out.first()
        yield Difference(None, first, f"{count} labelled tasks are not in the chain")
