"""One's own data over HTTP: all of it, and the way out."""

from __future__ import annotations

import json

import pytest

from payments import payouts
from tasks import settle
from tests.factories import (
    HOUR,
    NOON,
    a_requester,
    a_worker,
    accepted,
    fresh,
    published_batch,
    rejected,
    usd,
)
from tests.marketplace.clients import api, problem_of, text_of
from tests.marketplace.evil import LITERALS
from workers import blocks, content, export, forum, people, proposals, qualify, terms
from workers.models import Proposal

pytestmark = pytest.mark.django_db


def exported(caller):
    response = api(caller).get("me/export")
    assert response.status_code == 200
    return json.loads(text_of(response))


@pytest.fixture
def worker():
    """Somebody who has done a little of everything."""
    terms.load_shipped(NOON)
    user = people.register(
        username="serinus", email="canary@worker.example", worker=True, country="LI", now=NOON
    )
    worker, requester = user.worker, a_requester(usd(1_000))
    accepted(published_batch(tasks=1), worker=worker)
    rejected(published_batch(tasks=1), "dog", worker=worker)
    settle.pay_accepted(now=NOON + HOUR)
    payouts.request(owner_id=user.pk, amount=usd(2), now=NOON)
    kind = qualify.define(requester=requester, name="Reads French", now=NOON)
    qualify.grant(type=kind, worker=worker, value=3, now=NOON, actor=requester)
    for direction in "worker", "requester":
        blocks.block(
            requester=requester, worker=worker, direction=direction, reason=f"said by {direction}",
            now=NOON, actor=None,
        )  # fmt: skip
    content.agree(worker=worker, warnings=["gore"], now=NOON)
    forum.post(author=worker, text="Hello.", now=NOON)
    proposed = proposals.propose(
        proposed_by=a_worker().user, kind=Proposal.Kind.RULE, title="T", text="t", now=NOON + HOUR
    )
    proposals.vote(proposal=proposed, voter=worker, is_yes=False, now=NOON + HOUR)
    return worker


def test_the_export_holds_all_that_is_kept(worker):
    told = exported(worker)

    assert told["profile"]["email"] == "canary@worker.example"
    assert told["profile"]["worker"]["content_agreed"] == ["gore"]
    assert [each["version"] for each in told["consents"]] == [1]
    assert [each["answer"] for each in told["assignments"]] == [
        {"label": "cat"}, {"label": "dog"},
    ]  # fmt: skip
    assert told["assignments"][0]["worked_seconds"] is not None
    assert [each["kind"] for each in told["entries"]] == ["reward", "payout"]
    assert [each["amount_minor"] for each in told["payouts"]] == [2]
    assert [(each["name"], each["value"]) for each in told["qualifications"]] == [
        ("Reads French", 3)
    ]
    assert [each["text"] for each in told["posts"]] == ["Hello."]
    assert [each["yes"] for each in told["ballots"]] == [False]
    assert "user_registered" in {each["kind"] for each in told["events"]}
    assert {"rejections", "appeals", "ratings", "decisions", "returns", "top_ups"} <= set(told)


def test_the_export_tells_neither_who_nor_how_many_have_blocked_a_worker(worker):
    text = text_of(api(worker).get("me/export"))

    assert "said by worker" in text
    assert "said by requester" not in text
    assert len(json.loads(text)["blocks"]) == 1
    assert "worker_blocked" not in text


def test_the_export_does_not_tell_gold(worker):
    text = text_of(api(worker).get("me/export"))

    assert "is_gold" not in text
    assert '"estimate"' not in text


def test_nobodys_export_holds_what_is_anothers(worker):
    other = exported(a_worker())

    assert [each for name, each in other.items() if name in {"assignments", "posts"}] == [[], []]
    assert "canary@worker.example" not in json.dumps(other)


def test_long_lists_are_read_page_by_page_and_none_is_lost(worker, monkeypatch):
    whole = exported(worker)

    monkeypatch.setattr(export, "PAGE", 1)

    assert exported(worker)["assignments"] == whole["assignments"]


def test_a_requester_exports_their_account_and_batches():
    batch = published_batch(tasks=1)

    told = exported(batch.project.requester)

    assert [each["id"] for each in told["batches"]] == [batch.pk]
    assert "assignments" not in told


def test_erasing_needs_the_own_username_typed(worker):
    client = api(worker)

    assert problem_of(client.post("me/erase", {"username": "other"})) == (400, "invalid_request")
    assert fresh(worker.user).erased_at is None
    done = client.post("me/erase", {"username": "Serinus"})

    assert done.status_code == 200
    assert done.json() == {
        "pseudonym": fresh(worker.user).username,
        "waiting": [{"amount": 3, "currency": "USD"}],
    }
    assert client.get("me/export").status_code == 401


@pytest.mark.parametrize("literal", LITERALS)
def test_no_other_body_erases_anybody(literal):
    user = a_worker().user
    raw = b'{"username": %s}' % literal.encode()

    refusal = api(user, errors_as_500=True).post("me/erase", raw)

    assert refusal.status_code == 400
    assert fresh(user).erased_at is None


def test_a_requester_with_open_batches_is_told_what_to_do():
    requester = published_batch(tasks=1).project.requester

    refusal = api(requester).post("me/erase", {"username": requester.username})

    assert problem_of(refusal) == (409, "not_erasable")
    assert "Close your batches" in refusal.json()["detail"]
