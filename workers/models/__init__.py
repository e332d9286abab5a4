"""People: everyone signs in as a ``User``; those who answer tasks also have a ``Worker``."""

from __future__ import annotations

from workers.models.decision import Decision, StandingAppeal
from workers.models.event import Event
from workers.models.people import Person, User
from workers.models.qualification import Qualification, QualificationType
from workers.models.voice import Ballot, Consent, Office, Post, Proposal, Terms
from workers.models.worker import Block, Skill, Worker

__all__ = [
    "Ballot",
    "Block",
    "Consent",
    "Decision",
    "Event",
    "Office",
    "Person",
    "Post",
    "Proposal",
    "Qualification",
    "QualificationType",
    "Skill",
    "StandingAppeal",
    "Terms",
    "User",
    "Worker",
]
