"""Why rules were refused."""

from __future__ import annotations

from tasks.errors import TasksError


class InvalidRules(TasksError):
    """The rules cannot be read; the message names the place and what to write there."""
