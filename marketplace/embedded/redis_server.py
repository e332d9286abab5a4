"""A private Redis, reached over a Unix socket only."""

from __future__ import annotations

import signal
from pathlib import Path

from marketplace.embedded import handshake, processes
from marketplace.embedded.paths import log_path, socket_dir, var_dir
from marketplace.embedded.privileges import account_for
from marketplace.embedded.processes import Process
from marketplace.embedded.programs import redis_program

SETTINGS = {
    "--port": "0",
    "--unixsocketperm": "700",
    "--daemonize": "no",
    # Every write goes to the append-only file, so no snapshots; and a full memory refuses new
    # messages aloud instead of dropping old ones in silence.
    "--appendonly": "yes",
    "--save": "",
    "--maxmemory-policy": "noeviction",
}


class RedisServer:
    """The one Redis of a checkout."""

    name = "redis"

    @property
    def data(self) -> Path:
        return var_dir() / "redis-data"

    @property
    def log(self) -> Path:
        return log_path(self.name)

    @property
    def socket(self) -> Path:
        return socket_dir() / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def answers(self) -> bool:
        """Whether the server takes commands."""
        return handshake.redis_answers(self.socket)

    def pid(self) -> int | None:
        """Return the server's process id; ``None`` when none runs."""
        return handshake.redis_pid(self.socket)

    def start(self) -> None:
        """Start the server; the caller is alone.

        Raises:
            EmbeddedError: it cannot run here, or did not start.
        """
        program = redis_program()
        account = account_for(state=self.data, reach=[program, var_dir()])
        # The data first: its owner is what tells a trusted folder of sockets.
        for folder in (self.data, socket_dir()):
            folder.mkdir(mode=0o700, exist_ok=True)
            account.own(folder)
        pid = self.pid()
        if pid is None:
            command = [*account.prefix, str(program), *self._options()]
            process = processes.launch(command, log=self.log)
        else:
            # It still reads its file back, and would lose its socket to a second one.
            process = Process(pid, self.log)
        processes.wait_until_ready(self.answers, process)

    def stop(self) -> bool:
        """Stop the server if it runs; return whether it did run."""
        pid = self.pid()
        if pid is None:
            return False
        processes.end(pid, by=signal.SIGTERM)
        return True

    def _options(self) -> list[str]:
        places = {"--unixsocket": str(self.socket), "--dir": str(self.data)}
        return [word for pair in (SETTINGS | places).items() for word in pair]


REDIS = RedisServer()
