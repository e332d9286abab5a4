"""Quarters, and the day from which the report of one is public."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.disclosure.quarters import Quarter, latest_published, parse


def day(*date):
    return datetime(*date, tzinfo=UTC)


def test_a_quarter_has_three_months():
    quarter = parse("2026Q4")

    assert (quarter.start, quarter.end) == (day(2026, 10, 1), day(2027, 1, 1))
    assert quarter.published_at == day(2027, 1, 31)
    assert str(quarter) == "2026Q4"


@pytest.mark.parametrize(
    "text", ["", "2026", "2026Q5", "2026Q0", "2026q1", "26Q1", "2026Q1 ", "1999Q4", "9999Q4",
             "\u0662\u0660\u0662\u0666Q1"],
)  # fmt: skip
def test_what_is_no_quarter_is_refused(text):
    with pytest.raises(ValueError, match="2026Q4"):
        parse(text)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (day(2026, 11, 25), "2026Q3"),
        (day(2026, 10, 31), "2026Q3"),
        (day(2026, 10, 30), "2026Q2"),
        (day(2027, 1, 30), "2026Q3"),
        (day(2027, 1, 31), "2026Q4"),
        (day(2027, 3, 1), "2026Q4"),
    ],
)
def test_the_latest_report_is_that_of_a_quarter_over_for_thirty_days(now, expected):
    assert str(latest_published(now)) == expected


@given(st.integers(min_value=0, max_value=36_500))
def test_the_latest_is_published_and_the_next_is_not(days):
    now = day(2001, 1, 1) + timedelta(days=days)
    latest = latest_published(now)

    assert latest.published_at <= now < latest.following.published_at


def test_a_year_has_four_quarters():
    assert [str(q) for q in (Quarter(2026, 3).following, Quarter(2026, 4).following)] == [
        "2026Q4",
        "2027Q1",
    ]
