"""Fairwork 4.2: there is equity in the management process."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.celery import app
from payments.models import Incident
from tasks.disclosure import equity
from tasks.models import Restriction
from tests.factories import HOUR, NOON, a_requester, fresh, published_batch
from tests.marketplace.clients import api
from tests.tasks.disclosure.test_equity import a_slow_worker
from tests.tasks.disclosure.working import answered, workers_of
from workers import blocks
from workers.models import Block, Decision, Worker

pytestmark = pytest.mark.django_db
NOW = NOON + timedelta(days=1)


def test_every_automated_decision_is_in_the_public_register_or_touches_no_worker():
    told = api(None).get("public/algorithms").json()
    named = {job for rule in told["rules"] for job in rule["jobs"]} | set(told["touches_no_worker"])
    run = {line["task"].rpartition(".")[2] for line in app.conf.beat_schedule.values()}

    assert run <= named
    for rule in told["rules"]:
        assert rule["purpose"], rule["inputs"]
        assert rule["remedy"], rule["contact"]


def test_a_region_that_earns_less_raises_an_alert_for_a_human():
    batch = published_batch(tasks=40)
    for country, seconds in ("DE", 60), ("KE", 300):
        for worker in workers_of(country, 15):
            answered(batch, worker, seconds=seconds)

    equity.look(now=NOW)

    incident = Incident.objects.get(kind="disparity")
    assert incident.subject.startswith("pay region KE")
    assert incident.resolved_at is None


def test_equal_treatment_raises_none():
    batch = published_batch(tasks=40)
    for country in "DE", "KE":
        for worker in workers_of(country, 15):
            answered(batch, worker, seconds=60)

    equity.look(now=NOW)

    assert not Incident.objects.exists()


def test_a_slow_worker_is_put_to_a_human_and_nothing_is_done_by_itself():
    worker = a_slow_worker()
    before = Worker.objects.get(pk=worker.pk)

    equity.look(now=NOW)

    assert Incident.objects.get().kind == "slow_work"
    assert not Decision.objects.exists()
    assert not Restriction.objects.exists()
    after = Worker.objects.get(pk=worker.pk)
    assert (after.status, after.qualifications_version) == (
        before.status,
        before.qualifications_version,
    )


def test_a_block_hides_one_requesters_work_and_does_nothing_else():
    one, other = published_batch(tasks=1), published_batch(tasks=1)
    (worker,) = workers_of("DE", 1)
    client = api(worker)
    before = client.get("standing").json()

    blocks.block(
        requester=one.project.requester, worker=worker, direction=Block.Direction.REQUESTER,
        reason="Slow.", now=NOON + HOUR, actor=a_requester(),
    )  # fmt: skip

    assert client.get("standing").json() == before
    assert [each["id"] for each in client.get("work").json()["results"]] == [other.pk]
    assert fresh(worker).status == "active"
