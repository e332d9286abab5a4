"""Step 1: rows become tasks, and the budget goes into escrow."""

from __future__ import annotations

import itertools
import json
from functools import partial

import pytest
from django.db import connection

from payments import accounts
from payments.deposits import deposit
from payments.errors import InsufficientFunds
from payments.models import Account, Transfer
from payments.money import Money
from tasks import distribute, publish, settle
from tasks.errors import EmptyBatch, IllegalTransition
from tasks.invariants import broken
from tasks.models import Batch, Gold, Task, TaskInput
from tasks.models.cursor import START
from tasks.models.task import Lane, position_of
from tasks.publish import Rejected
from tasks.rows import Row
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_project,
    a_requester,
    a_worker,
    add_tasks,
    claim,
    drafted_batch,
    fresh,
    gold_rows,
    may_claim,
    published_batch,
    rows,
    slots,
    usd,
)
from tests.payments.books import at_once
from workers.models import Event

pytestmark = pytest.mark.django_db


def owner(batch):
    return batch.project.requester


def wallet(batch) -> Money:
    return accounts.wallet_of(owner(batch).pk, batch.currency).balance


def give(batch, cents):
    deposit(owner_id=owner(batch).pk, amount=usd(cents), reference=f"more-{cents}", now=NOON)


def books(batch):
    """What a batch counts and what its escrow holds."""
    batch = fresh(batch)
    return {
        "tasks": batch.task_count,
        "gold": batch.gold_count,
        "slots": batch.slot_count,
        "budget": batch.budget_minor,
        "held": batch.reserved,
    }


def events(batch):
    return list(
        Event.objects.filter(subject_kind="batch", subject_id=batch.pk)
        .order_by("pk")
        .values_list("kind", "actor", "at")
    )


def golden(**options):
    return Row(input='{"image":"g.png"}', gold='{"label":"cat"}', **options)


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

    upload = add_tasks(batch, rows(publish.CHUNK + 2))

    names = TaskInput.objects.filter(task__batch=batch).order_by("task")
    assert upload.tasks == publish.CHUNK + 2
    assert list(names.values_list("external_id", flat=True)) == [
        str(number) for number in range(publish.CHUNK + 2)
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


# What it costs.


def test_a_quote_names_answers_rewards_fees_and_what_is_missing():
    requester = a_requester(funds=usd(50))
    batch = drafted_batch(
        tasks=10,
        gold=2,
        overlap=3,
        gold_rate=0.25,
        reward=usd(5),
        project=a_project(requester=requester),
    )

    quote = publish.quote(batch)

    # 30 answers, and 10 gold answers, so that a quarter of all claims are gold.
    assert quote == publish.Quote(
        tasks=10,
        gold=2,
        answers=40,
        rewards=usd(200),
        fees=usd(40),
        total=usd(240),
        wallet=usd(50),
        missing=usd(190),
    )


def test_a_quote_covered_by_the_wallet_misses_nothing():
    requester = a_requester(funds=usd(6))

    quote = publish.quote(drafted_batch(tasks=1, project=a_project(requester=requester)))

    assert (quote.total, quote.wallet, quote.missing) == (usd(6), usd(6), usd(0))


def test_a_quote_of_a_published_batch_misses_nothing():
    quote = publish.quote(published_batch(tasks=3))

    assert (quote.total, quote.wallet, quote.missing) == (usd(18), usd(0), usd(0))


def test_a_quote_of_an_empty_draft_is_nothing():
    quote = publish.quote(drafted_batch(tasks=0))

    assert (quote.answers, quote.total, quote.missing) == (0, usd(0), usd(0))


# Publishing.


def test_publishing_moves_exactly_the_cost_into_an_escrow_and_holds_it():
    requester = a_requester(funds=usd(100))
    batch = drafted_batch(tasks=2, overlap=2, project=a_project(requester=requester))

    published = publish.publish(batch=batch, actor=requester, now=NOON)

    assert (published.status, published.published_at) == (Batch.Status.OPEN, NOON)
    assert wallet(batch) == usd(76)
    assert (published.escrow.balance, published.escrow.held) == (usd(24), usd(24))
    assert (published.budget_minor, published.spent, published.reserved) == (24, 0, 24)
    assert events(batch) == [("batch_published", requester.pk, NOON)]
    told = Event.objects.get(kind="batch_published").data
    assert told == {"budget_minor": 24, "currency": "USD"}


def test_publishing_opens_the_gold_slots_it_pays_for():
    batch = published_batch(tasks=10, gold=3, overlap=1, gold_rate=0.2)

    # 2.5 gold answers go with 10 others; rounded to 2, shared by 3 tasks: one each.
    assert slots(batch) == [1] * 10 + [1] * 3
    assert batch.budget_minor == 13 * 6


def test_publishing_counts_what_was_added_since_the_batch_was_read():
    batch = drafted_batch(tasks=1)
    add_tasks(batch, rows(1))
    give(batch, 12)

    assert publish.publish(batch=batch, actor=owner(batch), now=NOON).budget_minor == 12


@pytest.mark.parametrize("gold", [0, 2])
def test_a_batch_without_tasks_is_not_published(gold):
    batch = drafted_batch(tasks=0, gold=gold)

    with pytest.raises(EmptyBatch):
        publish.publish(batch=batch, actor=owner(batch), now=NOON)

    assert fresh(batch).status == Batch.Status.DRAFT


def test_a_batch_the_wallet_cannot_pay_for_stays_a_draft_and_leaves_no_trace():
    requester = a_requester(funds=usd(11))
    batch = drafted_batch(tasks=2, gold=1, gold_rate=0.5, project=a_project(requester=requester))

    with pytest.raises(InsufficientFunds) as refused:
        publish.publish(batch=batch, actor=requester, now=NOON)

    assert refused.value.missing == usd(13)
    assert (fresh(batch).status, fresh(batch).budget_minor) == (Batch.Status.DRAFT, 0)
    assert wallet(batch) == usd(11)
    assert slots(batch) == [1, 1, 0]
    assert not Account.objects.filter(purpose="escrow").exists()
    assert events(batch) == []


def test_a_batch_is_published_once():
    batch = published_batch(tasks=1)
    give(batch, 6)

    with pytest.raises(IllegalTransition, match="A batch that is open cannot be published"):
        publish.publish(batch=batch, actor=owner(batch), now=NOON)

    assert wallet(batch) == usd(6)
    assert Account.objects.filter(purpose="escrow").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_publish_one_batch_at_once_one_does():
    batch = drafted_batch(tasks=1)
    give(batch, 100)

    outcomes = at_once([partial(publish.publish, batch=batch, actor=owner(batch), now=NOON)] * 8)

    assert sum(isinstance(outcome, Batch) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, IllegalTransition) for outcome in outcomes) == 7
    assert wallet(batch) == usd(94)
    assert Account.objects.filter(purpose="escrow").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_eight_batches_published_at_once_against_one_wallet_only_one_wins():
    requester = a_requester(funds=usd(100))
    project = a_project(requester=requester)
    batches = [drafted_batch(tasks=10, project=project) for _ in range(8)]

    outcomes = at_once(
        [partial(publish.publish, batch=each, actor=requester, now=NOON) for each in batches]
    )

    assert sum(isinstance(outcome, Batch) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, InsufficientFunds) for outcome in outcomes) == 7
    assert accounts.wallet_of(requester.pk, "USD").balance == usd(40)
    assert Transfer.objects.filter(kind="allocate").count() == 1
    assert broken(now=NOON) == []


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


# Pausing, resuming and closing.


def test_a_paused_batch_hands_nothing_out_until_it_is_resumed():
    batch, worker = published_batch(tasks=2), a_worker()
    claim(batch, worker)

    publish.pause(batch=batch, actor=owner(batch), now=NOON)
    refused = may_claim(batch, worker)
    publish.resume(batch=fresh(batch), actor=owner(batch), now=NOON + MINUTE)

    assert not refused
    assert may_claim(batch, worker)
    assert events(batch)[1:] == [
        ("batch_paused", owner(batch).pk, NOON),
        ("batch_resumed", owner(batch).pk, NOON + MINUTE),
    ]


def test_closing_is_an_event_and_hands_nothing_out_any_more():
    batch = published_batch(tasks=2)

    publish.close(batch=batch, actor=owner(batch), now=NOON)

    assert not may_claim(batch, a_worker())
    assert fresh(batch).status == Batch.Status.CLOSING
    assert events(batch)[1:] == [("batch_closing", owner(batch).pk, NOON)]


ILLEGAL = [
    ("draft", [publish.pause, publish.resume, publish.close]),
    ("open", [publish.resume]),
    ("paused", [publish.pause, publish.publish]),
    ("closing", [publish.pause, publish.resume, publish.close, publish.publish]),
    ("closed", [publish.pause, publish.resume, publish.close, publish.publish]),
]


def a_batch_that_is(status):
    if status == "draft":
        return drafted_batch(tasks=1)
    batch = published_batch(tasks=1)
    if status == "paused":
        publish.pause(batch=batch, actor=owner(batch), now=NOON)
    if status in {"closing", "closed"}:
        publish.close(batch=batch, actor=owner(batch), now=NOON)
    if status == "closed":
        settle.wind_up(now=NOON)
    return fresh(batch)


@pytest.mark.parametrize("status", [status for status, _ in ILLEGAL])
def test_what_a_batch_cannot_become_is_refused_and_is_no_event(status):
    batch = a_batch_that_is(status)
    before = events(batch)

    for verb in dict(ILLEGAL)[status]:
        with pytest.raises(IllegalTransition, match=f"A batch that is {status} cannot"):
            verb(batch=batch, actor=owner(batch), now=NOON)

    assert fresh(batch).status == status
    assert events(batch) == before


def test_an_old_object_cannot_reopen_what_was_closed_since():
    batch = published_batch(tasks=1)
    publish.pause(batch=batch, actor=owner(batch), now=NOON)
    old = fresh(batch)
    publish.close(batch=fresh(batch), actor=owner(batch), now=NOON)

    with pytest.raises(IllegalTransition):
        publish.resume(batch=old, actor=owner(batch), now=NOON)

    assert fresh(batch).status == Batch.Status.CLOSING


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_close_a_batch_at_once_one_does():
    batch = published_batch(tasks=1)
    actor = owner(batch)

    outcomes = at_once(
        [lambda: publish.close(batch=fresh(batch), actor=actor, now=NOON) for _ in range(8)]
    )

    assert outcomes.count(None) == 1
    assert Event.objects.filter(kind="batch_closing").count() == 1


def test_statistics_are_refreshed_so_that_the_planner_knows_of_an_upload():
    drafted_batch(tasks=321)

    publish.analyze()

    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'tasks_task'")
        assert cursor.fetchone() == (321,)


def test_draws_are_asked_for_as_many_bits_as_a_position_has():
    asked = []
    numbers = itertools.count()

    publish.add_tasks(
        batch=drafted_batch(tasks=0),
        rows=rows(2),
        draw=lambda bits: asked.append(bits) or next(numbers),
        now=NOON,
    )

    assert asked == [52, 52]
