"""What a forecast starts from: a pilot or assumptions, and the job that is to be paid for.

A pilot is some tasks of the batch, fully answered; the forecast takes the other tasks to be
like them, so they should be drawn at random and not be the first of a sorted file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation.adaptive import Policy
from tasks.aggregation.online import Answers
from tasks.aggregation.replay import UNKNOWN, Recording

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """Buys ``overlap`` answers per task, whatever they say."""

    overlap: int
    target: float = Policy.target  # confidence at which a task counts as closed

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for an overlap below 1."""
        if self.overlap < 1:
            raise ValueError("The overlap must be at least 1.")


@dataclass(frozen=True, kw_only=True)
class Pilot:
    """The answers to the pilot's tasks in order of arrival.

    ``recording.truth`` is known for gold tasks only. ``policy`` is what bought the answers;
    None, or another than the job's, and the job's cost can only be simulated.
    """

    recording: Recording
    policy: Policy | Fixed | None = None
    seconds: Floats | None = None  # spent on each answer
    arrived: Floats | None = None  # of each answer, in seconds since any one moment

    def __post_init__(self) -> None:
        """Raise ``ValueError`` where there is no answer, or a column of another length."""
        answers = len(self.recording.answers.tasks)
        if not answers:
            raise ValueError("A pilot without answers says nothing; state assumptions instead.")
        for column in (self.seconds, self.arrived):
            if column is not None and len(column) != answers:
                raise ValueError("There must be one time per answer.")

    @property
    def gold(self) -> Ints:
        """The tasks whose truth is known."""
        return np.flatnonzero(self.recording.truth != UNKNOWN)

    def renumbered(self) -> Pilot:
        """Return the pilot with its workers numbered as they appeared, so that ids say nothing."""
        answers = self.recording.answers
        _, first, codes = np.unique(answers.workers, return_index=True, return_inverse=True)
        places = np.empty(len(first), np.int64)
        places[np.argsort(first)] = np.arange(len(first))
        answers = Answers(answers.tasks, places[codes], answers.labels)
        recording = self.recording._replace(answers=answers, workers=len(first))
        return replace(self, recording=recording)


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """What a requester expects without a pilot; ranges hold with probability 80 %."""

    accuracy: tuple[float, float]  # of the average worker
    classes: int = 2
    answers_per_worker: float = 30.0
    seconds: tuple[float, float] | None = None  # median per answer

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for ranges that are empty or impossible."""
        if not 0 < self.accuracy[0] < self.accuracy[1] < 1:
            raise ValueError("The range of the accuracy must lie between 0 and 1.")
        if self.seconds and not 0 < self.seconds[0] < self.seconds[1]:
            raise ValueError("The range of the seconds must be positive.")
        if self.classes < 2 or self.answers_per_worker <= 0:  # noqa: PLR2004 - a choice needs two
            raise ValueError("There must be two classes at least, and answers from each worker.")


@dataclass(frozen=True, kw_only=True)
class Job:
    """The batch as it is to be published."""

    tasks: int  # in all, those of the pilot included
    policy: Policy | Fixed
    price_minor: int  # of one answer, fee included
    reward_minor: int | None = None  # of these, what the worker gets; None: all
    gold_rate: float = 0.0  # share of the answers to come that go to further gold tasks
    workers_per_hour: float | None = None  # at work in any hour; used where no arrival is timed

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for figures that cannot be."""
        if self.tasks < 1 or self.price_minor < 0 or not 0 <= self.gold_rate < 1:
            raise ValueError("Tasks must be positive, the price not negative, gold below 100 %.")

    @property
    def reward(self) -> int:
        return self.price_minor if self.reward_minor is None else self.reward_minor

    @property
    def budget(self) -> int | None:
        return self.policy.budget if isinstance(self.policy, Policy) else None

    @property
    def most_per_task(self) -> int:
        return self.policy.maximum if isinstance(self.policy, Policy) else self.policy.overlap

    def same_policy(self, other: Policy | Fixed | None) -> bool:
        """Say whether ``other`` buys as the job does, as long as there is a budget."""
        return _unlimited(self.policy) == _unlimited(other)

    def policy_for(self, tasks: int) -> Policy | Fixed:
        """Return the policy for so many of the tasks: with their share of the budget."""
        if isinstance(self.policy, Fixed) or self.policy.budget is None:
            return self.policy
        return replace(self.policy, budget=self.policy.budget * tasks // self.tasks)


def _unlimited(policy: Policy | Fixed | None) -> Policy | Fixed | None:
    if isinstance(policy, Policy) and policy.budget is not None:
        # A rule that spends cannot be without a budget, so all get the same one.
        return replace(policy, budget=0)
    return policy
