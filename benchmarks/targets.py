"""What a benchmark asks for, beside what it saw: one row per target, met or not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Target(NamedTuple):
    """A figure and the bound it has to keep; ``form`` is how both are printed."""

    what: str
    seen: float
    bound: float
    form: str
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Judge the figure itself, not its rounded print."""
        return self.seen <= self.bound if self.at_most else self.seen >= self.bound


def show_targets(targets: Iterable[Target]) -> None:
    """Print a row per target."""
    print(f"\n{'target':56}{'bound':>10}{'seen':>9}")
    for target in targets:
        bound = f"{'≤' if target.at_most else '≥'} {target.bound:{target.form}}"
        seen = f"{target.seen:{target.form}}"
        verdict = "met" if target.met else "NOT MET"
        print(f"{target.what:56}{bound:>10}{seen:>9}  {verdict}")
