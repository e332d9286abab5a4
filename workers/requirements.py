"""What a batch asks of its workers: ten comparators over qualifications and the country.

Pure: plain values in, plain values out. As JSON, one requirement is
``{"qualification": 7, "comparator": "gte", "values": [80]}``; ``qualification`` is the id of a
qualification type, or ``"country"`` with values such as ``"US"`` or ``"US-CA"``.

The meaning is MTurk's: a qualification that is missing or revoked fails every comparator but
``not_exists``, also ``ne`` and ``not_in``. A country without a subdivision stands for all of it.
A worker whose country is unknown fails every requirement on the country.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from workers.errors import InvalidRequirement

COUNTRY: Literal["country"] = "country"

# MTurk's limits.
MAX_REQUIREMENTS = 10
MAX_INTEGERS = 15
MAX_COUNTRIES = 30
INTEGER_LIMIT = 2**31


class Comparator(StrEnum):
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    EQ = "eq"
    NE = "ne"
    EXISTS = "exists"
    NOT_EXISTS = "not_exists"
    IN = "in"
    NOT_IN = "not_in"


LISTS = {Comparator.IN, Comparator.NOT_IN}
WITHOUT_VALUES = {Comparator.EXISTS, Comparator.NOT_EXISTS}
FOR_COUNTRIES = {Comparator.EQ, Comparator.NE, Comparator.IN, Comparator.NOT_IN}

# What each comparator asks of a value that the worker has.
COMPARE: dict[Comparator, Callable[[int, tuple[Any, ...]], bool]] = {
    Comparator.LT: lambda value, values: value < values[0],
    Comparator.LTE: lambda value, values: value <= values[0],
    Comparator.GT: lambda value, values: value > values[0],
    Comparator.GTE: lambda value, values: value >= values[0],
    Comparator.EQ: lambda value, values: value == values[0],
    Comparator.NE: lambda value, values: value != values[0],
    Comparator.EXISTS: lambda value, values: True,
    Comparator.NOT_EXISTS: lambda value, values: False,
    Comparator.IN: lambda value, values: value in values,
    Comparator.NOT_IN: lambda value, values: value not in values,
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition, as ``parse`` made it; ``values`` are texts for ``"country"``, else ints."""

    qualification: int | Literal["country"]
    comparator: Comparator
    values: tuple[int, ...] | tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The JSON that ``parse`` reads back as this requirement."""
        return {
            "qualification": self.qualification,
            "comparator": self.comparator.value,
            "values": list(self.values),
        }

    def is_met(self, *, granted: Mapping[int, int], country: str, subdivision: str) -> bool:
        """Whether a worker with these values, living there, meets this requirement."""
        if self.qualification == COUNTRY:
            return self._country_is_met(country, subdivision)
        value = granted.get(self.qualification)
        if value is None:
            return self.comparator == Comparator.NOT_EXISTS
        return COMPARE[self.comparator](value, self.values)

    def _country_is_met(self, country: str, subdivision: str) -> bool:
        if not country:
            return False
        named = country in self.values or f"{country}-{subdivision}" in self.values
        return named == (self.comparator in {Comparator.EQ, Comparator.IN})


def unmet(
    requirements: Iterable[Requirement],
    granted: Mapping[int, int],
    country: str,
    subdivision: str,
) -> list[Requirement]:
    """List the requirements that a worker fails, in the order given.

    ``granted`` maps the ids of the types that the worker holds, unrevoked, to their values.
    """
    return [
        requirement
        for requirement in requirements
        if not requirement.is_met(granted=granted, country=country, subdivision=subdivision)
    ]


def type_ids(requirements: Iterable[Requirement]) -> set[int]:
    """The ids of the qualification types that ``requirements`` ask for."""
    return {asked.qualification for asked in requirements if isinstance(asked.qualification, int)}


def parse(rows: Any) -> list[Requirement]:
    """Read requirements from JSON.

    ``exists`` and ``not_exists`` take no values; values given to them are ignored, because
    MTurk's clients send some. Raises ``InvalidRequirement`` naming the place and what to write.
    """
    if not isinstance(rows, list):
        raise InvalidRequirement("requirements: give a list of requirements.")
    if len(rows) > MAX_REQUIREMENTS:
        raise InvalidRequirement(f"requirements: give at most {MAX_REQUIREMENTS}.")
    return [_parse_one(row, f"requirements[{index}]") for index, row in enumerate(rows)]


def _parse_one(row: Any, place: str) -> Requirement:
    if not isinstance(row, dict):
        raise InvalidRequirement(f"{place}: give an object with qualification and comparator.")
    if unknown := sorted(map(str, set(row) - {"qualification", "comparator", "values"})):
        raise InvalidRequirement(f"{place}: remove {', '.join(unknown)}.")
    qualification = _qualification(row.get("qualification"), place)
    comparator = _comparator(row.get("comparator"), place)
    if qualification == COUNTRY:
        if comparator not in FOR_COUNTRIES:
            raise InvalidRequirement(
                f"{place}.comparator: a country can be compared with eq, ne, in or not_in."
            )
        return Requirement(qualification, comparator, _countries(row, comparator, place))
    if comparator in WITHOUT_VALUES:
        return Requirement(qualification, comparator)
    return Requirement(qualification, comparator, _integers(row, comparator, place))


def _qualification(given: Any, place: str) -> int | Literal["country"]:
    if given == COUNTRY:
        return COUNTRY
    if type(given) is not int or given < 1:
        raise InvalidRequirement(
            f'{place}.qualification: give the id of a qualification type, or "country".'
        )
    return given


def _comparator(given: Any, place: str) -> Comparator:
    if given not in list(Comparator):
        names = ", ".join(Comparator)
        raise InvalidRequirement(f"{place}.comparator: give one of {names}.")
    return Comparator(given)


def _integers(row: Mapping[str, Any], comparator: Comparator, place: str) -> tuple[int, ...]:
    values = _values(row, comparator, MAX_INTEGERS, place)
    for value in values:
        # ``type`` and not ``isinstance``: JSON's true is no whole number.
        if type(value) is not int or not -INTEGER_LIMIT <= value < INTEGER_LIMIT:
            raise InvalidRequirement(f"{place}.values: give whole numbers of at most 32 bits.")
    return tuple(values)


def _countries(row: Mapping[str, Any], comparator: Comparator, place: str) -> tuple[str, ...]:
    values = _values(row, comparator, MAX_COUNTRIES, place)
    for value in values:
        if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", value):
            raise InvalidRequirement(
                f'{place}.values: give a country as "US", or with its subdivision as "US-CA".'
            )
    return tuple(values)


def _values(
    row: Mapping[str, Any], comparator: Comparator, limit: int, place: str
) -> Sequence[Any]:
    values = row.get("values")
    if comparator not in LISTS:
        limit = 1
    if not isinstance(values, list) or not 1 <= len(values) <= limit:
        count = f"1 to {limit} values" if limit > 1 else "exactly one value"
        raise InvalidRequirement(f"{place}.values: {comparator} takes a list of {count}.")
    return values
