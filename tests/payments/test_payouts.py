from __future__ import annotations

from functools import partial

import pytest

from payments import accounts, audit, payouts
from payments.errors import InsufficientFunds, InvalidAmount, InvalidReference, PayoutSettled
from payments.models import Payout, Transfer
from tests.factories import NOON, usd
from tests.payments.books import at_once, earnings_with, reread

pytestmark = pytest.mark.django_db
LATER = NOON.replace(hour=13)


@pytest.fixture
def earnings():
    return earnings_with(100)


@pytest.fixture
def payout(earnings):
    return payouts.request(owner_id=earnings.owner_id, amount=usd(60), now=NOON)


def in_transit(earnings):
    return accounts.payouts_in_transit(earnings.owner_id, "USD").balance


def settle(payout, reference="bank 7"):
    return payouts.settle_paid(payout_id=payout.pk, reference=reference, now=LATER)


def test_what_is_asked_for_leaves_the_earnings_and_waits_in_transit(earnings, payout):
    assert (payout.status, payout.amount, payout.requested_at) == ("requested", usd(60), NOON)
    assert reread(earnings).balance == usd(40)
    assert in_transit(earnings) == usd(60)
    assert Transfer.objects.get(key=f"payout:{payout.pk}").kind == "payout"


def test_the_smallest_payout_is_one_minor_unit(earnings):
    payouts.request(owner_id=earnings.owner_id, amount=usd(1), now=NOON)

    assert in_transit(earnings) == usd(1)


@pytest.mark.parametrize("minor", [0, -1])
def test_a_payout_of_nothing_is_refused(earnings, minor):
    with pytest.raises(InvalidAmount):
        payouts.request(owner_id=earnings.owner_id, amount=usd(minor), now=NOON)

    assert not Payout.objects.exists()


def test_no_more_than_the_earnings_is_paid_out(earnings):
    with pytest.raises(InsufficientFunds) as refusal:
        payouts.request(owner_id=earnings.owner_id, amount=usd(101), now=NOON)

    assert refusal.value.missing == usd(1)
    assert reread(earnings).balance == usd(100)
    assert not Payout.objects.exists()


def test_a_paid_payout_has_left_for_the_world(earnings, payout):
    settled = settle(payout)

    assert (settled.status, settled.settled_at, settled.reference) == ("paid", LATER, "bank 7")
    assert in_transit(earnings) == usd(0)
    assert reread(earnings).balance == usd(40)
    assert Transfer.objects.get(key=f"withdraw:{payout.pk}").target == accounts.world("USD")


def test_a_failed_payout_returns_to_the_earnings(earnings, payout):
    failed = payouts.fail(payout_id=payout.pk, now=LATER)

    assert (failed.status, failed.settled_at) == ("failed", LATER)
    assert in_transit(earnings) == usd(0)
    assert reread(earnings).balance == usd(100)


def test_a_payout_is_paid_once_and_keeps_its_first_reference(earnings, payout):
    settle(payout, "bank 7")

    assert settle(payout, "bank 8").reference == "bank 7"
    assert Transfer.objects.filter(kind="withdraw").count() == 1


def test_a_payout_fails_once(earnings, payout):
    payouts.fail(payout_id=payout.pk, now=NOON)

    assert payouts.fail(payout_id=payout.pk, now=LATER).settled_at == NOON
    assert reread(earnings).balance == usd(100)


def test_what_was_paid_cannot_fail(earnings, payout):
    settle(payout)

    with pytest.raises(PayoutSettled):
        payouts.fail(payout_id=payout.pk, now=LATER)

    assert reread(earnings).balance == usd(40)


def test_what_has_failed_cannot_be_paid(earnings, payout):
    payouts.fail(payout_id=payout.pk, now=NOON)

    with pytest.raises(PayoutSettled):
        settle(payout)

    assert not Transfer.objects.filter(kind="withdraw").exists()


@pytest.mark.parametrize("reference", ["", "x" * 201, "nul\0"])
def test_a_payment_has_a_name_at_the_bank(payout, reference):
    with pytest.raises(InvalidReference):
        settle(payout, reference)

    assert Payout.objects.get().status == "requested"


@pytest.mark.django_db(transaction=True)
def test_of_those_who_ask_for_everything_at_once_one_gets_it(earnings):
    ask = partial(payouts.request, owner_id=earnings.owner_id, amount=usd(100), now=NOON)

    outcomes = at_once([ask] * 6)

    assert sum(isinstance(outcome, InsufficientFunds) for outcome in outcomes) == 5
    assert in_transit(earnings) == Payout.objects.get().amount == usd(100)


@pytest.mark.django_db(transaction=True)
def test_paid_and_failed_at_once_is_one_of_them(earnings, payout):
    outcomes = at_once(
        [lambda: settle(payout), lambda: payouts.fail(payout_id=payout.pk, now=LATER)] * 4
    )

    refused = [outcome for outcome in outcomes if isinstance(outcome, PayoutSettled)]
    assert len(refused) == 4
    assert Transfer.objects.filter(kind__in=["withdraw", "payout_return"]).count() == 1
    assert audit.imbalances() == []
