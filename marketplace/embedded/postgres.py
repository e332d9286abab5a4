"""A private PostgreSQL cluster, reached over a Unix socket only."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from marketplace.embedded import handshake, processes
from marketplace.embedded.errors import ServerFailed
from marketplace.embedded.paths import log_path, socket_dir, var_dir
from marketplace.embedded.privileges import Account, account_for
from marketplace.embedded.processes import Process
from marketplace.embedded.programs import postgres_programs

DATABASE = "crowdwright"
SUPERUSER = "postgres"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1000",
    # Statements here are short: compiling them, or helpers for them, cost more than they save.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# The builtin locale depends on nothing of the machine, and still folds accented letters.
INITDB = [
    *("--username", SUPERUSER, "--auth", "trust", "--encoding", "UTF8"),
    *("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    *("--no-sync", "--no-instructions"),
]
# Containers often have 64 MB of it, and PostgreSQL then fails in the middle of a query.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (only its size is read)
SHARED_MEMORY_BYTES_MIN = 128 << 20
# Said while a killed server's sessions are still at their last query.
STILL_IN_USE = "shared memory block"


@dataclass(frozen=True)
class Cluster:
    """One data folder and its server; a ``forgetful`` one is faster and meant for tests."""

    folder: str
    port: int
    forgetful: bool = False

    @property
    def name(self) -> str:
        return "postgres-test" if self.forgetful else "postgres"

    @property
    def data(self) -> Path:
        return var_dir() / self.folder

    @property
    def log(self) -> Path:
        return log_path(self.name)

    @property
    def socket(self) -> Path:
        # The port of a socket is only the end of its name.
        return socket_dir() / f".s.PGSQL.{self.port}"

    @property
    def url(self) -> str:
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={socket_dir()}&port={self.port}"

    def answers(self) -> bool:
        """Whether the server takes queries."""
        return handshake.postgres_answers(self.socket)

    def pid(self) -> int | None:
        """Return the server's process id; ``None`` when no server runs on these files.

        The pid file alone proves nothing: it outlives a killed server, whose number may be a
        zombie's or another process's by now, even that of a PostgreSQL on other files.
        """
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        ours = f"-D {self.data} " in processes.command_of(pid) or self.answers()
        return pid if ours else None

    def start(self) -> None:
        """Start the server, on new files if there are none yet; the caller is alone.

        Raises:
            EmbeddedError: it cannot run here, or did not start.
        """
        programs = postgres_programs()
        account = account_for(state=self.data, reach=[programs / "postgres", var_dir()])
        for abandoned in var_dir().glob(f"{self.folder}.new-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        if not self.data.exists():
            self._create(programs, account)
        # After the data, whose owner is what tells a trusted folder of sockets.
        socket_dir().mkdir(mode=0o700, exist_ok=True)
        account.own(socket_dir())
        pid = self.pid()
        if pid is not None:
            # Its starter was killed before it answered.
            processes.wait_until_ready(self.answers, Process(pid, self.log))
            return
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self.socket.with_name(f"{self.socket.name}.lock").unlink(missing_ok=True)
        self._launch(programs, account)

    def stop(self) -> bool:
        """Stop the server if it runs, ending its sessions; return whether it did run."""
        pid = self.pid()
        if pid is None:
            return False
        processes.end(pid, by=signal.SIGINT)
        return True

    def _create(self, programs: Path, account: Account) -> None:
        """Make the files aside and rename them: a first start that is killed leaves no half."""
        # An orphaned initdb may still write to an abandoned folder, hence a new one each time.
        aside = Path(tempfile.mkdtemp(prefix=f"{self.folder}.new-", dir=var_dir()))
        account.own(aside)
        processes.run([*account.prefix, str(programs / "initdb"), "--pgdata", str(aside), *INITDB])
        postgres = [*account.prefix, str(programs / "postgres"), "--single", "-F", "-D", str(aside)]
        processes.run([*postgres, SUPERUSER], text=f"CREATE DATABASE {DATABASE}\n")
        aside.rename(self.data)

    def _launch(self, programs: Path, account: Account) -> None:
        settings = [word for pair in self._settings().items() for word in ("-c", "=".join(pair))]
        command = [*account.prefix, str(programs / "postgres"), "-D", str(self.data), *settings]
        give_up_at = time.monotonic() + processes.START_SECONDS_MAX
        while True:
            process = processes.launch(command, log=self.log)
            try:
                return processes.wait_until_ready(self.answers, process)
            except ServerFailed:
                if STILL_IN_USE not in process.said() or time.monotonic() > give_up_at:
                    raise
            time.sleep(processes.POLL_SECONDS_MAX)

    def _settings(self) -> dict[str, str]:
        settings = SETTINGS | {"port": str(self.port), "unix_socket_directories": str(socket_dir())}
        if self.forgetful:
            settings |= FORGETFUL
        if _shared_memory_bytes() < SHARED_MEMORY_BYTES_MIN:
            settings["dynamic_shared_memory_type"] = "mmap"
        return settings


MAIN = Cluster(folder="pg18", port=5432)
TEST = Cluster(folder="pg18-test", port=5433, forgetful=True)


def _shared_memory_bytes() -> int:
    """Return how much shared memory is free; enough where the system shows none as a folder."""
    if not SHARED_MEMORY.is_dir():
        return SHARED_MEMORY_BYTES_MIN
    space = os.statvfs(SHARED_MEMORY)
    return space.f_bavail * space.f_frsize
