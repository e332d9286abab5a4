"""A long day is noted: advised from eight hours on, stopped at twelve."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.factories import HOUR, NOON, a_worker, fresh
from workers import rest
from workers.models import Event

pytestmark = pytest.mark.django_db
LATER = NOON + 10 * HOUR


def note(worker, hours, now=NOON, rested_at=LATER):
    return rest.note(worker_id=worker.pk, seconds=hours * 3600, rested_at=rested_at, now=now)


def kinds():
    return list(Event.objects.filter(kind__startswith="worker_rest").values_list("kind", flat=True))


def test_nothing_is_said_of_an_ordinary_day():
    worker = a_worker()

    assert not rest.note(worker_id=worker.pk, seconds=8 * 3600 - 1, rested_at=LATER, now=NOON)
    assert (kinds(), fresh(worker).rest_until) == ([], None)


def test_from_eight_hours_on_rest_is_advised_once_a_day():
    worker = a_worker()

    assert note(worker, 8)
    assert not note(worker, 9, now=NOON + HOUR)
    assert note(worker, 8, now=NOON + timedelta(hours=24))

    assert kinds() == ["worker_rest_advised"] * 2
    assert fresh(worker).rest_until is None


def test_at_twelve_hours_nothing_new_is_claimed_until_they_are_rested():
    worker = a_worker()

    assert note(worker, 12)

    assert fresh(worker).rest_until == LATER
    assert kinds() == ["worker_rest_due"]


def test_a_second_run_does_not_move_the_end_of_the_rest():
    worker = a_worker()
    note(worker, 12)

    assert not note(worker, 12, now=NOON + HOUR, rested_at=LATER + HOUR)

    assert fresh(worker).rest_until == LATER
    assert kinds() == ["worker_rest_due"]


def test_what_was_noted_of_one_worker_says_nothing_of_another():
    first, second = a_worker(), a_worker()

    note(first, 12)

    assert note(second, 8)
    assert fresh(second).rest_until is None
