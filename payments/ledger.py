"""The one door to the books: transfers, balances and holds are written here and nowhere else.

A posting has a key derived from its cause (``reward:17``). The first posting with a key
moves the money; the same posting again changes nothing, so jobs may repeat and race.

Locks are taken in one order: guarded accounts by primary key, then keys alphabetically.
Nothing locks an unguarded account. The code relies on READ COMMITTED, Django's default.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, QuerySet

from payments.errors import (
    AccountClosed,
    AccountNotEmpty,
    CurrencyMismatch,
    InsufficientFunds,
    KeyReused,
    NotHeld,
)
from payments.models import Account, Transfer
from payments.money import Money, check_amount

# One statement for any number of postings: one parse, one round trip, and RETURNING
# tells the new keys from those another run has posted, even while both run.
INSERT_TRANSFERS = """
    INSERT INTO payments_transfer
        (key, kind, source_id, target_id, amount_minor, currency, posted_at)
    SELECT posting.*, %s
    FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
        AS posting
    ON CONFLICT (key) DO NOTHING
    RETURNING key
"""

UPDATE_BALANCES = """
    UPDATE payments_account AS account
    SET balance_minor = account.balance_minor + change.balance_minor,
        held_minor = account.held_minor + change.held_minor
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
        AS change (account_id, balance_minor, held_minor)
    WHERE account.id = change.account_id
"""


@dataclass(frozen=True, slots=True)
class Posting:
    """A transfer to be made: its terms are all its fields but ``from_held``.

    With ``from_held`` the amount was promised before: it leaves the source's ``held``
    together with its balance. Without, it must be available, that is, not held.
    """

    key: str
    kind: Transfer.Kind
    source_id: int
    target_id: int
    amount: Money
    from_held: bool = False


def post(posting: Posting, *, now: datetime) -> Transfer:
    """Post one transfer, at most once per key, and return it; see ``post_all``."""
    post_all([posting], now=now)
    return Transfer.objects.get(key=posting.key)


def post_all(postings: Iterable[Posting], *, now: datetime) -> int:
    """Move the money of all ``postings`` or of none; return how many were new.

    A key that was posted before on the same terms is skipped, and its hold stays as it
    is. The postings count as simultaneous: one may spend what another brings. An error
    also undoes the caller's transaction, unless the caller sets a savepoint of its own
    (a nested ``atomic`` block) around the call.

    Raises:
        AccountClosed: a new posting touches a closed account.
        CurrencyMismatch: an amount and its accounts differ in currency.
        InsufficientFunds: a guarded account would spend more than is available.
        InvalidAmount: an amount is not positive, or beyond ``MAX_MINOR``.
        KeyReused: a key names a transfer with other terms.
        NotHeld: ``from_held`` asks for more than the source holds.
    """
    by_key = _by_key(postings)
    if not by_key:
        return 0
    # A savepoint would cost two more round trips and protect nothing: see the docstring.
    with transaction.atomic(savepoint=False):
        accounts = _lock(by_key.values())
        _check_currencies(by_key.values(), accounts)
        new = _insert(by_key.values(), now)
        if len(new) < len(by_key):
            _check_replays(by_key, new)
        _move([by_key[key] for key in new], accounts)
    return len(new)


def hold(account_id: int, amount: Money) -> None:
    """Promise ``amount`` of the account to someone: it stays, and cannot be spent otherwise.

    Not idempotent: the caller's transaction also writes what the hold is for.

    Raises:
        AccountClosed: the account is closed.
        CurrencyMismatch: the account has another currency.
        InsufficientFunds: less than ``amount`` is available.
        InvalidAmount: ``amount`` is not positive, or beyond ``MAX_MINOR``.
    """
    check_amount(amount)
    free = _live(account_id, amount).filter(balance_minor__gte=F("held_minor") + amount.minor)
    if not free.update(held_minor=F("held_minor") + amount.minor):
        account = _usable(account_id, amount)
        # The row is read after the refusal, when money may just have arrived.
        missing_minor = max(1, amount.minor - account.available.minor)
        raise InsufficientFunds(missing=Money(missing_minor, amount.currency))


def release(account_id: int, amount: Money) -> None:
    """Take back a promise of ``amount``: the account may spend it again.

    Not idempotent: the caller's transaction also writes why it is released.

    Raises:
        AccountClosed: the account is closed.
        CurrencyMismatch: the account has another currency.
        InvalidAmount: ``amount`` is not positive, or beyond ``MAX_MINOR``.
        NotHeld: less than ``amount`` is held.
    """
    check_amount(amount)
    holding = _live(account_id, amount).filter(held_minor__gte=amount.minor)
    if not holding.update(held_minor=F("held_minor") - amount.minor):
        _usable(account_id, amount)
        raise NotHeld


def close(account_id: int, *, now: datetime) -> None:
    """Close an empty guarded account for good; closing it again changes nothing.

    Raises ``AccountNotEmpty`` while it has a balance.
    """
    empty = Account.objects.filter(pk=account_id, guarded=True, balance_minor=0, held_minor=0)
    if not (empty.filter(closed_at=None).update(closed_at=now) or empty.exists()):
        raise AccountNotEmpty


def _by_key(postings: Iterable[Posting]) -> dict[str, Posting]:
    by_key: dict[str, Posting] = {}
    for posting in postings:
        check_amount(posting.amount)
        if by_key.setdefault(posting.key, posting) != posting:
            raise KeyReused
    # Two runs that insert the same keys wait for each other in one direction only.
    return dict(sorted(by_key.items()))


def _lock(postings: Collection[Posting]) -> dict[int, Account]:
    """Return the accounts of ``postings`` by id, the guarded ones locked until the end."""
    ids = {p.source_id for p in postings} | {p.target_id for p in postings}
    # In primary-key order, so that two opposite postings cannot deadlock. NO KEY, so that
    # inserting a transfer elsewhere, which checks that the account exists, need not wait.
    guarded = Account.objects.filter(pk__in=ids, guarded=True).order_by("pk")
    accounts = {account.pk: account for account in guarded.select_for_update(no_key=True)}
    return accounts | Account.objects.in_bulk(ids - accounts.keys())


def _check_currencies(postings: Iterable[Posting], accounts: Mapping[int, Account]) -> None:
    for posting in postings:
        currency = posting.amount.currency
        if not (
            accounts[posting.source_id].currency == accounts[posting.target_id].currency == currency
        ):
            raise CurrencyMismatch


def _insert(postings: Collection[Posting], now: datetime) -> list[str]:
    """Insert the transfers that are new, and return their keys."""
    columns: list[list[str] | list[int]] = [
        [p.key for p in postings],
        [str(p.kind) for p in postings],
        [p.source_id for p in postings],
        [p.target_id for p in postings],
        [p.amount.minor for p in postings],
        [p.amount.currency for p in postings],
    ]
    with connection.cursor() as cursor:
        cursor.execute(INSERT_TRANSFERS, [now, *columns])
        return [key for (key,) in cursor.fetchall()]


def _check_replays(by_key: Mapping[str, Posting], new: Iterable[str]) -> None:
    replayed = Transfer.objects.filter(key__in=by_key.keys() - set(new))
    for transfer in replayed:
        posting = by_key[transfer.key]
        if (transfer.kind, transfer.source_id, transfer.target_id, transfer.amount) != (
            posting.kind,
            posting.source_id,
            posting.target_id,
            posting.amount,
        ):
            raise KeyReused


def _move(postings: Iterable[Posting], accounts: Mapping[int, Account]) -> None:
    """Change the guarded balances and holds by what ``postings`` say, after the last checks."""
    balance_change: defaultdict[int, int] = defaultdict(int)
    held_change: defaultdict[int, int] = defaultdict(int)
    for posting in postings:
        if accounts[posting.source_id].closed_at or accounts[posting.target_id].closed_at:
            raise AccountClosed
        balance_change[posting.source_id] -= posting.amount.minor
        balance_change[posting.target_id] += posting.amount.minor
        if posting.from_held:
            held_change[posting.source_id] -= posting.amount.minor
    for account_id, change in balance_change.items():
        account = accounts[account_id]
        held_minor = account.held_minor + held_change[account_id]
        if held_minor < 0:
            raise NotHeld
        missing_minor = held_minor - (account.balance_minor + change)
        if account.guarded and missing_minor > 0:
            raise InsufficientFunds(missing=Money(missing_minor, account.currency))
    guarded = [pk for pk in balance_change if accounts[pk].guarded]
    columns = [guarded, [balance_change[pk] for pk in guarded], [held_change[pk] for pk in guarded]]
    with connection.cursor() as cursor:
        cursor.execute(UPDATE_BALANCES, columns)


def _live(account_id: int, amount: Money) -> QuerySet[Account]:
    return Account.objects.filter(pk=account_id, currency=amount.currency, closed_at=None)


def _usable(account_id: int, amount: Money) -> Account:
    """Return the account, or say why it could not be used at all."""
    account = Account.objects.get(pk=account_id)
    if account.currency != amount.currency:
        raise CurrencyMismatch
    if account.closed_at:
        raise AccountClosed
    return account
