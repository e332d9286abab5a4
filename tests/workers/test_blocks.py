from __future__ import annotations

import pytest
from django.db import IntegrityError

from tests.factories import HOUR, NOON, a_requester, a_worker
from workers import blocks, qualify
from workers.errors import Blocked
from workers.models import Block, Event, Worker

pytestmark = pytest.mark.django_db
BY_REQUESTER, BY_WORKER = Block.Direction.REQUESTER, Block.Direction.WORKER


@pytest.fixture
def pair():
    return {"requester": a_requester(), "worker": a_worker()}


def version(pair):
    return Worker.objects.get(pk=pair["worker"].pk).qualifications_version


def test_a_block_says_who_refused_whom_and_why(pair):
    made = blocks.block(
        **pair, direction=BY_REQUESTER, reason="spam", now=NOON, actor=pair["requester"]
    )

    assert (made.reason, made.created_at, made.lifted_at) == ("spam", NOON, None)
    assert str(made).startswith("the requester refuses the worker")
    assert version(pair) == 1
    event = Event.objects.get(kind="worker_blocked")
    assert (event.subject_id, event.actor) == (pair["worker"].pk, pair["requester"])
    assert event.data == {
        "requester": pair["requester"].pk,
        "direction": "requester",
        "reason": "spam",
    }


def test_blocking_twice_is_blocking_once(pair):
    first = blocks.block(**pair, direction=BY_REQUESTER, reason="spam", now=NOON, actor=None)

    again = blocks.block(**pair, direction=BY_REQUESTER, now=NOON + HOUR, actor=None)

    assert (again.pk, again.reason, again.created_at) == (first.pk, "spam", NOON)
    assert version(pair) == 1


def test_a_lifted_block_parts_nobody_and_stays_on_record(pair):
    blocks.block(**pair, direction=BY_WORKER, now=NOON, actor=None)

    blocks.lift(**pair, direction=BY_WORKER, now=NOON + HOUR, actor=None)

    assert Block.objects.get().lifted_at == NOON + HOUR
    assert version(pair) == 2
    assert Event.objects.filter(kind="worker_unblocked").count() == 1
    qualify.eligible(worker=pair["worker"], requester_id=pair["requester"].pk, requirements=[])


def test_lifting_what_is_not_there_changes_nothing(pair):
    blocks.lift(**pair, direction=BY_WORKER, now=NOON, actor=None)

    assert version(pair) == 0
    assert not Event.objects.filter(kind="worker_unblocked").exists()


def test_lifting_one_direction_leaves_the_other(pair):
    blocks.block(**pair, direction=BY_WORKER, now=NOON, actor=None)
    blocks.block(**pair, direction=BY_REQUESTER, now=NOON, actor=None)

    blocks.lift(**pair, direction=BY_WORKER, now=NOON, actor=None)

    with pytest.raises(Blocked):
        qualify.eligible(worker=pair["worker"], requester_id=pair["requester"].pk, requirements=[])


def test_the_same_block_can_be_made_again_after_it_was_lifted(pair):
    blocks.block(**pair, direction=BY_REQUESTER, now=NOON, actor=None)
    blocks.lift(**pair, direction=BY_REQUESTER, now=NOON + HOUR, actor=None)

    blocks.block(**pair, direction=BY_REQUESTER, now=NOON + 2 * HOUR, actor=None)

    assert Block.objects.filter(lifted_at=None).count() == 1
    assert Block.objects.count() == 2


def test_a_server_whose_clock_is_behind_can_still_lift(pair):
    blocks.block(**pair, direction=BY_REQUESTER, now=NOON, actor=None)

    blocks.lift(**pair, direction=BY_REQUESTER, now=NOON - HOUR, actor=None)

    assert Block.objects.get().lifted_at == NOON


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"lifted_at": NOON - HOUR}, "block_lifted_after_made"),
        ({"direction": "both"}, "block_direction_is_known"),
    ],
)
def test_the_database_itself_refuses_blocks_that_cannot_be(pair, fields, name):
    blocks.block(**pair, direction=BY_REQUESTER, now=NOON, actor=None)

    with pytest.raises(IntegrityError, match=name):
        Block.objects.update(**fields)


def test_the_database_itself_refuses_a_second_live_block(pair):
    blocks.block(**pair, direction=BY_REQUESTER, now=NOON, actor=None)

    with pytest.raises(IntegrityError, match="block_live_once_per_direction"):
        Block.objects.create(**pair, direction=BY_REQUESTER, created_at=NOON)
