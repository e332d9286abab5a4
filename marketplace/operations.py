"""For operators and their monitoring: is it alive, is it ready, how is it doing?"""

from __future__ import annotations

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from marketplace import metrics as site_metrics
from marketplace.celery import app
from marketplace.models import Heartbeat

LATE_SECONDS = 120  # a job that has not ended well for this long is reported


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: this process answers. It asks nobody else."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: PostgreSQL and Redis answer and the jobs run. 503 and the reasons otherwise.

    Redis and the jobs may be away for a while without harm: work waits in the rows. They are
    reported, and only PostgreSQL decides.
    """
    checks = {"postgresql": _postgresql(), "redis": _redis()}
    if checks["postgresql"] == "ok":
        checks["jobs"] = _jobs()
    ready = checks["postgresql"] == "ok"
    return JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus metrics. Keep it from the public at the proxy: docs/operations.md."""
    return HttpResponse(site_metrics.render(), content_type="text/plain; version=0.0.4")


def _postgresql() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"does not answer: {error}".splitlines()[0]
    return "ok"


def _redis() -> str:
    try:
        with redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as r:
            r.ping()
    except redis.RedisError as error:
        return f"does not answer: {error}".splitlines()[0]
    return "ok"


def _jobs() -> str:
    """Which jobs are late by more than their own period and ``LATE_SECONDS``."""
    now = timezone.now()
    seen = {beat.job: beat.finished_at for beat in Heartbeat.objects.all()}
    late = []
    for line in app.conf.beat_schedule.values():
        name = line["task"].rpartition(".")[2]
        if name not in seen:
            late.append(f"{name} has never run")
        elif (now - seen[name]).total_seconds() > line["schedule"] + LATE_SECONDS:
            late.append(f"{name} last ended well {now - seen[name]} ago")
    return "; ".join(late) or "ok"
