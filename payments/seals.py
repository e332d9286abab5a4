"""Nightly seals: a chain of hashes over the transfers, so that rewriting the past shows.

A seal is SHA-256 over the seal before it (32 bytes, zeros before the first) and then, transfer by
transfer in the order of their numbers, one line of JSON: number, key, kind, source, target,
currency, minor units, and when, in microseconds since 1970. Whoever has noted one seal elsewhere
can tell whether any transfer up to it was changed, added or removed, even by the database's owner.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction

from payments.horizon import finished_through
from payments.models import Seal, Transfer

ZEROS = bytes(32)
SEAL_MAX = 100_000  # transfers under one seal
PAGE = 2_000  # rows that are fetched at a time
COLUMNS = ["pk", "key", "kind", "source", "target", "currency", "amount_minor", "posted_at"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Broken(NamedTuple):
    """The first seal that does not hold, and why."""

    number: int
    problem: str


class Content(NamedTuple):
    """What a seal says of the transfers under it."""

    first: int | None
    last: int | None
    transfers: int
    sha256: bytes


def seal(now: datetime) -> int:
    """Seal what was posted since the last seal and is finished; return how many transfers.

    Two runs at once make the same seals, each once; a run that dies leaves the rest to the next.
    """
    through = finished_through()
    sealed = 0
    while through is not None and (count := _seal_next(through, now)):
        sealed += count
    return sealed


@transaction.atomic
def verify() -> Broken | None:
    """Compute the whole chain anew; return the first seal that is not as it was, or None.

    Reads every sealed transfer, a page at a time. Transfers after the last seal are not looked at.
    """
    previous, after = ZEROS, 0
    for number, each in enumerate(Seal.objects.order_by("number"), start=1):
        found = _content(previous, _rows(after, each.last_id))
        if each.number != number or bytes(each.previous) != previous:
            return Broken(number, "it does not follow the seal before it")
        if found != Content(each.first_id, each.last_id, each.count, bytes(each.sha256)):
            return Broken(number, _difference(each, found))
        previous, after = found.sha256, each.last_id
    return None


def head() -> Seal | None:
    """Return the last seal: the one to note down elsewhere."""
    return Seal.objects.order_by("-number").first()


@transaction.atomic
def _seal_next(through: int, now: datetime) -> int:
    """Make one seal; return how many transfers were left for it."""
    last = head()
    previous, after = (bytes(last.sha256), last.last_id) if last else (ZEROS, 0)
    content = _content(previous, _rows(after, through, SEAL_MAX))
    if content.first is None or content.last is None:
        return 0
    made = Seal(
        number=last.number + 1 if last else 1,
        first_id=content.first,
        last_id=content.last,
        count=content.transfers,
        previous=previous,
        sha256=content.sha256,
        sealed_at=now,
    )
    # Another run may have made this one: then its number is taken, and the next is tried.
    Seal.objects.bulk_create([made], ignore_conflicts=True)
    return content.transfers


def _rows(after: int, through: int, limit: int | None = None) -> Iterator[tuple[Any, ...]]:
    """Yield the transfers with numbers in (after, through], through a cursor of the server."""
    rows = Transfer.objects.filter(pk__gt=after, pk__lte=through).order_by("pk")
    return rows[:limit].values_list(*COLUMNS).iterator(chunk_size=PAGE)


def _content(previous: bytes, rows: Iterator[tuple[Any, ...]]) -> Content:
    first = last = None
    count, digest = 0, hashlib.sha256(previous)
    for row in rows:
        first, last, count = first or row[0], row[0], count + 1
        digest.update(_line(row))
    return Content(first, last, count, digest.digest())


def _line(row: tuple[Any, ...]) -> bytes:
    *terms, posted_at = row
    return json.dumps([*terms, (posted_at - EPOCH) // MICROSECOND]).encode() + b"\n"


def _difference(stored: Seal, found: Content) -> str:
    if found.transfers != stored.count:
        return f"{found.transfers} transfers are under it, not {stored.count}"
    return f"a transfer from {stored.first_id} to {stored.last_id} was changed"
