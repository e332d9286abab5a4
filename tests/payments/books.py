"""What the tests of payments start from: people with money, made through the front door."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

from django.contrib.auth import get_user_model
from django.db import connection

from payments import accounts, ledger
from payments.deposits import deposit
from payments.ledger import Posting
from payments.models import Account, Transfer
from payments.money import Money

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
Kind = Transfer.Kind

numbers = itertools.count(1)


def usd(cents: int) -> Money:
    return Money(cents, "USD")


def new_user() -> int:
    """Return the id of somebody new."""
    user = get_user_model().objects.create_user(username=f"payee{next(numbers)}")
    return user.pk


def posting(source: Account, target: Account, cents: int, **terms) -> Posting:
    """A posting in the source's currency; its key is new unless the test names it."""
    terms = {"key": f"test:{next(numbers)}", "kind": Kind.BONUS, **terms}
    amount = Money(cents, source.currency)
    return Posting(source_id=source.pk, target_id=target.pk, amount=amount, **terms)


def wallet_with(cents: int) -> Account:
    owner = new_user()
    deposit(owner_id=owner, amount=usd(cents), reference=f"bank {next(numbers)}", now=NOON)
    return accounts.wallet_of(owner, "USD")


def escrow_with(cents: int, *, held: int = 0) -> Account:
    escrow = accounts.open_escrow("USD")
    allocation = posting(wallet_with(cents), escrow, cents, kind=Kind.ALLOCATE)
    ledger.post(allocation, now=NOON)
    if held:
        ledger.hold(escrow.pk, usd(held))
    return reread(escrow)


def earnings_with(cents: int) -> Account:
    earnings = accounts.earnings_of(new_user(), "USD")
    ledger.post(posting(wallet_with(cents), earnings, cents), now=NOON)
    return reread(earnings)


def reread(account: Account) -> Account:
    return Account.objects.get(pk=account.pk)


def at_once(calls: Sequence[Callable[[], object]]) -> list[object]:
    """Start all calls together, each in a thread with its own connection.

    Returns what each returned or raised, in the order of ``calls``.
    """
    barrier = Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        try:
            barrier.wait(timeout=30)
            return call()
        except Exception as error:  # noqa: BLE001  (it is the result: the tests look at it)
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))
