"""The countries of ISO 3166-1, to choose from."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def choices() -> list[tuple[str, str]]:
    """Each country's code and English name, by name: ``("AF", "Afghanistan")``.

    Read from the time zone database, which every installation carries and keeps up to date.
    """
    table = files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text("utf-8")
    rows = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    return sorted(((code, name) for code, name in rows), key=lambda row: row[1])
