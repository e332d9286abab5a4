"""What is known about one worker, and the figures that conditions ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from statistics import median
from typing import NamedTuple, TypeVar

from tasks.rules.language import ASK_FROM, FAILED, Rule

Figures = dict[str, float]
Observation = TypeVar("Observation")


class Earned(NamedTuple):
    hours_ago: float
    minor: int  # in minor units of the batch's currency


class Spam(NamedTuple):
    """Scores of ``tasks.aggregation.spam``, and how many answers they rest on."""

    probability: float
    random: float
    habit: float
    reliability: float
    answers: int


@dataclass(frozen=True)
class Facts:
    """One worker in one batch or project; every sequence is oldest first.

    What nobody measures is left empty, and then no rule on it holds.
    """

    gold: Sequence[bool] = ()  # was the control task answered right?
    agreement: Sequence[bool] = ()  # was the answer that of the others?
    seconds: Sequence[float] = ()  # taken per answer
    fast_seconds: float | None = None  # the batch's 5 % quantile: faster than this is fast
    skips_in_a_row: int = 0
    income: Sequence[Earned] = ()
    answers: int = 0
    spam: Spam | None = None
    captcha: Sequence[bool] = ()  # solved? Supplied by whoever runs the captchas.
    rejections: Sequence[bool] = ()  # was the decided answer rejected?


def figures(rule: Rule, facts: Facts) -> Figures:
    """Return the figures that a rule's conditions may ask for, over its history or window.

    A figure that cannot be known (a share of no answers) is absent.
    """
    return COLLECTED[rule.collector](rule, facts)


def evidence_of(rule: Rule, known: Mapping[str, float], total: int) -> int:
    """Return how many observations a rule's figures rest on.

    No more than ``total``, the worker's answers, but for skips and captchas, which are none.
    """
    counted = next(known[name] for name in ("answers", "count", "in_a_row") if name in known)
    own = rule.collector in {"skips", "captcha"}
    return int(counted if own else min(counted, total))


def failed_gold(rule: Rule, known: Mapping[str, float]) -> bool:
    """Say whether the figures are those of a failed run of gold."""
    if rule.collector != "gold":
        return False
    failed = known.get("accuracy", 1.0) <= FAILED
    return failed or known["wrong_in_a_row"] >= ASK_FROM


def _last(rule: Rule, observations: Sequence[Observation]) -> Sequence[Observation]:
    return observations if rule.history is None else observations[-rule.history :]


def _share(name: str, observations: Sequence[bool]) -> Figures:
    count = len(observations)
    share = {name: sum(observations) / count} if count else {}
    return {"answers": count, **share}


def _gold(rule: Rule, facts: Facts) -> Figures:
    seen = _last(rule, facts.gold)
    wrong = sum(1 for _ in takewhile(lambda right: not right, reversed(seen)))
    return {**_share("accuracy", seen), "wrong_in_a_row": wrong}


def _speed(rule: Rule, facts: Facts) -> Figures:
    taken = _last(rule, facts.seconds)
    known: Figures = {"answers": len(taken)}
    if taken:
        known["seconds"] = median(taken)
    if taken and facts.fast_seconds is not None:
        known["fast_share"] = sum(one < facts.fast_seconds for one in taken) / len(taken)
    return known


def _income(rule: Rule, facts: Facts) -> Figures:
    hours = rule.hours or 0
    recent = [earned.minor for earned in facts.income if earned.hours_ago <= hours]
    return {"minor": sum(recent), "answers": len(recent)}


def _spam(_rule: Rule, facts: Facts) -> Figures:
    return {"answers": 0} if facts.spam is None else dict(facts.spam._asdict())


COLLECTED: Mapping[str, Callable[[Rule, Facts], Figures]] = {
    "gold": _gold,
    "agreement": lambda rule, facts: _share("rate", _last(rule, facts.agreement)),
    "speed": _speed,
    "skips": lambda _rule, facts: {"in_a_row": facts.skips_in_a_row},
    "income": _income,
    "answers": lambda _rule, facts: {"count": facts.answers},
    "spam": _spam,
    "captcha": lambda rule, facts: _share("rate", _last(rule, facts.captcha)),
    "rejections": lambda rule, facts: _share("rate", _last(rule, facts.rejections)),
}
