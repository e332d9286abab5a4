"""What can keep an embedded server from running; each message says what to do about it."""

from __future__ import annotations


class EmbeddedError(Exception):
    """An embedded server cannot be run here."""

    def __str__(self) -> str:
        return " ".join([self.__doc__ or "", *map(str, self.args)])


class PostgresMissing(EmbeddedError):
    """No PostgreSQL found: run `make setup`, or set DATABASE_URL to a server of your own."""


class RedisMissing(EmbeddedError):
    """No Redis found: install redis or valkey, or set REDIS_URL to a server of your own."""


class StateNotOurs(EmbeddedError):
    """The servers' files belong to another account: run as that one, or remove them."""


class AccountMissing(EmbeddedError):
    """PostgreSQL refuses to run as root: run as an ordinary user, or set DATABASE_URL."""


class AccountNameless(EmbeddedError):
    """This user id has no name, which PostgreSQL wants: use a named user, or set DATABASE_URL."""


class ServerFailed(EmbeddedError):
    """The server did not start; what it said follows."""


class ServerStayed(EmbeddedError):
    """The server did not stop in time; its process id follows."""
