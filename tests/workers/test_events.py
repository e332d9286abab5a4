from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import ProtectedError
from django.db.utils import ProgrammingError

from tests.factories import HOUR, NOON, a_requester
from workers import events
from workers.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def event():
    return events.record(
        kind="batch_published", subject_kind="batch", subject_id=7, actor=None, at=NOON
    )


def test_an_event_says_who_did_what_to_what_and_when():
    actor = a_requester()

    event = events.record(
        kind="batch_published",
        subject_kind="batch",
        subject_id=7,
        actor=actor,
        at=NOON,
        data={"until": NOON + HOUR},
    )

    event.refresh_from_db()
    assert (event.kind, event.subject_kind, event.subject_id) == ("batch_published", "batch", 7)
    assert (event.actor, event.at) == (actor, NOON)
    assert event.data == {"until": "2026-01-01T13:00:00Z"}
    assert str(event) == "batch_published batch 7"


def test_an_event_is_never_changed(event):
    with pytest.raises(ProgrammingError, match="Cannot update or delete"):
        Event.objects.filter(pk=event.pk).update(kind="other")


def test_an_event_is_never_deleted(event):
    with pytest.raises(ProgrammingError, match="Cannot update or delete"):
        event.delete()


def test_the_log_is_never_emptied(event):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

        with pytest.raises(ProgrammingError, match="events are never removed"):
            cursor.execute("DO 'BEGIN TRUNCATE workers_event; END'")


def test_who_did_something_cannot_be_deleted():
    actor = a_requester()

    with pytest.raises(ProtectedError):
        actor.delete()


def test_the_history_of_one_row_is_read_from_an_index(event):
    others = [
        Event(kind="k", subject_kind="batch", subject_id=number, at=NOON) for number in range(500)
    ]
    Event.objects.bulk_create(others)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE workers_event")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = Event.objects.filter(subject_kind="batch", subject_id=7).order_by("id").explain()

    assert "event_by_subject" in plan
    assert "Sort" not in plan
