"""Adaptive redundancy: which tasks deserve one more answer, which are done, which are hopeless.

One rule decides what a task wants, by what the batch is for:

* ``GAIN``: an answer is bought while it is expected to raise accuracy by at least so much.
  The best rule without a budget, since it stops by itself on tasks that answers do not help.
* ``TARGET``: until the confidence, calibrated on gold, has reached a level.
* ``SPEND``: least certain first, until the budget is spent.

Under a budget all rules serve the least certain task first, and only a part of the batch is in
flight at a time, so that answers still to come can steer what is bought next. Nothing here has
a memory: a closed task whose confidence falls with a late answer is opened again by the same
call that closed it.

Sources: V. Sheng, F. Provost, P. Ipeirotis, Get Another Label?, KDD (2008); P. Dai et al.,
POMDP-based Control of Workflows for Crowdsourcing, Artificial Intelligence 202 (2013).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

DEPTH = 3  # answers to look ahead; one alone often cannot overturn a lead of two


class Rule(Enum):
    GAIN = "gain"
    TARGET = "target"
    SPEND = "spend"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How a batch buys answers; ``budget`` counts answers, those in flight included."""

    rule: Rule = Rule.GAIN
    minimum: int = 1  # answers per task; one is enough from a worker known to be good
    cautious_minimum: int = 3  # the same, until the workers are known a little:
    established: int = 300  # answers in the batch
    maximum: int = 15
    least_gain: float = 0.01  # accuracy per answer
    target: float = 0.95  # confidence at which a task counts as closed, not uncertain
    budget: int | None = None
    ahead: float = 0.04  # share of the tasks with a slot in flight, under a budget
    ahead_least: int = 10  # slots, so that small batches keep their workers busy
    hopeless_gain: float = 0.002  # below this a task short of the target is hopeless
    unsound: float = 0.5  # a task less likely than this to be sound is hopeless too,
    hopeless_after: int = 6  # but not before that many answers

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for a policy that contradicts itself."""
        if not 1 <= self.minimum <= self.maximum:
            raise ValueError("The minimum must be from 1 to the maximum.")
        if self.rule is Rule.SPEND and self.budget is None:
            raise ValueError("Without a budget there is nothing to spend.")


class State(NamedTuple):
    """What is known about the batch, one entry per task."""

    confidence: Floats  # probability of the likeliest answer; calibrated where there is gold
    gain: Floats  # expected of one more answer: ``expected_gain``
    soundness: Floats  # probability that the answers say anything, ``OnlineModel.soundness``
    answers: Ints  # received
    in_flight: Ints  # slots open or claimed, not yet answered
    feedable: Flags  # there may be a worker who can still answer it


class Decision(NamedTuple):
    """Every task is in exactly one of these, by index."""

    open: Ints  # give one more slot; the most urgent first
    waiting: Ints  # for answers in flight, or for their turn
    close: Ints  # confident enough
    uncertain: Ints  # not, and no more answers will be bought: for review


def decide(state: State, policy: Policy) -> Decision:
    """Sort the tasks into those to feed, those to wait for and those that are done.

    Tasks below the minimum go first, those with the fewest answers first. Then come the least
    certain; ties go to fewer answers, then to the lower index.
    """
    slots = state.answers + state.in_flight
    confidence = state.confidence
    # A task at the maximum is never fed, even where the minimum in force is above it.
    possible = state.feedable & (slots < policy.maximum)
    # What caution adds to the minimum is asked for task by task, as the first answers come in.
    cautious = (slots < _minimum(state, policy)) & (state.in_flight == 0)
    short = possible & ((slots < policy.minimum) | cautious)
    keen = possible & ~short & (state.in_flight == 0) & _wants(state, policy)
    wanting = _by_urgency(short, slots, confidence), _by_urgency(keen, slots, confidence)
    opened = _affordable(*wanting, state=state, policy=policy)
    chosen = np.zeros(len(slots), bool)
    chosen[opened] = True
    waiting = (state.in_flight > 0) & ~chosen
    if not _broke(state, policy):
        waiting |= (short | keen) & ~chosen
    done = ~chosen & ~waiting
    sure = confidence >= policy.target
    return Decision(
        open=opened,
        waiting=np.flatnonzero(waiting),
        close=np.flatnonzero(done & sure),
        uncertain=np.flatnonzero(done & ~sure),
    )


def expected_gain(
    posteriors: Floats, accuracy: float, *, exponent: float = 1.0, depth: int = DEPTH
) -> Floats:
    """Return by task how much one more answer is expected to raise the chance to be right.

    The best over 1, …, ``depth`` average answers, per answer; they are taken to speak for one
    of the two likeliest classes or to say nothing about them. Where ``posteriors`` are
    calibrated by ``exponent``, answers to come must be believed as little as those that came.
    """
    classes = posteriors.shape[1]
    top = np.partition(posteriors, classes - 2, axis=1)[:, -2:]
    second, first = top[:, 0], top[:, 1]
    mistake = (1 - accuracy) / (classes - 1)  # for a given wrong class
    speaks, right = accuracy + mistake, 1 / (1 + (mistake / accuracy) ** exponent)
    best = np.zeros(len(posteriors))
    reached = [_chance_to_be_right(first, second, right, count) for count in range(depth + 1)]
    for bought in range(1, depth + 1):
        expected = sum(
            _binomial(count, bought, speaks) * reached[count] for count in range(bought + 1)
        )
        best = np.maximum(best, (expected - first) / bought)
    return best


def _chance_to_be_right(first: Floats, second: Floats, right: float, count: int) -> Floats:
    """Return the probability of the winner, once ``count`` more answers name one of the two."""
    total = np.zeros_like(first)
    for fors in range(count + 1):
        total += np.maximum(
            first * _binomial(fors, count, right), second * _binomial(count - fors, count, right)
        )
    return total


def _binomial(successes: int, trials: int, chance: float) -> float:
    return comb(trials, successes) * chance**successes * (1 - chance) ** (trials - successes)


def _minimum(state: State, policy: Policy) -> int:
    if state.answers.sum() >= policy.established:
        return policy.minimum
    # Caution that the budget does not cover would leave nothing to spend where it is needed.
    affordable = policy.cautious_minimum
    if policy.budget is not None:
        affordable = min(affordable, policy.budget // max(len(state.answers), 1))
    return max(policy.minimum, affordable)


def _wants(state: State, policy: Policy) -> Flags:
    hopeless = (state.soundness < policy.unsound) & (state.answers >= policy.hopeless_after)
    if policy.rule is Rule.SPEND:
        return ~hopeless
    gain = state.gain * state.soundness
    if policy.rule is Rule.GAIN:
        wants: Flags = gain >= policy.least_gain
    else:
        wants = (state.confidence < policy.target) & (gain >= policy.hopeless_gain)
    return wants & ~hopeless


def _by_urgency(wanting: Flags, slots: Ints, confidence: Floats) -> Ints:
    tasks = np.flatnonzero(wanting)
    return tasks[np.lexsort((tasks, slots[tasks], confidence[tasks]))]


def _affordable(short: Ints, keen: Ints, *, state: State, policy: Policy) -> Ints:
    """Cut the wishes down to the budget, and the keen ones to what may be in flight."""
    slots = state.answers + state.in_flight
    short = short[np.argsort(slots[short], kind="stable")]
    if policy.budget is None:
        return np.concatenate([short, keen])
    room = max(policy.ahead_least, int(policy.ahead * len(slots)))
    # Slots that nobody at hand can take must not keep the others waiting.
    room -= int(state.in_flight[state.feedable].sum())
    wishes = np.concatenate([short, keen[: max(room - len(short), 0)]])
    return wishes[: max(policy.budget - int(slots.sum()), 0)]


def _broke(state: State, policy: Policy) -> bool:
    spent = int(state.answers.sum() + state.in_flight.sum())
    return policy.budget is not None and spent >= policy.budget and not state.in_flight.any()
