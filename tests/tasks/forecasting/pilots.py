"""Pilots from made-up crowds."""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.aggregation.adaptive import Policy
from tasks.aggregation.replay import UNKNOWN, Recording
from tasks.forecasting.plan import Fixed, Job, Pilot
from tests.tasks.aggregation.crowds import crowd

THREE = Fixed(overlap=3)
FEW = Policy(maximum=5)  # simulations of more take longer and show nothing else


def pilot(
    *, gold: int = 20, policy: Policy | Fixed | None = THREE, overlap: int = 3, **options: Any
) -> Pilot:
    """Let a crowd answer 50 tasks, or so many; the first ``gold`` of them are gold."""
    recording = crowd(**{"tasks": 50, "overlap": overlap, **options})
    return Pilot(recording=with_gold(recording, gold), policy=policy)


def with_gold(recording: Recording, gold: int) -> Recording:
    truth = recording.truth.copy()
    truth[gold:] = UNKNOWN
    return recording._replace(truth=truth)


def job(policy: Policy | Fixed = THREE, *, tasks: int = 250, **options: Any) -> Job:
    return Job(tasks=tasks, policy=policy, **{"price_minor": 10, **options})


def steady(answers: int, seconds: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """One answer every so many seconds."""
    return np.arange(answers) * seconds
