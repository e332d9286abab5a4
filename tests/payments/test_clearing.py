"""Accounts that must come back to zero, and the incidents that say when one does not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payments import accounts, clearing, incidents, ledger
from payments.clearing import Overdue
from payments.errors import AlreadyResolved, ResolutionMissing
from payments.models import Incident
from tests.factories import NOON, a_user, usd
from tests.payments.books import new_user, posting, wallet_with

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LIMITS = [
    (accounts.payouts_in_transit, 2),
    (accounts.refunds_in_transit, 10),
    (accounts.dispute_reserve, 120),
]


def move(source, target, cents, day):
    ledger.post(posting(source, target, cents), now=NOON + day * DAY)


@pytest.mark.parametrize(("account_of", "days"), LIMITS)
def test_money_may_sit_as_long_as_the_limit_and_no_longer(account_of, days):
    account = account_of(new_user(), "USD")
    move(wallet_with(30), account, 30, day=0)

    assert clearing.overdue(NOON + days * DAY) == []
    assert clearing.overdue(NOON + days * DAY + timedelta(seconds=1)) == [
        Overdue(account.pk, account.purpose, usd(30), NOON)
    ]


def test_what_a_dispute_took_is_overdue_after_120_days():
    taken, available = accounts.disputed_funds("USD"), accounts.provider_available("USD")
    move(taken, available, 50, day=0)
    move(taken, available, 20, day=60)
    move(available, taken, 40, day=90)  # won

    assert clearing.overdue(NOON + 120 * DAY) == []
    assert clearing.overdue(NOON + 121 * DAY) == [
        Overdue(taken.pk, "disputed_funds", usd(10), NOON)
    ]
    assert clearing.overdue(NOON + 181 * DAY) == [
        Overdue(taken.pk, "disputed_funds", usd(30), NOON)
    ]


def test_the_money_that_came_first_left_first():
    transit, wallet = accounts.payouts_in_transit(new_user(), "USD"), wallet_with(100)
    move(wallet, transit, 10, day=0)
    move(wallet, transit, 20, day=1)
    move(wallet, transit, 30, day=2)

    move(transit, accounts.world("USD"), 15, day=2)

    [late] = clearing.overdue(NOON + 4 * DAY)
    assert late == Overdue(transit.pk, "payouts_in_transit", usd(15), NOON + DAY)


def test_money_that_sits_where_it_may_is_never_overdue():
    wallet_with(30)

    assert clearing.overdue(NOON + 1000 * DAY) == []


def test_each_delay_is_told_once_and_the_next_one_anew():
    transit, wallet = accounts.payouts_in_transit(new_user(), "USD"), wallet_with(100)
    move(wallet, transit, 10, day=0)

    assert [clearing.look(NOON + day * DAY) for day in (2, 3, 4)] == [0, 1, 0]
    move(transit, accounts.world("USD"), 10, day=5)
    move(wallet, transit, 20, day=6)
    assert [clearing.look(NOON + day * DAY) for day in (6, 9)] == [0, 1]

    first, second = Incident.objects.order_by("pk")
    assert (first.kind, second.kind) == ("clearing_overdue", "clearing_overdue")
    assert first.subject != second.subject
    assert second.details == {
        "account": transit.pk,
        "purpose": "payouts_in_transit",
        "amount_minor": 20,
        "currency": "USD",
        "since": "2026-01-07T12:00:00+00:00",
    }


def test_an_incident_is_news_once_even_after_it_was_resolved():
    first = incidents.raise_incident("lost", "transfer 7", {"why": "?"}, NOON)
    again = incidents.raise_incident("lost", "transfer 7", {"why": "!"}, NOON + DAY)
    incidents.resolve(
        incident_id=Incident.objects.get().pk, resolution="Found.", actor_id=a_user().pk, now=NOON
    )

    assert (first, again) == (True, False)
    assert incidents.raise_incident("lost", "transfer 7", {}, NOON) is False
    assert Incident.objects.get().details == {"why": "?"}


def test_an_incident_ends_once_by_a_human_with_words():
    incidents.raise_incident("lost", "transfer 7", {}, NOON)
    said = {"incident_id": Incident.objects.get().pk, "actor_id": a_user().pk, "now": NOON}

    with pytest.raises(ResolutionMissing):
        incidents.resolve(resolution=" \n", **said)
    incidents.resolve(resolution=" The bank was slow. ", **said)
    with pytest.raises(AlreadyResolved):
        incidents.resolve(resolution="Again.", **said)

    ended = Incident.objects.get()
    assert (ended.resolution, ended.resolved_at) == ("The bank was slow.", NOON)
    assert ended.resolved_by_id == said["actor_id"]
