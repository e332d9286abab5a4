"""The ledger against a model that is one dictionary of integers, over any sequence of steps."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run

from payments import accounts, audit, ledger, payouts
from payments.deposits import deposit
from payments.errors import InsufficientFunds, KeyReused, NotHeld, PayoutSettled
from payments.ledger import Posting
from payments.models import Account, Payout
from tests.factories import NOON, usd
from tests.payments.books import Kind, new_user

people = st.integers(0, 1)  # Ann and Ben, who both publish and answer
places = st.sampled_from(["wallet 0", "wallet 1", "escrow 0", "escrow 1", "earnings 0", "fees"])
sources = places | st.just("earnings 1")
cents = st.integers(1, 120)
moves = st.tuples(sources, sources, cents, st.booleans()).filter(lambda move: move[0] != move[1])


class LedgerMachine(RuleBasedStateMachine):
    """Every rule does one step in the ledger and in the model, and compares the outcome."""

    posted = Bundle("posted")
    asked = Bundle("asked")

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.users = [new_user(), new_user()]
        self.ids = {"fees": accounts.fees("USD").pk, "world": accounts.world("USD").pk}
        for n, user in enumerate(self.users):
            self.ids[f"wallet {n}"] = accounts.wallet_of(user, "USD").pk
            self.ids[f"earnings {n}"] = accounts.earnings_of(user, "USD").pk
            self.ids[f"transit {n}"] = accounts.payouts_in_transit(user, "USD").pk
            self.ids[f"escrow {n}"] = accounts.open_escrow("USD").pk
        self.balance = dict.fromkeys(self.ids, 0)
        self.held = dict.fromkeys(self.ids, 0)
        self.status: dict[int, str] = {}
        self.keys = 0

    def teardown(self) -> None:
        assert audit.imbalances() == []
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    @rule(person=people, cents=cents)
    def money_arrives(self, person, cents):
        deposit(
            owner_id=self.users[person],
            amount=usd(cents),
            reference=self.new_key(),
            now=NOON,
        )
        self.move("world", f"wallet {person}", cents)

    @rule(target=posted, moves=st.lists(moves, min_size=1, max_size=4))
    def money_moves(self, moves):
        postings = [self.posting(*move) for move in moves]
        before = (dict(self.balance), dict(self.held))
        for source, target, cents, from_held in moves:
            self.move(source, target, cents)
            self.held[source] -= cents * from_held

        if self.is_possible():
            with transaction.atomic():
                assert ledger.post_all(postings, now=NOON) == len(postings)
            return postings
        self.balance, self.held = before
        with pytest.raises((InsufficientFunds, NotHeld)), transaction.atomic():
            ledger.post_all(postings, now=NOON)
        return []

    @rule(postings=posted)
    def it_is_posted_again(self, postings):
        assert ledger.post_all(reversed(postings), now=NOON) == 0

    @rule(postings=posted, move=moves)
    def a_key_is_reused(self, postings, move):
        rivals = [self.posting(*move, key=posting.key) for posting in postings]
        rivals = [rival for rival in rivals if not self.is_replay(rival, postings)]

        with self.refusal(KeyReused, when=bool(rivals)):
            ledger.post_all(rivals, now=NOON)

    @rule(place=places, cents=cents)
    def money_is_held(self, place, cents):
        available = self.balance[place] - self.held[place] if place != "fees" else 0
        fits = cents <= available

        with self.refusal(InsufficientFunds, when=not fits) as refusal:
            ledger.hold(self.ids[place], usd(cents))

        if fits:
            self.held[place] += cents
        else:
            assert refusal.value.missing == usd(cents - available)

    @rule(place=places, cents=cents)
    def money_is_released(self, place, cents):
        fits = cents <= self.held[place]

        with self.refusal(NotHeld, when=not fits):
            ledger.release(self.ids[place], usd(cents))

        self.held[place] -= cents * fits

    @rule(target=asked, person=people, cents=cents)
    def a_payout_is_asked_for(self, person, cents):
        earnings = f"earnings {person}"
        fits = cents <= self.balance[earnings] - self.held[earnings]
        payout = None

        with self.refusal(InsufficientFunds, when=not fits):
            payout = payouts.request(owner_id=self.users[person], amount=usd(cents), now=NOON)

        if payout:
            self.move(earnings, f"transit {person}", cents)
            self.status[payout.pk] = "requested"
        return payout

    @rule(payout=asked, verdict=st.sampled_from(["paid", "failed"]))
    def the_bank_answers(self, payout: Payout | None, verdict):
        if payout is None:
            return
        is_first = self.status[payout.pk] == "requested"
        person = self.users.index(payout.owner_id)

        with self.refusal(PayoutSettled, when=not is_first and self.status[payout.pk] != verdict):
            if verdict == "paid":
                payouts.settle_paid(payout_id=payout.pk, reference="bank", now=NOON)
            else:
                payouts.fail(payout_id=payout.pk, now=NOON)

        if is_first:
            target = "world" if verdict == "paid" else f"earnings {person}"
            self.move(f"transit {person}", target, payout.amount_minor)
            self.status[payout.pk] = verdict

    @invariant()
    def the_stored_balances_are_those_of_the_model(self):
        rows = Account.objects.in_bulk(self.ids.values())
        for place, pk in self.ids.items():
            expected = (self.balance[place], self.held[place]) if rows[pk].guarded else (0, 0)
            assert (rows[pk].balance_minor, rows[pk].held_minor) == expected, place

    @invariant()
    def no_money_is_made_or_lost(self):
        assert sum(self.balance.values()) == 0

    def new_key(self) -> str:
        self.keys += 1
        return f"machine:{self.keys}"

    def posting(self, source, target, cents, from_held, key=None) -> Posting:
        return Posting(
            key=key or self.new_key(),
            kind=Kind.BONUS,
            source_id=self.ids[source],
            target_id=self.ids[target],
            amount=usd(cents),
            from_held=from_held,
        )

    def move(self, source, target, cents) -> None:
        self.balance[source] -= cents
        self.balance[target] += cents

    def is_possible(self) -> bool:
        return self.held["fees"] == 0 and all(
            0 <= self.held[place] <= self.balance[place]
            for place in self.ids
            if place not in {"fees", "world"}
        )

    @staticmethod
    def is_replay(rival: Posting, postings: list[Posting]) -> bool:
        def terms(posting: Posting):
            return posting.key, posting.source_id, posting.target_id, posting.amount

        return terms(rival) in map(terms, postings)

    @staticmethod
    @contextmanager
    def refusal(error, *, when):
        if not when:
            with transaction.atomic():
                yield
            return
        with pytest.raises(error) as refusal, transaction.atomic():
            yield refusal


@pytest.mark.django_db
def test_the_ledger_agrees_with_a_dictionary_of_integers():
    run(
        LedgerMachine,
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
