"""What a worker is asked, by project version: kept in memory, because a version never changes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from tasks.interface import Checker, parse
from tasks.models import ProjectVersion


class Asked(NamedTuple):
    """One version, ready for claims (to show) and submits (to check)."""

    project_id: int
    title: str
    instructions: str
    interface: Any  # as the requester wrote it
    checker: Checker

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of question of each element that is asked for, by name."""
        return {each.name: each.kind for each in self.checker.interface.questions}


@lru_cache(maxsize=1024)
def asked(version_id: int) -> Asked:
    """Load a version once per process."""
    version = ProjectVersion.objects.select_related("project").get(pk=version_id)
    return Asked(
        project_id=version.project_id,
        title=version.project.title,
        instructions=version.instructions,
        interface=version.interface,
        checker=Checker(parse(version.interface)),
    )
