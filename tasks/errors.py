"""What can go wrong between publishing a task and settling its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from payments.money import Money


class TasksError(Exception):
    """The task could not be processed."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class IllegalTransition(TasksError):
    """The row is not in a state that allows this."""


class TooManyLiveAssignments(TasksError):
    """This worker already holds as many unanswered assignments as the batch allows."""


class Paused(TasksError):
    """This worker takes no tasks of this batch for a while: a rule of the batch says so."""

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"You can claim here again from {until:%Y-%m-%d %H:%M} UTC on. Your restrictions page"
            " says why, and a human will look at it if you ask."
        )
        self.until = until


class OwnBatch(TasksError):
    """Requesters cannot work on their own batches, whichever of their accounts they use."""


class InvalidAnswer(TasksError):
    """The answer does not fit the project's interface."""


class ReasonMissing(TasksError):
    """Say why, in words the worker can act on: ``reason`` must not be empty."""


class EmptyBatch(TasksError):
    """The batch has no tasks. Upload some before you publish."""


class InvalidRow(TasksError):
    """This row cannot become a task."""


class InvalidInterface(TasksError):
    """The interface is not a list of elements that can be shown and answered."""


class BudgetTooSmall(TasksError):
    """The batch's budget does not pay for the answers that are wanted at once."""

    def __init__(self, missing: Money) -> None:
        super().__init__(
            f"The budget is {missing} short of what these answers cost: raise it, or ask for fewer"
            " answers per task at the start (min)."
        )
        self.missing = missing


class InvalidPolicy(TasksError):
    """The redundancy policy contradicts itself."""


class InvalidPredictor(TasksError):
    """The model cannot be registered this way."""


class InvalidOrder(TasksError):
    """No task that waits has a prediction to be ordered by: send predictions first."""


class InvalidAssumptions(TasksError):
    """What the forecast is to assume contradicts itself."""


class PilotTooSmall(TasksError):
    """There are too few answers to forecast from."""


class InvalidRating(TasksError):
    """Each of the four marks is a whole number from 1, bad, to 5, good."""


class NothingDecided(TasksError):
    """You can rate a requester once an answer of yours in this batch was accepted or rejected."""


class InvalidRejection(TasksError):
    """Give a known code, at least 40 characters of reasons, and the instruction that failed."""


class Involved(TasksError):
    """You have a part in this case: somebody else has to decide it."""


class NotAJuror(TasksError):
    """Juries are for active workers with ten accepted answers, and for elected reviewers."""


class VoteTooLate(TasksError):
    """Your seat on this jury has ended, or you have voted already."""


class RewardBelowFloor(TasksError):
    """The reward pays less than the wage floor for the time that the work takes."""

    def __init__(self, minimum: Money, floor: Money, seconds: int) -> None:
        super().__init__(
            f"An answer takes {seconds} seconds, and an hour is paid at least {floor}: the reward"
            f" must be at least {minimum}."
        )
        self.minimum = minimum
        self.floor = floor
        self.seconds = seconds


class DeadlineTooShort(TasksError):
    """Workers are given less than three times the time that the work takes."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"Give workers at least three times what the work takes: {seconds} seconds."
        )
        self.seconds = seconds
