"""Play money in the database, for real: threads that commit, and stores that know no other."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest
import stripe

from payments.models import PlayObject
from payments.play import world
from payments.play.rows import RowStore
from tests.payments.books import at_once
from tests.payments.play.bank import (
    available,
    fund,
    new_bank,
    payment_of,
    recipient,
    send,
    session_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


def transfer(key: str, worker: str, amount_minor: int) -> str:
    """Send from a server of its own, as another process would."""
    bank = new_bank(RowStore(), retries=0)
    asked = {"amount": amount_minor, "currency": "usd", "destination": worker}
    return bank.stripe.v1.transfers.create(asked, {"idempotency_key": key}).id


def test_another_server_knows_what_one_was_told():
    name = recipient(new_bank(RowStore()))
    payment = fund(new_bank(RowStore()), 10_000)

    other = new_bank(RowStore())

    assert available(other) == 9_680
    assert other.stripe.v1.payment_intents.retrieve(payment.id).status == "succeeded"
    assert send(other, name, 5).amount == 5


def test_twenty_threads_with_one_key_transfer_once():
    bank = new_bank(RowStore())
    fund(bank, 10_000)
    worker = recipient(bank)

    names = at_once([partial(transfer, "one", worker, 500)] * 20)

    assert len(set(names)) == 1
    assert (available(bank), available(bank, worker)) == (9_180, 500)


def test_twenty_threads_spend_no_more_than_there_is():
    bank = new_bank(RowStore())
    fund(bank, 10_000)
    worker = recipient(bank)

    outcomes = at_once([partial(transfer, f"k{n}", worker, 1_000) for n in range(20)])

    sent = [it for it in outcomes if isinstance(it, str)]
    refused = [it for it in outcomes if isinstance(it, stripe.InvalidRequestError)]
    assert (len(set(sent)), len(refused)) == (9, 11)
    assert (available(bank), available(bank, worker)) == (680, 9_000)


def test_a_session_paid_twice_at_once_is_paid_once():
    bank = new_bank(RowStore())
    name = session_of(bank, 10_000)

    at_once([lambda: world.pay_session(new_bank(RowStore()).server, name)["id"]] * 8)

    assert PlayObject.objects.filter(kind="charge").count() == 1


def test_a_refusal_leaves_no_rows_but_its_reply():
    bank = new_bank(RowStore())
    payment_of(bank)
    before = PlayObject.objects.count()

    with pytest.raises(stripe.InvalidRequestError):
        bank.stripe.v1.payouts.create({"amount": 5, "currency": "usd"})

    assert PlayObject.objects.count() == before


def test_a_transfer_costs_few_statements(django_assert_max_num_queries):
    bank = new_bank(RowStore())
    fund(bank, 10_000)
    worker = recipient(bank)
    send(bank, worker, 1)

    with django_assert_max_num_queries(30):
        send(bank, worker, 1)


@pytest.mark.parametrize("module", ["server", "world", "events"])
def test_serving_play_money_does_not_import_stripe(module):
    """Web processes stay light: only the transport needs the SDK."""
    script = f"import sys, payments.play.{module}; print('stripe' in sys.modules)"

    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "False"
