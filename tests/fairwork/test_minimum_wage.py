"""Fairwork 1.2: workers are paid at least the minimum wage after costs, and know it before."""

from __future__ import annotations

import math
import random
from datetime import timedelta

import pytest

from tasks.compensation import topups, wage
from tests.factories import NOON, a_worker, claim, drafted_batch, floor, fresh, usd
from tests.marketplace.clients import api, problem_of
from tests.tasks import clocking
from tests.tasks.compensation.paying import (
    LATER,
    accept_and_pay,
    crowd,
    earned,
    fair,
    nothing_is_broken,
    owner,
    rich,
    wage_of,
)

pytestmark = pytest.mark.django_db
FLOOR = 1200  # per hour
USUAL = 300  # seconds, for which the floor pays exactly the reward
BATCHES = 4


def test_a_reward_below_the_floor_is_refused_with_the_least_that_would_do():
    floor(FLOOR)
    batch = drafted_batch(reward=usd(99), estimate_seconds=USUAL, project=rich())

    refusal = api(owner(batch)).post(f"batches/{batch.pk}/publish")

    assert problem_of(refusal) == (422, "reward_below_floor")
    assert refusal.json()["minimum"] == 100


def test_nine_in_ten_honest_workers_of_a_simulated_job_reach_the_floor():
    """The reward is exactly floor by usual time; people and tasks differ as people and tasks do."""
    floor(FLOOR)
    dice = random.Random(20)
    people = {a_worker(): dice.lognormvariate(0, 0.35) for _ in range(30)}
    time = dict.fromkeys(people, 0)
    for _ in range(BATCHES):
        batch = fair(tasks=30, reward=usd(100), estimate_seconds=USUAL)
        for worker, pace in people.items():
            seconds = math.ceil(USUAL * pace * dice.lognormvariate(0, 0.4))
            time[worker] += clocking.worked(claim(batch, worker), range(60, seconds, 60), seconds)[
                0
            ]
        accept_and_pay(batch)
    wage.look_due(now=LATER + timedelta(hours=1))

    for worker in people:
        topups.top_up_worker(worker=worker, now=LATER + timedelta(hours=2))

    hourly = [earned(worker) * 3600 / time[worker] for worker in people]
    assert sum(each >= FLOOR for each in hourly) >= 27
    assert sum(earned(worker) for worker in people) <= 1.45 * 100 * 30 * BATCHES
    nothing_is_broken(now=LATER + timedelta(hours=2))


@pytest.mark.parametrize("fee_basis_points", [0, 2000, 10_000])
def test_the_fee_never_lowers_what_a_worker_earns(fee_basis_points):
    floor(FLOOR)
    batch = fair(
        tasks=1, reward=usd(100), estimate_seconds=USUAL, fee_basis_points=fee_basis_points
    )
    (worker,) = crowd(batch, USUAL)
    accept_and_pay(batch)

    assert earned(worker) == 100


def test_the_card_says_before_the_claim_what_an_hour_pays_and_what_the_floor_is():
    floor(FLOOR)
    batch = fair(tasks=9, reward=usd(110), estimate_seconds=USUAL)
    client = api(a_worker())

    said = client.get(f"batches/{batch.pk}/offer").json()

    assert (said["time"]["seconds"], said["time"]["basis"]) == (USUAL, "estimate")
    assert (said["hourly"]["median"], said["floor"]) == (1320, FLOOR)

    crowd(batch, 240, 260, 300, 330, 400)
    wage.look_due(now=NOON + timedelta(hours=2))
    measured = client.get(f"batches/{batch.pk}/offer").json()

    assert measured["time"]["basis"] == "measured"
    assert measured["hourly"]["low"] <= measured["hourly"]["median"] <= measured["hourly"]["high"]


def test_work_that_takes_longer_than_was_said_is_topped_up_for_everybody():
    floor(FLOOR)
    batch = fair(tasks=5, reward=usd(100), estimate_seconds=USUAL)
    workers = crowd(batch, 360, 360, 360, 360, 360)
    accept_and_pay(batch)

    wage.look_due(now=LATER + timedelta(hours=1))
    topups.top_up_due(now=LATER + timedelta(hours=1))

    assert [earned(worker) for worker in workers] == [120] * 5
    assert wage_of(fresh(batch)).topup_minor == 20
