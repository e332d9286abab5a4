"""Doors to the provider: checkout, onboarding and webhooks; and the pages of play money."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from marketplace.api.fundings import CHECKOUT
from marketplace.api.payout_account import ONBOARDING
from payments import fundings, payout_accounts
from payments.models import ConnectedAccount, Funding, StripeEvent
from payments.play import events
from tests.factories import a_requester, a_worker, fresh, usd
from tests.marketplace.banking import bank as a_bank
from tests.marketplace.clients import api
from tests.payments.stripe_world import objects

pytestmark = pytest.mark.django_db
bank = a_bank
SECRETS = {"platform": "whsec_p", "connect": "whsec_c", "v2": ""}


def a_deposit(bank, minor=1000) -> Funding:
    return fundings.start(
        owner_id=a_requester().pk,
        amount=usd(minor),
        return_url="http://testserver/paid",
        now=bank.now,
    )


def checkout(client, funding):
    return client.get(f"/checkout/{CHECKOUT.sign(funding.pk)}")


def test_a_requester_pays_with_play_money_and_the_wallet_is_credited(client, bank):
    funding = a_deposit(bank)

    to = checkout(client, funding)
    assert to.status_code == 302
    page = client.get(to.url)
    assert "Play money" in page.content.decode()
    assert "10.00 USD" in page.content.decode()
    back = client.post(to.url, {"pay": "1"})

    assert back.url == "http://testserver/paid"
    assert "play money" in client.get(back.url).content.decode()
    assert api(funding.owner).get("wallet").json()["balance"] == 1000
    assert "It is in the wallet" in checkout(client, funding).content.decode()
    assert "over" in client.get(to.url).content.decode()
    assert client.post(to.url, {"pay": "1"}).status_code == 200  # changes nothing
    assert api(funding.owner).get("wallet").json()["balance"] == 1000


def test_who_does_not_pay_has_paid_nothing(client, bank):
    funding = a_deposit(bank)

    client.post(checkout(client, funding).url)

    assert (fresh(funding).status, fresh(funding).failure) == ("failed", "expired")
    assert "not paid" in checkout(client, funding).content.decode()
    assert api(funding.owner).get("wallet").json()["balance"] == 0


def test_a_provider_that_does_not_answer_says_try_again(client, bank):
    funding = a_deposit(bank)
    bank.server.faults.fail_next("post", "/v1/checkout/sessions", "timeout_after", times=3)

    page = checkout(client, funding)

    assert page.status_code == 200
    assert "Try again" in page.content.decode()
    bank.later(seconds=5)
    bank.work()
    assert checkout(client, funding).status_code == 302
    assert len(objects(bank, "checkout.session")) == 1


@pytest.mark.parametrize("door", ["checkout", "onboarding"])
@pytest.mark.parametrize("signed", ["1", "1:x:y", "x"])
def test_an_address_that_is_not_signed_by_us_leads_nowhere(client, door, signed):
    assert client.get(f"/{door}/{signed}").status_code == 404


def test_one_doors_signature_does_not_open_the_other(client, bank):
    funding = a_deposit(bank)

    assert client.get(f"/checkout/{ONBOARDING.sign(funding.pk)}").status_code == 404


def an_account(bank) -> ConnectedAccount:
    return payout_accounts.open_account(owner_id=a_worker().user_id, country="US", now=bank.now)


def onboarding(client, account):
    return client.get(f"/onboarding/{ONBOARDING.sign(account.pk)}")


def test_a_worker_is_ready_after_the_page_of_play_money(client, bank):
    account = an_account(bank)

    to = onboarding(client, account)
    assert "Play money" in client.get(to.url).content.decode()
    back = client.post(to.url)

    assert back.url == "/paid"
    assert fresh(account).is_ready


def test_a_worker_whose_country_is_not_served_is_told_so(client, bank):
    account = an_account(bank)
    ConnectedAccount.objects.update(transfers_status="unsupported")
    bank.server.faults.fail_next("post", "/v2/core/accounts", "timeout_before", times=9)

    page = onboarding(client, account)

    assert page.status_code == 503
    assert "by hand" in page.content.decode()


def test_an_onboarding_that_fails_for_now_says_try_again(client, bank):
    account = an_account(bank)
    bank.server.faults.fail_next("post", "/v2/core/account_links", "error_after", times=9)

    page = onboarding(client, account)

    assert page.status_code == 503
    assert "Try again" in page.content.decode()


@pytest.mark.parametrize("page", ["/play/checkout/cs_none", "/play/onboarding/acct_none"])
def test_what_play_money_does_not_know_is_not_found(client, page, bank):
    assert client.get(page).status_code == 404


def test_with_a_key_there_are_no_pages_of_play_money(client, bank, settings):
    url = checkout(client, a_deposit(bank)).url
    settings.STRIPE_SECRET_KEY = "sk_test_of_nobody"

    assert client.get(url).status_code == 404


# Webhooks


@pytest.fixture
def secrets(settings):
    settings.STRIPE_WEBHOOK_SECRETS = SECRETS


EVENT = {"id": "evt_1", "type": "balance.available", "livemode": False, "data": {"object": {}}}


def tell(client, *, endpoint="platform", secret="whsec_p", event=EVENT, age=timedelta(0)):
    body, signature = events.signed(event, secret, now=timezone.now() - age)
    return client.post(
        f"/stripe/webhook/{endpoint}",
        body,
        content_type="application/json",
        headers={"Stripe-Signature": signature},
    )


def test_what_is_signed_is_kept_once(client, secrets):
    assert [tell(client).status_code for _ in range(3)] == [200, 200, 200]
    kept = StripeEvent.objects.get()
    assert (kept.pk, kept.type, kept.source, kept.processed_at) == (
        "evt_1",
        "balance.available",
        "webhook",
        None,
    )


def test_another_secret_is_refused(client, secrets):
    refused = tell(client, endpoint="connect")

    assert refused.status_code == 400
    assert b"not signed" in refused.content
    assert not StripeEvent.objects.exists()


def test_an_old_signature_is_refused(client, secrets):
    assert tell(client, age=timedelta(seconds=400)).status_code == 400
    assert tell(client, age=timedelta(seconds=200)).status_code == 200


@pytest.mark.parametrize("header", ["", "t=1", "t=x,v1=y", "v1=abc", "nonsense", "t=,v1="])
def test_no_signature_is_refused(client, secrets, header):
    answer = client.post(
        "/stripe/webhook/platform",
        json.dumps(EVENT),
        content_type="application/json",
        headers={"Stripe-Signature": header},
    )

    assert answer.status_code == 400


@pytest.mark.parametrize("endpoint", ["v2", "nobody"])
def test_an_endpoint_without_a_secret_is_not_there(client, secrets, endpoint):
    assert tell(client, endpoint=endpoint).status_code == 404


def test_a_body_that_is_too_large_is_not_read(client, secrets):
    event = {**EVENT, "data": "x" * (1 << 20)}

    assert tell(client, event=event).status_code == 413


def test_a_changed_body_is_refused(client, secrets):
    body, signature = events.signed(EVENT, "whsec_p", now=timezone.now())
    answer = client.post(
        "/stripe/webhook/platform",
        body.replace("evt_1", "evt_2"),
        content_type="application/json",
        headers={"Stripe-Signature": signature},
    )

    assert answer.status_code == 400


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_webhooks_are_posted(client, secrets, method):
    assert getattr(client, method)("/stripe/webhook/platform").status_code == 405
