"""Whatever order events come in, and however often: the books end the same, and they balance."""

from __future__ import annotations

import itertools
import random
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import transaction

from payments import audit, fundings, operations, payouts, refunds, webhooks
from payments.models import Dispute, Funding, Incident, Payout, Refund
from payments.play import world
from payments.play.state import Rules
from tests import factories
from tests.factories import fresh, usd
from tests.payments.stripe_world import Bank, books, connected, earned, funded, objects

pytestmark = pytest.mark.django_db


@contextmanager
def undone():
    """What the block writes is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def delivered(bank: Bank, events: list[dict], seed: int) -> None:
    """Deliver events in this order, each one to three times, and look into each as it comes."""
    chance = random.Random(seed)
    for event in events:
        for _ in range(chance.randint(1, 3)):
            webhooks.keep(event, source="webhook", now=bank.now)
            webhooks.look_into(event["id"], bank.client, now=bank.now)
        if chance.random() < 0.3:
            repeated = chance.choice(events[: events.index(event) + 1])["id"]
            webhooks.look_into(repeated, bank.client, now=bank.now)


def statuses() -> list[tuple]:
    return [
        *Funding.objects.order_by("pk").values_list("status", "fee_minor", "refundable_minor"),
        *Refund.objects.order_by("pk").values_list("status", "refund_id"),
        *Dispute.objects.order_by("pk").values_list("status", "fee_minor", "frozen_minor"),
        *Payout.objects.order_by("pk").values_list("status", "tries", "reference", "transfer_id"),
    ]


def ends(bank: Bank, events: list[dict]) -> set[str]:
    """The different ends that all orders of ``events`` come to."""
    found = set()
    start = bank.now
    for seed, order in enumerate(itertools.permutations(events)):
        with undone():
            bank.now = start
            delivered(bank, list(order), seed)
            for _ in range(4):  # what had to wait, and the answers to the calls
                bank.later(minutes=3)
                _jobs(bank)
            assert audit.imbalances() == []
            assert not Incident.objects.exists()
            found.add(repr((sorted(books().items(), key=str), statuses())))
    bank.now = start
    return found


def _jobs(bank: Bank) -> None:
    operations.make_due(bank.client, now=bank.now)
    webhooks.look_into_due(bank.client, now=bank.now)


def of_types(events: list[dict], *types: str) -> list[dict]:
    found = [event for event in events if event["type"] in types]
    assert {event["type"] for event in found} == set(types)
    return found


def a_payment_nobody_told_us_of(bank: Bank) -> None:
    """A checkout that was made, whose answer got lost, and which was then paid."""
    fundings.start(
        owner_id=factories.a_requester().pk,
        amount=usd(1000),
        return_url="https://example.org/back",
        now=bank.now,
    )
    bank.server.faults.fail_next("post", "/v1/checkout/sessions", "timeout_after")
    bank.work()
    world.pay_session(bank.server, objects(bank, "checkout.session")[0]["id"])


@pytest.mark.parametrize("won", [True, False])
def test_a_payment_and_its_dispute_in_every_order(won):
    bank = Bank()
    a_payment_nobody_told_us_of(bank)
    charge = objects(bank, "charge")[0]
    dispute = world.open_dispute(bank.server, charge["id"])
    world.close_dispute(bank.server, dispute["id"], won=won)
    moved = "charge.dispute.funds_reinstated" if won else "charge.dispute.funds_withdrawn"
    events = of_types(
        bank.news(),
        "checkout.session.completed",
        "payment_intent.succeeded",
        "charge.dispute.created",
        moved,
        "charge.dispute.closed",
    )

    (end,) = ends(bank, events)

    assert ("'won'" in end) is won
    assert ("'wallet'" in end) is won  # else it is gone, and nothing is owed
    assert "'receivable'" not in end


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_refund_in_every_order_before_its_call_is_answered(comes_back):
    bank = Bank(rules=Rules(settles_after=timedelta(0), refunds_wait=True))
    funding = funded(bank, 1000)
    refunds.withdraw(owner_id=funding.owner_id, amount=usd(400), now=bank.now)
    bank.server.faults.fail_next("post", "/v1/refunds", "timeout_after")
    bank.work()
    name = objects(bank, "refund")[0]["id"]
    told = bank.news()
    world.settle_refund(bank.server, name)
    if comes_back:
        world.settle_refund(bank.server, name, ok=False)
    told += bank.news()
    later = ["refund.failed"] if comes_back else []

    (end,) = ends(bank, of_types(told, "refund.updated", *later))

    assert ("'failed'" in end) is comes_back


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_payout_in_every_order_before_its_call_is_answered(comes_back):
    bank = Bank()
    funded(bank, 5000)
    owner = factories.a_worker().user
    earned(owner, 1000)
    connected(bank, owner)
    payout = payouts.request(owner_id=owner.pk, amount=usd(1000), now=bank.now)
    payouts.send_due(now=bank.now)
    bank.work()
    told = of_types(
        [row for row in objects(bank, "event") if row["type"] == "transfer.created"],
        "transfer.created",
    )
    bank.later(seconds=1)
    bank.server.faults.fail_next("post", "/v1/payouts", "timeout_after")
    webhooks.look_into_due(bank.client, now=bank.now)
    _jobs(bank)
    account = fresh(payout).owner.connected_account.stripe_account_id
    name = objects(bank, "payout", account)[0]["id"]
    world.settle_payout(bank.server, name)
    if comes_back:
        world.settle_payout(bank.server, name, ok=False)
    types = ["payout.created", "payout.paid", *(["payout.failed"] if comes_back else [])]
    told += of_types(bank.news(), *types)

    (end,) = ends(bank, told)

    assert ("'returned', 1" if comes_back else "'paid', 1") in end
    assert ("'connected'" in end) is comes_back


def test_a_transfer_is_heard_of_before_its_call_is_answered():
    bank = Bank()
    funded(bank, 5000)
    owner = factories.a_worker().user
    earned(owner, 1000)
    connected(bank, owner)
    payout = payouts.request(owner_id=owner.pk, amount=usd(1000), now=bank.now)
    payouts.send_due(now=bank.now)
    bank.server.faults.fail_next("post", "/v1/transfers", "timeout_after")
    bank.work()  # the call, its event, and no answer

    assert fresh(payout).status == "sent"
    bank.run(3)
    assert len(objects(bank, "transfer")) == 1
    assert fresh(payout).status == "paying"
    assert not Incident.objects.exists()


@pytest.mark.parametrize("seed", range(12))
def test_news_that_comes_late_and_mixed_while_the_world_goes_on(seed):
    """The bank's steps in their order; between them, some of what it told so far, in any order."""
    bank = Bank()
    chance = random.Random(seed)
    waiting: list[dict] = []

    def some_news():
        waiting.extend(bank.news())
        chance.shuffle(waiting)
        now, rest = waiting[: len(waiting) // 2], waiting[len(waiting) // 2 :]
        delivered(bank, now, seed)
        waiting[:] = rest + [event for event in now if chance.random() < 0.3]  # and again later
        bank.later(minutes=1)
        _jobs(bank)

    a_payment_nobody_told_us_of(bank)
    some_news()
    charge = objects(bank, "charge")[0]
    dispute = world.open_dispute(bank.server, charge["id"], amount_minor=700)
    some_news()
    world.close_dispute(bank.server, dispute["id"], won=False)
    some_news()
    delivered(bank, waiting + bank.news(), seed)
    for _ in range(4):
        bank.later(minutes=10)
        _jobs(bank)
    funding = Funding.objects.get()

    assert audit.imbalances() == []
    assert books() == {
        ("provider_available", None, "USD"): books()[("provider_available", None, "USD")],
        ("provider_pending", None, "USD"): -(1000 - 59),
        ("provider_fees", None, "USD"): -(59 + 1500),
        ("wallet", funding.owner_id, "USD"): 300,
    }
    assert funding.refundable_minor == 300
