"""Templates: texts in which ``${field}`` stands for a field of the task's input."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

FIELD = re.compile(r"\$\{([^{}]*)\}")


def is_template(value: str) -> bool:
    """Whether every ``${`` begins the name of a field."""
    return "${" not in FIELD.sub("", value) and "" not in FIELD.findall(value)


def fields_of(*templates: str) -> tuple[str, ...]:
    """Return the fields that the templates name, in order of appearance."""
    return tuple(dict.fromkeys(f for template in templates for f in FIELD.findall(template)))


def fill(template: str, task_input: Mapping[str, Any]) -> str:
    """Return the template with the fields filled in; one that is missing becomes nothing.

    Nothing is escaped: whoever shows it knows whether it is text, HTML or an address.
    """
    return FIELD.sub(lambda field: str(task_input.get(field[1], "")), template)
