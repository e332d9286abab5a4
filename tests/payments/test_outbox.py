"""Calls are made once, whatever fails: against the bank of play money, with a call of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest
import stripe

from payments import operations, outbox, provider
from payments.calls import Again, Call
from payments.models import Incident, StripeOperation
from tests.factories import NOON
from tests.payments.stripe_world import Bank, objects

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


class Killed(BaseException):
    """The process is gone."""


class TopUps:
    """A call that puts money into the bank, and what became of it."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.keys: list[str] = []
        self.made: list[str] = []
        self.refusals: list[str] = []
        self.again: Again | None = None
        self.error: BaseException | None = None
        self.dies_after = False
        self.calls = {"toy": Call(self.send, self.confirmed, self.refused, self.search)}

    def plan(self) -> StripeOperation:
        request = {"amount": 500, "currency": "usd", "metadata": {"toy": "1"}}
        return outbox.plan(kind="toy", subject_id=1, request=request, now=self.bank.now)

    def run(self, operation: StripeOperation) -> bool:
        return outbox.run(operation.pk, self.calls, self.bank.client, now=self.bank.now)

    def send(self, client, operation, options):
        self.keys.append(options["idempotency_key"])
        if self.error:
            raise self.error
        made = client.v1.topups.create(operation.request, options)
        if self.dies_after:
            raise Killed
        return made

    def confirmed(self, operation, made, now):
        self.made.append(made.id)

    def refused(self, operation, why, now):
        self.refusals.append(why.code)
        return self.again

    def search(self, client, operation):
        found = [row["id"] for row in objects(self.bank, "topup")]
        return stripe.StripeObject.construct_from({"id": found[0]}, "key") if found else None


@pytest.fixture
def bank():
    return Bank()


@pytest.fixture
def toy(bank):
    return TopUps(bank)


def fresh(operation: StripeOperation) -> StripeOperation:
    return StripeOperation.objects.get(pk=operation.pk)


def fail_next(bank: Bank, fault: str) -> None:
    bank.server.faults.fail_next("post", "/v1/topups", fault)


def test_the_key_is_written_down_before_anything_is_sent(toy):
    operation = toy.plan()

    assert fresh(operation).idempotency_key == f"play:toy:{operation.pk}:a1"
    assert fresh(operation).state == "planned"
    assert toy.run(operation)
    assert toy.keys == [operation.idempotency_key]
    assert fresh(operation).state == "confirmed"
    assert toy.made == [fresh(operation).stripe_id]


@pytest.mark.parametrize(
    "fault", ["timeout_before", "timeout_after", "rate_limit", "lock", "conflict", "error_after"]
)
def test_without_an_answer_it_is_sent_again_under_the_same_key(bank, toy, fault):
    operation = toy.plan()
    fail_next(bank, fault)

    assert not toy.run(operation)
    assert fresh(operation).state == "sent"
    assert fresh(operation).last_error
    assert not toy.run(operation)  # not before its time
    bank.later(seconds=1)
    assert toy.run(operation)
    assert len(set(toy.keys)) == 1
    assert len(objects(bank, "topup")) == 1
    assert not Incident.objects.exists()


def test_the_wait_doubles_up_to_five_minutes(bank, toy):
    operation = toy.plan()
    waits = []
    for _ in range(12):
        fail_next(bank, "timeout_before")
        toy.run(operation)
        waits.append(fresh(operation).next_try_at - bank.now)
        bank.now = fresh(operation).next_try_at
    for run, wait in enumerate(waits):
        longest = min(SECOND * 2**run, 5 * MINUTE)
        assert longest / 2 <= wait <= longest


def test_a_refusal_ends_it_and_is_told_once(bank, toy):
    operation = toy.plan()
    toy.error = stripe.InvalidRequestError("no", "amount", code="no_way", http_status=400)

    assert toy.run(operation)
    assert fresh(operation).state == "failed"
    assert fresh(operation).finished_at == bank.now
    assert not toy.run(operation)
    assert toy.refusals == ["no_way"]


def test_a_refusal_that_may_end_gives_it_a_new_key(bank, toy):
    operation = toy.plan()
    toy.again = Again(after=HOUR)
    toy.error = stripe.InvalidRequestError("no", "amount", code="not_now", http_status=400)

    assert not toy.run(operation)
    renewed = fresh(operation)
    assert (renewed.state, renewed.attempt) == ("planned", 2)
    assert renewed.next_try_at == bank.now + HOUR
    toy.error = None
    bank.later(hours=1)
    assert toy.run(operation)
    assert toy.keys == [f"play:toy:{operation.pk}:a1", f"play:toy:{operation.pk}:a2"]


def test_what_was_said_to_an_old_key_does_not_touch_the_new_one(bank, toy):
    """One process was stopped with a refusal in its hand; another has renewed the call since."""
    operation = toy.plan()
    toy.again = Again(after=HOUR)
    refusal = stripe.InvalidRequestError("no", "amount", code="not_now", http_status=400)
    toy.error = refusal
    stale = fresh(operation)
    toy.run(operation)

    outbox._troubled(stale, toy.calls["toy"], provider.trouble(refusal), bank.now)

    assert fresh(operation).attempt == 2
    assert toy.refusals == ["not_now"]


@pytest.mark.parametrize("was_done", [True, False])
def test_what_was_sent_a_day_ago_is_looked_for_and_not_sent(bank, toy, was_done):
    operation = toy.plan()
    fail_next(bank, "timeout_after" if was_done else "timeout_before")
    toy.run(operation)
    bank.later(hours=23)

    toy.run(operation)

    assert len(toy.keys) == 1
    if was_done:
        assert fresh(operation).state == "confirmed"
    else:  # nothing is there: a new key cannot double it
        assert (fresh(operation).state, fresh(operation).attempt) == ("planned", 2)
        toy.run(operation)
    assert toy.made == [row["id"] for row in objects(bank, "topup")]
    assert len(toy.made) == 1


@pytest.mark.parametrize(
    "error",
    [
        stripe.AuthenticationError("wrong key", http_status=401),
        stripe.PermissionError("not yours", http_status=403),
        stripe.IdempotencyError("used for something else", http_status=400),
    ],
)
def test_what_only_the_operator_can_mend_is_told_once_a_day_and_waits(bank, toy, error):
    operation = toy.plan()
    toy.error = error

    toy.run(operation)
    bank.later(minutes=15)
    toy.run(operation)

    incident = Incident.objects.get()
    assert incident.kind == "stripe_refuses_the_platform"
    assert incident.subject == f"{type(error).__name__} {NOON:%Y-%m-%d}"
    assert fresh(operation).state == "sent"
    assert toy.refusals == []


@pytest.mark.parametrize(
    ("error", "is_final"),
    [
        (stripe.APIConnectionError("no line"), False),
        (stripe.APIError("broken", http_status=502), False),
        (stripe.RateLimitError("too fast", http_status=429), False),
        (stripe.IdempotencyError("in use", http_status=409), False),
        (stripe.StripeError("of another kind"), False),
        (stripe.StripeError("gone", http_status=410), True),
        (stripe.CardError("declined", "card", "card_declined", http_status=402), True),
    ],
)
def test_only_what_stripe_has_refused_is_final(error, is_final):
    assert provider.trouble(error).is_final is is_final
    assert not provider.trouble(error).needs_operator


def test_an_error_that_is_not_stripes_is_not_read_as_an_answer():
    with pytest.raises(ZeroDivisionError):
        provider.trouble(ZeroDivisionError())


def test_a_death_after_the_call_holds_it_for_two_minutes_and_then_it_is_made_again(bank, toy):
    operation = toy.plan()
    toy.dies_after = True
    with pytest.raises(Killed):
        toy.run(operation)
    toy.dies_after = False

    bank.later(minutes=1, seconds=59)
    assert not toy.run(operation)
    bank.later(seconds=1)
    assert toy.run(operation)
    assert len(toy.keys) == 2
    assert len(set(toy.keys)) == 1
    assert len(objects(bank, "topup")) == 1


def test_two_at_once_do_not_both_make_a_call(bank, toy):
    operation = toy.plan()
    assert outbox._lease(operation.pk, bank.now)
    assert outbox._lease(operation.pk, bank.now) is None
    assert outbox.due(now=bank.now) == []


def test_a_late_answer_changes_nothing_and_another_object_is_told(bank, toy):
    operation = toy.plan()
    toy.run(operation)
    same = stripe.StripeObject.construct_from({"id": fresh(operation).stripe_id}, "key")
    other = stripe.StripeObject.construct_from({"id": "tu_other"}, "key")

    assert not outbox.confirm(operation, toy.calls["toy"], same, now=bank.now)
    assert not Incident.objects.exists()
    assert not outbox.confirm(operation, toy.calls["toy"], other, now=bank.now)
    assert Incident.objects.get().kind == "made_twice"
    assert len(toy.made) == 1


def test_a_call_that_fails_here_is_put_off_and_does_not_stop_the_others(bank, toy, monkeypatch):
    def broken(operation, made, now):
        raise ZeroDivisionError("of ours")

    first = toy.plan()
    second = outbox.plan(kind="good", subject_id=2, request=first.request, now=bank.now)
    calls = {"toy": Call(toy.send, broken, toy.refused, toy.search), "good": toy.calls["toy"]}
    monkeypatch.setattr(operations, "CALLS", calls)

    assert operations.make_due(bank.client, now=bank.now) == 1
    assert fresh(second).state == "confirmed"
    assert fresh(first).state == "sent"
    assert fresh(first).next_try_at == bank.now + 15 * MINUTE
    assert Incident.objects.get().kind == "call_failed_here"


def test_a_run_leaves_to_the_next_what_it_has_no_time_for(bank, toy, monkeypatch):
    toy.plan()
    monkeypatch.setattr(operations, "CALLS", toy.calls)
    monkeypatch.setattr(operations, "PATIENCE_SECONDS", -1)

    assert operations.make_due(bank.client, now=bank.now) == 0
    assert toy.keys == []
