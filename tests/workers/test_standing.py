from __future__ import annotations

import pytest

from tests.factories import NOON, a_requester, a_worker
from workers import standing
from workers.errors import HumanDecisionMissing, IllegalStanding, InvalidCountry
from workers.models import Event, Worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker():
    return a_worker()


def stored(worker):
    return Worker.objects.get(pk=worker.pk)


def test_a_suspended_worker_can_be_reinstated(worker):
    admin = a_requester()
    standing.suspend(worker=worker, reason="under review", now=NOON, actor=admin)
    assert not stored(worker).is_active

    standing.reinstate(worker=worker, reason="cleared", now=NOON, actor=admin)

    assert worker.is_active
    assert stored(worker).is_active
    assert stored(worker).qualifications_version == 2
    told = Event.objects.filter(subject_kind="worker").order_by("id")
    assert [(event.kind, event.data["reason"]) for event in told] == [
        ("worker_suspended", "under review"),
        ("worker_active", "cleared"),
    ]


def test_a_closed_account_stays_closed(worker):
    admin = a_requester()
    standing.close(worker=worker, reason="asked to leave", now=NOON, actor=worker.user)

    for move in (standing.close, standing.reinstate, standing.suspend):
        with pytest.raises(IllegalStanding, match="cannot go from closed to"):
            move(worker=worker, reason="spam", now=NOON, actor=admin)

    assert stored(worker).status == "closed"
    assert stored(worker).qualifications_version == 1


def test_a_move_starts_from_the_status_in_the_database_not_from_the_callers(worker):
    stale, admin = stored(worker), a_requester()
    standing.suspend(worker=worker, reason="spam", now=NOON, actor=admin)

    with pytest.raises(IllegalStanding):
        standing.suspend(worker=stale, reason="spam", now=NOON, actor=admin)


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
def test_nobody_is_suspended_without_a_reason(worker, reason):
    with pytest.raises(HumanDecisionMissing):
        standing.suspend(worker=worker, reason=reason, now=NOON, actor=a_requester())

    assert stored(worker).is_active
    assert not Event.objects.filter(kind="worker_suspended").exists()


def test_nobody_is_suspended_but_by_a_human(worker):
    with pytest.raises(HumanDecisionMissing):
        standing.suspend(worker=worker, reason="spam", now=NOON, actor=None)

    assert stored(worker).is_active


def test_moving_to_another_country_makes_every_batch_look_again(worker):
    standing.relocate(worker=worker, country="US", subdivision="CA", now=NOON, actor=None)

    assert (stored(worker).country, stored(worker).subdivision) == ("US", "CA")
    assert (worker.country, worker.subdivision) == ("US", "CA")
    assert stored(worker).qualifications_version == 1
    assert Event.objects.get(kind="worker_relocated").data == {
        "country": "US",
        "subdivision": "CA",
    }


def test_staying_where_one_lives_changes_nothing(worker):
    standing.relocate(worker=worker, country="", now=NOON, actor=None)

    assert stored(worker).qualifications_version == 0


@pytest.mark.parametrize(
    ("country", "subdivision"), [("us", ""), ("USA", ""), ("", "CA"), ("US", "US-CA"), ("U\n", "")]
)
def test_a_place_that_is_no_code_is_refused(worker, country, subdivision):
    with pytest.raises(InvalidCountry):
        standing.relocate(
            worker=worker, country=country, subdivision=subdivision, now=NOON, actor=None
        )

    assert stored(worker).country == ""
