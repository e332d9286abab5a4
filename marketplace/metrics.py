"""What Prometheus sees: counters of this process, and gauges read from the rows when asked."""

from __future__ import annotations

import os
from collections.abc import Iterator

from django.db.models import Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from marketplace.models import Heartbeat
from payments import floors
from payments.models import Incident
from tasks.models import Progress

CLAIMS = Counter("crowdwright_claims", "Assignments handed out.")
SUBMITS = Counter("crowdwright_submits", "Answers taken.")


class RowCollector:
    """Gauges that are true of the whole site, whichever process is asked."""

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        lag = GaugeMetricFamily(
            "crowdwright_job_lag_seconds", "Since the job last ended well.", labels=["job"]
        )
        imbalance = GaugeMetricFamily(
            "crowdwright_ledger_imbalance", "Accounts and sums that do not balance; must be 0."
        )
        for beat in Heartbeat.objects.all():
            lag.add_metric([beat.job], (now - beat.finished_at).total_seconds())
            if beat.job == "audit_ledger":
                imbalance.add_metric([], beat.done)
        yield lag
        yield imbalance
        yield GaugeMetricFamily(
            "crowdwright_open_incidents",
            "What does not fit together and waits for a human.",
            value=Incident.objects.filter(resolved_at=None).count(),
        )
        yield GaugeMetricFamily(
            "crowdwright_stale_wage_floors",
            "Wage floors in force whose source nobody has read for a year.",
            value=floors.stale(on=now.date()).count(),
        )
        counted = Progress.objects.exclude(batch__status="closed").aggregate(
            **{name: Sum(name) for name in GAUGES}
        )
        for name, meaning in GAUGES.items():
            yield GaugeMetricFamily(f"crowdwright_{name}", meaning, value=counted[name] or 0)


GAUGES = {
    "open_slots": "Answers that running batches still want and nobody has claimed.",
    "active": "Assignments claimed and not yet answered, in running batches.",
    "submitted": "Answers waiting for a decision, in running batches.",
}


def render() -> bytes:
    """All metrics in Prometheus' text format; of all web processes where they share a folder."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        for counter in CLAIMS, SUBMITS:
            registry.register(counter)
    registry.register(RowCollector())
    return generate_latest(registry)
