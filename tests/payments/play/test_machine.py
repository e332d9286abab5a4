"""Nothing is made or lost: whatever happens in the bank, all money can be accounted for."""

from __future__ import annotations

from contextlib import suppress

import stripe
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from payments.play import world
from payments.play.errors import NotPossible
from payments.play.faults import USUAL
from payments.play.state import PLATFORM
from payments.play.store import MemoryStore, Query
from tests.payments.play.bank import (
    available,
    new_bank,
    pay_out,
    payment_of,
    pending,
    recipient,
    send,
)

amounts = st.integers(1, 5_000)
picks = st.integers(0, 5)


class BankMachine(RuleBasedStateMachine):
    """Random deeds of workers, payers, banks and the platform, some of them faulty or refused."""

    def __init__(self) -> None:
        super().__init__()
        self.bank = new_bank(MemoryStore())
        self.workers = [recipient(self.bank), recipient(self.bank)]
        self.keys = 0

    def rows(self, kind, account=PLATFORM):
        store = self.bank.server.state.store
        return [row.data for row in store.find(Query(account, kind), limit=10_000)]

    def pick(self, kind, number, account=PLATFORM):
        rows = self.rows(kind, account)
        return rows[number % len(rows)] if rows else None

    @rule(amount=amounts)
    def pay(self, amount):
        payment_of(self.bank, amount)

    @rule()
    def settle(self):
        world.settle(self.bank.server)

    @rule(amount=amounts)
    def top_up(self, amount):
        self.bank.stripe.v1.topups.create({"amount": amount, "currency": "usd"})

    @rule(amount=amounts, number=picks, kind=st.sampled_from([None, *USUAL]))
    def transfer(self, amount, number, kind):
        if kind:
            self.bank.server.faults.fail_next("post", "/v1/transfers", kind)
        before, worker = available(self.bank), self.workers[number % 2]
        asked = {"amount": amount, "currency": "usd", "destination": worker}
        self.keys += 1
        # Tried until there is an answer, as the outbox does.
        for _ in range(2):
            with suppress(stripe.RateLimitError, stripe.InvalidRequestError):
                self.bank.stripe.v1.transfers.create(asked, {"idempotency_key": str(self.keys)})
        assert available(self.bank) == before - (amount if amount <= before else 0)

    @rule(amount=amounts, number=picks)
    def reverse(self, amount, number):
        transfer = self.pick("transfer", number)
        if transfer:
            with suppress(stripe.InvalidRequestError):
                self.bank.stripe.v1.transfers.reversals.create(transfer["id"], {"amount": amount})

    @rule(amount=amounts, number=picks)
    def pay_out(self, amount, number):
        with suppress(stripe.InvalidRequestError):
            pay_out(self.bank, self.workers[number % 2], amount)

    @rule(number=picks, ok=st.booleans())
    def settle_payout(self, number, ok):
        payout = self.pick("payout", number, self.workers[number % 2])
        if payout:
            with suppress(NotPossible):
                world.settle_payout(self.bank.server, payout["id"], ok=ok)

    @rule(amount=amounts, number=picks)
    def refund(self, amount, number):
        charge = self.pick("charge", number)
        if charge:
            with suppress(stripe.InvalidRequestError):
                self.bank.stripe.v1.refunds.create({"charge": charge["id"], "amount": amount})

    @rule(number=picks, ok=st.booleans())
    def settle_refund(self, number, ok):
        refund = self.pick("refund", number)
        if refund:
            with suppress(NotPossible):
                world.settle_refund(self.bank.server, refund["id"], ok=ok)

    @rule(number=picks)
    def open_dispute(self, number):
        charge = self.pick("charge", number)
        if charge:
            with suppress(NotPossible):
                world.open_dispute(self.bank.server, charge["id"])

    @rule(number=picks, won=st.booleans())
    def close_dispute(self, number, won):
        dispute = self.pick("dispute", number)
        if dispute:
            with suppress(NotPossible):
                world.close_dispute(self.bank.server, dispute["id"], won=won)

    @precondition(lambda self: self.rows("balance"))
    @invariant()
    def all_money_is_accounted_for(self):
        paid_in = sum(it["amount"] for it in self.rows("charge") + self.rows("topup"))
        refunded = sum(it["amount"] for it in self.rows("refund") if self.has_left(it))
        paid_out = sum(
            it["amount"]
            for worker in self.workers
            for it in self.rows("payout", worker)
            if it["status"] != "failed"
        )
        disputed = sum(it["amount"] for it in self.rows("dispute") if it["status"] != "won")
        fees = sum(it["fee"] for it in self.rows("balance_transaction"))
        held = available(self.bank) + pending(self.bank)
        held += sum(available(self.bank, worker) for worker in self.workers)
        assert held + paid_out + refunded + disputed + fees == paid_in

    @staticmethod
    def has_left(refund):
        return refund["balance_transaction"] and refund["status"] != "failed"

    @invariant()
    def no_worker_owes(self):
        assert all(available(self.bank, worker) >= 0 for worker in self.workers)

    @invariant()
    def balances_are_the_sums_of_their_transactions(self):
        for account in (PLATFORM, *self.workers):
            booked = self.rows("balance_transaction", account)
            option = None if account == PLATFORM else account
            there = [it["net"] for it in booked if it["status"] == "available"]
            assert sum(there) == available(self.bank, option)

    @invariant()
    def no_charge_gives_back_more_than_it_was(self):
        assert all(0 <= it["amount_refunded"] <= it["amount"] for it in self.rows("charge"))


TestBank = BankMachine.TestCase
TestBank.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)


def test_a_transfer_that_fails_is_not_half_done():
    """The law of the machine in one example, without the machine."""
    bank = new_bank(MemoryStore(), retries=0)
    worker = recipient(bank)
    payment_of(bank, 1_000)
    world.settle(bank.server)
    bank.server.faults.fail_next("post", "/v1/transfers", "timeout_after")

    with suppress(stripe.APIConnectionError):
        send(bank, worker, 41)

    assert (available(bank), available(bank, worker)) == (900, 41)
