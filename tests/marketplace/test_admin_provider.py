"""The operator's pages about the provider: all can be seen, and the actions ask it."""

from __future__ import annotations

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME

from payments import fundings, refunds
from payments.models import (
    ConnectedAccount,
    Dispute,
    Funding,
    PlayObject,
    PlayReply,
    Refund,
    StripeEvent,
    StripeOperation,
    Watermark,
)
from payments.play import world
from payments.play.rows import RowStore
from tests.factories import NOON, a_requester, a_worker, fresh, usd
from tests.marketplace.banking import bank as a_bank
from tests.marketplace.operators import log_in_operator, page
from tests.payments.stripe_world import Bank, connected, funded

pytestmark = pytest.mark.django_db
bank = a_bank
MODELS = [
    ConnectedAccount,
    Dispute,
    Funding,
    PlayObject,
    PlayReply,
    Refund,
    StripeEvent,
    StripeOperation,
    Watermark,
]


@pytest.fixture
def operator(client):
    return log_in_operator(client)


def act(client, model, name, row):
    chosen = {"action": name, ACTION_CHECKBOX_NAME: [row.pk], "confirmed": "on"}
    return client.post(page(model, "changelist"), chosen, follow=True)


def test_every_list_and_every_row_can_be_seen(client, operator):
    town = Bank(store=RowStore())
    funding = funded(town, 1000)
    refunds.withdraw(owner_id=funding.owner_id, amount=usd(1), now=town.now)
    connected(town, a_worker().user)
    world.open_dispute(town.server, funding.charge_id)
    town.run(2)
    Watermark.objects.create(pk="a list", position="x", at=NOON)

    for model in MODELS:
        row = model.objects.first()
        for url in (
            page(model, "changelist"),
            page(model, "changelist") + "?q=1",
            page(model, "changelist") + "?q=name",
            page(model, "change", row.pk),
        ):
            assert client.get(url).status_code == 200, url


def test_a_deposit_whose_news_is_lost_is_asked_about(client, operator, bank):
    funding = fundings.start(
        owner_id=a_requester().pk, amount=usd(1000), return_url="https://x.example", now=bank.now
    )
    bank.work()
    world.pay_session(bank.server, fresh(funding).session_id)

    act(client, Funding, "look", funding)

    assert fresh(funding).status == "paid"


def test_a_call_that_waits_is_hurried_under_its_key(client, operator, bank):
    fundings.start(
        owner_id=a_requester().pk, amount=usd(1000), return_url="https://x.example", now=bank.now
    )
    call = StripeOperation.objects.get()
    StripeOperation.objects.update(next_try_at=bank.later(days=1))

    act(client, StripeOperation, "hurry", call)

    assert fresh(call).next_try_at < bank.now
    assert fresh(call).idempotency_key == call.idempotency_key
