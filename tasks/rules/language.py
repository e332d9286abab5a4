"""The rule language: collector, condition and action, as JSON, and what it refuses to say.

    {"collector": "gold", "history": 10,
     "if": [{"field": "accuracy", "op": "<", "value": 0.6},
            {"field": "answers", "op": ">=", "value": 5}],
     "then": {"action": "more_gold", "gold_rate": 0.3}}

A rule holds when all its conditions hold. Actions are graded by the evidence that the
conditions demand, because ten answers are wrong about some honest workers: with fewer than
``ASK_FROM`` observations a rule may check more, not accuse; a pause needs ``PAUSE_FROM``, or
a failed run of gold. No rule suspends anybody or touches pay: a person does, with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

ASK_FROM = 10  # observations from which a person may be asked to look
PAUSE_FROM = 20  # observations from which a worker may be paused
FAILED = 0.5  # share of right answers up to which a run of ``ASK_FROM`` gold tasks is failed
LONGEST_PAUSE = 168  # hours: whatever is longer is a suspension by another name
HIGHEST_GOLD_RATE = 0.5
MOST_LIVE = 100
LONGEST_HISTORY = 1_000
LONGEST_WINDOW = 720  # hours
DEFAULT_WINDOW = 24  # hours
MOST_RULES = 100
MOST_CONDITIONS = 10


class Action(StrEnum):
    MORE_GOLD = "more_gold"
    LIMIT = "limit"
    ASK_HUMAN = "ask_human"
    PAUSE = "pause"


class Kind(StrEnum):
    """What numbers a field takes."""

    SHARE = "a share from 0 to 1"
    COUNT = "a whole number from 0 on"
    SECONDS = "a number of seconds from 0 on"
    LOG_RATIO = "a number"


# Fields by collector. ``answers`` is how many observations the others rest on.
FIELDS: Mapping[str, Mapping[str, Kind]] = {
    "gold": {"accuracy": Kind.SHARE, "answers": Kind.COUNT, "wrong_in_a_row": Kind.COUNT},
    "agreement": {"rate": Kind.SHARE, "answers": Kind.COUNT},
    "speed": {"seconds": Kind.SECONDS, "fast_share": Kind.SHARE, "answers": Kind.COUNT},
    "skips": {"in_a_row": Kind.COUNT},
    "income": {"minor": Kind.COUNT, "answers": Kind.COUNT},
    "answers": {"count": Kind.COUNT},
    "spam": {
        "probability": Kind.SHARE,
        "random": Kind.LOG_RATIO,
        "habit": Kind.LOG_RATIO,
        "reliability": Kind.SHARE,
        "answers": Kind.COUNT,
    },
    "captcha": {"rate": Kind.SHARE, "answers": Kind.COUNT},
    "rejections": {"rate": Kind.SHARE, "answers": Kind.COUNT},
}
# Collectors that look at the last N of their kind; the others know one figure, or a window.
WITH_HISTORY = frozenset({"gold", "agreement", "speed", "captcha", "rejections"})
OPERATORS = ("<", "<=", ">", ">=", "==")
# A lower bound on one of these is a lower bound on the evidence.
COUNTING = frozenset({"answers", "count", "in_a_row", "wrong_in_a_row"})


@dataclass(frozen=True)
class Condition:
    field: str
    op: str
    value: float

    def holds(self, figure: float | None) -> bool:
        """Say whether a figure meets the condition; one that is not known never does."""
        if figure is None:
            return False
        return {
            "<": figure < self.value,
            "<=": figure <= self.value,
            ">": figure > self.value,
            ">=": figure >= self.value,
            "==": figure == self.value,
        }[self.op]

    @property
    def least_evidence(self) -> int:
        """Observations without which the condition cannot hold."""
        if self.field not in COUNTING or self.op in {"<", "<="}:
            return 0
        return int(self.value) + (self.op == ">")

    @property
    def fails_gold(self) -> bool:
        """Whether the condition says that most gold answers were wrong."""
        if self.field == "wrong_in_a_row":
            return self.least_evidence >= ASK_FROM
        return self.field == "accuracy" and self.op in {"<", "<="} and self.value <= FAILED


@dataclass(frozen=True)
class Rule:
    collector: str
    history: int | None  # the last so many observations; None for all
    hours: int | None  # window of the income; None for other collectors
    conditions: tuple[Condition, ...]
    action: Action
    params: Mapping[str, float]  # gold_rate, live or hours; empty for ask_human

    @property
    def least_evidence(self) -> int:
        """Observations without which the rule cannot hold."""
        return max((condition.least_evidence for condition in self.conditions), default=0)

    @property
    def fails_gold(self) -> bool:
        """Whether the rule holds only for workers most of whose gold answers were wrong."""
        failing = any(condition.fails_gold for condition in self.conditions)
        return self.collector == "gold" and failing


def allowed(action: Action, evidence: int, *, failed_gold: bool) -> bool:
    """Say whether so much evidence carries the action: the grades, in one place."""
    if action is Action.PAUSE:
        return evidence >= PAUSE_FROM or (failed_gold and evidence >= ASK_FROM)
    return action is not Action.ASK_HUMAN or evidence >= ASK_FROM
