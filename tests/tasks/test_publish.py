from __future__ import annotations

import itertools
from functools import partial

import pytest
from django.db import connection

from payments import accounts
from payments.errors import InsufficientFunds
from payments.models import Account, Transfer
from tasks import publish, settle, uploads
from tasks.errors import EmptyBatch, IllegalTransition
from tasks.invariants import broken
from tasks.models import Batch
from tests.factories import (
    MINUTE,
    NOON,
    a_project,
    a_requester,
    a_worker,
    add_tasks,
    claim,
    drafted_batch,
    fresh,
    may_claim,
    published_batch,
    rows,
    slots,
    usd,
)
from tests.payments.books import at_once
from tests.tasks.publishing import events, give, owner, wallet
from workers.models import Event

pytestmark = pytest.mark.django_db


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

    quote = publish.quote(batch, now=NOON)

    # 30 answers, and 10 gold answers, so that a quarter of all claims are gold.
    assert quote == publish.Quote(
        tasks=10,
        gold=2,
        answers=40,
        rewards=usd(200),
        fees=usd(40),
        reserve=usd(0),
        terms=None,
        total=usd(240),
        wallet=usd(50),
        missing=usd(190),
    )


def test_a_quote_covered_by_the_wallet_misses_nothing():
    requester = a_requester(funds=usd(6))

    quote = publish.quote(drafted_batch(tasks=1, project=a_project(requester=requester)), now=NOON)

    assert (quote.total, quote.wallet, quote.missing) == (usd(6), usd(6), usd(0))


def test_a_quote_of_a_published_batch_misses_nothing():
    quote = publish.quote(published_batch(tasks=3), now=NOON)

    assert (quote.total, quote.wallet, quote.missing) == (usd(18), usd(0), usd(0))


def test_a_quote_of_an_empty_draft_is_nothing():
    quote = publish.quote(drafted_batch(tasks=0), now=NOON)

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

    uploads.analyze()

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
