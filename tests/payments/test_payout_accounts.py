"""Workers' accounts at the provider: opened once, refused, ready, and closed when empty."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payments import backfill, operations, outbox, payout_accounts, payouts, provider
from payments.errors import NoConnectedAccount
from payments.models import ConnectedAccount, Incident, Payout, StripeOperation
from payments.play import world
from tests import factories
from tests.factories import fresh, usd
from tests.payments.stripe_world import Bank, connected, earned, funded, objects

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank():
    return Bank()


@pytest.fixture
def owner():
    return factories.a_worker().user


def opened(bank, owner, country="US") -> ConnectedAccount:
    return payout_accounts.open_account(owner_id=owner.pk, country=country, now=bank.now)


def test_whoever_asks_twice_has_one_account(bank, owner):
    opened(bank, owner)
    opened(bank, owner)
    bank.work()
    opened(bank, owner)
    bank.run(2)

    account = ConnectedAccount.objects.get()
    assert [row["type"] for row in objects(bank, "v2.core.event")] == []
    assert account.stripe_account_id.startswith("acct_")
    assert (account.transfers_status, account.is_ready) == ("restricted", False)
    assert StripeOperation.objects.filter(kind="account").count() == 1


def test_no_page_to_complete_an_account_that_is_not_open(bank, owner):
    with pytest.raises(NoConnectedAccount):
        payout_accounts.onboarding_url(
            opened(bank, owner), bank.client, return_url="r", refresh_url="s"
        )


def test_after_a_refusal_another_country_can_be_tried(bank, owner):
    account = opened(bank, owner, country="XX")
    call = StripeOperation.objects.get()
    refuse(call, "country_unsupported")
    assert fresh(account).transfers_status == "unsupported"

    opened(bank, owner, country="FR")
    bank.run(2)

    assert fresh(account).stripe_account_id
    assert fresh(account).country == "FR"


def refuse(call, code):
    why = provider.Trouble(code, "No.", is_final=True)
    outbox._refused(call, operations.CALLS[call.kind], why, call.created_at)


def test_nothing_is_sent_before_the_provider_waits_for_us(bank, owner):
    """Else it would pay the bank by itself, and nobody here would know."""
    funded(bank, 5000)
    earned(owner, 1000)
    account = opened(bank, owner)
    bank.work()
    StripeOperation.objects.filter(kind="payout_schedule").update(
        next_try_at=bank.now + timedelta(days=1)
    )
    world.onboard(bank.server, fresh(account).stripe_account_id)
    bank.run(2)
    payout = payouts.request(owner_id=owner.pk, amount=usd(1000), now=bank.now)

    assert payouts.send_due(now=bank.now) == 0
    StripeOperation.objects.update(next_try_at=bank.now)
    bank.work()
    assert payouts.send_due(now=bank.now) == 1
    assert fresh(payout).status == "sending"


def test_a_worker_who_lost_the_ability_is_not_tried_every_day(bank, owner):
    funded(bank, 5000)
    earned(owner, 1000)
    account = connected(bank, owner)
    payout = payouts.request(owner_id=owner.pk, amount=usd(1000), now=bank.now)
    world.onboard(bank.server, account.stripe_account_id, ok=False)
    bank.news()  # the provider says so later
    payouts.send_due(now=bank.now)
    bank.run(2)

    assert (fresh(payout).status, fresh(payout).failure) == (
        "failed",
        "insufficient_capabilities_for_transfer",
    )
    assert not fresh(account).is_ready
    assert payouts.request_due(now=bank.now) == 0
    world.onboard(bank.server, account.stripe_account_id)
    bank.run(2)
    assert payouts.request_due(now=bank.now) == 1


def test_an_account_that_became_ready_unheard_is_found_by_the_daily_look(bank, owner):
    account = opened(bank, owner)
    bank.run(2)
    world.onboard(bank.server, fresh(account).stripe_account_id)
    bank.news()
    bank.later(days=2)

    assert backfill.sync_accounts(bank.client, now=bank.now) == 1
    assert fresh(account).is_ready
    assert backfill.sync_accounts(bank.client, now=bank.now) == 0


@pytest.mark.parametrize(("cents", "asked"), [(499, 0), (500, 1)])
def test_five_of_the_currency_are_paid_without_being_asked_for(bank, owner, cents, asked):
    earned(owner, cents)
    connected(bank, owner)

    assert payouts.request_due(now=bank.now) == asked
    assert payouts.request_due(now=bank.now) == 0
    assert sum(Payout.objects.values_list("amount_minor", flat=True)) == cents * asked


def test_only_what_a_bank_can_be_paid_is_asked_for(bank, owner):
    earned(owner, 5_050, currency="HUF")
    connected(bank, owner)

    assert payouts.request_due(now=bank.now) == 1
    assert Payout.objects.get().amount_minor == 5_000


def test_an_account_with_money_on_its_way_is_not_closed(bank, owner):
    funded(bank, 5000)
    earned(owner, 1000)
    connected(bank, owner)
    payouts.request(owner_id=owner.pk, amount=usd(1000), now=bank.now)

    assert not payout_accounts.close_account(owner_id=owner.pk, now=bank.now)


def test_an_empty_account_is_closed_once(bank, owner):
    account = connected(bank, owner)
    for _ in range(2):
        assert payout_accounts.close_account(owner_id=owner.pk, now=bank.now)
    bank.run(2)

    assert fresh(account).closed_at
    assert StripeOperation.objects.get(kind="account_close").state == "confirmed"
    assert payout_accounts.close_account(owner_id=owner.pk, now=bank.now)
    assert not Incident.objects.exists()


def test_a_close_whose_answer_was_lost_is_looked_for_a_day_later(bank, owner):
    account = connected(bank, owner)
    payout_accounts.close_account(owner_id=owner.pk, now=bank.now)
    bank.server.faults.fail_next("post", "/v2/core/accounts", "timeout_after")
    bank.work()
    bank.later(days=1)
    bank.run(2)

    assert StripeOperation.objects.get(kind="account_close").state == "confirmed"
    assert fresh(account).closed_at


def test_who_never_had_an_account_has_nothing_to_close(bank, owner):
    assert payout_accounts.close_account(owner_id=owner.pk, now=bank.now)
    assert not StripeOperation.objects.exists()
