from __future__ import annotations

from functools import partial

import pytest

from payments import accounts
from payments.deposits import deposit
from payments.errors import InvalidAmount, InvalidReference, KeyReused, UnknownCurrency
from payments.models import Account, Transfer
from payments.money import Money
from tests.factories import NOON, usd
from tests.payments.books import at_once, new_user

pytestmark = pytest.mark.django_db


def test_a_deposit_arrives_in_the_owners_wallet_from_the_world():
    owner = new_user()

    transfer = deposit(owner_id=owner, amount=usd(500), reference="bank 1", now=NOON)

    assert transfer.key == "deposit:bank 1"
    assert (transfer.source, transfer.target) == (
        accounts.world("USD"),
        accounts.wallet_of(owner, "USD"),
    )
    assert accounts.wallet_of(owner, "USD").available == usd(500)


def test_the_same_payment_is_deposited_once():
    owner = new_user()

    first = deposit(owner_id=owner, amount=usd(500), reference="bank 1", now=NOON)
    again = deposit(owner_id=owner, amount=usd(500), reference="bank 1", now=NOON)

    assert again == first
    assert accounts.wallet_of(owner, "USD").balance == usd(500)


@pytest.mark.django_db(transaction=True)
def test_a_payment_confirmed_twice_at_once_is_deposited_once():
    owner = new_user()
    confirm = partial(deposit, owner_id=owner, amount=usd(500), reference="bank 1", now=NOON)

    transfers = at_once([confirm] * 8)

    assert set(transfers) == {Transfer.objects.get()}
    assert accounts.wallet_of(owner, "USD").balance == usd(500)


def test_a_reference_that_came_with_another_owner_or_amount_is_refused():
    ann, ben = new_user(), new_user()
    deposit(owner_id=ann, amount=usd(500), reference="bank 1", now=NOON)

    with pytest.raises(KeyReused):
        deposit(owner_id=ben, amount=usd(500), reference="bank 1", now=NOON)
    with pytest.raises(KeyReused):
        deposit(owner_id=ann, amount=usd(501), reference="bank 1", now=NOON)

    assert accounts.wallet_of(ann, "USD").balance == usd(500)
    assert accounts.wallet_of(ben, "USD").balance == usd(0)


@pytest.mark.parametrize("reference", ["", "x" * 201, "line\nbreak", "nul\0"])
def test_a_reference_has_1_to_200_printable_characters(reference):
    with pytest.raises(InvalidReference):
        deposit(owner_id=new_user(), amount=usd(1), reference=reference, now=NOON)

    assert not Account.objects.exists()


@pytest.mark.parametrize("minor", [0, -5])
def test_nothing_less_than_a_cent_is_deposited(minor):
    with pytest.raises(InvalidAmount):
        deposit(owner_id=new_user(), amount=usd(minor), reference="bank 1", now=NOON)

    assert not Transfer.objects.exists()


def test_only_known_currencies_are_deposited():
    with pytest.raises(UnknownCurrency):
        deposit(owner_id=new_user(), amount=Money(1, "XXX"), reference="bank 1", now=NOON)
