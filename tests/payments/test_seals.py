"""Seals: whoever changes, adds or removes a sealed transfer breaks the chain where it was."""

from __future__ import annotations

import hashlib
from functools import partial

import pytest
from django.db import connection, transaction
from django.db.utils import InternalError, ProgrammingError

from payments import horizon, ledger, seals
from payments.models import Seal, Transfer
from payments.seals import Broken
from tests.factories import NOON
from tests.payments.books import at_once, posting, wallet_with

pytestmark = pytest.mark.django_db


def some_transfers(count=3):
    wallet, other = wallet_with(100), wallet_with(100)
    for n in range(count):
        ledger.post(posting(wallet, other, 1 + n % 2), now=NOON)


def tamper(statement):
    """Do what only the owner of the table can: with the guard off, and on again."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE payments_transfer DISABLE TRIGGER USER")
        cursor.execute(statement)
        cursor.execute("ALTER TABLE payments_transfer ENABLE TRIGGER USER")


def three_seals():
    for _ in range(3):
        some_transfers()
        seals.seal(NOON)


def middle():
    """A transfer under the second seal, neither its first nor its last."""
    second = Seal.objects.get(number=2)
    return Transfer.objects.filter(pk__gt=second.first_id).earliest("pk").pk


def test_no_transfers_have_no_seal_and_nothing_is_broken():
    assert (seals.seal(NOON), seals.verify(), seals.head()) == (0, None, None)


def test_the_first_seal_is_the_hash_that_its_page_describes():
    deposit = Transfer.objects.get(source__purpose="world", target=wallet_with(5))

    assert seals.seal(NOON) == 1

    row = (
        f'[{deposit.pk}, "{deposit.key}", "deposit", {deposit.source_id}, {deposit.target_id},'
        ' "USD", 5, 1767268800000000]\n'
    )
    made = seals.head()
    assert bytes(made.sha256) == hashlib.sha256(bytes(32) + row.encode()).digest()
    assert (made.number, made.first_id, made.last_id, made.count) == (1, deposit.pk, deposit.pk, 1)


def test_each_seal_covers_what_came_since_and_names_the_one_before():
    three_seals()

    first, second, third = Seal.objects.order_by("number")
    assert (second.previous, third.previous) == (first.sha256, second.sha256)
    assert [each.count for each in (first, second, third)] == [5, 5, 5]
    assert first.last_id < second.first_id
    assert seals.seal(NOON) == 0
    assert seals.verify() is None


def test_many_transfers_are_sealed_in_parts(monkeypatch):
    monkeypatch.setattr(seals, "SEAL_MAX", 2)
    some_transfers(5)

    assert seals.seal(NOON) == 7
    assert list(Seal.objects.order_by("number").values_list("count", flat=True)) == [2, 2, 2, 1]
    assert seals.verify() is None


@pytest.mark.parametrize(
    "change",
    ["amount_minor = amount_minor + 1", "key = key || '!'", "posted_at = posted_at + '1us'",
     "kind = 'refund'", "source_id = target_id, target_id = source_id"],
)  # fmt: skip
def test_a_changed_transfer_breaks_the_seal_it_is_under(change):
    three_seals()

    tamper(f"UPDATE payments_transfer SET {change} WHERE id = {middle()}")

    assert seals.verify().number == 2
    assert "was changed" in seals.verify().problem


def test_a_removed_transfer_breaks_the_seal_it_was_under():
    three_seals()

    tamper(f"DELETE FROM payments_transfer WHERE id = {middle()}")

    assert seals.verify() == Broken(2, "4 transfers are under it, not 5")


def test_a_transfer_slipped_in_between_breaks_the_seal_it_would_be_under(monkeypatch):
    some_transfers()
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('payments_transfer', 'id'))")
        (free,) = cursor.fetchone()
    some_transfers()
    seals.seal(NOON)
    two = Transfer.objects.order_by("pk")[:2]

    tamper(
        "INSERT INTO payments_transfer"
        " (id, key, kind, source_id, target_id, currency, amount_minor, posted_at)"
        f" SELECT {free}, 'forged', kind, source_id, target_id, currency, 1, posted_at"
        f" FROM payments_transfer WHERE id = {two[0].pk}"
    )

    assert seals.verify() == Broken(1, "11 transfers are under it, not 10")


def test_a_seal_cannot_be_changed_or_removed():
    three_seals()

    for act in [lambda rows: rows.update(count=1), lambda rows: rows.delete()]:
        with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
            act(Seal.objects.filter(number=2))


def test_a_removed_seal_leaves_a_gap_where_the_chain_breaks():
    three_seals()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_seal DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM payments_seal WHERE number = 2")
        cursor.execute("ALTER TABLE payments_seal ENABLE TRIGGER USER")

    assert seals.verify() == Broken(2, "it does not follow the seal before it")


@pytest.mark.django_db(transaction=True)
def test_a_number_that_is_seen_late_is_under_no_seal_before_it_is_seen(monkeypatch):
    monkeypatch.setattr(horizon, "TRIES", 1)
    wallet, other = wallet_with(100), wallet_with(100)

    with transaction.atomic():
        ledger.post(posting(wallet, other, 1), now=NOON)
        # Another posting draws a higher number and ends first.
        at_once([partial(wallet_with, 5)])
        [during] = at_once([partial(seals.seal, NOON)])

    assert during == 0
    assert seals.seal(NOON) == 4
    assert seals.verify() is None


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_make_one_chain(monkeypatch):
    monkeypatch.setattr(seals, "SEAL_MAX", 7)
    some_transfers(40)

    at_once([partial(seals.seal, NOON)] * 4)

    assert seals.verify() is None
    assert sum(Seal.objects.values_list("count", flat=True)) == Transfer.objects.count() == 42
