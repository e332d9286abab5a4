"""Find an account, or open it: whoever asks first, everybody gets the same one."""

from __future__ import annotations

from collections.abc import Iterable

from payments.errors import UnknownCurrency
from payments.models import GUARDED, Account
from payments.money import MINOR_DIGITS


def wallet_of(user_id: int, currency: str) -> Account:
    """Return the requester's deposits in one currency."""
    return _only(Account.Purpose.WALLET, currency, user_id)


def earnings_of(user_id: int, currency: str) -> Account:
    """Return the worker's earnings in one currency."""
    return _only(Account.Purpose.EARNINGS, currency, user_id)


def payouts_in_transit(user_id: int, currency: str) -> Account:
    """Return what the worker asked to be paid and the bank has not confirmed."""
    return _only(Account.Purpose.PAYOUTS_IN_TRANSIT, currency, user_id)


def fees(currency: str) -> Account:
    """Return the platform's fees in one currency."""
    return _only(Account.Purpose.FEES, currency)


def world(currency: str) -> Account:
    """Return the other side of all deposits and payouts in one currency."""
    return _only(Account.Purpose.WORLD, currency)


def open_escrow(currency: str) -> Account:
    """Open a new, empty account for one batch's budget. Each call opens another."""
    _check_known(currency)
    return Account.objects.create(purpose=Account.Purpose.ESCROW, currency=currency, guarded=True)


def earnings_by_user(user_ids: Iterable[int], currency: str) -> dict[int, int]:
    """Return user id → id of their earnings account, opening what is missing.

    At most three queries, however many users.
    """
    _check_known(currency)
    purpose = Account.Purpose.EARNINGS
    # In order, so that two runs that open the same accounts cannot deadlock.
    wanted = sorted(set(user_ids))
    mine = Account.objects.filter(owner__in=wanted, purpose=purpose, currency=currency)
    found = dict(mine.values_list("owner_id", "pk"))
    missing = [user_id for user_id in wanted if user_id not in found]
    if not missing:
        return found
    Account.objects.bulk_create(
        [
            Account(purpose=purpose, owner_id=user_id, currency=currency, guarded=True)
            for user_id in missing
        ],
        ignore_conflicts=True,
    )
    return dict(mine.values_list("owner_id", "pk"))


def _only(purpose: Account.Purpose, currency: str, owner_id: int | None = None) -> Account:
    _check_known(currency)
    account, _ = Account.objects.get_or_create(
        purpose=purpose,
        owner_id=owner_id,
        currency=currency,
        defaults={"guarded": purpose in GUARDED},
    )
    return account


def _check_known(currency: str) -> None:
    if currency not in MINOR_DIGITS:
        raise UnknownCurrency
