"""Deposits, withdrawals and the account to be paid to, over the REST API."""

from __future__ import annotations

import pytest

from payments import accounts
from payments.models import ConnectedAccount, Funding, Payout, Refund
from payments.play import world
from tests.factories import a_requester, a_worker, usd
from tests.marketplace.banking import bank as a_bank
from tests.marketplace.clients import A_NUMBER, AN_INSTANT, Like, api, problem_of
from tests.payments.stripe_world import connected, earned, funded

pytestmark = pytest.mark.django_db
bank = a_bank


def fund(client, minor=1000, key="k", **said):
    return client.post("fundings", {"amount": minor, **said}, idempotency_key=key)


def test_a_deposit_is_started_with_a_page_to_pay_it_at():
    requester = a_requester()
    client = api(requester)

    asked = fund(client)

    assert asked.status_code == 201
    assert asked.json() == {
        "id": A_NUMBER,
        "status": "created",
        "amount": 1000,
        "currency": "USD",
        "fee": 0,
        "checkout_url": Like(r"http://testserver/checkout/\d+:.+"),
        "play_money": True,
        "failure": "",
        "created_at": AN_INSTANT,
        "paid_at": None,
    }
    shown = client.get(f"fundings/{asked.json()['id']}").json()
    assert {**shown, "checkout_url": None} == {**asked.json(), "checkout_url": None}
    assert [each["id"] for each in client.get("fundings").json()["results"]] == [shown["id"]]


def test_a_deposit_without_a_key_is_refused_and_a_repeat_is_the_same_one():
    client = api(a_requester())

    assert problem_of(client.post("fundings", {"amount": 5})) == (400, "invalid_request")
    first, second = fund(client), fund(client)
    assert first.json()["id"] == second.json()["id"]
    assert problem_of(fund(client, minor=6)) == (422, "key_reused")
    assert Funding.objects.count() == 1


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"amount": 0}, "invalid_request"),
        ({"amount": "1"}, "invalid_request"),
        ({"amount": 5, "currency": "XXX"}, "unknown_currency"),
        ({}, "invalid_request"),
    ],
)
def test_a_deposit_that_cannot_be_is_refused(said, code):
    refused = api(a_requester()).post("fundings", said, idempotency_key="k")

    assert problem_of(refused) == (400, code)
    assert not Funding.objects.exists()


def test_nobody_sees_anothers_deposit():
    asked = fund(api(a_requester())).json()

    assert problem_of(api(a_requester()).get(f"fundings/{asked['id']}")) == (404, "not_found")


def test_what_is_in_the_wallet_goes_back_to_where_it_came_from(bank):
    funding = funded(bank, 1000)
    client = api(funding.owner)

    back = client.post("wallet/withdrawals", {"amount": 400}, idempotency_key="w")

    assert back.status_code == 201
    assert back.json() == [
        {
            "id": A_NUMBER,
            "funding": funding.pk,
            "status": "requested",
            "amount": 400,
            "currency": "USD",
            "failure": "",
            "requested_at": AN_INSTANT,
            "settled_at": None,
        }
    ]
    assert (client.get("wallet").json()["balance"], Refund.objects.count()) == (600, 1)
    client.post("wallet/withdrawals", {"amount": 400}, idempotency_key="w")
    assert Refund.objects.count() == 1
    bank.run(2)
    (listed,) = client.get("wallet/withdrawals").json()["results"]
    assert listed["status"] == "paid"


def test_more_than_was_paid_through_the_provider_is_not_sent_back(bank):
    funding = funded(bank, 1000)
    refused = api(funding.owner).post("wallet/withdrawals", {"amount": 1001})

    assert problem_of(refused) == (409, "not_refundable")
    assert "At most 10.00 USD" in refused.json()["detail"]


def test_nothing_is_sent_back_while_a_payment_is_disputed(bank):
    funding = funded(bank, 1000)
    other = funded(bank, 500, owner=funding.owner)
    world.open_dispute(bank.server, funding.charge_id)
    bank.run(2)

    refused = api(other.owner).post("wallet/withdrawals", {"amount": 1})

    assert problem_of(refused) == (409, "requester_frozen")


def test_a_worker_without_an_account_is_told_so():
    assert api(a_worker()).get("payout-account").json() == {
        "ready": False,
        "transfers_status": "none",
        "payouts_status": "none",
        "requirements": [],
        "play_money": True,
    }


def test_a_worker_gets_a_link_and_then_is_ready(bank):
    worker = a_worker()
    client = api(worker)

    asked = client.post("payout-account/link", {"country": "US"})

    assert asked.status_code == 201
    assert asked.json() == {"url": Like(r"http://testserver/onboarding/\d+:.+")}
    bank.later(minutes=1)
    bank.work()
    waiting = client.get("payout-account").json()
    assert (waiting["ready"], len(waiting["requirements"])) == (False, 1)
    world.onboard(bank.server, ConnectedAccount.objects.get().stripe_account_id)
    bank.run(2)
    ready = client.get("payout-account").json()
    assert (ready["ready"], ready["transfers_status"], ready["requirements"]) == (
        True,
        "active",
        [],
    )


@pytest.mark.parametrize("country", ["us", "USA", "1", ""])
def test_a_country_must_be_one(country):
    worker = a_worker()
    worker.country = ""
    worker.save()

    refused = api(worker).post("payout-account/link", {"country": country})

    assert problem_of(refused) == (400, "invalid_request")
    assert not ConnectedAccount.objects.exists()


def test_a_payout_is_sent_at_once_to_who_is_ready_and_ends_as_paid(bank):
    funded(bank, 5000)
    worker = a_worker()
    earned(worker.user, 1000)
    connected(bank, worker.user)
    client = api(worker)

    asked = client.post("payouts", {"amount": 1000})

    assert (asked.status_code, asked.json()["status"]) == (201, "sending")
    bank.run(2)
    assert client.get("payouts").json()["results"][0]["status"] == "paying"
    world.settle_payout(bank.server, Payout.objects.get().reference)
    bank.run(1)
    assert client.get("payouts").json()["results"][0]["status"] == "paid"
    assert accounts.connected(worker.user_id, "USD").balance == usd(0)


def test_wallet_and_earnings_say_that_it_is_play_money():
    assert api(a_requester()).get("wallet").json()["play_money"] is True
    assert api(a_worker()).get("earnings").json()["play_money"] is True


def test_with_a_key_it_is_no_play_money(settings):
    settings.STRIPE_SECRET_KEY = "sk_test_of_nobody"

    assert api(a_requester()).get("wallet").json()["play_money"] is False


def test_a_deposit_that_came_by_hand_stays_possible():
    requester = a_requester(usd(700))

    assert api(requester).get("wallet").json()["balance"] == 700
