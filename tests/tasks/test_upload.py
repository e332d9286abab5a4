from __future__ import annotations

import json
from functools import partial

import pytest

from payments.errors import InsufficientFunds
from tasks import distribute, publish, settle
from tasks.errors import IllegalTransition
from tasks.invariants import broken
from tasks.models import Batch, Gold, Task, TaskInput
from tasks.models.cursor import START
from tasks.models.task import Lane, position_of
from tasks.rows import Row
from tasks.uploads import CHUNK, Rejected
from tests.factories import (
    HOUR,
    NOON,
    a_worker,
    add_tasks,
    drafted_batch,
    fresh,
    gold_rows,
    published_batch,
    rows,
    slots,
    usd,
)
from tests.payments.books import at_once
from tests.tasks.publishing import books, give, golden, owner, wallet

pytestmark = pytest.mark.django_db


# Rows become tasks.


def test_each_row_becomes_an_open_task_of_the_normal_lane_with_its_input():
    batch = drafted_batch(tasks=0, overlap=3)

    upload = add_tasks(batch, rows(2))

    assert (upload.tasks, upload.gold, upload.slots, upload.rejected) == (2, 0, 6, 0)
    for number, task in enumerate(Task.objects.filter(batch=batch).order_by("pk")):
        assert (task.lane, task.overlap, task.remaining_overlap) == (Lane.NORMAL, 3, 3)
        assert (task.is_open, task.author_id, task.expires_at) == (True, None, None)
        assert task.input.data == {"image": f"{number}.png"}
        assert task.input.external_id == str(number)
    assert books(batch) == {"tasks": 2, "gold": 0, "slots": 6, "budget": 0, "held": 0}


def test_a_gold_row_becomes_a_task_of_the_gold_lane_with_no_slots_yet():
    batch = drafted_batch(tasks=0, overlap=3)

    upload = add_tasks(batch, gold_rows(1, "dog"))

    assert (upload.tasks, upload.gold, upload.slots) == (0, 1, 0)
    gold = Gold.objects.get(task__batch=batch)
    assert gold.answer == {"label": "dog"}
    assert (gold.task.lane, gold.task.overlap, gold.task.is_open) == (Lane.GOLD, 0, False)
    assert gold.task.input.data == {"image": "0.png"}


def test_a_row_may_have_its_own_overlap_and_expiry():
    batch = drafted_batch(tasks=[*rows(1), *rows(1, overlap=7, expires_at=NOON + HOUR)], overlap=2)

    assert slots(batch) == [2, 7]
    assert batch.slot_count == 9
    assert Task.objects.get(batch=batch, overlap=7).expires_at == NOON + HOUR


def test_the_position_is_the_priority_and_then_the_draw():
    batch = drafted_batch(tasks=0)

    publish.add_tasks(
        batch=batch, rows=[*rows(1, priority=5), *rows(1)], draw=lambda bits: bits, now=NOON
    )

    places = Task.objects.filter(batch=batch).order_by("pk").values_list("position", flat=True)
    assert list(places) == [position_of(5, 52), position_of(0, 52)]


def test_gold_has_no_priority_because_it_is_mixed_in_by_chance():
    batch = drafted_batch(tasks=0)

    publish.add_tasks(batch=batch, rows=[golden(priority=9)], draw=lambda bits: 7, now=NOON)

    assert Task.objects.get(batch=batch).position == 7


def test_a_task_knows_the_person_who_wrote_it():
    author = a_worker()

    batch = drafted_batch(tasks=[*rows(1, author=author.public_id), *rows(1)])

    written = Task.objects.filter(batch=batch).order_by("pk").values_list("author_id", flat=True)
    assert list(written) == [author.user.person_id, None]


def test_a_row_by_nobody_known_is_refused_and_the_others_become_tasks():
    author = a_worker()
    batch = drafted_batch(tasks=0)
    stranger = "A" + "Z" * 13

    upload = add_tasks(
        batch,
        [*rows(1, author=author.public_id), *rows(1, author=stranger), *rows(1)],
    )

    assert upload.rejections == [Rejected(2, f"author: there is no worker {stranger!r}.")]
    assert (upload.tasks, upload.rejected) == (2, 1)
    assert Task.objects.filter(batch=batch).count() == 2


def test_refused_rows_are_counted_and_the_others_become_tasks():
    batch = drafted_batch(tasks=0)

    upload = add_tasks(batch, [Rejected(1, "No input."), *rows(1), Rejected(3, "No object.")])

    assert upload.rejections == [Rejected(1, "No input."), Rejected(3, "No object.")]
    assert (upload.tasks, upload.rejected) == (1, 2)


def test_the_first_thousand_refused_rows_are_named_and_all_are_counted():
    batch = drafted_batch(tasks=0)

    upload = add_tasks(batch, (Rejected(number, "No input.") for number in range(1, 1_003)))

    assert (len(upload.rejections), upload.rejected) == (1_000, 1_002)
    assert not Task.objects.filter(batch=batch).exists()


def test_an_upload_longer_than_a_chunk_becomes_tasks_in_its_order():
    batch = drafted_batch(tasks=0)

    upload = add_tasks(batch, rows(CHUNK + 2))

    names = TaskInput.objects.filter(task__batch=batch).order_by("task")
    assert upload.tasks == CHUNK + 2
    assert list(names.values_list("external_id", flat=True)) == [
        str(number) for number in range(CHUNK + 2)
    ]


def test_an_upload_that_breaks_off_leaves_nothing():
    batch = drafted_batch(tasks=1)

    def broken_off():
        yield from rows(2)
        raise OSError("the connection is gone")

    with pytest.raises(OSError, match="gone"):
        add_tasks(batch, broken_off())

    assert books(batch)["tasks"] == Task.objects.filter(batch=batch).count() == 1


def test_text_of_any_kind_survives_the_way_into_the_database():
    said = 'tab\t new\nline "quotes" \\backslash \\N \\. 猫 😺 \x01'

    batch = drafted_batch(tasks=[Row(input=json.dumps({"text": said}), external_id=said)])

    task_input = TaskInput.objects.get(task__batch=batch)
    assert (task_input.data, task_input.external_id) == ({"text": said}, said)


# A batch that is published grows, and its budget with it.


def test_rows_for_an_open_batch_are_paid_for_at_once():
    batch = published_batch(tasks=2, overlap=2)
    give(batch, 40)

    add_tasks(batch, rows(3))

    assert books(batch) == {"tasks": 5, "gold": 0, "slots": 10, "budget": 60, "held": 60}
    assert wallet(batch) == usd(4)
    assert broken(now=NOON) == []


def test_gold_grows_with_the_tasks_of_an_open_batch():
    batch = published_batch(tasks=4, gold=2, gold_rate=0.5)
    assert slots(batch)[4:6] == [2, 2]
    give(batch, 48)

    add_tasks(batch, rows(4))

    assert slots(batch)[4:6] == [4, 4]
    assert books(batch) == {"tasks": 8, "gold": 2, "slots": 8, "budget": 96, "held": 96}
    assert wallet(batch) == usd(0)


def test_a_paused_batch_may_grow_as_well():
    batch = published_batch(tasks=1)
    publish.pause(batch=batch, actor=owner(batch), now=NOON)
    give(batch, 6)

    add_tasks(batch, rows(1))

    assert books(batch) == {"tasks": 2, "gold": 0, "slots": 2, "budget": 12, "held": 12}


def test_rows_the_wallet_cannot_pay_for_leave_nothing():
    batch = published_batch(tasks=2, gold=1, gold_rate=0.5)
    give(batch, 23)
    before = books(batch)

    with pytest.raises(InsufficientFunds):
        add_tasks(batch, rows(2))

    assert books(batch) == before
    assert slots(batch) == [1, 1, 2]
    assert wallet(batch) == usd(23)


@pytest.mark.parametrize("gold", [1, 2, 4])
def test_gold_for_an_open_batch_is_paid_for_like_every_other_slot(gold):
    batch = published_batch(tasks=10, gold=1, gold_rate=0.3)
    give(batch, 1_000)

    add_tasks(batch, gold_rows(gold))

    assert broken(now=NOON) == []


def test_gold_whose_time_is_up_and_that_is_opened_again_is_paid_for():
    batch = published_batch(tasks=[*rows(4), golden(expires_at=NOON + HOUR)], gold_rate=0.5)
    give(batch, 1_000)
    distribute.expire_tasks(now=NOON + 2 * HOUR)

    add_tasks(batch, rows(1), now=NOON + 2 * HOUR)
    distribute.expire_tasks(now=NOON + 2 * HOUR)

    assert broken(now=NOON + 2 * HOUR) == []


def test_money_released_by_expired_tasks_is_not_spent_on_new_ones():
    batch = published_batch(tasks=rows(2, expires_at=NOON + HOUR))
    distribute.expire_tasks(now=NOON + HOUR)
    give(batch, 6)

    add_tasks(batch, rows(1), now=NOON + HOUR)

    assert books(batch) == {"tasks": 3, "gold": 0, "slots": 3, "budget": 18, "held": 6}
    assert wallet(batch) == usd(0)


@pytest.mark.parametrize("ended", ["closing", "closed"])
def test_a_batch_that_is_ending_takes_no_more_tasks(ended):
    batch = published_batch(tasks=1)
    publish.close(batch=batch, actor=owner(batch), now=NOON)
    if ended == "closed":
        settle.wind_up(now=NOON)
    before = books(batch)

    with pytest.raises(IllegalTransition, match=f"A batch that is {ended} takes no more tasks"):
        add_tasks(batch, rows(1))

    assert books(batch) == before
    assert Task.objects.filter(batch=batch).count() == 1


def test_new_tasks_lie_behind_no_low_water_mark():
    batch = published_batch(tasks=1)
    Batch.objects.filter(pk=batch.pk).update(low_water=5)
    give(batch, 6)

    add_tasks(batch, rows(1))

    assert fresh(batch).low_water == START


@pytest.mark.django_db(transaction=True)
def test_uploads_to_one_open_batch_at_once_are_all_paid_for():
    batch = published_batch(tasks=1, gold=1, gold_rate=0.5)
    give(batch, 1_000)

    outcomes = at_once([partial(add_tasks, batch, rows(count)) for count in range(1, 7)])

    assert sorted(upload.tasks for upload in outcomes) == [1, 2, 3, 4, 5, 6]
    assert books(batch) == {"tasks": 22, "gold": 1, "slots": 22, "budget": 264, "held": 264}
    assert broken(now=NOON) == []
