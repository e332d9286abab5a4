from __future__ import annotations

import pytest
import stripe

from payments.play.faults import Fault, Faults
from payments.play.store import MemoryStore
from tests.payments.play.bank import available, new_bank

PATH = "/v1/topups"


@pytest.fixture
def impatient(store):
    """A bank whose client does not try again by itself."""
    return new_bank(store, retries=0)


def top_up(bank):
    asked = {"amount": 5, "currency": "usd"}
    return bank.stripe.v1.topups.create(asked, {"idempotency_key": "once"})


@pytest.mark.parametrize(
    ("kind", "error", "done"),
    [
        ("timeout_before", stripe.APIConnectionError, False),
        ("timeout_after", stripe.APIConnectionError, True),
        ("rate_limit", stripe.RateLimitError, False),
        ("lock", stripe.RateLimitError, False),
        ("conflict", stripe.APIError, False),
        ("error_after", stripe.APIError, True),
        ("error_kept", stripe.APIError, True),
    ],
)
def test_a_fault_happens_before_the_work_or_after(impatient, kind, error, done):
    impatient.server.faults.fail_next("post", PATH, kind)

    with pytest.raises(error):
        top_up(impatient)

    assert available(impatient) == (5 if done else 0)


@pytest.mark.parametrize("kind", [it for it in Fault if it is not Fault.ERROR_KEPT])
def test_after_a_fault_the_same_key_does_the_work_once(impatient, kind):
    impatient.server.faults.fail_next("post", PATH, kind)
    with pytest.raises(stripe.StripeError):
        top_up(impatient)

    made = top_up(impatient)

    assert (made.amount, available(impatient)) == (5, 5)
    assert impatient.happened == ["topup.created", "topup.succeeded"]


def test_a_kept_error_replays_for_its_key(impatient):
    impatient.server.faults.fail_next("post", PATH, "error_kept")

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            top_up(impatient)

    assert available(impatient) == 5


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "lock", "error_after"])
def test_the_client_gets_over_a_fault_by_itself(kind):
    bank = new_bank(MemoryStore())
    bank.server.faults.fail_next("post", PATH, kind, times=2)

    assert top_up(bank).amount == 5
    assert available(bank) == 5


def test_the_client_does_not_repeat_when_it_is_too_fast():
    bank = new_bank(MemoryStore())
    bank.server.faults.fail_next("post", PATH, "rate_limit")

    with pytest.raises(stripe.RateLimitError) as refused:
        top_up(bank)

    assert (refused.value.http_status, refused.value.error.code) == (429, "rate_limit")


def test_only_requests_that_fit_fail():
    faults = Faults()
    faults.fail_next("POST", "/v1/transfers", "lock")

    assert faults.draw("get", "/v1/transfers") is None
    assert faults.draw("post", "/v1/payouts") is None
    assert faults.draw("post", "/v1/transfers/tr_1/reversals") is Fault.LOCK
    assert faults.draw("post", "/v1/transfers") is None


def test_a_kind_of_fault_must_be_known():
    with pytest.raises(ValueError, match="flood"):
        Faults().fail_next("post", PATH, "flood")


def drawn(seed, share, count=2_000):
    faults = Faults()
    faults.at_random(seed=seed, share=share, kinds=["lock", "timeout_after"])
    return [faults.draw("post", PATH) for _ in range(count)]


def test_random_faults_are_a_share_of_all_and_the_same_for_a_seed():
    faults = drawn(7, 0.2)

    assert faults == drawn(7, 0.2)
    assert faults != drawn(8, 0.2)
    assert set(faults) == {None, Fault.LOCK, Fault.TIMEOUT_AFTER}
    assert 350 < sum(fault is not None for fault in faults) < 450
    assert set(drawn(7, 0.0)) == {None}
