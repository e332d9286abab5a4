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
