"""Books and bank are held against each other; each thing that does not fit is told once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payments import audit, backfill, compare, disputes, fundings, payouts, reconcile, refunds
from payments.models import Incident, Payout, StripeEvent, StripeOperation, Watermark
from payments.play import balances as bank_balances
from payments.play import world
from payments.play.state import PLATFORM, Rules
from tests import factories
from tests.factories import fresh, usd
from tests.payments.stripe_world import Bank, books, connected, earned, funded, objects

pytestmark = pytest.mark.django_db


def reconciled(bank: Bank) -> list[str]:
    """What humans are told when all the jobs have run, twice, with nights between."""
    for _ in range(2):
        bank.work()
        bank.later(hours=3)
        backfill.read_events(bank.client, now=bank.now)
        bank.work()
        reconcile.read_transactions(bank.client, now=bank.now)
        reconcile.look_for_missing(bank.client, now=bank.now)
        bank.later(hours=9)
        world.settle_due(bank.server)
        reconcile.settle_transactions(bank.client, now=bank.now)
        compare.compare_platform(bank.client, now=bank.now)
        compare.compare_connected(bank.client, now=bank.now)
        backfill.ask_about_payouts(bank.client, now=bank.now)
        backfill.sync_accounts(bank.client, now=bank.now)
    assert audit.imbalances() == []
    return list(Incident.objects.order_by("pk").values_list("kind", flat=True))


def platform(bank: Bank) -> tuple[int, int]:
    """Pending and available at the bank, and the same in the books."""
    held = compare._held_by_provider(bank.client.v1.balance.retrieve()).get("USD", compare.Held())
    booked = compare._booked("USD")
    assert held == booked
    return tuple(held)


def a_paid_payout(bank: Bank, minor: int = 1000) -> Payout:
    owner = factories.a_worker().user
    earned(owner, minor)
    connected(bank, owner)
    payout = payouts.request(owner_id=owner.pk, amount=usd(minor), now=bank.now)
    payouts.send_due(now=bank.now)
    bank.run(3)
    world.settle_payout(bank.server, fresh(payout).reference)
    bank.run(2)
    return fresh(payout)


def test_a_site_that_never_asked_for_anything_has_nothing_to_reconcile():
    assert not reconcile.has_anything()


def test_a_quiet_day_agrees_to_the_cent():
    bank = Bank()
    funded(bank, 5000)
    assert a_paid_payout(bank).status == "paid"

    assert reconciled(bank) == []
    # 5,000 less the fee of 2.9 % and 30, less what was paid out
    assert platform(bank) == (0, 5000 - 175 - 1000)
    assert (
        Watermark.objects.get(pk=reconcile.READ).position
        == objects(bank, "balance_transaction")[-1]["id"]
    )


def test_what_is_pending_becomes_available_when_its_day_has_come():
    bank = Bank(rules=Rules(settles_after=timedelta(days=2)))
    funded(bank, 5000)
    reconcile.read_transactions(bank.client, now=bank.now)
    assert platform(bank) == (4825, 0)
    assert reconcile.settle_transactions(bank.client, now=bank.now) == 0

    bank.later(days=2)
    world.settle_due(bank.server)
    assert reconcile.settle_transactions(bank.client, now=bank.now) == 1
    assert platform(bank) == (0, 4825)
    assert reconcile.settle_transactions(bank.client, now=bank.now) == 0


def test_a_refund_out_of_pending_money_is_pending_too():
    bank = Bank(rules=Rules(settles_after=timedelta(days=2)))
    funding = funded(bank, 5000)
    refunds.withdraw(owner_id=funding.owner_id, amount=usd(1500), now=bank.now)
    bank.run(2)
    reconcile.read_transactions(bank.client, now=bank.now)
    assert platform(bank) == (4825 - 1500, 0)

    bank.later(days=2)
    world.settle_due(bank.server)
    reconcile.settle_transactions(bank.client, now=bank.now)
    assert platform(bank) == (0, 4825 - 1500)
    assert not Incident.objects.exists()


def test_a_refund_that_the_bank_has_not_confirmed_is_no_difference():
    bank = Bank(rules=Rules(settles_after=timedelta(0), refunds_wait=True))
    funding = funded(bank, 5000)
    refunds.withdraw(owner_id=funding.owner_id, amount=usd(1500), now=bank.now)
    bank.run(2)

    assert reconciled(bank) == []
    world.settle_refund(bank.server, objects(bank, "refund")[0]["id"])
    assert reconciled(bank) == []
    world.settle_refund(bank.server, objects(bank, "refund")[0]["id"], ok=False)
    assert reconciled(bank) == []
    assert platform(bank) == (0, 4825)


@pytest.mark.parametrize("won", [True, False])
def test_a_dispute_agrees_with_the_bank(won):
    bank = Bank()
    funding = funded(bank, 5000)
    dispute = world.open_dispute(bank.server, funding.charge_id)
    assert reconciled(bank) == []
    assert disputes.is_frozen(funding.owner_id)
    world.close_dispute(bank.server, dispute["id"], won=won)

    assert reconciled(bank) == []
    assert not disputes.is_frozen(funding.owner_id)
    assert platform(bank) == (0, 4825 - 1500 - (0 if won else 5000))


def test_the_operators_own_money_is_booked_when_it_is_seen():
    bank = Bank()
    funded(bank, 5000)
    bank.client.v1.topups.create({"amount": 700, "currency": "usd"})
    bank.client.v1.payouts.create({"amount": 100, "currency": "usd"})

    assert reconciled(bank) == []
    assert platform(bank) == (0, 4825 + 600)
    assert books()["world", None, "USD"] == 600


def test_a_lost_webhook_is_one_incident_and_its_payment_is_credited():
    bank = Bank()
    funding = funded(bank, 5000)
    assert reconciled(bank) == []
    late = funded_without_news(bank, 3000)

    assert reconciled(bank) == ["missed_webhook"]
    assert fresh(late).status == "paid"
    assert platform(bank) == (0, 4825 + 3000 - 117)
    told = Incident.objects.get().details
    assert told["count"] == StripeEvent.objects.filter(source="backfill").count()
    assert fresh(funding).status == "paid"


def funded_without_news(bank: Bank, minor: int):
    owner = factories.a_requester()
    funding = fundings.start(
        owner_id=owner.pk, amount=usd(minor), return_url="https://example.org", now=bank.now
    )
    bank.work()
    world.pay_session(bank.server, fresh(funding).session_id)
    bank.news()  # told to nobody
    return funding


def test_a_lost_webhook_is_made_up_for_by_the_transaction_alone():
    bank = Bank()
    funding = funded_without_news(bank, 3000)

    reconcile.read_transactions(bank.client, now=bank.now)

    assert fresh(funding).status == "paid"
    assert not Incident.objects.exists()


@pytest.mark.parametrize("is_marked", [True, False])
def test_a_transfer_that_was_doubled_by_hand_is_one_incident(is_marked):
    bank = Bank()
    funded(bank, 5000)
    payout = a_paid_payout(bank)
    again = {"amount": 1000, "currency": "usd", "destination": _account(payout)}
    if is_marked:
        again["metadata"] = {"payout": str(payout.pk)}
    bank.client.v1.transfers.create(again)

    assert reconciled(bank) == ["duplicate_transfer" if is_marked else "unknown_transaction"]
    assert Incident.objects.get().details["unbooked_minor"] == -1000
    assert fresh(payout).status == "paid"


def _account(payout: Payout) -> str:
    return payout.owner.connected_account.stripe_account_id


def test_a_changed_amount_is_one_incident():
    bank = Bank()
    funded(bank, 5000)
    row = objects(bank, "balance_transaction")[0]
    bank.state.save({**row, "amount": 4990, "net": row["net"] - 10})
    bank_balances.shift(bank.state, PLATFORM, "usd", available=-10)

    assert reconciled(bank) == ["amount_differs"]
    assert Incident.objects.get().details == {
        "type": "charge",
        "source": row["source"],
        "currency": "USD",
        "expected_minor": 4825,
        "found_minor": 4815,
        "unbooked_minor": -10,
    }


def test_a_payment_of_another_amount_than_was_asked_is_one_incident():
    bank = Bank()
    funding = funded_without_news(bank, 3000)
    session = bank.state.store.get(fresh(funding).session_id).data
    bank.state.save({**session, "amount_total": 3100})
    charge = objects(bank, "balance_transaction")[0]
    bank.state.save({**charge, "amount": 3100, "net": charge["net"] + 100})
    bank_balances.shift(bank.state, PLATFORM, "usd", available=100)
    for event in objects(bank, "event"):
        bank.tell(event)

    assert reconciled(bank) == ["funding_amount_differs"]
    assert fresh(funding).status == "processing" or fresh(funding).status == "created"


def test_money_that_vanishes_from_the_balance_alone_is_told_once_a_day():
    bank = Bank()
    funded(bank, 5000)
    bank_balances.shift(bank.state, PLATFORM, "usd", available=-10)

    for _ in range(3):
        compare.compare_platform(bank.client, now=bank.now)
        reconcile.read_transactions(bank.client, now=bank.now)
    assert Incident.objects.get().kind == "balance_differs"


def test_a_difference_that_was_gone_at_the_second_look_is_not_told():
    bank = Bank()
    funded_without_news(bank, 5000)
    assert compare.compare_platform(bank.client, now=bank.now) == 0
    reconcile.read_transactions(bank.client, now=bank.now)
    assert compare.compare_platform(bank.client, now=bank.now) == 0
    assert not Incident.objects.exists()


def test_money_that_is_missing_in_a_workers_account_is_told():
    bank = Bank()
    funded(bank, 5000)
    payout = a_paid_payout(bank)
    world.settle_payout(bank.server, payout.reference, ok=False)
    bank.run(2)
    bank_balances.shift(bank.state, _account(payout), "usd", available=-1)

    assert "connected_differs" in reconciled(bank)


def test_a_call_that_moved_nothing_is_told():
    bank = Bank()
    funded(bank, 5000)
    payout = a_paid_payout(bank)
    StripeOperation.objects.filter(kind="transfer").update(stripe_id="tr_lost")

    assert reconciled(bank) == ["operation_without_transaction"]
    assert fresh(payout).status == "paid"


def test_a_payout_whose_news_never_came_is_asked_about():
    bank = Bank()
    funded(bank, 5000)
    owner = factories.a_worker().user
    earned(owner, 1000)
    connected(bank, owner)
    payout = payouts.request(owner_id=owner.pk, amount=usd(1000), now=bank.now)
    payouts.send_due(now=bank.now)
    bank.run(3)
    world.settle_payout(bank.server, fresh(payout).reference)
    bank.news()
    bank.later(days=3)

    assert backfill.ask_about_payouts(bank.client, now=bank.now) == 1
    assert fresh(payout).status == "paid"
    assert backfill.ask_about_payouts(bank.client, now=bank.now) == 0


def test_less_than_is_owed_is_told_every_day():
    bank = Bank()
    funded(bank, 5000)  # the fee is the platform's to bear, and it has earned nothing
    assert compare.check_cover(bank.client, now=bank.now) == 1
    assert compare.check_cover(bank.client, now=bank.now) == 0
    bank.client.v1.topups.create({"amount": 175, "currency": "usd"})
    reconcile.read_transactions(bank.client, now=bank.now)

    assert compare.check_cover(bank.client, now=bank.later(days=1)) == 0
    assert Incident.objects.get().details == {
        "currency": "USD",
        "owed_minor": 5000,
        "held_minor": 4825,
    }


def test_money_that_came_by_hand_covers_what_is_owed_for_it():
    bank = Bank()
    factories.a_requester(usd(900))

    assert compare.check_cover(bank.client, now=bank.now) == 0


def test_events_are_forgotten_after_thirteen_months_but_not_those_that_wait():
    bank = Bank()
    funded(bank, 5000)
    waiting = StripeEvent.objects.order_by("pk").first()
    StripeEvent.objects.filter(pk=waiting.pk).update(processed_at=None)
    assert backfill.forget_events(now=bank.later(days=390)) == 0

    assert backfill.forget_events(now=bank.later(days=10)) > 0
    assert StripeEvent.objects.get() == waiting


def test_a_reading_that_dies_goes_on_where_it_was(monkeypatch):
    bank = Bank()
    for minor in (1000, 2000, 3000):
        funded(bank, minor)
    take, taken = reconcile.take, []

    def take_or_die(found, client, *, now):
        if len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(found.id)
        return take(found, client, now=now)

    monkeypatch.setattr(reconcile, "take", take_or_die)
    with pytest.raises(KeyboardInterrupt):
        reconcile.read_transactions(bank.client, now=bank.now)
    monkeypatch.setattr(reconcile, "take", take)

    assert reconcile.read_transactions(bank.client, now=bank.now) == 1
    assert platform(bank) == (0, 6000 - 59 - 88 - 117)
    assert not Incident.objects.exists()
