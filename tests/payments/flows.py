"""The books of one requester, one worker and one batch in each of two currencies, as a dictionary.

``Books`` posts legs to the ledger and to the dictionary, and says whether both agree.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
from django.db import transaction

from payments import accounts, balances, ledger
from payments.errors import InsufficientFunds, NotHeld
from payments.ledger import Posting
from payments.models import Account, Transfer
from payments.models.books import GUARDED, SHARED
from payments.money import Money
from tests.factories import NOON
from tests.payments.books import new_user

Kind = Transfer.Kind
CURRENCIES = ["USD", "JPY"]  # one of them without decimals
OF_A_REQUESTER = ["wallet", "refunds_in_transit", "dispute_reserve", "receivable"]
OF_A_WORKER = ["earnings", "payouts_in_transit", "connected"]
OF_A_BATCH: dict[str, Callable[[str], Account]] = {
    "escrow": accounts.open_escrow,
    "reserve": accounts.open_reserve,
}


class Leg(NamedTuple):
    """One transfer to be: purposes of accounts, and minor units."""

    kind: str
    source: str
    target: str
    minor: int
    from_held: bool = False


class Books:
    def __init__(self) -> None:
        self.requester, self.worker = new_user(), new_user()
        self.ids = {place: self._account(*place).pk for place in self._places()}
        self.balance = dict.fromkeys(self.ids, 0)
        self.held = dict.fromkeys(self.ids, 0)
        self.moved: set[tuple[str, str]] = set()  # since the last comparison
        self.keys = itertools.count(1)

    @staticmethod
    def _places() -> list[tuple[str, str]]:
        purposes = [*OF_A_REQUESTER, *OF_A_WORKER, *OF_A_BATCH, *SHARED]
        return list(itertools.product(purposes, CURRENCIES))

    def _account(self, purpose: str, currency: str) -> Account:
        if purpose in OF_A_BATCH:
            return OF_A_BATCH[purpose](currency)
        if purpose in SHARED:
            return getattr(accounts, purpose)(currency)
        owner = self.worker if purpose in OF_A_WORKER else self.requester
        name = {"wallet": "wallet_of", "earnings": "earnings_of"}.get(purpose, purpose)
        return getattr(accounts, name)(owner, currency)

    def free(self, purpose: str, currency: str) -> int:
        return self.balance[purpose, currency] - self.held[purpose, currency]

    def post(self, currency: str, *legs: Leg) -> list[Posting]:
        """Post the legs together where the dictionary says they can be, else expect a refusal.

        Returns what was posted, which is nothing after a refusal.
        """
        wanted = [leg for leg in legs if leg.minor]
        postings = [self.posting(currency, leg) for leg in wanted]
        before = dict(self.balance), dict(self.held)
        for leg in wanted:
            self._move(currency, leg)
        if self._can_be():
            with transaction.atomic():
                assert ledger.post_all(postings, now=NOON) == len(postings)
            return postings
        self.balance, self.held = before
        with pytest.raises((InsufficientFunds, NotHeld)), transaction.atomic():
            ledger.post_all(postings, now=NOON)
        return []

    def posting(self, currency: str, leg: Leg) -> Posting:
        return Posting(
            key=f"flow:{next(self.keys)}",
            kind=Kind(leg.kind),
            source_id=self.ids[leg.source, currency],
            target_id=self.ids[leg.target, currency],
            amount=Money(leg.minor, currency),
            from_held=leg.from_held,
        )

    def compare(self) -> None:
        """Compare every stored balance, and those that are summed where something moved."""
        rows = Account.objects.in_bulk(self.ids.values())
        for place, pk in self.ids.items():
            stored = (self.balance[place] if rows[pk].guarded else 0, self.held[place])
            assert (rows[pk].balance_minor, rows[pk].held_minor) == stored, place
        for place in self.moved:
            found = balances.balance_of(rows[self.ids[place]])
            assert found == Money(self.balance[place], place[1]), place
        for currency in CURRENCIES:
            assert sum(n for place, n in self.balance.items() if place[1] == currency) == 0
        self.moved.clear()

    def _move(self, currency: str, leg: Leg) -> None:
        self.balance[leg.source, currency] -= leg.minor
        self.balance[leg.target, currency] += leg.minor
        self.held[leg.source, currency] -= leg.minor * leg.from_held
        self.moved |= {(leg.source, currency), (leg.target, currency)}

    def _can_be(self) -> bool:
        places: Sequence[tuple[str, str]] = [place for place in self.ids if place[0] in GUARDED]
        return all(0 <= self.held[place] <= self.balance[place] for place in places)
