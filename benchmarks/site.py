"""A site of its own for a benchmark: an empty database and a web process, gone afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from benchmarks import cpu
from marketplace import embedded

NAME = "crowdwright_bench"


class Site:
    """The address, and what its processes have used so far."""

    def __init__(self, url: str, web: subprocess.Popen[bytes], postmaster: int) -> None:
        self.url = url
        self.web = web
        self.postmaster = postmaster

    def cpu_seconds(self) -> tuple[float, float]:
        """CPU of the web processes, and of PostgreSQL with all its backends."""
        return cpu.seconds(cpu.family(self.web.pid)), cpu.seconds(cpu.family(self.postmaster))

    def web_memory_peak(self) -> int:
        return max(cpu.resident_peak(pid) for pid in cpu.family(self.web.pid))


@contextmanager
def site(workers: int = 1, threads: int = 4) -> Iterator[Site]:
    """Create the database, migrate, start the web process; drop and stop everything at the end."""
    main = os.environ.get("DATABASE_URL") or embedded.database_url()
    _recreate(main)
    os.environ["DATABASE_URL"] = make_conninfo(main, dbname=NAME)
    env = os.environ | {"DB_POOL": "1", "LOG_LEVEL": os.environ.get("LOG_LEVEL", "ERROR")}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True, env=env)
    import django

    os.environ |= {"DJANGO_SETTINGS_MODULE": "marketplace.settings", "LOG_LEVEL": "ERROR"}
    django.setup()
    port = _free_port()
    granian = Path(sys.executable).with_name("granian")
    command = [
        granian, "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", str(workers), "--blocking-threads", str(threads), "--no-access-log",
        "--log-level", "error", "--workers-kill-timeout", "5", "marketplace.wsgi:application",
    ]  # fmt: skip
    web = subprocess.Popen([*map(str, command)], env=env)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url + "/healthz")
        yield Site(url, web, _postmaster(main))
    finally:
        web.terminate()
        web.wait(20)
        from django.db import connections

        connections.close_all()
        _drop(main)


def _recreate(main: str) -> None:
    _drop(main)
    with psycopg.connect(main, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {NAME}")


def _drop(main: str) -> None:
    with psycopg.connect(main, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


def _postmaster(main: str) -> int:
    """The server's main process: the parent of any of its backends."""
    with psycopg.connect(main) as connection:
        stat = Path(f"/proc/{connection.info.backend_pid}/stat")
        if stat.exists():
            return int(stat.read_text().rpartition(")")[2].split()[1])
    sys.exit("The benchmarks count PostgreSQL's CPU, so it must run on this machine.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=1).read()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    sys.exit(f"{url} does not answer")
