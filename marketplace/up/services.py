"""What a stack stands on: PostgreSQL with its tables and wage floors, and Redis."""

from __future__ import annotations

import os
import subprocess

from marketplace import embedded
from marketplace.embedded.paths import CHECKOUT
from marketplace.up.commands import manage
from marketplace.up.errors import MigrationFailed


def start_services() -> None:
    """Start the embedded servers that the environment does not replace, unless they run.

    Raises:
        EmbeddedError: one cannot be run here; the message says what to do.
    """
    if not os.environ.get("DATABASE_URL"):
        embedded.database_url()
    if not os.environ.get("REDIS_URL"):
        embedded.redis_url()


def prepare() -> None:
    """Start what a stack stands on, and bring the database, wage floors and terms up to date.

    Raises:
        EmbeddedError: a server cannot be run here.
        MigrationFailed: the migrations, the floors or the terms did not run through.
    """
    start_services()
    command = manage("prepare", "-v0")
    if subprocess.run(command, cwd=CHECKOUT, check=False).returncode:  # noqa: S603
        raise MigrationFailed
