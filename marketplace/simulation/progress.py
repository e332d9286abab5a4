"""Progress on the way: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

EVERY_SECONDS = 5.0


class Narrator:
    """Says what happens, with the seconds since it began."""

    def __init__(self, console: Console) -> None:
        self.started_at = time.monotonic()
        self._console = console

    def seconds(self) -> float:
        """Return how long it has taken so far."""
        return time.monotonic() - self.started_at

    def say(self, text: str) -> None:
        """Print one line."""
        self._console.print(
            f"{self.seconds():6.1f} s  {text}", highlight=False, markup=False, soft_wrap=True
        )

    @contextmanager
    def following(self) -> Iterator[Callable[[float | None, str], None]]:
        """Show how a longer part goes: the function takes the share done, and what to tell."""
        if not self._console.is_terminal:
            yield self._now_and_then()
            return
        columns = (
            TextColumn("          "),
            BarColumn(30),
            TaskProgressColumn(),
            TextColumn("{task.description}"),
        )
        with Progress(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task("", total=1.0)
            yield lambda share, text: bar.update(
                task,
                total=None if share is None else 1.0,
                completed=share or 0.0,
                description=text,
            )

    def _now_and_then(self) -> Callable[[float | None, str], None]:
        due_at = time.monotonic()

        def tell(share: float | None, text: str) -> None:
            nonlocal due_at
            if time.monotonic() >= due_at:
                due_at = time.monotonic() + EVERY_SECONDS
                self.say(text if share is None else f"{share:4.0%}  {text}")

        return tell
