"""The public report of one quarter: what work paid, who was refused pay, what became of it.

No figure is of fewer than ``suppression.K`` people, and none can be computed from the others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from django.db import connection

from tasks.disclosure import report_sql
from tasks.disclosure.quarters import Quarter, latest_published
from tasks.disclosure.suppression import K, hidden
from tasks.models import Batch
from workers import events
from workers.models import Event

ALL = "all"
PUBLISHED = "transparency_report_published"
LOOKS_BACK = 4  # quarters, if the job did not run for long


class Section(NamedTuple):
    name: str
    sql: str
    apart: bool = True  # whether nobody is in two groups of one currency


SECTIONS = (
    Section("pay", report_sql.PAY),
    Section("floor", report_sql.FLOOR),
    Section("top_ups", report_sql.TOPUPS, apart=False),
    Section("rejections", report_sql.REJECTIONS, apart=False),
    Section("appeals", report_sql.APPEALS, apart=False),
    Section("time_to_pay", report_sql.TIME_TO_PAY),
    Section("decisions", report_sql.DECISIONS, apart=False),
    Section("returns", report_sql.RETURNS, apart=False),
    Section("fees", report_sql.FEES),
    Section("floor_changes", report_sql.FLOOR_CHANGES),
    Section("disputes", report_sql.DISPUTES),
)


class Cell(NamedTuple):
    """One group's figures; ``people`` is None where the figures are of nobody in particular.

    A cell that is suppressed has neither people nor figures.
    """

    section: str
    currency: str  # "" where no money is meant
    group: str
    people: int | None
    figures: dict[str, float | int | None]
    suppressed: bool = False


def publish_due(*, now: datetime) -> int:
    """Publish the reports of the latest quarters that can be; return how many.

    A published report is an event, and so never changes: the difference between two versions
    would tell of few people. Of two that runs write at once the first is the report.
    """
    quarter, published = latest_published(now), 0
    for _ in range(LOOKS_BACK):
        if has_work(quarter) and published_report(quarter) is None:
            events.record(
                kind=PUBLISHED,
                subject_kind="quarter",
                subject_id=_id(quarter),
                actor=None,
                at=now,
                data=document(quarter),
            )
            published += 1
        quarter = quarter.before
    return published


def published_report(quarter: Quarter | None = None) -> dict[str, Any] | None:
    """Return a quarter's report as it was published, the latest by default; None if there is none.

    One step into an index.
    """
    reports = Event.objects.filter(subject_kind="quarter", kind=PUBLISHED)
    if quarter is not None:
        reports = reports.filter(subject_id=_id(quarter))
    told: dict[str, Any] | None = (
        reports.order_by("-subject_id", "pk").values_list("data", flat=True).first()
    )
    return told


def document(quarter: Quarter) -> dict[str, Any]:
    """Compute a quarter's report as it is now, as JSON values."""
    return {
        "quarter": str(quarter),
        "start": quarter.start.isoformat(),
        "end": quarter.end.isoformat(),
        "k": K,
        "cells": [cell._asdict() for cell in report(quarter)],
    }


def report(quarter: Quarter) -> list[Cell]:
    """Return the cells of a quarter's report, in a fixed order; one statement per section.

    Whether the quarter may be published yet is for the caller to ask (``quarters``).
    """
    return [cell for section in SECTIONS for cell in _shown(section, quarter)]


def has_work(quarter: Quarter) -> bool:
    """Whether any batch had been published before the quarter's end: else there is no report."""
    return Batch.objects.published().filter(published_at__lt=quarter.end).exists()


def _id(quarter: Quarter) -> int:
    return 10 * quarter.year + quarter.number


def _shown(section: Section, quarter: Quarter) -> list[Cell]:
    cells = _counted(section, quarter.start, quarter.end)
    shown = []
    for _, same in groupby(cells, key=lambda cell: cell.currency):
        shown += suppress(list(same), apart=section.apart)
    return shown


def suppress(cells: Sequence[Cell], *, apart: bool) -> list[Cell]:
    """Empty the cells of one table that tell of fewer than ``K`` people, or would help to."""
    sizes = {cell.group: cell.people or 0 for cell in cells if cell.group != ALL}
    # Without a total nothing can be computed from it.
    left_out = hidden(sizes, apart=apart) if len(sizes) < len(cells) else set()
    return [
        cell._replace(people=None, figures={}, suppressed=True)
        if cell.group in left_out or (cell.people is not None and 0 < cell.people < K)
        else cell
        for cell in cells
    ]


def _counted(section: Section, start: datetime, end: datetime) -> list[Cell]:
    with connection.cursor() as cursor:
        cursor.execute(section.sql, {"start": start, "end": end})
        rows = cursor.fetchall()
    return [
        Cell(section.name, currency, group, people, _parsed(figures))
        for currency, group, people, figures in rows
    ]


def _parsed(figures: Any) -> dict[str, float | int | None]:
    found: dict[str, float | int | None] = (
        json.loads(figures) if isinstance(figures, str) else figures
    )
    return found
