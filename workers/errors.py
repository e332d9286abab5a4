"""What can go wrong with people. The docstring is the message shown to callers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
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
    """Whatever goes against a worker is a human's decision: say who decides, and give a reason."""


class AppealRefused(WorkersError):
    """Only suspensions, closures and limits are appealed here, once each."""


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


class InvalidWarning(WorkersError):
    """A content warning is not one of those that are known."""


class ContentNotAgreed(WorkersError):
    """The batch shows what this worker has not agreed to be shown.

    ``warnings`` are all that it warns of.
    """

    def __init__(self, warnings: Sequence[str] = ()) -> None:
        super().__init__(
            "This batch warns of content that you have not agreed to be shown. Look at what it"
            " warns of; if you agree to that, it is yours to claim."
        )
        self.warnings = tuple(warnings)


class RestDue(WorkersError):
    """This worker has worked a long day. What they hold can be submitted; nothing new is claimed.

    ``until`` is the moment from which they may claim again.
    """

    def __init__(self, until: datetime) -> None:
        super().__init__("You have worked for twelve hours. Rest; you may claim again later.")
        self.until = until


class InvalidTerms(WorkersError):
    """New terms need a text and a summary of what changed."""


class NoticeTooShort(WorkersError):
    """New terms need 30 days between their publication and the day they come into force."""


class ConsentMissing(WorkersError):
    """Newer terms are in force. Read them and agree first.

    ``version`` is the version to agree to.
    """

    def __init__(self, version: int) -> None:
        super().__init__(f"Version {version} of the terms is in force. Read it and agree first.")
        self.version = version


class WorkersOnly(WorkersError):
    """This is the workers' own place: staff and requesters neither read it nor write there."""


class IllegalPost(WorkersError):
    """A reply goes to the first post of a thread that has not been removed."""


class NotYours(WorkersError):
    """Only its author or an elected representative may remove a post."""


class InvalidProposal(WorkersError):
    """A proposal needs a title, a text and 7 to 60 days for the vote."""


class VoteClosed(WorkersError):
    """The vote on this proposal is over."""


class NoVote(WorkersError):
    """Only active workers whose account is older than the proposal vote on it."""


class BallotCast(WorkersError):
    """You have voted on this proposal, with this or another account; a ballot is final."""


class NotInOffice(WorkersError):
    """Only workers who hold this office may see this."""


class NotErasable(WorkersError):
    """Something of this account is still open. Settle it first."""
