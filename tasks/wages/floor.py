"""The wage floor in money: what work of some length is owed, and what tops a reward up to it.

Amounts are whole minor units, times whole seconds; what division leaves over goes to the
worker. ``per_hour`` is the floor, in minor units per hour and at least 1. The fee on a reward
is ``payments.money.fee_on``; on top-ups there is none.
"""

from __future__ import annotations

HOUR = 3600


def floor_pay(per_hour: int, seconds: int) -> int:
    """Return the least that ``seconds`` of work are paid."""
    return -(-per_hour * seconds // HOUR)


def least_reward(per_hour: int, seconds: int) -> int:
    """Return the lowest reward a job may offer whose answers take ``seconds``."""
    return floor_pay(per_hour, seconds)


def implied_estimate(reward: int, per_hour: int) -> int:
    """Return the longest time in whole seconds, at least 1, that ``reward`` pays the floor for."""
    return max(1, HOUR * reward // per_hour)


def job_topup(reward: int, per_hour: int, reference: int) -> int:
    """Return what every accepted answer of a job gets beyond its reward.

    The caller pays the difference to what it has paid before, and never takes any back.
    """
    return max(0, floor_pay(per_hour, reference) - reward)


def worker_topup(per_hour: int, payable: int, paid: int) -> int:
    """Return what one worker still gets for a job.

    ``payable`` are the seconds of all their answers that the floor is owed for; ``paid`` is all
    they got for the job, job top-ups included and bonuses not. Rounded once, not by answer.
    """
    return max(0, floor_pay(per_hour, payable) - paid)


def effort_pay(reward: int, per_hour: int, seconds: int, reference: int) -> int:
    """Return what a rejected answer earns that was honest work: the floor, up to the reward.

    Time beyond the job's ``reference`` is not counted.
    """
    return min(reward, floor_pay(per_hour, min(seconds, reference)))


def return_pay(reward: int, per_hour: int, seconds: int) -> int:
    """Return what handing back a task earns that could not be done: up to half the reward."""
    return min(-(-reward // 2), floor_pay(per_hour, seconds))
