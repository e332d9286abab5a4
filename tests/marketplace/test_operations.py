"""What operators and their monitoring ask: alive, ready, how it is doing; and safe headers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from marketplace import metrics
from marketplace.celery import app
from marketplace.models import Heartbeat
from tasks import progress
from tests.factories import NOON, a_requester, a_worker, claim, published_batch, submitted
from tests.marketplace.clients import ROOT, Api, api

JOBS = {
    line["task"].rpartition(".")[2]: line["schedule"] for line in app.conf.beat_schedule.values()
}


def all_jobs_ran(ago=timedelta(0)):
    now = timezone.now()
    Heartbeat.objects.bulk_create(
        [Heartbeat(job=job, finished_at=now - ago) for job in JOBS], ignore_conflicts=True
    )


def ready():
    answer = Client().get("/readyz")
    return answer.status_code, answer.json()


# Alive


def test_alive_is_said_without_asking_anybody(django_assert_num_queries, db):
    with django_assert_num_queries(0):
        answer = Client().get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert answer.headers["Content-Type"] == "text/plain"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_operators_only_read(path, method):
    assert Client().generic(method, path).status_code == 405


# Ready


@pytest.mark.django_db
def test_ready_when_both_servers_answer_and_all_jobs_run():
    all_jobs_ran()

    assert ready() == (
        200,
        {"ready": True, "checks": {"postgresql": "ok", "redis": "ok", "jobs": "ok"}},
    )


@pytest.mark.django_db
def test_late_jobs_are_named_and_cost_nobody_the_site():
    all_jobs_ran()
    for job in "pay_accepted", "audit_ledger":
        Heartbeat.objects.filter(job=job).update(finished_at=timezone.now() - timedelta(minutes=10))
    Heartbeat.objects.filter(job="wind_up").delete()

    status, body = ready()

    assert (status, body["ready"]) == (200, True)
    said = body["checks"]["jobs"].split("; ")
    assert [each.split(" last ")[0] for each in said] == ["pay_accepted", "wind_up has never run"]
    assert said[0].startswith("pay_accepted last ended well 0:10:00")


@pytest.mark.django_db
def test_a_job_is_late_by_its_own_period_and_two_minutes():
    all_jobs_ran(ago=timedelta(seconds=124))

    late = {each.split()[0] for each in ready()[1]["checks"]["jobs"].split("; ")}

    assert late == {job for job, period in JOBS.items() if period < 4}


@pytest.mark.django_db
def test_nothing_has_run_on_a_new_site():
    said = ready()[1]["checks"]["jobs"].split("; ")

    assert sorted(said) == sorted(f"{job} has never run" for job in JOBS)


@pytest.mark.django_db
def test_redis_may_be_away(settings):
    all_jobs_ran()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    status, body = ready()

    assert (status, body["ready"], body["checks"]["postgresql"]) == (200, True, "ok")
    assert body["checks"]["redis"].startswith("does not answer: ")


@pytest.mark.django_db
def test_without_postgresql_nothing_works():
    with transaction.atomic():
        with connection.cursor() as cursor, pytest.raises(Exception, match="nothing"):
            cursor.execute("SELECT nothing")
        status, body = ready()  # every statement fails until this transaction ends
        transaction.set_rollback(True)

    assert (status, body["ready"]) == (503, False)
    assert body["checks"]["postgresql"].startswith("does not answer: ")
    assert "\n" not in body["checks"]["postgresql"]
    assert "jobs" not in body["checks"]


# How it is doing


def measured():
    """The samples of /metrics, by name and labels."""
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.mark.django_db
def test_metrics_name_what_operators_watch():
    batch = published_batch(tasks=5, overlap=1)
    claim(batch)
    submitted(batch)
    progress.count_due(now=NOON)
    closed = published_batch(tasks=1)
    progress.count_due(now=NOON)
    type(closed).objects.filter(pk=closed.pk).update(status="closed", closed_at=NOON)
    all_jobs_ran(ago=timedelta(seconds=30))
    Heartbeat.objects.filter(job="audit_ledger").update(done=3)

    found = measured()

    assert found["crowdwright_open_slots"] == 3
    assert found["crowdwright_active"] == 1
    assert found["crowdwright_submitted"] == 1
    assert found["crowdwright_ledger_imbalance"] == 3
    for job in JOBS:
        assert 30 <= found[f'crowdwright_job_lag_seconds{{job="{job}"}}'] < 60
    assert {"crowdwright_claims_total", "crowdwright_submits_total"} <= set(found)


@pytest.mark.django_db
def test_metrics_of_a_new_site_are_zero_and_claim_no_audit():
    found = measured()

    assert [found[f"crowdwright_{name}"] for name in metrics.GAUGES] == [0, 0, 0]
    assert "crowdwright_ledger_imbalance" not in found


@pytest.mark.django_db
def test_several_processes_are_counted_together(monkeypatch, tmp_path):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))

    found = measured()

    assert found["crowdwright_open_slots"] == 0
    assert "crowdwright_claims_total" not in found  # no other process has written any


# Headers


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/metrics", f"{ROOT}work", f"{ROOT}nothing", f"{ROOT}schema",
             "/api/docs", "/api/redoc", "/", "/nothing"]
)  # fmt: skip
@pytest.mark.parametrize("is_known", [True, False])
def test_every_answer_is_safe_in_a_browser(path, is_known):
    client = api(a_worker()) if is_known else Api(None)

    headers = client.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    if path != "/api/docs":  # whose own view opens windows to sign in elsewhere
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Server" not in headers


@pytest.mark.django_db
@pytest.mark.parametrize("route", ["work", "assignments", "earnings", "payouts", "nothing"])
def test_nobody_between_keeps_an_answer_of_the_api(route):
    """What a token sees must not stay in a shared cache."""
    answer = api(a_worker()).get(route)

    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.django_db
@pytest.mark.parametrize("route", ["batches", "wallet", "projects", "qualifications"])
def test_what_a_requester_sees_is_not_kept_either(route):
    assert api(a_requester()).get(route).headers["Cache-Control"] == "no-store"
