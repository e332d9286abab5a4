"""Keep several parts running until told to stop, in one thread that outlives them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from threading import Event, Thread

from marketplace.embedded import EmbeddedError
from marketplace.up.errors import UpError
from marketplace.up.part import Part

TEND_SECONDS = 0.1
CHECK_SECONDS = 5.0
STOP_SECONDS_MAX = 15.0


class Supervisor:
    """Start ``parts``, tend them, and stop them all when asked or when one is past help.

    Those that are ``held_back``, by name, start when ``admit`` is called. ``check`` is called
    now and then meanwhile, for what the parts stand on.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        check: Callable[[], object],
        held_back: Collection[str] = (),
    ) -> None:
        self.parts = {part.name: part for part in parts}
        self._held_back = frozenset(held_back)
        self.failure: UpError | EmbeddedError | None = None
        self._check = check
        self._stopping = Event()
        # Waited for instead of the thread: until Python 3.12 a signal that interrupts a join
        # leaves the thread marked as ended.
        self._ended = Event()
        # Not a daemon: the interpreter then ends only after the parts have.
        self._thread = Thread(target=self._run, name="supervisor")

    def start(self) -> None:
        """Have the parts started, and return; they need a while to be of use."""
        self._thread.start()

    def admit(self) -> None:
        """Let the parts start that were held back."""
        self._held_back = frozenset()

    def stop(self) -> None:
        """End the parts and return when they are gone; harmless when repeated."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._ended.wait()

    def wait(self, seconds: float) -> bool:
        """Wait so long at most; return whether the parts are gone."""
        return self._ended.wait(seconds)

    def _run(self) -> None:
        try:
            self._tend()
        except (UpError, EmbeddedError) as error:
            self.failure = error
        finally:
            try:
                self._end()
            finally:
                self._ended.set()

    def _tend(self) -> None:
        check_at = time.monotonic() + CHECK_SECONDS
        while not self._stopping.is_set():
            for name, part in self.parts.items():
                if name not in self._held_back:
                    part.tend()
            if time.monotonic() >= check_at:
                self._check()
                check_at = time.monotonic() + CHECK_SECONDS
            self._stopping.wait(TEND_SECONDS)

    def _end(self) -> None:
        until = time.monotonic() + STOP_SECONDS_MAX
        for part in self.parts.values():
            part.terminate()
        for part in self.parts.values():
            part.wait(until=until)
