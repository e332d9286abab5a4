"""What the database refuses, whoever asks."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from payments import accounts, ledger
from payments.models import Account, Payout, Transfer
from tests.factories import NOON
from tests.payments.books import earnings_with, escrow_with, new_user, posting, wallet_with

pytestmark = pytest.mark.django_db


def refused(constraint: str):
    """Expect the database to refuse by ``constraint``."""
    return pytest.raises(IntegrityError, match=constraint)


def change(account: Account, **fields) -> None:
    with transaction.atomic():
        Account.objects.filter(pk=account.pk).update(**fields)


def insert(**fields) -> None:
    wallet = wallet_with(100)
    fields = {
        "key": "by hand",
        "kind": "bonus",
        "source": wallet,
        "target": accounts.open_escrow("USD"),
        "currency": "USD",
        "amount_minor": 1,
        "posted_at": NOON,
        **fields,
    }
    with transaction.atomic():
        Transfer.objects.create(**fields)


def open_account(**fields) -> None:
    with transaction.atomic():
        Account.objects.create(**{"currency": "USD", **fields})


def test_an_overdraft_is_refused():
    wallet = wallet_with(5)

    with refused("account_spends_only_what_is_not_held"):
        change(wallet, balance_minor=-1)


def test_spending_held_money_is_refused():
    escrow = escrow_with(100, held=60)

    with refused("account_spends_only_what_is_not_held"):
        change(escrow, balance_minor=59)


def test_holding_less_than_nothing_is_refused():
    escrow = escrow_with(100)

    with refused("account_spends_only_what_is_not_held"):
        change(escrow, held_minor=-1)


def test_a_balance_on_an_unguarded_account_is_refused():
    with refused("account_balance_only_where_guarded"):
        change(accounts.fees("USD"), balance_minor=1)


def test_closing_an_account_with_money_is_refused():
    with refused("account_closed_only_when_empty"):
        change(wallet_with(1), closed_at=NOON)


def test_closing_an_unguarded_account_is_refused():
    with refused("account_closed_only_when_empty"):
        change(accounts.world("USD"), closed_at=NOON)


@pytest.mark.parametrize(
    ("purpose", "guarded"), [("escrow", False), ("fees", True), ("world", True), ("other", True)]
)
def test_the_purpose_says_whether_an_account_is_guarded(purpose, guarded):
    with refused("account_guarded_by_its_purpose|account_owned_by_its_purpose"):
        open_account(purpose=purpose, guarded=guarded)


@pytest.mark.parametrize("purpose", ["wallet", "earnings", "payouts_in_transit"])
def test_an_account_of_somebody_without_an_owner_is_refused(purpose):
    with refused("account_owned_by_its_purpose"):
        open_account(purpose=purpose, guarded=True)


@pytest.mark.parametrize(("purpose", "guarded"), [("escrow", True), ("fees", False)])
def test_an_owner_of_the_platforms_accounts_is_refused(purpose, guarded):
    with refused("account_owned_by_its_purpose"):
        open_account(purpose=purpose, guarded=guarded, owner_id=new_user())


def test_a_second_wallet_in_one_currency_is_refused():
    wallet = wallet_with(1)

    with refused("account_once_per_owner_and_purpose"):
        open_account(purpose="wallet", guarded=True, owner_id=wallet.owner_id)


def test_a_second_world_in_one_currency_is_refused():
    accounts.world("USD")

    with refused("account_once_per_shared_purpose"):
        open_account(purpose="world", guarded=False)


@pytest.mark.parametrize("currency", ["usd", "US", "U5D", ""])
def test_a_currency_that_is_not_three_capitals_is_refused(currency):
    with refused("account_currency_is_three_capitals"):
        open_account(purpose="escrow", guarded=True, currency=currency)


@pytest.mark.parametrize("minor", [0, -1])
def test_a_transfer_of_nothing_or_less_is_refused(minor):
    with refused("transfer_amount_is_positive"):
        insert(amount_minor=minor)


def test_a_transfer_from_an_account_to_itself_is_refused():
    escrow = accounts.open_escrow("USD")

    with refused("transfer_between_two_accounts"):
        insert(source=escrow, target=escrow)


def test_a_transfer_of_an_unknown_kind_is_refused():
    with refused("transfer_kind_is_known"):
        insert(kind="gift")


def test_a_second_transfer_with_one_key_is_refused():
    insert()

    with refused("transfer_once_per_key"):
        insert()


def test_a_source_in_another_currency_is_refused():
    with refused("transfer_source_shares_currency"):
        insert(source=accounts.open_escrow("EUR"))


def test_a_target_in_another_currency_is_refused():
    with refused("transfer_target_shares_currency"):
        insert(target=accounts.open_escrow("EUR"))


def test_an_account_with_transfers_cannot_change_its_currency():
    with refused("transfer_(source|target)_shares_currency"):
        change(wallet_with(1), currency="EUR")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payments_transfer SET amount_minor = amount_minor + 1",
        "UPDATE payments_transfer SET posted_at = now() WHERE false",
        "DELETE FROM payments_transfer",
        "truncate payments_transfer",  # in capitals, tests/conftest.py lets it pass
    ],
)
def test_a_transfer_is_never_changed_or_deleted(statement):
    wallet_with(5)

    with (
        refused("Transfers are only added: correct one with another."),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert Transfer.objects.get().amount_minor == 5


def test_an_account_with_transfers_cannot_be_deleted():
    wallet = wallet_with(5)

    with (
        refused("transfer_target_shares_currency"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM payments_account WHERE id = %s", [wallet.pk])


@pytest.mark.parametrize(
    ("status", "settled_at"),
    [("requested", NOON), ("paid", None), ("failed", None), ("lost", NOON)],
)
def test_a_payout_is_settled_exactly_when_it_has_ended(status, settled_at):
    with refused("payout_settled_at_the_end"), transaction.atomic():
        Payout.objects.create(
            owner_id=new_user(),
            amount_minor=1,
            currency="USD",
            requested_at=NOON,
            status=status,
            settled_at=settled_at,
        )


def test_a_payout_of_nothing_is_refused():
    with refused("payout_amount_is_positive"), transaction.atomic():
        Payout.objects.create(
            owner_id=new_user(), amount_minor=0, currency="USD", requested_at=NOON
        )


def test_an_account_tells_what_it_has_what_is_held_and_what_is_free():
    escrow = escrow_with(100, held=60)

    assert [escrow.balance.minor, escrow.held.minor, escrow.available.minor] == [100, 60, 40]


def test_the_pages_of_a_history_go_from_new_to_old_and_miss_nothing():
    wallet, escrow = wallet_with(100), accounts.open_escrow("USD")
    for cents in [1, 2, 3]:
        ledger.post(posting(wallet, escrow, cents), now=NOON)
    ledger.post(posting(escrow, wallet, 6), now=NOON)
    ledger.post(posting(earnings_with(9), escrow, 9), now=NOON)

    newest = list(Transfer.objects.page_of(wallet.pk, limit=2))
    oldest = list(Transfer.objects.page_of(wallet.pk, before=newest[-1].pk, limit=4))
    last_into_escrow = Transfer.objects.page_of(escrow.pk, limit=1)

    assert [transfer.amount_minor for transfer in newest] == [6, 3]
    assert [transfer.amount_minor for transfer in oldest] == [2, 1, 100]
    assert [transfer.amount_minor for transfer in last_into_escrow] == [9]


def test_a_page_of_a_history_is_one_query_with_both_accounts(django_assert_num_queries):
    wallet = wallet_with(100)
    ledger.post(posting(wallet, accounts.open_escrow("USD"), 5), now=NOON)

    with django_assert_num_queries(1):
        page = Transfer.objects.select_related("source", "target").page_of(wallet.pk)
        purposes = [(transfer.source.purpose, transfer.target.purpose) for transfer in page]

    assert purposes == [("wallet", "escrow"), ("world", "wallet")]


def test_rows_are_called_by_what_people_know_of_them():
    wallet_with(1)

    assert str(accounts.fees("USD")).startswith("fees ")
    assert str(Transfer.objects.get()).startswith("deposit:bank ")
    assert str(Payout(pk=7)) == "payout 7"
