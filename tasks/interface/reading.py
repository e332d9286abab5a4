"""Reads the keys of one element, and says which is wrong and what to write instead.

``place`` names the element in messages, such as ``"Element 3"``. Every function here raises
``InvalidInterface``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from tasks.errors import InvalidInterface
from tasks.interface.templates import fields_of, is_template

MAX_OPTIONS = 1_000  # of an interface altogether: a checker's build time grows with them
MAX_OPTION_LENGTH = 200  # characters, of a value and of a label
MAX_TITLE_LENGTH = 500
MAX_TEMPLATE_LENGTH = 100_000
MAX_NUMBER = 10**15  # whole floats are exact up to here, and a little further

NAME = re.compile(r"[a-z][a-z0-9_]{0,49}\Z")
# PostgreSQL's JSON refuses NUL, and half a surrogate pair is not a character at all.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Element = dict[str, Any]  # as the requester wrote it


@dataclass(frozen=True)
class Option:
    value: str  # what is stored
    label: str  # what is shown


def refuse_unknown_keys(place: str, fields: Element, known: Collection[str]) -> None:
    """Refuse a key that is not in ``known``."""
    # A version never changes, so a misspelt key would be wrong for good if it were ignored.
    if unknown := sorted(str(key) for key in fields if key not in known):
        raise InvalidInterface(
            f"{place}: does not know {unknown[0]!r:.60}. It knows {', '.join(sorted(known))}."
        )


def read_question(place: str, element: Element, keys: Collection[str]) -> dict[str, Any]:
    """Return what every question has: ``name``, ``required`` and ``title``.

    ``keys`` are those that this type of question has besides.
    """
    refuse_unknown_keys(place, element, {"type", "name", "required", "title", *keys})
    return {
        "name": read_name(place, element),
        "required": read_flag(place, element, "required", default=True),
        "title": read_string(place, element, "title", "", MAX_TITLE_LENGTH),
    }


def read_name(place: str, element: Element, key: str = "name") -> str:
    """Return the name of a question."""
    name = element.get(key)
    if isinstance(name, str) and NAME.match(name):
        return name
    raise InvalidInterface(
        f'{place}: needs a "{key}" of 1 to 50 of a-z, 0-9 and _, starting with a letter.'
    )


def read_string(place: str, fields: Element, key: str, default: str, longest: int) -> str:
    """Return a string of at most ``longest`` characters."""
    value = fields.get(key, default)
    if isinstance(value, str) and len(value) <= longest and not UNSTORABLE.search(value):
        return value
    raise InvalidInterface(
        f'{place}: "{key}" must be a string of at most {longest} characters, '
        "without NUL or surrogates."
    )


def read_flag(place: str, element: Element, key: str, *, default: bool) -> bool:
    """Return true or false."""
    value = element.get(key, default)
    if isinstance(value, bool):
        return value
    raise InvalidInterface(f'{place}: "{key}" must be true or false.')


def read_count(place: str, element: Element, key: str, default: int, allowed: range) -> int:
    """Return a whole number out of ``allowed``."""
    value = element.get(key, default)
    if isinstance(value, int) and not isinstance(value, bool) and value in allowed:
        return value
    raise InvalidInterface(f'{place}: "{key}" must be a number from {allowed[0]} to {allowed[-1]}.')


def read_number(
    place: str, element: Element, key: str, *, least: float, most: float = MAX_NUMBER
) -> float | None:
    """Return a number from ``least`` to ``most``, whole or not; None if there is none."""
    value = element.get(key)
    if value is None:
        return None
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    if known and least <= value <= most:
        return float(value)
    raise InvalidInterface(
        f'{place}: "{key}" must be a number from {spell(least)} to {spell(most)}.'
    )


def spell(number: float) -> str:
    """Write a number for a message: 1000000, 0.5."""
    return f"{number:.0f}" if number == int(number) else f"{number:.15g}"


def read_template(place: str, element: Element, key: str, *, hint: str = "") -> str:
    """Return a text in which ``${field}`` stands for a field of the task's input."""
    value = read_string(place, element, key, "", MAX_TEMPLATE_LENGTH)
    if not value:
        raise InvalidInterface(f'{place}: needs a "{key}" such as "${{field}}"{hint}.')
    if not is_template(value):
        raise InvalidInterface(f'{place}: write a field of the input as "${{field}}".')
    return value


def read_field(place: str, element: Element, key: str) -> str:
    """Return a template that is one field and nothing else."""
    value = read_template(place, element, key)
    if fields_of(value) and value == f"${{{fields_of(value)[0]}}}":
        return value
    raise InvalidInterface(f'{place}: "{key}" must be one field, such as "${{field}}".')


def read_options(place: str, element: Element, key: str, *, least: int = 1) -> tuple[Option, ...]:
    """Return options: each a string, or an object with a ``value`` and a ``label`` to show."""
    options = element.get(key)
    if not isinstance(options, list) or not least <= len(options) <= MAX_OPTIONS:
        raise InvalidInterface(
            f'{place}: "{key}" must be a list of {least} to {MAX_OPTIONS} options.'
        )
    parsed = tuple(_option(f"{place}, option {n}", option) for n, option in enumerate(options, 1))
    values = [option.value for option in parsed]
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise InvalidInterface(f"{place}: option {twice!r} is there twice.")
    return parsed


def _option(place: str, option: object) -> Option:
    fields = {"value": option} if isinstance(option, str) else option
    if not isinstance(fields, dict) or not fields.get("value"):
        raise InvalidInterface(f'{place}: write "cat" or {{"value": "cat", "label": "A cat"}}.')
    refuse_unknown_keys(place, fields, {"value", "label"})
    value = read_string(place, fields, "value", "", MAX_OPTION_LENGTH)
    return Option(value, read_string(place, fields, "label", value, MAX_OPTION_LENGTH))
