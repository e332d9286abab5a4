"""One process of the site: started, started again when it dies, and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread

from marketplace.embedded.paths import CHECKOUT
from marketplace.up.errors import PartFailed
from marketplace.up.output import open_log, relay, say

CHILD = Path(__file__).with_name("child.py")
# A part that lived longer than this was well; its death is an accident and not a pattern.
QUICK_DEATH_SECONDS = 10.0
QUICK_DEATHS_MAX = 5
RELAY_SECONDS_MAX = 2.0
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.5, 8.0


class Part:
    """A command kept running; with a ``log`` it writes there, without one to the terminal."""

    def __init__(
        self,
        *,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._command = [sys.executable, "-IS", str(CHILD), str(os.getpid()), *command]
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._relay: Thread | None = None
        self._started_at = self._start_again_at = 0.0
        self._quick_deaths = 0

    @property
    def pid(self) -> int | None:
        """Return the process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def start(self) -> None:
        """Start the process, in a group of its own: Ctrl-C reaches only the launcher.

        The thread that calls this must outlive the process, because Linux counts the end of
        that thread as the death of the parent.
        """
        log = open_log(self.log) if self.log else None
        self._process = subprocess.Popen(  # noqa: S603  (the commands are ours)
            self._command,
            cwd=CHECKOUT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=log or subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        if log:
            log.close()
        if self._process.stdout:
            self._relay = relay(self.name, self._process.stdout)
        self._started_at = time.monotonic()

    def tend(self) -> None:
        """Start the process, and again when it has died, after a pause that grows with each death.

        Raises:
            PartFailed: it died several times in a row, each time soon after its start.
        """
        process = self._process
        if process is None:
            if time.monotonic() >= self._start_again_at:
                self.start()
        elif process.poll() is not None:
            self._bury(process)

    def _bury(self, process: subprocess.Popen[bytes]) -> None:
        # Its own children may live on, and hold the port it needs.
        self.send(signal.SIGKILL)
        quick = time.monotonic() - self._started_at < QUICK_DEATH_SECONDS
        self._quick_deaths = self._quick_deaths + 1 if quick else 1
        if self._quick_deaths >= QUICK_DEATHS_MAX:
            raise PartFailed(self.name)
        pause_seconds = min(PAUSE_SECONDS_MIN * 2 ** (self._quick_deaths - 1), PAUSE_SECONDS_MAX)
        self._report(f"ended with {process.returncode}, starts again in {pause_seconds:g} s")
        self._start_again_at = time.monotonic() + pause_seconds
        self._process = None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process and whatever it has started, if any of it is left."""
        if self._process is not None:
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                return

    def terminate(self) -> None:
        """Ask the process to finish what it is doing and end; its children are its own affair."""
        if self.pid is not None and self._process is not None:
            self._process.terminate()

    def wait(self, *, until: float) -> None:
        """Wait for the end of the process, and bring it about at the monotonic time ``until``."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._report("did not end in time and is killed")
        self.send(signal.SIGKILL)
        self._process.wait()
        if self._relay:
            self._relay.join(RELAY_SECONDS_MAX)

    def _report(self, text: str) -> None:
        if self.log is None:
            say(text, name=self.name)
