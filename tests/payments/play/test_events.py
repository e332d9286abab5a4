from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import stripe

from payments.play import events, world
from tests.payments.play.bank import payment_of, recipient, session_of

SECRET = "whsec_test"


def test_events_wait_until_they_are_delivered(bank):
    payment_of(bank)
    state = bank.server.state
    first, *rest = events.undelivered(state)

    events.delivered(state, [first["id"]])
    events.delivered(state, [first["id"]])

    assert events.undelivered(state) == rest
    assert events.undelivered(state, limit=1) == rest[:1]
    assert bank.stripe.v1.events.retrieve(first["id"]).type == "payment_intent.created"


def test_an_event_shows_its_subject_as_it_was(bank):
    name = session_of(bank)
    bank.stripe.v1.checkout.sessions.expire(name)

    (event,) = bank.stripe.v1.events.list({"type": "checkout.session.expired"}).data

    assert (event.data.object.id, event.data.object.status) == (name, "expired")
    assert "_payment" not in event.data.object


def test_events_are_of_the_version_the_client_speaks(bank):
    payment_of(bank)

    assert stripe.api_version == events.API_VERSION
    assert {it["api_version"] for it in events.undelivered(bank.server.state)} == {
        stripe.api_version
    }


def test_events_are_listed_newest_first_by_types(bank):
    payment_of(bank)
    bank.stripe.v1.topups.create({"amount": 1, "currency": "usd"})
    listed = bank.stripe.v1.events.list

    assert [it.type for it in listed({"limit": 2}).data] == ["topup.succeeded", "topup.created"]
    wanted = {"types": ["charge.succeeded", "topup.succeeded", "payout.paid"], "limit": 1}
    found = [it.type for it in listed(wanted).auto_paging_iter()]
    assert found == ["topup.succeeded", "charge.succeeded"]


def test_the_page_of_types_before_a_cursor_is_the_one_next_to_it(bank):
    for _ in range(3):
        bank.stripe.v1.topups.create({"amount": 1, "currency": "usd"})
    wanted = {"types": ["topup.succeeded"]}
    newest, middle, oldest = bank.stripe.v1.events.list(wanted).data

    page = bank.stripe.v1.events.list({**wanted, "ending_before": oldest.id, "limit": 1})

    assert ([it.id for it in page.data], page.has_more) == ([middle.id], True)
    assert newest.id > middle.id


def test_events_of_an_account_are_not_the_platforms(bank):
    name = recipient(bank, onboarded=False)
    world.onboard(bank.server, name)

    assert bank.stripe.v1.events.list().data == []
    (event,) = bank.stripe.v1.events.list({}, {"stripe_account": name}).data
    assert (event.type, event.account) == ("account.updated", name)


def test_a_signed_event_is_taken_by_the_real_check(bank):
    payment_of(bank)
    event = events.undelivered(bank.server.state)[0]

    body, header = events.signed(event, SECRET, now=datetime.now(UTC))

    assert bank.stripe.construct_event(body, header, SECRET).id == event["id"]


@pytest.mark.parametrize(("secret", "age"), [("whsec_other", 0), (SECRET, 400)])
def test_another_secret_or_an_old_signature_is_not_taken(bank, secret, age):
    payment_of(bank)
    event = events.undelivered(bank.server.state)[0]

    signed = events.signed(event, SECRET, now=datetime.now(UTC) - timedelta(seconds=age))

    with pytest.raises(stripe.SignatureVerificationError):
        bank.stripe.construct_event(*signed, secret)


def test_thin_events_are_listed_by_account_in_pages(bank):
    first, second = recipient(bank, onboarded=False), recipient(bank, onboarded=False)
    for name in (first, second):
        world.onboard(bank.server, name)
    listed = bank.stripe.v2.core.events.list

    ours = list(listed({"object_id": first, "limit": 2}).auto_paging_iter())

    assert len(ours) == 3
    assert {it.related_object.id for it in ours} == {first}
    assert len(listed({"limit": 100}).data) == 6
