"""What the tests of payments start from: people with money, made through the front door."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection, transaction

from payments import accounts, ledger
from payments.deposits import deposit
from payments.ledger import Posting
from payments.models import Account, Transfer
from payments.money import Money
from tests.factories import NOON, a_user, usd

Kind = Transfer.Kind

numbers = itertools.count(1)


def new_user() -> int:
    """Return the id of somebody new."""
    return a_user().pk


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


def post(*postings: Posting) -> int:
    """Post in a savepoint, so that a test can look at what a refusal has left behind."""
    with transaction.atomic():
        return ledger.post_all(postings, now=NOON)


def balances(*accounts_: Account) -> list[int]:
    return [reread(account).balance_minor for account in accounts_]


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
