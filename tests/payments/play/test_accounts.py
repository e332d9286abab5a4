from __future__ import annotations

from datetime import UTC, datetime

import pytest
import stripe

from payments.play import events, world
from tests.payments.play.bank import available, fund, pay_out, recipient, send

EVERYTHING = ["configuration.recipient", "defaults", "identity", "requirements"]


def retrieve(bank, account):
    return bank.stripe.v2.core.accounts.retrieve(account, {"include": EVERYTHING})


def capabilities(account):
    balance = account.configuration.recipient.capabilities.stripe_balance
    return balance.stripe_transfers.status, balance.payouts.status


def test_a_new_account_is_restricted_until_its_owner_gives_details(bank):
    account = retrieve(bank, recipient(bank, onboarded=False))

    assert capabilities(account) == ("restricted", "restricted")
    assert len(account.requirements.entries) == 1
    assert account.identity.country == "us"
    assert account.defaults.responsibilities.losses_collector == "application"


def test_an_account_shows_only_what_is_asked_for(bank):
    name = recipient(bank)

    bare = bank.stripe.v2.core.accounts.retrieve(name)
    partly = bank.stripe.v2.core.accounts.retrieve(name, {"include": ["configuration.merchant"]})

    assert (bare.configuration, bare.identity, bare.requirements) == (None, None, None)
    assert (partly.configuration.merchant, partly.configuration.recipient) == (None, None)


def test_onboarding_makes_an_account_able_and_tells_of_it(bank):
    name = recipient(bank, onboarded=False)

    world.onboard(bank.server, name)

    account = retrieve(bank, name)
    assert capabilities(account) == ("active", "active")
    assert account.requirements.entries == []
    assert bank.happened == [
        "v2.core.account[requirements].updated",
        "v2.core.account[configuration.recipient].capability_status_updated",
        "v2.core.account[configuration.recipient].capability_status_updated",
        "account.updated",
    ]


def test_an_account_may_be_restricted_again(bank):
    name = recipient(bank)

    world.onboard(bank.server, name, ok=False)

    assert capabilities(retrieve(bank, name)) == ("restricted", "restricted")


def test_a_thin_event_names_the_account_to_fetch(bank):
    name = recipient(bank, onboarded=False)
    world.onboard(bank.server, name)
    thin = events.undelivered(bank.server.state)[0]

    notice = bank.stripe.parse_event_notification(
        *events.signed(thin, "whsec_a", now=thin_time()), "whsec_a"
    )

    assert notice.type == "v2.core.account[requirements].updated"
    assert notice.fetch_related_object().id == name
    assert notice.fetch_event().id == thin["id"]


def thin_time():
    """The SDK checks the age of a signature by the clock of the machine."""
    return datetime.now(UTC)


def test_a_link_leads_to_the_onboarding_of_the_account(bank):
    name = recipient(bank)

    link = bank.stripe.v2.core.account_links.create(
        {
            "account": name,
            "use_case": {
                "type": "account_onboarding",
                "account_onboarding": {
                    "refresh_url": "https://site.test/again",
                    "return_url": "https://site.test/done",
                },
            },
        }
    )

    assert link.url == f"https://connect.play.invalid/setup/{name}"
    assert str(link.expires_at) == "2026-11-22T12:05:00Z"


def test_an_empty_account_is_closed_for_good(bank):
    name = recipient(bank)

    for _ in range(2):
        closed = bank.stripe.v2.core.accounts.close(name, {"applied_configurations": ["recipient"]})

    assert closed.closed is True
    assert bank.happened == ["v2.core.account.closed"]
    fund(bank)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        send(bank, name, 1)
    assert refused.value.code == "insufficient_capabilities_for_transfer"


def test_an_account_with_money_is_not_closed(bank):
    fund(bank)
    name = recipient(bank)
    send(bank, name, 5)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        bank.stripe.v2.core.accounts.close(name, {"applied_configurations": ["recipient"]})

    assert refused.value.code == "cannot_delete_account_with_balance"
    pay_out(bank, name, 5)
    assert available(bank, name) == 0
    assert bank.stripe.v2.core.accounts.close(name).closed is True


@pytest.mark.parametrize("verb", ["retrieve", "close"])
def test_an_unknown_account_is_missing(bank, verb):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        getattr(bank.stripe.v2.core.accounts, verb)("acct_none")

    assert refused.value.code == "resource_missing"
