"""Find an account, or open it: whoever asks first, everybody gets the same one."""

from __future__ import annotations

from collections import defaultdict
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


def connected(user_id: int, currency: str) -> Account:
    """Return what is in the worker's account at the provider and not in their bank yet."""
    return _only(Account.Purpose.CONNECTED, currency, user_id)


def refunds_in_transit(user_id: int, currency: str) -> Account:
    """Return what the requester asked back and the provider has not confirmed."""
    return _only(Account.Purpose.REFUNDS_IN_TRANSIT, currency, user_id)


def dispute_reserve(user_id: int, currency: str) -> Account:
    """Return the requester's money that an open dispute has frozen."""
    return _only(Account.Purpose.DISPUTE_RESERVE, currency, user_id)


def receivable(user_id: int, currency: str) -> Account:
    """Return minus what the requester owes the platform in one currency."""
    return _only(Account.Purpose.RECEIVABLE, currency, user_id)


def fees(currency: str) -> Account:
    """Return the platform's fees in one currency."""
    return _only(Account.Purpose.FEES, currency)


def provider_pending(currency: str) -> Account:
    """Return minus what the provider has taken in and will make available."""
    return _only(Account.Purpose.PROVIDER_PENDING, currency)


def provider_available(currency: str) -> Account:
    """Return minus what the provider holds for the platform to send."""
    return _only(Account.Purpose.PROVIDER_AVAILABLE, currency)


def connected_funds(currency: str) -> Account:
    """Return minus what the provider holds in the accounts of workers."""
    return _only(Account.Purpose.CONNECTED_FUNDS, currency)


def disputed_funds(currency: str) -> Account:
    """Return minus what open disputes have taken."""
    return _only(Account.Purpose.DISPUTED_FUNDS, currency)


def provider_fees(currency: str) -> Account:
    """Return minus what the provider took for its services."""
    return _only(Account.Purpose.PROVIDER_FEES, currency)


def dispute_losses(currency: str) -> Account:
    """Return minus what lost disputes have cost the platform."""
    return _only(Account.Purpose.DISPUTE_LOSSES, currency)


def guarantees(currency: str) -> Account:
    """Return minus what the platform paid for requesters who did not."""
    return _only(Account.Purpose.GUARANTEES, currency)


def review_pay(currency: str) -> Account:
    """Return minus what jurors were paid."""
    return _only(Account.Purpose.REVIEW_PAY, currency)


def world(currency: str) -> Account:
    """Return the other side of all deposits and payouts in one currency."""
    return _only(Account.Purpose.WORLD, currency)


def open_escrow(currency: str) -> Account:
    """Open a new, empty account for one batch's budget. Each call opens another."""
    return _open(Account.Purpose.ESCROW, currency)


def open_reserve(currency: str) -> Account:
    """Open a new, empty account for one batch's top-up reserve. Each call opens another."""
    return _open(Account.Purpose.RESERVE, currency)


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


def _open(purpose: Account.Purpose, currency: str) -> Account:
    _check_known(currency)
    return Account.objects.create(purpose=purpose, currency=currency, guarded=True)


def earnings_of_each(whose: Iterable[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """Return (user id, currency) → id of their earnings account, opening what is missing.

    At most three queries per currency.
    """
    wanted: dict[str, set[int]] = defaultdict(set)
    for user_id, currency in whose:
        wanted[currency].add(user_id)
    return {
        (user_id, currency): account_id
        for currency in sorted(wanted)
        for user_id, account_id in earnings_by_user(wanted[currency], currency).items()
    }


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
