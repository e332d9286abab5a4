"""The operator's actions: each asks once more, then calls a verb for every chosen row."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry

from marketplace.api import keys
from marketplace.models import ApiKey
from payments import accounts, payouts
from payments.models import Payout
from tasks import settle
from tasks.checks import flags
from tasks.models import Batch, Flag, Restriction
from tests.factories import HOUR, NOON, a_requester, a_worker, published_batch, submitted, usd
from tests.marketplace.operators import log_in_operator, page
from workers.models import Event, Worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    return log_in_operator(client)


def act(client, model, name, *rows, **said):
    """Select rows, choose an action and, with ``said``, answer its question."""
    chosen = {"action": name, ACTION_CHECKBOX_NAME: [row.pk for row in rows]}
    return client.post(page(model, "changelist"), {**chosen, **said}, follow=True)


def messages(answer):
    return [str(each) for each in answer.context["messages"]]


def test_an_action_asks_before_it_does_anything(client, operator):
    worker = a_worker()

    answer = act(client, Worker, "suspend", worker)

    assert "Reason" in answer.content.decode()
    assert worker.public_id in answer.content.decode()
    assert Worker.objects.get(pk=worker.pk).is_active


def test_a_worker_is_suspended_for_a_reason_by_the_operator(client, operator):
    worker = a_worker()

    answer = act(client, Worker, "suspend", worker, confirmed="on", text="Two accounts.")

    assert messages(answer) == [f"{worker}: done."]
    assert Worker.objects.get(pk=worker.pk).status == "suspended"
    event = Event.objects.get(kind="worker_suspended")
    assert (event.actor, event.data["reason"]) == (operator, "Two accounts.")
    assert LogEntry.objects.get().change_message == "Suspend until reinstated Two accounts."


def test_a_reason_is_required(client, operator):
    worker = a_worker()

    answer = act(client, Worker, "close", worker, confirmed="on", text="  ")

    assert "This field is required." in answer.content.decode()
    assert Worker.objects.get(pk=worker.pk).is_active


def test_a_refusal_is_shown_and_keeps_no_other_row_from_being_done(client, operator):
    closed, suspended = a_worker(), a_worker()
    act(client, Worker, "close", closed, confirmed="on", text="Left.")
    act(client, Worker, "suspend", suspended, confirmed="on", text="Asked to.")

    answer = act(client, Worker, "reinstate", closed, suspended, confirmed="on", text="Is back.")

    assert messages(answer) == [
        f"{closed}: A worker's account cannot go from closed to active.",
        f"{suspended}: done.",
    ]
    assert Worker.objects.get(pk=suspended.pk).is_active


def test_a_batch_is_paused_resumed_and_closed_by_the_operator(client, operator):
    batch = published_batch()
    passed = []

    for name in "pause", "resume", "close":
        act(client, Batch, name, batch, confirmed="on")
        passed.append(Batch.objects.get(pk=batch.pk).status)

    assert passed == ["paused", "open", "closing"]
    assert Event.objects.filter(subject_kind="batch", actor=operator).count() == 3


@pytest.fixture
def payout():
    batch, worker = published_batch(reward=usd(5)), a_worker()
    submitted(batch, worker=worker)
    settle.accept_due(now=NOON + 100 * HOUR)
    settle.pay_accepted(now=NOON)
    return payouts.request(owner_id=worker.user_id, amount=usd(5), now=NOON)


def test_a_payout_is_paid_with_the_banks_reference(client, operator, payout):
    act(client, Payout, "paid", payout, confirmed="on", text="SEPA 1")

    payout.refresh_from_db()
    assert (payout.status, payout.reference) == ("paid", "SEPA 1")


def test_a_payout_that_failed_returns_to_the_earnings(client, operator, payout):
    act(client, Payout, "failed", payout, confirmed="on")

    assert accounts.earnings_of(payout.owner_id, "USD").balance == usd(5)


def test_a_key_is_refused_once_it_is_revoked(client, operator):
    key, token = keys.make(user=operator, name="script", now=NOON)

    act(client, ApiKey, "revoke", key, confirmed="on")

    assert keys.find(token, now=NOON + timedelta(days=1)) is None


def test_an_action_takes_only_so_many_rows(client, operator, monkeypatch):
    monkeypatch.setattr("marketplace.admin.act.ROWS_MAX", 1)
    workers = a_worker(), a_worker()

    answer = act(client, Worker, "suspend", *workers, confirmed="on", text="All of you.")

    assert messages(answer) == ["Choose at most 1 at once."]
    assert Worker.objects.filter(status="active").count() == 2


def test_only_operators_act(client):
    worker = a_worker()
    client.force_login(a_requester())

    client.post(
        page(Worker, "changelist"),
        {"action": "close", ACTION_CHECKBOX_NAME: [worker.pk], "confirmed": "on", "text": "No."},
    )

    assert Worker.objects.get(pk=worker.pk).is_active


def test_nothing_can_be_deleted_from_a_list(client, operator):
    key, _ = keys.make(user=operator, name="script", now=NOON)

    act(client, ApiKey, "delete_selected", key, post="yes")

    assert ApiKey.objects.count() == 1


# Flags and restrictions.


def a_flag():
    batch, worker = published_batch(), a_worker()
    flags.raise_flag(
        worker_id=worker.pk, batch_id=batch.pk, kind="ring", sentence="s", evidence={}, now=NOON
    )
    return Flag.objects.get(worker=worker)


@pytest.mark.parametrize(("name", "status"), [("dismiss", "dismissed"), ("uphold", "upheld")])
def test_a_flag_is_decided_with_a_reason_and_nothing_follows(client, operator, name, status):
    flag = a_flag()

    act(client, Flag, name, flag, confirmed="on", text="I looked.")

    row = Flag.objects.get(pk=flag.pk)
    assert (row.status, row.decided_by, row.reason) == (status, operator, "I looked.")
    assert Worker.objects.get(pk=flag.worker_id).is_active


def test_a_flag_is_not_decided_without_a_reason(client, operator):
    flag = a_flag()

    act(client, Flag, "uphold", flag, confirmed="on", text="")

    assert Flag.objects.get(pk=flag.pk).status == "waiting"


def test_a_restriction_is_lifted(client, operator):
    batch, worker = published_batch(), a_worker()
    made = Restriction.objects.create(
        worker=worker, batch=batch, kind="limit", value=1, sentence="s", evidence={},
        made_at=NOON, until=NOON + HOUR,
    )  # fmt: skip

    act(client, Restriction, "lift", made, confirmed="on")

    assert Restriction.objects.get().lifted_by == operator
