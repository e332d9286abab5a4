"""What an invariant is, and what is known of one that is broken."""

from __future__ import annotations

from typing import Any, NamedTuple


class Invariant(NamedTuple):
    """A sentence that must be true of all rows.

    ``sql`` selects the rows that make it false, under names that say what they are. It may use
    ``%(now)s``, ``%(late)s`` (how long a job may take) and ``%(grace)s`` (after a deadline).
    """

    name: str
    sentence: str
    sql: str


class Broken(NamedTuple):
    """An invariant that does not hold."""

    name: str
    sentence: str
    rows: list[dict[str, Any]]  # the first ones; ids, and the figures that disagree
    total: int  # of all rows that break it
