"""Who the simulated workers are, and what each of them would answer. Pure and seeded.

Everything a worker does with a task is drawn from the seed, the worker's name and the task
alone: the same crowd gives the same answers, whoever gets which task and in what order.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

LOOKALIKE_WEIGHT = 6  # how much rather somebody errs to an option that looks like the truth
SPREAD = 0.35  # of working times, on the logarithmic scale
SPAMMER_EVERY = 20  # one worker in so many
FORGETFUL_EVERY = 13  # one in so many walks away from an early task and lets it expire


class Kind(StrEnum):
    """What a worker is like. Only the simulation knows; the marketplace has to find out."""

    GOOD = "good"
    ORDINARY = "ordinary"
    CARELESS = "careless"
    RANDOM_CLICKER = "at random"
    ONE_BUTTON = "one button"

    @property
    def is_spam(self) -> bool:
        """Whether the answers have nothing to do with the task."""
        return self in {Kind.RANDOM_CLICKER, Kind.ONE_BUTTON}


@dataclass(frozen=True, slots=True)
class Habits:
    """What workers of one kind have in common."""

    ability: tuple[float, float]  # how often they are right: from, to
    seconds: float  # a person of this kind would take for a task, at the median
    skips: float  # share of tasks they hand back


HABITS = {
    Kind.GOOD: Habits((0.93, 0.98), 8.0, 0.02),
    Kind.ORDINARY: Habits((0.80, 0.90), 8.0, 0.02),
    Kind.CARELESS: Habits((0.58, 0.72), 5.0, 0.03),
    Kind.RANDOM_CLICKER: Habits((0.0, 0.0), 2.0, 0.0),
    Kind.ONE_BUTTON: Habits((0.0, 0.0), 2.0, 0.0),
}


@dataclass(frozen=True, slots=True)
class SimulatedWorker:
    """One member of the crowd."""

    name: str
    kind: Kind
    ability: float  # probability of the right answer, where there is one; spammers guess
    seed: int
    walks_away_at: int = 0  # which of their claims they let expire; 0 for none

    def choose(
        self,
        task: str,
        truth: str,
        options: Sequence[str],
        lookalikes: Mapping[str, str | Sequence[str]],
    ) -> str:
        """Return one of ``options``; ``lookalikes`` names those that each is taken for."""
        draw = self._draw(task, "answer")
        if self.kind == Kind.ONE_BUTTON:
            return random.Random(f"{self.seed}|{self.name}").choice(options)  # noqa: S311
        if self.kind == Kind.RANDOM_CLICKER:
            return draw.choice(options)
        wrong = [option for option in options if option != truth]
        if not wrong or draw.random() < self.ability:
            return truth
        alike = lookalikes.get(truth, ())
        weights = [LOOKALIKE_WEIGHT if option in alike else 1 for option in wrong]
        return draw.choices(wrong, weights)[0]

    def seconds_for(self, task: str) -> float:
        """Return how long a person of this kind would take."""
        pace = math.exp(self._draw(task, "time").gauss(0, SPREAD))
        return HABITS[self.kind].seconds * pace

    def skips(self, task: str) -> bool:
        """Whether the worker hands the task back."""
        return self._draw(task, "skip").random() < HABITS[self.kind].skips

    def _draw(self, task: str, purpose: str) -> random.Random:
        return random.Random(f"{self.seed}|{self.name}|{task}|{purpose}")  # noqa: S311


def recruit(count: int, *, seed: int) -> list[SimulatedWorker]:
    """Return ``count`` workers of mixed ability: of 40, 14 good, 16 ordinary, 8 careless, 2 spam.

    Who is of which kind is drawn too, so that a name says nothing.
    """
    kinds = _kinds(count)
    draw = random.Random(f"{seed}|crowd")  # noqa: S311
    draw.shuffle(kinds)
    forgetful = count // FORGETFUL_EVERY
    crowd = []
    for number, kind in enumerate(kinds):
        low, high = HABITS[kind].ability
        crowd.append(
            SimulatedWorker(
                name=f"simulated-{number + 1:02}",
                kind=kind,
                ability=draw.uniform(low, high),
                seed=seed,
                # The first ones, so that a short run sees their tasks come back.
                walks_away_at=1 + number % 3 if number < forgetful else 0,
            )
        )
    return crowd


def _kinds(count: int) -> list[Kind]:
    spam = count // SPAMMER_EVERY
    careless, good = round(count * 0.2), round(count * 0.35)
    kinds = [Kind.ONE_BUTTON if each % 2 else Kind.RANDOM_CLICKER for each in range(spam)]
    kinds += [Kind.CARELESS] * careless + [Kind.GOOD] * good
    return kinds + [Kind.ORDINARY] * (count - len(kinds))


def likely_truth(task: str, options: Sequence[str], *, seed: int) -> str:
    """Return an answer to agree on where nobody has said what is true."""
    return random.Random(f"{seed}|{task}|truth").choice(options)  # noqa: S311
