"""Quarters of a year, and when the report of one may be published."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

# By then whatever was submitted in the quarter is decided and heard, so the report never changes:
# of two that differ, the difference would tell of few people.
SETTLED_AFTER = timedelta(days=30)
NAME = re.compile(r"([0-9]{4})Q([1-4])")


class Quarter(NamedTuple):
    """Three months, by year and number from 1 to 4."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year:04}Q{self.number}"

    @property
    def start(self) -> datetime:
        """Its first moment, UTC."""
        return datetime(self.year, 3 * self.number - 2, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment after it, UTC."""
        return self.following.start

    @property
    def following(self) -> Quarter:
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    @property
    def before(self) -> Quarter:
        year, number = divmod(4 * self.year + self.number - 2, 4)
        return Quarter(year, number + 1)

    @property
    def published_at(self) -> datetime:
        """When its report may be shown to everybody."""
        return self.end + SETTLED_AFTER


def parse(text: str) -> Quarter:
    """Read ``"2026Q4"``. Raises ``ValueError`` for anything else, and for years before 2000."""
    match = NAME.fullmatch(text)
    if match is None or not 2000 <= int(match[1]) < 9999:  # noqa: PLR2004
        raise ValueError("write a quarter as 2026Q4")
    return Quarter(int(match[1]), int(match[2]))


def latest_published(now: datetime) -> Quarter:
    """Return the latest quarter whose report may be shown at ``now``."""
    moment = now - SETTLED_AFTER
    return Quarter(moment.year, (moment.month + 2) // 3).before
