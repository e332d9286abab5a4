"""How far each of Stripe's lists has been read, so that a job goes on where one before it ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

from payments.models import Watermark

PAGE = 100


class Listed(Protocol):
    """A list of Stripe's: ``client.v1.events``, for one."""

    @property
    def list(self) -> Any: ...


def position(name: str) -> str:
    """Return the id of the last row read under this name, or nothing."""
    found = Watermark.objects.filter(pk=name).values_list("position", flat=True).first()
    return found or ""


def put(name: str, at_row: str, *, now: datetime) -> None:
    """Note that everything up to this row has been read."""
    Watermark.objects.update_or_create(pk=name, defaults={"position": at_row, "at": now})


def newer(listed: Listed, after: str, **filters: Any) -> Iterator[Any]:
    """The rows of one of Stripe's lists that are newer than ``after``, or all; oldest first."""
    if after:
        page = listed.list({"limit": PAGE, "ending_before": after, **filters})
        yield from page.auto_paging_iter()
        return
    newest_first = listed.list({"limit": PAGE, **filters}).auto_paging_iter()
    yield from reversed(list(newest_first))
