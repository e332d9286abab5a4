"""The three parts of the site as one thing to start, ask, disturb and stop."""

from __future__ import annotations

import shutil
import signal
import socket
import time
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Self

from marketplace.embedded.paths import log_path, var_dir
from marketplace.up import commands
from marketplace.up.commands import HOST
from marketplace.up.errors import StackFailed
from marketplace.up.part import Part
from marketplace.up.services import start_services
from marketplace.up.supervisor import Supervisor

READY_SECONDS_MAX = 90.0
ANSWER_SECONDS_MAX = 2.0
POLL_SECONDS = 0.1


class Stack:
    """A running site: a web process on ``url``, a job runner, and the clock that wakes it.

    Use it as a context manager, after ``prepare()``. Without a ``port`` it takes a free one.
    A ``quiet`` one writes to ``var/log/<name>-<part>.log``, else to the terminal.
    """

    def __init__(
        self,
        *,
        name: str = "stack",
        port: int = 0,
        quiet: bool = True,
        web_workers: int | None = None,
        job_processes: int | None = None,
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://{HOST}:{self.port}/"
        self._metrics = var_dir() / f"metrics-{name}"
        shared = commands.environment(port=self.port)
        web = commands.web_environment(shared, metrics=self._metrics)

        def part(called: str, command: list[str], environment: dict[str, str]) -> Part:
            log = log_path(f"{name}-{called}") if quiet else None
            return Part(name=called, command=command, environment=environment, log=log)

        self._supervisor = Supervisor(
            [
                part("web", commands.web(port=self.port, workers=web_workers), web),
                part("runner", commands.runner(processes=job_processes), shared),
                part("clock", commands.clock(name=name), shared),
            ],
            check=start_services,
            # The imports of all three take half a minute of two processors, and people wait for
            # the pages: work can wait in its rows.
            held_back=("runner", "clock"),
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the web process, then the others, and return when the site answers.

        Raises:
            StackFailed: it did not within a minute and a half, or a part kept dying.
        """
        # What the processes of an earlier stack have counted.
        shutil.rmtree(self._metrics, ignore_errors=True)
        self._metrics.mkdir(parents=True)
        self._supervisor.start()
        try:
            self._wait_until_ready()
            self._supervisor.admit()
        except BaseException:
            self.stop()
            raise

    def is_ready(self) -> bool:
        """Whether the web process answers requests."""
        connection = HTTPConnection(HOST, self.port, timeout=ANSWER_SECONDS_MAX)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def kill(self, name: str) -> None:
        """Kill ``web``, ``runner`` or ``clock`` with all its children; it is started again."""
        self._supervisor.parts[name].send(signal.SIGKILL)

    def pid(self, name: str) -> int | None:
        """Return the process id of ``web``, ``runner`` or ``clock``; ``None`` while it is down."""
        return self._supervisor.parts[name].pid

    def wait(self) -> None:
        """Wait until the stack ends.

        Raises:
            StackFailed: a part kept dying, so it ended by itself.
        """
        while not self._supervisor.wait(POLL_SECONDS):
            pass
        self._raise_failure()

    def stop(self) -> None:
        """End the parts, letting each finish what it is doing; harmless when repeated."""
        self._supervisor.stop()

    def _wait_until_ready(self) -> None:
        give_up_at = time.monotonic() + READY_SECONDS_MAX
        while not self.is_ready():
            if self._supervisor.wait(POLL_SECONDS):
                self._raise_failure()
                raise StackFailed("It was stopped while it started.")
            if time.monotonic() > give_up_at:
                raise StackFailed(f"{self.url}healthz gave no answer.")

    def _raise_failure(self) -> None:
        if self._supervisor.failure:
            raise StackFailed(self._supervisor.failure) from self._supervisor.failure


def free_port(*wanted: int) -> int:
    """Return the first of the ``wanted`` ports that nobody listens on, or else any such port."""
    for port in (*wanted, 0):
        with socket.socket() as probe:
            # Without it, a port whose last connections are still closing counts as taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StackFailed("This machine has no free port.")
