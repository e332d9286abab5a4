"""Why a set of labels cannot be aggregated the way it was asked."""

from __future__ import annotations


class AggregationError(Exception):
    """The labels could not be aggregated."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class UnknownMethod(AggregationError):
    """There is no aggregation method of this name."""


class NotEnoughLabels(AggregationError):
    """The method needs more answers than there are: more workers on the same tasks."""


class UnsupportedLabels(AggregationError):
    """The method cannot work with these labels."""


class GoldNeeded(AggregationError):
    """This method weighs workers by gold tasks: give it tasks with a known answer."""
