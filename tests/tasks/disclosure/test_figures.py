"""What representatives see: sums by country, of ten workers at least."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks.disclosure import figures
from tasks.models import Assignment
from tests.factories import NOON, a_worker, published_batch, submitted

pytestmark = pytest.mark.django_db


def answers(**workers):
    """So many workers of each country answer one task each, in half an hour."""
    batch = published_batch(tasks=sum(workers.values()))
    for country, count in workers.items():
        for _ in range(count):
            submitted(batch, worker=a_worker(country=country if country != "none" else ""))
    Assignment.objects.filter(batch=batch).update(worked_seconds=1800)
    return batch


def regions(now=NOON + timedelta(hours=1)):
    return {row["country"]: row for row in figures.by_region(now=now)}


def test_ten_workers_of_a_country_are_summed():
    answers(DE=10)

    assert figures.by_region(now=NOON + timedelta(hours=1)) == [
        {
            "country": "DE",
            "workers": 10,
            "hours": 5.0,
            "answers": 10,
            "rejected": 0,
            "appeals": 0,
            "overturned": 0,
        }
    ]


def test_smaller_countries_are_summed_up_together():
    answers(DE=10, AT=6, LI=3, none=1)

    assert {name: row["workers"] for name, row in regions().items()} == {"DE": 10, "": 10}


def test_nothing_is_said_of_fewer_than_ten():
    answers(DE=10, AT=9)

    assert set(regions()) == {"DE"}


def test_what_is_older_than_the_window_is_left_out():
    answers(DE=10)

    assert regions(now=NOON + figures.WINDOW + timedelta(days=1)) == {}
