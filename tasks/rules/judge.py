"""Which rules hold for a worker, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.rules.facts import Facts, Figures, evidence_of, failed_gold, figures
from tasks.rules.language import ASK_FROM, Action, Rule, allowed
from tasks.rules.wording import sentence

# What is done where the evidence does not carry what the rule says.
FEWER_LIVE = {"live": 1.0}
CHECKED_MORE = {"gold_rate": 0.3}


@dataclass(frozen=True)
class Outcome:
    rule_index: int  # of the rule, from 0
    action: Action
    params: Mapping[str, float]
    evidence: Mapping[str, float]  # the figures, and under ``observations`` how many back them
    downgraded_from: Action | None  # what the rule says, where the evidence is too thin for it
    sentence: str  # what the worker and the admin read


def judge(rules: Sequence[Rule], facts: Facts, *, evidence: int) -> list[Outcome]:
    """Return what follows for one worker: at most one outcome of each action, in rule order.

    ``evidence`` is how many answers of the worker have been seen in all; no rule rests on more.
    Of several outcomes of one action the strictest is returned: the highest gold rate, the
    fewest live assignments, the longest pause; of equals, the one of the earliest rule.
    """
    strictest: dict[Action, Outcome] = {}
    for index, rule in enumerate(rules):
        outcome = _outcome(index, rule, facts, evidence)
        known = strictest.get(outcome.action) if outcome else None
        if outcome and (known is None or _strictness(outcome) > _strictness(known)):
            strictest[outcome.action] = outcome
    return sorted(strictest.values(), key=lambda outcome: outcome.rule_index)


def _outcome(index: int, rule: Rule, facts: Facts, total: int) -> Outcome | None:
    known = figures(rule, facts)
    if not all(condition.holds(known.get(condition.field)) for condition in rule.conditions):
        return None
    observations = evidence_of(rule, known, total)
    action, params = _graded(rule, known, observations)
    return Outcome(
        rule_index=index,
        action=action,
        params=params,
        evidence={**known, "observations": observations},
        downgraded_from=None if action is rule.action else rule.action,
        sentence=sentence(rule, known, action, params),
    )


def _graded(rule: Rule, known: Figures, observations: int) -> tuple[Action, Mapping[str, float]]:
    """Return the rule's action, or the weaker one that so much evidence carries.

    A pause becomes a question to a person, or fewer live assignments; a question more gold.
    """
    if allowed(rule.action, observations, failed_gold=failed_gold(rule, known)):
        return rule.action, rule.params
    if rule.action is Action.ASK_HUMAN:
        return Action.MORE_GOLD, CHECKED_MORE
    return (Action.ASK_HUMAN, {}) if observations >= ASK_FROM else (Action.LIMIT, FEWER_LIVE)


def _strictness(outcome: Outcome) -> float:
    if outcome.action is Action.LIMIT:
        return -outcome.params["live"]
    return next(iter(outcome.params.values()), 0.0)
