"""Wallet, earnings and payouts over the REST API."""

from __future__ import annotations

from functools import partial

import pytest

from payments import accounts, payouts
from payments.deposits import deposit
from payments.models import Account, Payout
from tasks import settle
from tests.factories import NOON, a_requester, a_worker, published_batch, submitted, usd
from tests.marketplace.clients import A_NUMBER, AN_INSTANT, api, pages_of, problem_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def earner():
    """A worker who has earned 30 cents in three answers."""
    batch, worker = published_batch(tasks=3, reward=usd(10)), a_worker()
    for _ in range(3):
        submitted(batch, worker=worker)
    actor = batch.project.requester
    settle.accept_all(batch=batch, assignment_ids=None, actor=actor, now=NOON)
    settle.pay_accepted(now=NOON)
    return worker


def test_a_wallet_shows_its_balance_and_every_movement_newest_first():
    batch = published_batch(tasks=2, reward=usd(5))
    requester = batch.project.requester
    deposit(owner_id=requester.pk, amount=usd(50), reference="more", now=NOON)

    wallet = api(requester).get("wallet")

    assert wallet.status_code == 200
    moved = {"currency": "USD", "posted_at": "2026-01-01T12:00:00Z", "id": A_NUMBER}
    assert wallet.json() == {
        "currency": "USD",
        "balance": 50,
        "available": 50,
        "play_money": True,
        "entries": [
            {**moved, "kind": "deposit", "amount": 50},
            {**moved, "kind": "allocate", "amount": -12},
            {**moved, "kind": "deposit", "amount": 12},
        ],
        "next": None,
    }


def test_a_statement_is_read_page_by_page():
    requester = a_requester()
    for cents in range(1, 6):
        deposit(owner_id=requester.pk, amount=usd(cents), reference=f"d{cents}", now=NOON)
    client = api(requester)

    pages = pages_of(client, "wallet?limit=2", key="entries")

    assert [[each["amount"] for each in page] for page in pages] == [[5, 4], [3, 2], [1]]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=-1", "limit=x", "limit=1.5", "cursor=0",
              "cursor=x", "cursor=-1", "cursor=9223372036854775808", f"cursor={'9' * 5000}",
              "cursor=%00", "cursor=1'"]
)  # fmt: skip
def test_a_page_of_a_statement_that_cannot_be_is_refused(query):
    assert problem_of(api(a_requester()).get(f"wallet?{query}")) == (400, "invalid_request")


def test_each_currency_has_a_statement_of_its_own():
    requester = a_requester(usd(5))

    euros = api(requester).get("wallet?currency=EUR").json()

    assert (euros["currency"], euros["balance"], euros["entries"]) == ("EUR", 0, [])


@pytest.mark.parametrize("currency", ["XXX", "usd", "", "USD%00", "٣٣٣", "USD ", "1e5", "USDUSD"])
def test_an_unknown_currency_is_refused(currency):
    requester = a_requester()
    before = Account.objects.count()

    refused = api(requester).get(f"wallet?currency={currency}")

    assert problem_of(refused) == (400, "unknown_currency")
    assert Account.objects.count() == before


def test_only_requesters_have_wallets():
    assert problem_of(api(a_worker()).get("wallet")) == (403, "permission_denied")


def test_earnings_show_what_was_paid_for_each_answer(earner):
    earned = api(earner).get("earnings").json()

    assert (earned["balance"], earned["available"]) == (30, 30)
    assert [(each["kind"], each["amount"]) for each in earned["entries"]] == [("reward", 10)] * 3


def test_a_payout_takes_the_money_out_of_the_earnings(earner):
    client = api(earner)

    asked = client.post("payouts", {"amount": 25})

    assert asked.status_code == 201
    assert asked.json() == {
        "id": A_NUMBER,
        "amount": 25,
        "currency": "USD",
        "status": "requested",
        "failure": "",
        "requested_at": AN_INSTANT,
        "settled_at": None,
    }
    assert client.get("earnings").json()["balance"] == 5
    assert client.get("payouts").json()["results"] == [asked.json()]


def test_a_payout_beyond_the_earnings_says_how_much_is_missing(earner):
    refused = api(earner).post("payouts", {"amount": 31})

    assert problem_of(refused) == (402, "insufficient_funds")
    assert (refused.json()["missing"], refused.json()["currency"]) == (1, "USD")
    assert not Payout.objects.exists()
    assert accounts.earnings_of(earner.user_id, "USD").balance == usd(30)


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"amount": 0}, 400, "invalid_request"),
        ({"amount": -5}, 400, "invalid_request"),
        ({"amount": "5"}, 400, "invalid_request"),
        ({"amount": 1.0}, 400, "invalid_request"),
        ({"amount": 2**63}, 400, "invalid_request"),
        ({"amount": 5, "currency": "XXX"}, 400, "unknown_currency"),
        ({"amount": 5, "currency": "EUR"}, 402, "insufficient_funds"),
        ({"amount": 5, "currency": None}, 400, "invalid_request"),
        ([], 400, "invalid_request"),
    ],
)
def test_a_payout_that_is_refused_moves_nothing(earner, said, status, code):
    assert problem_of(api(earner).post("payouts", said)) == (status, code)
    assert not Payout.objects.exists()
    assert accounts.earnings_of(earner.user_id, "USD").balance == usd(30)


def test_only_workers_are_paid_out():
    refused = api(a_requester(usd(100))).post("payouts", {"amount": 5})

    assert problem_of(refused) == (403, "permission_denied")
    assert not Payout.objects.exists()


def test_payouts_show_how_they_ended_newest_first_and_nobody_elses(earner):
    ask = partial(payouts.request, owner_id=earner.user_id, amount=usd(1), now=NOON)
    paid, failed = ask(), ask()
    payouts.settle_paid(payout_id=paid.pk, reference="bank-1", now=NOON)
    payouts.fail(payout_id=failed.pk, now=NOON)

    listed = api(earner).get("payouts").json()["results"]

    assert [(each["id"], each["status"]) for each in listed] == [
        (failed.pk, "failed"),
        (paid.pk, "paid"),
    ]
    assert listed[0]["settled_at"] == "2026-01-01T12:00:00Z"
    assert api(a_worker()).get("payouts").json()["results"] == []
    assert "bank-1" not in str(listed)
