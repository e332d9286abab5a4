"""What can go wrong with people. The docstring is the message shown to callers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.requirements import Requirement


class WorkersError(Exception):
    """The account could not be changed."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class InvalidName(WorkersError):
    """Use letters, digits and . + - _ in a username, and visible characters in any other name."""


class UsernameTaken(WorkersError):
    """Somebody already has this username, or one that looks the same. Choose another."""


class InvalidEmail(WorkersError):
    """This is not an e-mail address."""


class InvalidCountry(WorkersError):
    """Give the country as two capital letters (US) and the subdivision as in ISO 3166-2 (CA)."""


class InvalidRequirement(WorkersError):
    """A requirement is not understood."""


class WorkerNotActive(WorkersError):
    """This worker's account is not active."""


class IllegalStanding(WorkersError):
    """A worker's account cannot change its status this way."""


class HumanDecisionMissing(WorkersError):
    """A suspension is always a human's decision: say who decides, and give a reason."""


class Blocked(WorkersError):
    """This requester and this worker do not work together."""


class NotQualified(WorkersError):
    """The worker does not meet the requirements.

    ``unmet`` lists those that fail.
    """

    def __init__(self, unmet: Sequence[Requirement]) -> None:
        super().__init__("The worker does not meet the requirements.")
        self.unmet = tuple(unmet)


class NotGranted(WorkersError):
    """The worker never had this qualification."""


class QualificationNameTaken(WorkersError):
    """This requester already has a qualification of this name. Choose another."""


class PersonAlreadyLinked(WorkersError):
    """One of the two is already part of another person. Link that other person instead."""


class LinkedToItself(WorkersError):
    """These accounts already belong to one person."""
