"""Every flow of money against a model that is one dictionary of integers, in any order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from payments import audit, ledger, rollups, seals
from payments.errors import KeyReused, NotHeld
from payments.models import Dispute, Funding, Payout, Refund, Transfer
from payments.money import Money, fee_on
from tests.factories import NOON
from tests.payments.flows import CURRENCIES, Books, Leg

currencies = st.sampled_from(CURRENCIES)
amounts = st.integers(1, 120)
few = st.integers(0, 5)  # which of the payouts, refunds or disputes that can take a step

# What one posting does alone: kind, source and target.
SIMPLE = [
    ("deposit", "world", "wallet"),
    ("deposit", "provider_pending", "wallet"),
    ("available", "provider_available", "provider_pending"),
    ("treasury", "provider_available", "world"),
    ("allocate", "wallet", "escrow"),
    ("set_aside", "wallet", "reserve"),
    ("bonus", "wallet", "earnings"),
    ("refund", "escrow", "wallet"),
    ("refund", "reserve", "wallet"),
    ("review_pay", "review_pay", "earnings"),
]
# Each step of a payout: the status before and after, and the legs.
STEPS = {
    "send": ("requested", "sending", []),
    "sent": (
        "sending",
        "sent",
        [
            ("sent", "payouts_in_transit", "connected"),
            ("sent_funds", "connected_funds", "provider_available"),
        ],
    ),
    "refused": ("sending", "failed", [("payout_return", "payouts_in_transit", "earnings")]),
    "by hand": ("requested", "paid", [("withdraw", "payouts_in_transit", "world")]),
    "pay": ("sent", "paying", []),
    "paid": ("paying", "paid", [("withdraw", "connected", "connected_funds")]),
    "failed": ("paying", "returned", []),
    "returned": ("paid", "returned", [("withdraw_return", "connected_funds", "connected")]),
    "again": ("returned", "paying", []),
    "reversed": (
        "sent",
        "failed",
        [
            ("reverse", "connected", "earnings"),
            ("reverse_funds", "provider_available", "connected_funds"),
        ],
    ),
}


class FlowMachine(RuleBasedStateMachine):
    """Every rule does one step in the ledger and in the model, with the rows that say why."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.books = Books()
        self.posted = []
        self.fundings = {currency: self.funding(currency) for currency in CURRENCIES}
        for currency in CURRENCIES:
            self.a_batch_begins(currency)

    def a_batch_begins(self, currency) -> None:
        """Money in every place that money is taken from, so that most steps can be taken."""
        self.post(
            currency,
            Leg("deposit", "provider_pending", "wallet", 2_000),
            Leg("available", "provider_available", "provider_pending", 1_500),
            Leg("allocate", "wallet", "escrow", 800),
            Leg("set_aside", "wallet", "reserve", 150),
            Leg("bonus", "wallet", "earnings", 300),
        )
        self.hold(currency, 600)

    def hold(self, currency, minor) -> None:
        ledger.hold(self.books.ids["escrow", currency], Money(minor, currency))
        self.books.held["escrow", currency] += minor

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def funding(self, currency) -> Funding:
        return Funding.objects.create(
            owner_id=self.books.requester, amount_minor=1, currency=currency, created_at=NOON
        )

    def post(self, currency, *legs):
        done = self.books.post(currency, *legs)
        if done:
            self.posted.append(done)
        return done

    @rule(flow=st.sampled_from(SIMPLE), currency=currencies, minor=amounts)
    def money_moves_alone(self, flow, currency, minor):
        self.post(currency, Leg(*flow, minor))

    @rule(currency=currencies, minor=amounts)
    def a_card_pays(self, currency, minor):
        fee = ("provider_fee", "provider_fees", "provider_pending")
        deposit = ("deposit", "provider_pending", "wallet")
        self.post(currency, Leg(*deposit, 4 * minor), Leg(*fee, minor // 10))

    @rule(currency=currencies, minor=amounts)
    def a_slot_opens(self, currency, minor):
        if minor <= self.books.free("escrow", currency):
            self.hold(currency, minor)

    @rule(currency=currencies, minor=amounts)
    def a_slot_closes(self, currency, minor):
        account = self.books.ids["escrow", currency]
        if minor <= self.books.held["escrow", currency]:
            ledger.release(account, Money(minor, currency))
            self.books.held["escrow", currency] -= minor
            return
        with pytest.raises(NotHeld), transaction.atomic():
            ledger.release(account, Money(minor, currency))

    @rule(currency=currencies, minor=amounts)
    def an_answer_is_accepted(self, currency, minor):
        fee = fee_on(minor, 1500)
        reward = Leg("reward", "escrow", "earnings", minor, from_held=True)
        self.post(currency, reward, Leg("fee", "escrow", "fees", fee, from_held=True))

    @rule(currency=currencies, minor=amounts, from_held=st.booleans())
    def effort_is_paid(self, currency, minor, from_held):
        self.post(currency, Leg("effort", "escrow", "earnings", minor, from_held))

    @rule(currency=currencies, minor=amounts)
    def pay_is_topped_up_from_the_reserve_and_the_guarantee(self, currency, minor):
        there = min(minor, self.books.free("reserve", currency))
        reserve, owed = ("top_up", "reserve", "earnings"), ("top_up", "receivable", "earnings")
        self.post(currency, Leg(*reserve, there), Leg(*owed, minor - there))

    @rule(currency=currencies, source=st.sampled_from(["wallet", "guarantees", "dispute_losses"]))
    def a_debt_ends(self, currency, source):
        debt = -self.books.balance["receivable", currency]
        kind = "collect" if source == "wallet" else "write_off"
        there = min(debt, self.books.free("wallet", currency)) if source == "wallet" else debt
        self.post(currency, Leg(kind, source, "receivable", there))

    @rule(currency=currencies, minor=amounts)
    def a_payout_is_asked_for(self, currency, minor):
        if self.post(currency, Leg("payout", "earnings", "payouts_in_transit", minor)):
            Payout.objects.create(
                owner_id=self.books.worker,
                amount_minor=minor,
                currency=currency,
                requested_at=NOON,
            )

    @precondition(lambda self: Payout.objects.exclude(status="failed").exists())
    @rule(which=few, choice=few)
    def a_payout_goes_on(self, which, choice):
        payout = self.one_of(Payout.objects.exclude(status="failed"), which)
        possible = [step for step in STEPS.values() if step[0] == payout.status]
        self.take(payout, *possible[choice % len(possible)])

    def take(self, payout, before, after, flows):
        assert payout.status == before
        self.post(payout.currency, *(Leg(*flow, payout.amount_minor) for flow in flows))
        ended = NOON if after in {"paid", "failed"} else None
        Payout.objects.filter(pk=payout.pk).update(status=after, settled_at=ended)

    @rule(currency=currencies, minor=amounts)
    def a_refund_is_asked_for(self, currency, minor):
        if self.post(currency, Leg("withdrawal", "wallet", "refunds_in_transit", minor)):
            Refund.objects.create(
                funding=self.fundings[currency], amount_minor=minor, requested_at=NOON
            )

    @precondition(lambda self: Refund.objects.filter(status="requested").exists())
    @rule(which=few, arrives=st.booleans())
    def a_refund_ends(self, which, arrives):
        waiting = Refund.objects.filter(status="requested").select_related("funding")
        refund = self.one_of(waiting, which)
        kind, target, status = (
            ("withdrawal_paid", "provider_available", "paid")
            if arrives
            else ("withdrawal_return", "wallet", "failed")
        )
        leg = Leg(kind, "refunds_in_transit", target, refund.amount_minor)
        self.post(refund.funding.currency, leg)
        Refund.objects.filter(pk=refund.pk).update(status=status, settled_at=NOON)

    @rule(currency=currencies, minor=amounts)
    def a_payment_is_disputed(self, currency, minor):
        frozen = min(minor, self.books.free("wallet", currency))
        self.post(
            currency,
            Leg("dispute", "disputed_funds", "provider_available", minor),
            Leg("provider_fee", "provider_fees", "provider_available", 15),
            Leg("freeze", "wallet", "dispute_reserve", frozen),
        )
        Dispute.objects.create(
            funding=self.fundings[currency],
            dispute_id=f"dispute {Dispute.objects.count()}",
            amount_minor=minor,
            frozen_minor=frozen,
            opened_at=NOON,
        )

    @precondition(lambda self: Dispute.objects.filter(status="open").exists())
    @rule(which=few, won=st.booleans())
    def a_dispute_ends(self, which, won):
        open_ = Dispute.objects.filter(status="open").select_related("funding")
        dispute = self.one_of(open_, which)
        short = dispute.amount_minor - dispute.frozen_minor
        legs = (
            [
                Leg("dispute_won", "provider_available", "disputed_funds", dispute.amount_minor),
                Leg("unfreeze", "dispute_reserve", "wallet", dispute.frozen_minor),
            ]
            if won
            else [
                Leg("dispute_lost", "dispute_reserve", "disputed_funds", dispute.frozen_minor),
                Leg("dispute_lost", "receivable", "disputed_funds", short),
            ]
        )
        self.post(dispute.funding.currency, *legs)
        status = "won" if won else "lost"
        Dispute.objects.filter(pk=dispute.pk).update(status=status, closed_at=NOON)

    @precondition(lambda self: self.posted)
    @rule(data=st.data())
    def something_is_posted_again(self, data):
        postings = data.draw(st.sampled_from(self.posted))

        assert ledger.post_all(reversed(postings), now=NOON) == 0

    @precondition(lambda self: self.posted)
    @rule(data=st.data())
    def a_key_is_used_for_something_else(self, data):
        first, *rest = data.draw(st.sampled_from(self.posted))
        other = replace(first, amount=first.amount + Money(1, first.amount.currency))

        with pytest.raises(KeyReused), transaction.atomic():
            ledger.post_all([other, *rest], now=NOON)

    @rule()
    def the_night_comes(self):
        rollups.roll_up(NOON)
        self.books.moved |= self.books.ids.keys()
        seals.seal(NOON)
        assert seals.verify() is None

    @invariant()
    def every_balance_is_that_of_the_model(self):
        self.books.compare()

    @invariant()
    def the_audit_finds_nothing(self):
        assert audit.imbalances() == []

    @staticmethod
    def one_of(rows, which):
        found = list(rows.order_by("pk"))
        return found[which % len(found)]


@pytest.mark.django_db
def test_every_flow_of_money_agrees_with_a_dictionary_of_integers():
    run(
        FlowMachine,
        settings=settings(
            max_examples=20,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.django_db
@pytest.mark.parametrize("currency", CURRENCIES)
def test_a_day_with_every_kind_of_transfer(currency):
    day = FlowMachine()
    for flow in SIMPLE:
        day.money_moves_alone(flow, currency, 20)
    day.a_card_pays(currency, 100)
    day.an_answer_is_accepted(currency, 100)
    day.effort_is_paid(currency, 5, from_held=True)
    day.pay_is_topped_up_from_the_reserve_and_the_guarantee(currency, 200)
    day.a_debt_ends(currency, "wallet")
    for step in ["by hand", "refused", "reversed", "returned"]:
        day.a_payout_is_asked_for(currency, 10)
        for each in [*WAYS[step], step]:
            day.take(Payout.objects.latest("pk"), *STEPS[each])
    for good in [True, False]:
        day.a_refund_is_asked_for(currency, 10)
        day.a_refund_ends(0, arrives=good)
        day.a_payment_is_disputed(currency, 30)
        day.a_dispute_ends(0, won=good)
    day.a_payment_is_disputed(currency, 5_000)
    day.a_dispute_ends(0, won=False)
    day.a_debt_ends(currency, "dispute_losses")
    day.the_night_comes()

    assert set(Transfer.objects.values_list("kind", flat=True)) == set(Transfer.Kind.values)
    day.every_balance_is_that_of_the_model()
    day.the_audit_finds_nothing()
    day.teardown()


# The steps before a payout's last one.
WAYS = {
    "by hand": [],
    "refused": ["send"],
    "reversed": ["send", "sent"],
    "returned": ["send", "sent", "pay", "paid"],
}
