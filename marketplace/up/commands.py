"""What the web process, the job runner and the clock are run with."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from marketplace.embedded.paths import CHECKOUT, var_dir

HOST = "127.0.0.1"
WEB_WORKERS, JOB_PROCESSES = 2, 2
CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "marketplace.celery"]


def web(*, port: int, workers: int | None) -> list[str]:
    """Return the command of the web process; ``WEB_WORKERS`` counts where ``workers`` does not."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"),
        *("--host", HOST, "--port", str(port)),
        *("--workers", str(workers or _count("WEB_WORKERS", WEB_WORKERS))),
        *("--blocking-threads", "4", "--workers-kill-timeout", "5", "--respawn-failed-workers"),
        "marketplace.wsgi:application",
    ]


def runner(*, processes: int | None) -> list[str]:
    """Return the command of the job runner; ``JOB_PROCESSES`` counts where ``processes`` does not.

    Runners have nothing to say to each other: what they know stands in the database.
    """
    count = str(processes or _count("JOB_PROCESSES", JOB_PROCESSES))
    return [*CELERY, "worker", "-c", count, "--without-gossip", "--without-mingle"]


def clock(*, name: str) -> list[str]:
    """Return the command of the clock, whose memory is a file that carries the stack's ``name``.

    It writes no pid file: one that outlived a killed clock would keep the next from starting.
    """
    return [*CELERY, "beat", "-s", str(var_dir() / f"beat-schedule-{name}"), "--pidfile="]


def environment(*, port: int) -> dict[str, str]:
    """Return what every part finds in its environment; command lines hold nothing secret."""
    return {
        "SITE_URL": f"http://{HOST}:{port}",
        **os.environ,
        "CROWDWRIGHT_VAR": str(var_dir()),
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "PYTHONUNBUFFERED": "1",
        # Aggregation works on small matrices, where more threads only wait for each other.
        "OMP_NUM_THREADS": "1",
    }


def web_environment(shared: Mapping[str, str], *, metrics: Path) -> dict[str, str]:
    """Return the environment of the web process: its workers count in one folder together.

    Only it gains by a pool of connections: a job runner would close one after every job.
    """
    return {"DB_POOL": "1", "PROMETHEUS_MULTIPROC_DIR": str(metrics), **shared}


def manage(*words: str) -> list[str]:
    """Return the command of a management command."""
    return [sys.executable, str(CHECKOUT / "manage.py"), *words]


def _count(name: str, default: int) -> int:
    return int(os.environ.get(name) or default)
