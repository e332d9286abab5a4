from __future__ import annotations

from functools import partial

import pytest

from payments import accounts
from payments.errors import UnknownCurrency
from payments.models import Account
from tests.payments.books import at_once, new_user

owned = [
    accounts.wallet_of,
    accounts.earnings_of,
    accounts.payouts_in_transit,
    accounts.connected,
    accounts.refunds_in_transit,
    accounts.dispute_reserve,
]
shared = [
    accounts.fees,
    accounts.world,
    accounts.provider_pending,
    accounts.provider_available,
    accounts.connected_funds,
    accounts.disputed_funds,
    accounts.provider_fees,
    accounts.dispute_losses,
    accounts.guarantees,
    accounts.review_pay,
]


@pytest.mark.django_db
@pytest.mark.parametrize("account_of", owned)
def test_a_person_has_one_account_per_purpose_and_currency(account_of):
    ann, ben = new_user(), new_user()

    dollars = account_of(ann, "USD")

    assert account_of(ann, "USD") == dollars
    assert account_of(ann, "EUR") != dollars
    assert account_of(ben, "USD") != dollars
    assert (dollars.owner_id, dollars.currency, dollars.guarded) == (ann, "USD", True)


@pytest.mark.django_db
@pytest.mark.parametrize("account_in", shared)
def test_the_platform_has_one_unguarded_account_per_purpose_and_currency(account_in):
    dollars = account_in("USD")

    assert account_in("USD") == dollars
    assert account_in("EUR") != dollars
    assert (dollars.owner_id, dollars.guarded) == (None, False)


@pytest.mark.django_db
def test_what_a_requester_owes_is_theirs_and_not_guarded():
    ann = new_user()

    owed = accounts.receivable(ann, "USD")

    assert accounts.receivable(ann, "USD") == owed
    assert accounts.receivable(new_user(), "USD") != owed
    assert (owed.owner_id, owed.guarded) == (ann, False)


@pytest.mark.django_db
@pytest.mark.parametrize("open_another", [accounts.open_escrow, accounts.open_reserve])
def test_each_escrow_and_reserve_is_a_new_one(open_another):
    first, second = open_another("USD"), open_another("USD")

    assert first != second
    assert (first.owner_id, first.guarded, first.balance_minor) == (None, True, 0)


@pytest.mark.django_db
def test_every_purpose_has_an_opener():
    ann = new_user()
    opened = [
        *(account_of(ann, "USD") for account_of in [*owned, accounts.receivable]),
        *(account_in("USD") for account_in in shared),
        accounts.open_escrow("USD"),
        accounts.open_reserve("USD"),
    ]

    assert sorted(account.purpose for account in opened) == sorted(Account.Purpose.values)


@pytest.mark.django_db
def test_the_earnings_of_many_are_found_or_opened_in_three_queries(django_assert_num_queries):
    ann, ben = new_user(), new_user()
    known = accounts.earnings_of(ann, "USD")

    with django_assert_num_queries(3):
        found = accounts.earnings_by_user([ben, ann, ben], "USD")

    assert found == {ann: known.pk, ben: accounts.earnings_of(ben, "USD").pk}
    with django_assert_num_queries(1):
        assert accounts.earnings_by_user([ann, ben], "USD") == found


@pytest.mark.django_db
def test_no_account_is_opened_in_an_unknown_currency():
    user = new_user()

    for open_account in [
        lambda: accounts.wallet_of(user, "XXX"),
        lambda: accounts.fees("usd"),
        lambda: accounts.open_escrow(""),
        lambda: accounts.earnings_by_user([user], "XXX"),
    ]:
        with pytest.raises(UnknownCurrency):
            open_account()
    assert not Account.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_all_who_ask_at_once_get_the_same_account():
    user = new_user()

    wallets = at_once([lambda: accounts.wallet_of(user, "USD")] * 8)
    worlds = at_once([lambda: accounts.world("USD")] * 8)
    earnings = at_once([lambda: accounts.earnings_by_user([user], "USD")] * 8)

    assert set(wallets) == {Account.objects.get(purpose="wallet")}
    assert set(worlds) == {Account.objects.get(purpose="world")}
    assert earnings == [{user: Account.objects.get(purpose="earnings").pk}] * 8


@pytest.mark.django_db(transaction=True)
def test_the_earnings_of_many_are_opened_at_once_in_any_order():
    users = [new_user() for _ in range(300)]

    orders = [users, users[::-1]] * 2
    found = at_once([partial(accounts.earnings_by_user, order, "USD") for order in orders])

    assert all(mapping == found[0] for mapping in found)
    assert set(found[0]) == set(users)
