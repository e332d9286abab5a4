"""What the worker and the admin read when a rule holds: what was seen, and what follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tasks.rules.language import Action, Rule


def sentence(
    rule: Rule,
    figures: Mapping[str, float],
    action: Action,
    params: Mapping[str, float],
) -> str:
    """Say what was seen and what follows, to the worker, in one sentence (two for a pause)."""
    seen = SEEN[rule.collector](rule, figures)
    downgraded = "" if action is rule.action else f" ({WEAKER[rule.action]})"
    return f"{seen}; {_follows(rule, action, params)}{downgraded}.{APPEAL.get(action, '')}"


WEAKER: Mapping[Action, str] = {
    Action.PAUSE: "there is too little evidence for a pause",
    Action.ASK_HUMAN: "there is too little evidence to ask a person",
}
APPEAL: Mapping[Action, str] = {
    Action.PAUSE: " If you think this is wrong, ask for a person to look at it."
}


def _follows(rule: Rule, action: Action, params: Mapping[str, float]) -> str:
    if action is Action.MORE_GOLD:
        them = "them" if rule.collector == "gold" else "control tasks"
        return f"you will see more of {them} for a while"
    if action is Action.LIMIT:
        return f"for now you can hold {_count(params['live'], 'task')} at a time"
    if action is Action.PAUSE:
        return f"you get no new tasks of this project for {_count(params['hours'], 'hour')}"
    return "a person will look at it before anything else happens"


def _count(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def _of(
    share: str, before: str, noun: str, after: str
) -> Callable[[Rule, Mapping[str, float]], str]:
    """Return a wording such as "3 of your last 10 control tasks were right"."""

    def words(_rule: Rule, figures: Mapping[str, float]) -> str:
        answers = figures["answers"]
        some = round(figures.get(share, 0.0) * answers)
        verb = "was" if some == 1 else "were"
        return f"{some} of {before} {_count(answers, noun)} {after.format(verb=verb)}"

    return words


def _speed(_rule: Rule, figures: Mapping[str, float]) -> str:
    answers = _count(figures["answers"], "answer")
    words = f"half of your last {answers} took {figures['seconds']:.3g} seconds or less"
    if "fast_share" in figures:
        words += f", and {figures['fast_share']:.0%} were quick"
    return words


def _skips(_rule: Rule, figures: Mapping[str, float]) -> str:
    return f"you skipped {_count(figures['in_a_row'], 'task')} in a row"


def _income(rule: Rule, figures: Mapping[str, float]) -> str:
    paid = _count(figures["answers"], "paid answer")
    return f"your {paid} of the last {_count(rule.hours or 0, 'hour')} come to this batch's limit"


def _spam(_rule: Rule, figures: Mapping[str, float]) -> str:
    answers = _count(figures["answers"], "answer")
    return f"your {answers} look much like answers that do not depend on the task"


SEEN: Mapping[str, Callable[[Rule, Mapping[str, float]], str]] = {
    "gold": _of("accuracy", "your last", "control task", "{verb} right"),
    "agreement": _of("rate", "your last", "answer", "{verb} the same as the other workers'"),
    "speed": _speed,
    "skips": _skips,
    "income": _income,
    "answers": lambda _rule, figures: f"you have given {_count(figures['count'], 'answer')} here",
    "spam": _spam,
    "captcha": _of("rate", "your last", "captcha", "{verb} solved"),
    "rejections": _of("rate", "your last", "decided answer", "{verb} rejected"),
}
