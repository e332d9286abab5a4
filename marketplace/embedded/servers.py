"""The three servers, by what others want of them: a URL that works."""

from __future__ import annotations

from marketplace.embedded.lock import alone
from marketplace.embedded.postgres import MAIN, TEST, Cluster
from marketplace.embedded.redis_server import REDIS, RedisServer

SERVERS: tuple[Cluster | RedisServer, ...] = (MAIN, TEST, REDIS)


def database_url(*, test: bool = False) -> str:
    """Return a libpq URL of the embedded PostgreSQL, starting it unless it runs.

    The ``test`` one keeps other files and may lose them with the machine's power.

    Raises:
        EmbeddedError: it cannot be run here; the message says what to do.
    """
    return _running(TEST if test else MAIN)


def redis_url() -> str:
    """Return a redis-py URL of the embedded Redis, starting it unless it runs.

    Raises:
        EmbeddedError: it cannot be run here; the message says what to do.
    """
    return _running(REDIS)


def celery_url(url: str) -> str:
    """Return the URL of a Redis as Celery wants it, which spells sockets in its own way."""
    if not url.startswith("unix://"):
        return url
    return url.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=", 1)


def stop() -> list[str]:
    """Stop the servers that run; return their names."""
    with alone():
        return [server.name for server in SERVERS if server.stop()]


def status() -> dict[str, str]:
    """Return each server's URL, or ``stopped``, by its name."""
    return {server.name: server.url if server.answers() else "stopped" for server in SERVERS}


def _running(server: Cluster | RedisServer) -> str:
    if not server.answers():
        with alone():
            # Another starter may have been faster to the lock.
            if not server.answers():
                server.start()
    return server.url
