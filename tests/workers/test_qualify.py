from __future__ import annotations

import pytest
from django.db import IntegrityError

from tests.factories import HOUR, NOON, a_requester, a_worker
from tests.workers.make import a_qualification_type
from workers import blocks, qualify, standing
from workers.errors import (
    Blocked,
    InvalidName,
    InvalidRequirement,
    NotGranted,
    NotQualified,
    QualificationNameTaken,
    WorkerNotActive,
)
from workers.models import Block, Event, Qualification, QualificationType, Worker
from workers.requirements import parse

pytestmark = pytest.mark.django_db


@pytest.fixture
def french():
    return a_qualification_type()


@pytest.fixture
def worker():
    return a_worker(country="US")


def version(worker):
    return Worker.objects.get(pk=worker.pk).qualifications_version


def at_least(value, of):
    return parse([{"qualification": of.pk, "comparator": "gte", "values": [value]}])


def test_a_requester_names_a_qualification_once():
    owner = a_requester()
    made = qualify.define(
        requester=owner, name=" Reads French ", description="A1 or better", now=NOON
    )

    with pytest.raises(QualificationNameTaken):
        qualify.define(requester=owner, name="Reads French", now=NOON)

    assert QualificationType.objects.get() == made
    assert str(made) == "Reads French"
    event = Event.objects.get(kind="qualification_type_defined")
    assert (event.subject_id, event.actor) == (made.pk, owner)


def test_two_requesters_may_use_the_same_name():
    a_qualification_type(a_requester(), "Reads French")
    a_qualification_type(a_requester(), "Reads French")

    assert QualificationType.objects.count() == 2


def test_a_qualification_has_a_visible_name():
    with pytest.raises(InvalidName):
        a_qualification_type(name="\u202e")


def test_a_grant_gives_the_value_and_says_so(french, worker):
    given = qualify.grant(type=french, worker=worker, value=80, now=NOON, actor=french.requester)

    assert (given.value, given.status, given.granted_at) == (80, "granted", NOON)
    assert version(worker) == 1
    event = Event.objects.get(kind="qualification_granted")
    assert (event.subject_kind, event.subject_id) == ("worker", worker.pk)
    assert event.actor == french.requester
    assert event.data == {"type": french.pk, "value": 80}


def test_granting_again_changes_the_value_and_granting_the_same_changes_nothing(french, worker):
    qualify.grant(type=french, worker=worker, value=80, now=NOON, actor=None)
    qualify.grant(type=french, worker=worker, value=90, now=NOON + HOUR, actor=None)

    qualify.grant(type=french, worker=worker, value=90, now=NOON + 2 * HOUR, actor=None)

    held = Qualification.objects.get()
    assert (held.value, held.granted_at) == (90, NOON + HOUR)
    assert version(worker) == 2


def test_a_revoked_qualification_keeps_its_reason_until_granted_again(french, worker):
    qualify.grant(type=french, worker=worker, now=NOON, actor=None)

    taken = qualify.revoke(
        type=french, worker=worker, reason="expired", now=NOON + HOUR, actor=None
    )

    assert (taken.status, taken.revoked_at, taken.reason) == ("revoked", NOON + HOUR, "expired")
    assert str(taken) == f"type {french.pk} of worker {worker.pk}: 1 (revoked)"
    assert version(worker) == 2
    again = qualify.grant(type=french, worker=worker, now=NOON + 2 * HOUR, actor=None)
    assert (again.pk, again.status, again.revoked_at, again.reason) == (
        taken.pk,
        "granted",
        None,
        "",
    )


def test_revoking_twice_is_revoking_once(french, worker):
    qualify.grant(type=french, worker=worker, now=NOON, actor=None)
    qualify.revoke(type=french, worker=worker, reason="expired", now=NOON, actor=None)

    qualify.revoke(type=french, worker=worker, reason="other", now=NOON + HOUR, actor=None)

    assert Qualification.objects.get().reason == "expired"
    assert version(worker) == 2


def test_what_was_never_granted_cannot_be_revoked(french, worker):
    with pytest.raises(NotGranted):
        qualify.revoke(type=french, worker=worker, now=NOON, actor=None)

    assert version(worker) == 0


def test_a_server_whose_clock_is_behind_can_still_revoke(french, worker):
    qualify.grant(type=french, worker=worker, now=NOON, actor=None)

    taken = qualify.revoke(type=french, worker=worker, now=NOON - HOUR, actor=None)

    assert taken.revoked_at == NOON


@pytest.mark.parametrize(
    "fields", [{"status": "revoked"}, {"revoked_at": NOON}, {"status": "unknown"}]
)
def test_the_database_itself_keeps_status_and_time_of_revocation_together(french, worker, fields):
    qualify.grant(type=french, worker=worker, now=NOON, actor=None)

    with pytest.raises(IntegrityError, match="qualification_revoked_iff_revoked_at"):
        Qualification.objects.update(**fields)


def test_a_worker_who_meets_everything_is_eligible_in_two_queries(
    french, worker, django_assert_num_queries
):
    qualify.grant(type=french, worker=worker, value=80, now=NOON, actor=None)
    asked = at_least(80, french) + parse(
        [{"qualification": "country", "comparator": "eq", "values": ["US"]}]
    )

    with django_assert_num_queries(2):
        qualify.eligible(worker=worker, requester_id=french.requester_id, requirements=asked)


def test_a_batch_without_requirements_is_checked_in_one_query(worker, django_assert_num_queries):
    requester_id = a_requester().pk

    with django_assert_num_queries(1):
        qualify.eligible(worker=worker, requester_id=requester_id, requirements=[])


def test_who_is_not_qualified_is_told_which_requirements_fail(french, worker):
    qualify.grant(type=french, worker=worker, value=70, now=NOON, actor=None)
    asked = at_least(60, french) + at_least(80, french)

    with pytest.raises(NotQualified) as refused:
        qualify.eligible(worker=worker, requester_id=french.requester_id, requirements=asked)

    assert refused.value.unmet == (asked[1],)


def test_a_revocation_counts_at_once(french, worker):
    qualify.grant(type=french, worker=worker, value=80, now=NOON, actor=None)
    qualify.revoke(type=french, worker=worker, now=NOON, actor=None)

    with pytest.raises(NotQualified):
        qualify.eligible(
            worker=worker, requester_id=french.requester_id, requirements=at_least(80, french)
        )


def test_another_workers_qualification_does_not_count(french, worker):
    qualify.grant(type=french, worker=a_worker(), value=80, now=NOON, actor=None)

    with pytest.raises(NotQualified):
        qualify.eligible(
            worker=worker, requester_id=french.requester_id, requirements=at_least(80, french)
        )


def test_a_country_is_read_as_it_is_now_and_not_as_the_caller_remembers(worker):
    asked = parse([{"qualification": "country", "comparator": "eq", "values": ["FR"]}])
    stale = Worker.objects.get(pk=worker.pk)
    standing.relocate(worker=worker, country="FR", now=NOON, actor=None)

    qualify.eligible(worker=stale, requester_id=a_requester().pk, requirements=asked)


@pytest.mark.parametrize("direction", Block.Direction)
def test_a_block_in_either_direction_parts_the_two(worker, direction):
    requester = a_requester()
    blocks.block(requester=requester, worker=worker, direction=direction, now=NOON, actor=None)

    with pytest.raises(Blocked):
        qualify.eligible(worker=worker, requester_id=requester.pk, requirements=[])
    qualify.eligible(worker=worker, requester_id=a_requester().pk, requirements=[])


def test_a_suspended_worker_is_not_eligible_for_anything(worker):
    standing.suspend(worker=worker, reason="spam", now=NOON, actor=a_requester())

    with pytest.raises(WorkerNotActive):
        qualify.eligible(worker=worker, requester_id=a_requester().pk, requirements=[])


def test_requirements_may_only_ask_for_active_types(french):
    qualify.check_types(at_least(1, french))
    QualificationType.objects.update(status="inactive")

    with pytest.raises(InvalidRequirement, match=f"no active qualification type {french.pk}"):
        qualify.check_types(at_least(1, french))
