"""What has no other effect than the one it says: a block, and a rejection that is not final."""

from __future__ import annotations

import pytest

from tasks import quality, settle
from tasks.hearings import jury, rejections
from tasks.models import Assignment, Flag, Restriction
from tests.factories import (
    NOON,
    a_project,
    a_worker,
    accepted,
    fresh,
    may_claim,
    published_batch,
    submitted,
)
from tests.tasks.hearings.hearing import AFTER, LATER, earned, owner, refused
from workers import blocks
from workers.errors import Blocked
from workers.models import Block, Decision, Worker

pytestmark = pytest.mark.django_db
QUIET = {"qualifications_version"}  # says only that batches have to look again


def everything_about(worker):
    row = Worker.objects.filter(pk=worker.pk).values().get()
    return {
        "row": {name: value for name, value in row.items() if name not in QUIET},
        "skills": list(worker.skills.values()),
        "overall": quality.overall([worker.pk]),
        "assignments": list(Assignment.objects.of(worker).order_by("pk").values()),
        "restrictions": list(Restriction.objects.filter(worker=worker).values()),
        "flags": list(Flag.objects.filter(worker=worker).values()),
        "decisions": list(Decision.objects.filter(concerns=worker.user).values()),
        "earned": earned(worker),
        "may judge": jury.is_qualified(worker, now=LATER),
    }


def test_a_block_hides_that_requesters_batches_and_does_nothing_else():
    batch, other, worker = published_batch(tasks=15), published_batch(tasks=1), a_worker()
    more = published_batch(tasks=1, project=a_project(requester=owner(batch)))
    for _ in range(10):
        accepted(batch, worker=worker)
    settle.pay_accepted(now=LATER)
    waiting = submitted(batch, worker=worker)
    before = everything_about(worker)

    blocks.block(
        requester=owner(batch), worker=worker, direction=Block.Direction.REQUESTER,
        reason="Spam.", now=LATER, actor=owner(batch),
    )  # fmt: skip

    assert everything_about(worker) == before
    for hidden in (batch, more):
        with pytest.raises(Blocked):
            may_claim(hidden, worker, now=LATER)
    assert may_claim(other, worker, now=LATER)
    settle.accept_due(now=NOON + 30 * (AFTER - LATER))
    settle.pay_accepted(now=AFTER)
    assert fresh(waiting).status == "accepted"  # what they did stays theirs, and is paid
    assert earned(worker) == 11 * 5


def test_a_rejection_changes_nothing_in_a_workers_record_before_it_is_final():
    batch, worker = published_batch(tasks=12), a_worker()
    for _ in range(10):
        accepted(batch, worker=worker)
    made = refused(batch, worker=worker)

    told = everything_about(worker)

    assert (told["row"]["status"], told["restrictions"], told["flags"]) == ("active", [], [])
    assert told["may judge"]
    rejections.finish_due(now=AFTER)
    assert fresh(made).status == "final"
