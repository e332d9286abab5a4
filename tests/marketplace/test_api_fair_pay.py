"""The wage floor at the edge: what is refused and why, what a quote and a batch say."""

from __future__ import annotations

import pytest

from tasks.compensation import pilot
from tests.factories import HOUR, NOON, drafted_batch, floor, usd
from tests.marketplace.clients import api, problem_of
from tests.tasks.compensation.paying import crowd, fair, owner, rich

pytestmark = pytest.mark.django_db


def draft(**fields):
    floor(1200)
    return drafted_batch(
        **{"reward": usd(100), "estimate_seconds": 300, "project": rich()} | fields
    )


def test_a_reward_below_the_floor_is_refused_with_what_a_program_needs():
    batch = draft(reward=usd(90))

    refused = api(owner(batch)).post(f"batches/{batch.pk}/publish")

    assert problem_of(refused) == (422, "reward_below_floor")
    problem = refused.json()
    assert (problem["minimum"], problem["currency"]) == (100, "USD")
    assert (problem["floor"], problem["seconds"]) == (1200, 300)


def test_a_quote_names_the_floor_the_time_and_the_reserve():
    batch = draft(tasks=2)

    quote = api(owner(batch)).post(f"batches/{batch.pk}/quote").json()

    assert (quote["floor"], quote["minimum_reward"]) == (1200, 100)
    assert (quote["seconds"], quote["seconds_from"], quote["pilot"]) == (300, "estimate", False)
    assert (quote["reserve"], quote["total"]) == (160, 400)


def test_a_batch_says_what_it_promises_and_what_its_reserve_has():
    floor(1200)
    batch = fair(tasks=2, reward=usd(100), estimate_seconds=300)

    said = api(owner(batch)).get(f"batches/{batch.pk}").json()

    assert (said["floor"], said["estimate_seconds"], said["paused_for"]) == (1200, 300, "")
    assert said["reserve"] == {"brought": 160, "left": 160, "each": 80}


def test_warnings_and_use_of_the_data_are_kept_as_they_were_chosen():
    project = rich()
    body = {"reward": 5, "content_warnings": ["hate", "gore"], "data_use": "To train a filter."}

    made = api(project.requester).post(f"projects/{project.pk}/batches", body).json()

    assert (made["content_warnings"], made["data_use"]) == (["gore", "hate"], "To train a filter.")


def test_a_warning_that_nobody_knows_is_refused():
    project = rich()
    body = {"reward": 5, "content_warnings": ["boring"]}

    refused = api(project.requester).post(f"projects/{project.pk}/batches", body)

    assert problem_of(refused) == (422, "invalid_warning")


def test_a_batch_that_is_held_up_goes_on_after_a_raise():
    floor(1200)
    batch = fair(tasks=40, reward=usd(100), estimate_seconds=300)
    client = api(owner(batch))
    crowd(batch, *[360] * 10)
    pilot.look_due(now=NOON + HOUR)

    assert client.get(f"batches/{batch.pk}").json()["paused_for"] == "reward_below_floor"
    refused = client.post(f"batches/{batch.pk}/resume")
    raised = client.post(f"batches/{batch.pk}/reward", {"reward": 120})
    resumed = client.post(f"batches/{batch.pk}/resume")

    assert problem_of(refused) == (422, "reward_below_floor")
    assert (raised.status_code, raised.json()["reward"], raised.json()["fee"]) == (200, 120, 24)
    assert (resumed.json()["status"], resumed.json()["paused_for"]) == ("open", "")


def test_a_raise_that_the_wallet_cannot_pay_says_what_is_missing():
    floor(1200)
    batch = fair(tasks=2, reward=usd(100), estimate_seconds=300, project=rich(400))

    refused = api(owner(batch)).post(f"batches/{batch.pk}/reward", {"reward": 200})

    # 240 more for two answers; at 200 a reserve of a tenth is enough.
    assert problem_of(refused) == (402, "insufficient_funds")
    assert refused.json()["missing"] == 240
