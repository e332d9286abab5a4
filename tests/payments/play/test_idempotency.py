from __future__ import annotations

import pytest
import stripe

from payments.play import world
from tests.payments.play.bank import available, fund, recipient, send

KEY = "test:transfer:1:a1"
NAMED = {"idempotency_key": KEY}


def transfer(bank, worker, amount_minor=500, **options):
    asked = {"amount": amount_minor, "currency": "usd", "destination": worker}
    return bank.stripe.v1.transfers.create(asked, {**NAMED, **options})


def test_the_same_request_again_gets_the_first_answer(bank):
    fund(bank, 10_000)
    worker = recipient(bank)
    first = transfer(bank, worker)

    again = transfer(bank, worker)

    assert again.to_dict() == first.to_dict()
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert available(bank, worker) == 500
    assert bank.happened == ["transfer.created"]


def test_the_first_answer_replays_though_the_object_has_changed(bank):
    fund(bank, 10_000)
    worker = recipient(bank)
    first = transfer(bank, worker)
    bank.stripe.v1.transfers.reversals.create(first.id)

    assert transfer(bank, worker).reversed is False
    assert bank.stripe.v1.transfers.retrieve(first.id).reversed is True


def test_other_parameters_under_the_same_key_are_an_error(bank):
    fund(bank, 10_000)
    worker = recipient(bank)
    transfer(bank, worker)

    with pytest.raises(stripe.IdempotencyError) as refused:
        transfer(bank, worker, 501)

    assert refused.value.http_status == 400
    assert available(bank, worker) == 500


def test_another_path_under_the_same_key_is_an_error(bank):
    bank.stripe.v1.topups.create({"amount": 5, "currency": "usd"}, NAMED)

    with pytest.raises(stripe.IdempotencyError):
        bank.stripe.v1.payouts.create({"amount": 5, "currency": "usd"}, NAMED)


def test_a_refusal_replays_though_it_would_not_be_refused_now(bank):
    worker = recipient(bank)
    with pytest.raises(stripe.InvalidRequestError):
        transfer(bank, worker)
    fund(bank, 10_000)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        transfer(bank, worker)

    assert refused.value.code == "balance_insufficient"
    send(bank, worker, 500)
    assert available(bank, worker) == 500


def test_a_request_that_is_not_understood_leaves_its_key_free(bank):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bank.stripe.v1.topups.create({"amount": 5, "currency": "usd", "bogus": "1"}, NAMED)
    assert (refused.value.code, refused.value.param) == ("parameter_unknown", "bogus")

    assert bank.stripe.v1.topups.create({"amount": 5, "currency": "usd"}, NAMED).amount == 5


def test_each_account_has_its_own_keys(bank):
    fund(bank, 10_000)
    workers = [recipient(bank), recipient(bank)]
    for worker in workers:
        send(bank, worker, 500)

    paid = [
        bank.stripe.v1.payouts.create(
            {"amount": 5, "currency": "usd"}, {**NAMED, "stripe_account": worker}
        ).id
        for worker in workers
    ]

    assert paid[0] != paid[1]


def test_the_second_version_tries_again_what_it_refused(bank):
    fund(bank, 10_000)
    worker = recipient(bank)
    send(bank, worker, 5)
    close = bank.stripe.v2.core.accounts.close
    with pytest.raises(stripe.InvalidRequestError):
        close(worker, {}, NAMED)
    bank.stripe.v1.payouts.create({"amount": 5, "currency": "usd"}, {"stripe_account": worker})

    assert close(worker, {}, NAMED).closed is True


def test_the_second_version_replays_what_it_did(bank):
    asked = {"contact_email": "ann@site.test"}

    first = bank.stripe.v2.core.accounts.create(asked, NAMED)
    world.onboard(bank.server, first.id)

    assert bank.stripe.v2.core.accounts.create(asked, NAMED).id == first.id


def test_without_a_key_nothing_is_done(bank):
    answer = bank.server.request("post", "https://api.stripe.com/v1/topups", {}, "amount=5")

    assert answer.status == 401


def test_an_unknown_path_is_not_found(bank):
    headers = {"Authorization": "Bearer sk_test"}
    bank.server._check = None

    answer = bank.server.request("get", "https://api.stripe.com/v1/rewards", headers, None)

    assert answer.status == 404
