"""What can go wrong between publishing a task and settling its answers."""

from __future__ import annotations


class TasksError(Exception):
    """The task could not be processed."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class IllegalTransition(TasksError):
    """The row is not in a state that allows this."""


class TooManyLiveAssignments(TasksError):
    """This worker already holds as many unanswered assignments as the batch allows."""


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
