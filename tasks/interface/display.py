"""The elements that show something of the task's input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from tasks.interface.reading import Element, read_field, read_template, refuse_unknown_keys
from tasks.interface.templates import fields_of, fill

DISPLAYS = frozenset({"image", "text", "audio", "video", "html", "chat"})


@dataclass(frozen=True)
class Display:
    """Show something of the task's input."""

    kind: str  # one of DISPLAYS
    value: str  # template: ${field} stands for the input's field of that name

    @classmethod
    def read(cls, place: str, element: Element) -> Self:
        """Read the element; a chat is one field, which holds a list of messages."""
        refuse_unknown_keys(place, element, {"type", "value"})
        kind = element["type"]
        if kind == "chat":
            return cls(kind, read_field(place, element, "value"))
        hint = ' (or a "name", to ask for a text)' if kind == "text" else ""
        return cls(kind, read_template(place, element, "value", hint=hint))

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The fields a task's input must have, in order of appearance."""
        return fields_of(self.value)

    def fill(self, task_input: Mapping[str, Any]) -> str:
        """Return ``value`` with the fields filled in; one that is missing becomes nothing.

        Nothing is escaped: whoever shows it knows whether it is text, HTML or an address.
        """
        return fill(self.value, task_input)

    def messages(self, task_input: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return a chat's messages as (role, content); what is no message is left out."""
        said = task_input.get(self.fields[0])
        if not isinstance(said, list):
            return []
        return [
            (str(message["role"]), str(message["content"]))
            for message in said
            if isinstance(message, dict) and {"role", "content"} <= message.keys()
        ]
