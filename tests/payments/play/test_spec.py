"""A second opinion on what play money answers: see ``spec``."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import pytest
import stripe

from payments.play import world
from payments.play.state import PLATFORM
from payments.play.store import MemoryStore, Query
from payments.play.transport import PlayClient
from tests.payments.play.bank import fund, new_bank, pay_out, recipient, send, session_of
from tests.payments.play.spec import FOLDER, faults_of, schema_of

# What the files say nothing of: left out of them, or newer than they are.
ABSENT = {
    "get /v1/balance_transactions/{}",
    "post /v1/balance_settings",
    "post /v1/checkout/sessions/{}/expire",
}
# A parameter that was needed then, and is none now.
BYGONE = "'configurations' is a required property"
EVERYTHING = ["configuration.recipient", "defaults", "identity", "requirements"]
ID = re.compile(r"/(?:[a-z]{2,4}|cs_test|evt_test)_play\d+")

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="Stripe's published description is not beside us"
)


class Recorder(PlayClient):
    """A client that keeps what was answered."""

    def __init__(self, server):
        super().__init__(server)
        self.answers = []

    def request(self, method, url, headers, post_data=None, *, _usage=None):
        body, status, said = super().request(method, url, headers, post_data)
        if status == 200:
            self.answers.append((method, urlsplit(url).path, json.loads(body)))
        return body, status, said


def take_money_in(bank):
    sessions = bank.stripe.v1.checkout.sessions
    sessions.expire(session_of(bank, 1_000))
    failed = world.fail_session(bank.server, session_of(bank, 1_000))
    sessions.retrieve(failed["id"])
    bank.stripe.v1.payment_intents.retrieve(failed["payment_intent"])
    payment = fund(bank, 10_000)
    bank.stripe.v1.charges.retrieve(payment.latest_charge)
    bank.stripe.v1.topups.create({"amount": 5, "currency": "usd"})
    return payment


def pay_it_back(bank, payment):
    v1 = bank.stripe.v1
    refund = v1.refunds.create({"payment_intent": payment.id, "amount": 7})
    world.settle_refund(bank.server, refund.id, ok=False)
    v1.refunds.retrieve(refund.id)
    v1.refunds.list({"payment_intent": payment.id})
    dispute = world.open_dispute(bank.server, payment.latest_charge)["id"]
    v1.disputes.retrieve(dispute)
    v1.disputes.update(dispute, {"evidence": {"uncategorized_text": "accepted work"}})
    world.close_dispute(bank.server, dispute, won=True)
    v1.disputes.retrieve(dispute)


def onboard(bank):
    core = bank.stripe.v2.core
    worker = recipient(bank)
    core.accounts.retrieve(worker, {"include": EVERYTHING})
    back = {"refresh_url": "https://site.test/a", "return_url": "https://site.test/b"}
    use_case = {"type": "account_onboarding", "account_onboarding": back}
    core.account_links.create({"account": worker, "use_case": use_case})
    core.accounts.close(recipient(bank))
    return worker


def send_money_out(bank, worker):
    v1, mine = bank.stripe.v1, {"stripe_account": worker}
    sent = send(bank, worker, 500, transfer_group="g")
    v1.transfers.reversals.create(sent.id, {"amount": 5})
    v1.transfers.retrieve(sent.id)
    v1.transfers.list({"transfer_group": "g"})
    paid, failed = pay_out(bank, worker, 90), pay_out(bank, worker, 5)
    world.settle_payout(bank.server, paid.id)
    world.settle_payout(bank.server, failed.id, ok=False)
    v1.payouts.retrieve(failed.id, options=mine)
    v1.payouts.cancel(pay_out(bank, worker, 5).id, options=mine)
    v1.payouts.list({}, mine)
    v1.balance_settings.update({"payments": {"debit_negative_balances": False}}, mine)


def look_back(bank):
    v1 = bank.stripe.v1
    v1.balance.retrieve()
    booked = v1.balance_transactions.list({"limit": 100}).data
    v1.balance_transactions.retrieve(booked[0].id)
    v1.events.retrieve(v1.events.list({"limit": 100}).data[0].id)
    (thin,) = bank.server.state.store.find(Query(PLATFORM, "v2.core.event"), limit=1)
    bank.stripe.v2.core.events.retrieve(thin.name)


@pytest.fixture(scope="module")
def answers():
    """Call each operation, on objects in as many states as there are."""
    bank = new_bank(MemoryStore())
    recorder = Recorder(bank.server)
    bank.stripe = stripe.StripeClient("sk_test", http_client=recorder)
    payment = take_money_in(bank)
    send_money_out(bank, onboard(bank))
    pay_it_back(bank, payment)
    look_back(bank)
    return recorder.answers


def operation(method, path):
    """Return an operation with ``{}`` for each id."""
    return f"{method} {ID.sub('/{}', path)}"


def test_every_answer_is_as_described(answers):
    judged = [answer for answer in answers if operation(*answer[:2]) not in ABSENT]

    faults = [fault for answer in judged for fault in faults_of(*answer)]

    assert [fault for fault in faults if not fault.endswith(BYGONE)] == []
    assert len(judged) > 30


def test_only_what_the_files_say_nothing_of_is_not_judged(answers):
    unknown = {
        operation(method, path) for method, path, _ in answers if not schema_of(method, path)
    }

    assert unknown == ABSENT


def test_an_answer_without_its_parts_is_found():
    wrong = {"id": "tr_1", "object": "transfer", "amount": "much"}

    faults = faults_of("get", "/v1/transfers/tr_1", wrong)

    assert any("'much' is not of type 'integer'" in fault for fault in faults)
    assert any("'reversals' is a required property" in fault for fault in faults)
