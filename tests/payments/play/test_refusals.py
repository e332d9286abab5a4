"""What a client of our own would not send: the strict check of the other tests is off here."""

from __future__ import annotations

import pytest
import stripe

from payments.play.server import PlayServer
from payments.play.store import MemoryStore
from payments.play.transport import client
from tests.payments.play.bank import Clock, payment_of

SIGNED = {"Authorization": "Bearer sk_test"}


@pytest.fixture
def lenient():
    return PlayServer(MemoryStore(), clock=Clock())


def refused(server, method, path, body="", **headers):
    """Return status and error of a request that must be refused."""
    url = f"https://api.stripe.com{path}"
    answer = server.request(method, url, {**SIGNED, **headers}, body)
    assert answer.status >= 400
    return answer.status, answer.body["error"]


@pytest.mark.parametrize(
    ("path", "body", "code", "param"),
    [
        ("topups", "amount=5", "parameter_missing", "currency"),
        ("topups", "currency=usd", "parameter_missing", "amount"),
        ("topups", "currency=usd&amount=5.0", "parameter_invalid_integer", "amount"),
        ("topups", "currency=usd&amount=-5", "parameter_invalid_integer", "amount"),
        ("topups", f"currency=usd&amount={10**15 + 1}", "amount_too_large", "amount"),
        ("topups", "currency=gold&amount=5", "parameter_invalid", "currency"),
        ("topups", "currency=kwd&amount=15", "parameter_invalid", "amount"),
        ("transfers", "currency=usd&amount=5", "parameter_missing", "destination"),
        ("transfers", "currency=usd&amount=5&source_transaction=ch", None, "source_transaction"),
        ("checkout/sessions", "mode=setup", None, "mode"),
        ("checkout/sessions", "mode=payment", "parameter_missing", "line_items"),
    ],
)
def test_a_parameter_that_lacks_or_is_wrong_is_named(lenient, path, body, code, param):
    status, error = refused(lenient, "post", f"/v1/{path}", body)

    assert status == 400
    assert (error.get("code"), error["param"]) == (code, param)
    assert error["type"] == "invalid_request_error"


def test_a_time_must_be_one(lenient):
    _, error = refused(lenient, "get", "/v1/refunds?created[after]=noon")

    assert error["param"] == "created"


def test_the_lines_of_a_session_have_one_currency(lenient):
    lines = "".join(
        f"&line_items[{n}][price_data][currency]={currency}"
        f"&line_items[{n}][price_data][unit_amount]=5"
        for n, currency in enumerate(["usd", "eur"])
    )

    _, error = refused(lenient, "post", "/v1/checkout/sessions", f"mode=payment{lines}")

    assert error["param"] == "line_items"


def test_currencies_may_be_written_large(lenient):
    made = client(lenient).v1.topups.create({"amount": 5, "currency": "USD"})

    assert made.currency == "usd"


@pytest.mark.parametrize(
    "metadata",
    [{f"k{n}": "v" for n in range(51)}, {"k" * 41: "v"}, {"k": "v" * 501}],
    ids=["many", "long key", "long value"],
)
def test_metadata_has_limits(bank, metadata):
    with pytest.raises(stripe.InvalidRequestError) as error:
        bank.stripe.v1.topups.create({"amount": 5, "currency": "usd", "metadata": metadata})

    assert error.value.param == "metadata"


def test_a_key_has_a_limit(bank):
    asked = {"amount": 5, "currency": "usd"}
    bank.stripe.v1.topups.create(asked, {"idempotency_key": "k" * 255})

    with pytest.raises(stripe.InvalidRequestError):
        bank.stripe.v1.topups.create(asked, {"idempotency_key": "k" * 256})


@pytest.mark.parametrize("path", ["a.b.c.d.e", "nothing", "description"])
def test_only_ids_are_expanded_and_not_too_deep(bank, path):
    topup = {"amount": 5, "currency": "usd", "description": "cover", "expand": [path]}

    with pytest.raises(stripe.InvalidRequestError) as error:
        bank.stripe.v1.topups.create(topup)

    assert error.value.param == "expand"
    assert bank.happened == []


def test_the_objects_of_a_list_are_expanded(bank):
    payment_of(bank)

    (booked,) = bank.stripe.v1.balance_transactions.list({"expand": ["data.source"]}).data

    assert (booked.source.object, booked.source.amount) == ("charge", 10_000)


def test_what_is_null_stays_so_when_expanded(bank):
    topup = {"amount": 5, "currency": "usd", "expand": ["source.owner"]}

    assert bank.stripe.v1.topups.create(topup).source is None
