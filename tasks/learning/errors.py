"""Why a model could not be trained, or its predictions not be used."""

from __future__ import annotations


class LearningError(Exception):
    """The model could not be trained or used."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class NotEnoughLabels(LearningError):
    """There are too few labels to learn from: collect more answers first."""


class NothingToRead(LearningError):
    """The tasks with a label show no text to learn from: name the fields that hold it."""


class NotIndependent(LearningError):
    """The model has learnt these tasks' labels: its word on them is no evidence."""


class UnknownStrategy(LearningError):
    """There is no strategy of this name."""
