"""``deposit``, ``payouts`` and ``check_ledger``: commands about money."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from payments import accounts, payouts
from payments.models import Payout, Transfer
from tasks import settle
from tasks.models import Assignment
from tests.factories import NOON, a_requester, a_worker, published_batch, submitted, usd

pytestmark = pytest.mark.django_db


def run(*arguments):
    """Return what the command printed."""
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def payout():
    """A payout of all that a worker has earned."""
    batch, worker = published_batch(tasks=1, reward=usd(5)), a_worker()
    submitted(batch, worker=worker)
    settle.accept(assignment=Assignment.objects.get(), actor=batch.project.requester, now=NOON)
    settle.pay_accepted(now=NOON)
    return payouts.request(owner_id=worker.user_id, amount=usd(5), now=NOON)


def test_a_deposit_is_in_the_wallet():
    requester = a_requester()

    said = run("deposit", requester.username, "12.34", "usd")

    assert said == f"{requester.username} has 12.34 USD in the wallet.\n"
    assert accounts.wallet_of(requester.pk, "USD").balance == usd(12_34)


def test_deposits_add_up_unless_they_are_the_same_payment():
    name = a_requester().username

    run("deposit", name, "1", "USD")
    run("deposit", name, "1", "USD", "--reference", "bank 7")

    assert "2.00 USD" in run("deposit", name, "1", "USD", "--reference", "bank 7")


@pytest.mark.parametrize(
    ("amount", "currency", "why"),
    [("12.345", "USD", "minor units"), ("0", "USD", "positive"), ("1", "XXX", "ISO 4217")],
)
def test_a_deposit_that_is_no_money_is_refused_in_one_line(amount, currency, why):
    with pytest.raises(CommandError, match=why):
        run("deposit", a_requester().username, amount, currency)

    assert not Transfer.objects.exists()


def test_the_payouts_that_wait_are_listed_oldest_first(payout):
    owner = payout.owner.username

    assert run("payouts") == f"{payout.pk}\t2026-01-01 12:00\t{owner}\t0.05 USD\n"


def test_a_payout_is_paid_with_the_reference_of_the_bank(payout):
    said = run("payouts", "paid", str(payout.pk), "--reference", "SEPA 1")

    assert said == f"payout {payout.pk} of 0.05 USD is paid\n"
    assert Payout.objects.get().reference == "SEPA 1"
    assert run("payouts") == ""


def test_a_payout_that_fails_returns_to_the_earnings(payout):
    run("payouts", "fail", str(payout.pk))

    assert accounts.earnings_of(payout.owner_id, "USD").balance == usd(5)


def test_a_payout_ends_in_one_way_only(payout):
    run("payouts", "fail", str(payout.pk))

    with pytest.raises(CommandError, match="already ended in the other way"):
        run("payouts", "paid", str(payout.pk), "--reference", "SEPA 1")


def test_a_payout_that_is_not_there_is_not_paid():
    with pytest.raises(CommandError, match="There is no payout 7"):
        run("payouts", "fail", "7")


def test_check_ledger_prints_what_has_moved(payout):
    assert run("check_ledger") == (
        "0.06 USD deposited, 0.00 USD in escrow, 0.05 USD earned, 0.01 USD in fees,"
        " 0.00 USD paid out\n"
        "The books balance.\n"
    )


def test_check_ledger_fails_and_names_the_account_when_the_books_do_not_balance():
    requester = a_requester(funds=usd(10))
    wallet = accounts.wallet_of(requester.pk, "USD")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE payments_account SET balance_minor = 11 WHERE id = %s", [wallet.pk])

    out = StringIO()
    with pytest.raises(CommandError, match="The books do not balance: 2 defects") as failure:
        call_command("check_ledger", stdout=out)

    assert failure.value.returncode == 1
    assert (
        f"account {wallet.pk}: the balance differs from its transfers: 11 instead of 10"
        " minor units of USD\n"
    ) in out.getvalue()
    assert "all accounts: the accounts of a currency do not sum to zero" in out.getvalue()
