"""How the report writes numbers, bars and tables."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from marketplace.demo.findings import Interval
from payments.money import MINOR_DIGITS

BAR = 30  # characters


def grid(*, gap: int = 2, numbers: int = 0) -> Table:
    """Return a table without lines; with ``numbers``, so many columns that end at the right."""
    table = Table.grid(padding=(0, gap))
    for _ in range(numbers):
        table.add_column(justify="right", no_wrap=True)
    return table


def bar(share: float) -> str:
    """Return a bar of ``BAR`` characters, full for 1."""
    full = round(share * BAR)
    return "█" * full + "░" * (BAR - full)


def amount(minor: float, currency: str, *, more: int = 0) -> str:
    """Write an amount with its currency's decimals, and ``more`` of them for averages."""
    digits = MINOR_DIGITS[currency]
    return f"{minor / 10**digits:,.{digits + more}f}"


def interval(skill: Interval | None) -> str:
    """Write an estimate with its interval."""
    return f"{skill.estimate:.2f} {skill.low:.2f}-{skill.high:.2f}" if skill else "-"


def lines(*each: str) -> Text:
    """Return several lines as one text."""
    return Text("\n".join(each))
