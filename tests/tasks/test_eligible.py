from __future__ import annotations

import pytest

from tasks import answer, distribute, draft
from tasks.models import Assignment, Batch, Cursor
from tests.factories import (
    NOON,
    a_requester,
    a_worker,
    claim,
    may_claim,
    published_batch,
)
from tests.tasks.asking import ask, nothing_was_given, requiring
from tests.workers.make import a_qualification_type
from workers import blocks, qualify, standing
from workers.errors import Blocked, NotQualified, WorkerNotActive
from workers.models import Block

pytestmark = pytest.mark.django_db


def test_without_the_qualification_a_claim_is_refused_and_leaves_nothing():
    french = a_qualification_type()
    batch, worker = published_batch(tasks=1, requirements=requiring(french)), a_worker()

    with pytest.raises(NotQualified):
        ask(batch, worker)

    assert nothing_was_given(batch, worker)
    assert not Cursor.objects.exists()


def test_a_qualification_that_is_granted_counts_at_once():
    french = a_qualification_type()
    batch, worker = published_batch(tasks=1, requirements=requiring(french)), a_worker()
    with pytest.raises(NotQualified):
        ask(batch, worker)

    qualify.grant(type=french, worker=worker, now=NOON, actor=None)

    assert may_claim(batch, worker)


def test_a_qualification_that_is_revoked_counts_no_more_from_the_next_claim_on():
    french = a_qualification_type()
    batch, worker = published_batch(tasks=3, requirements=requiring(french)), a_worker()
    qualify.grant(type=french, worker=worker, now=NOON, actor=None)
    mine = claim(batch, worker)

    qualify.revoke(type=french, worker=worker, now=NOON, actor=None)

    for _ in range(2):
        with pytest.raises(NotQualified):
            ask(batch, worker)
    answer.submit(assignment_id=mine.pk, worker=worker, answer="cat", now=NOON)
    assert Assignment.objects.filter(worker=worker).count() == 1


def test_a_requirement_that_is_added_applies_at_the_next_claim():
    french = a_qualification_type()
    batch, worker = published_batch(tasks=2), a_worker()
    claim(batch, worker)

    draft.require(batch=batch, requirements_json=requiring(french), now=NOON)

    with pytest.raises(NotQualified):
        ask(batch, worker)
    assert Assignment.objects.filter(worker=worker).count() == 1


def test_a_requirement_that_is_dropped_applies_at_the_next_claim():
    french = a_qualification_type()
    batch, worker = published_batch(tasks=1, requirements=requiring(french)), a_worker()
    with pytest.raises(NotQualified):
        ask(batch, worker)

    draft.require(batch=batch, requirements_json=[], now=NOON)

    assert may_claim(batch, worker)


def test_moving_house_counts_at_the_next_claim():
    only_us = [{"qualification": "country", "comparator": "eq", "values": ["US"]}]
    batch, worker = published_batch(tasks=2, requirements=only_us), a_worker(country="US")
    claim(batch, worker)

    standing.relocate(worker=worker, country="FR", now=NOON, actor=None)

    with pytest.raises(NotQualified):
        ask(batch, worker)


@pytest.mark.parametrize("direction", Block.Direction)
def test_who_blocked_whom_does_not_matter_and_a_lifted_block_is_none(direction):
    batch, worker = published_batch(tasks=2), a_worker()
    claim(batch, worker)
    between = {
        "requester": batch.project.requester,
        "worker": worker,
        "direction": direction,
        "now": NOON,
        "actor": None,
    }

    blocks.block(**between)
    with pytest.raises(Blocked):
        ask(batch, worker)
    assert Assignment.objects.filter(worker=worker).count() == 1

    blocks.lift(**between)
    assert may_claim(batch, worker)


def test_a_block_is_between_two_and_nobody_else():
    batch, other, worker = published_batch(tasks=1), published_batch(tasks=1), a_worker()
    blocks.block(
        requester=batch.project.requester,
        worker=worker,
        direction=Block.Direction.REQUESTER,
        now=NOON,
        actor=None,
    )

    assert may_claim(other, worker)
    assert may_claim(batch, a_worker())


def test_a_suspended_worker_claims_nothing_until_they_are_reinstated():
    batch, worker = published_batch(tasks=2), a_worker()
    claim(batch, worker)

    standing.suspend(worker=worker, reason="Copied.", now=NOON, actor=a_requester())
    with pytest.raises(WorkerNotActive):
        ask(batch, worker)
    assert Assignment.objects.filter(worker=worker).count() == 1

    standing.reinstate(worker=worker, reason="A mistake.", now=NOON, actor=None)
    assert may_claim(batch, worker)


def test_a_batch_of_nobody_known_has_no_eligible_workers():
    with pytest.raises(Batch.DoesNotExist):
        distribute.check_eligible(batch_id=-1, worker=a_worker())
