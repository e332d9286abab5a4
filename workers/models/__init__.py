"""People: everyone signs in as a ``User``; those who answer tasks also have a ``Worker``."""

from __future__ import annotations

from workers.models.event import Event
from workers.models.people import Person, User
from workers.models.qualification import Qualification, QualificationType
from workers.models.worker import Block, Skill, Worker

__all__ = [
    "Block",
    "Event",
    "Person",
    "Qualification",
    "QualificationType",
    "Skill",
    "User",
    "Worker",
]
