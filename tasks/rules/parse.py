"""Read rules from JSON, or say where they are wrong and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.rules.errors import InvalidRules
from tasks.rules.language import (
    ASK_FROM,
    DEFAULT_WINDOW,
    FAILED,
    FIELDS,
    HIGHEST_GOLD_RATE,
    LONGEST_HISTORY,
    LONGEST_PAUSE,
    LONGEST_WINDOW,
    MOST_CONDITIONS,
    MOST_LIVE,
    MOST_RULES,
    OPERATORS,
    PAUSE_FROM,
    WITH_HISTORY,
    Action,
    Condition,
    Kind,
    Rule,
    allowed,
)

BY_A_PERSON = (
    "no rule suspends, bans or blocks anybody; a suspension is a person's decision with a "
    'reason. Write {"action": "ask_human"}'
)
NOT_PAY = (
    "no rule accepts, rejects or withholds pay; an answer is decided by itself. "
    'Write {"action": "ask_human"}'
)
LARGEST = 1e12
REFUSED = dict.fromkeys(("suspend", "ban", "block", "restrict", "restriction"), BY_A_PERSON)
REFUSED |= dict.fromkeys(
    ("reject", "reject_all", "approve_all", "accept", "accept_later", "withhold"), NOT_PAY
)
# Parameter, its least and greatest value, whether it is a whole number.
PARAMETERS: Mapping[Action, tuple[str, float, float, bool] | None] = {
    Action.MORE_GOLD: ("gold_rate", 0.0, HIGHEST_GOLD_RATE, False),
    Action.LIMIT: ("live", 1, MOST_LIVE, True),
    Action.PAUSE: ("hours", 1, LONGEST_PAUSE, True),
    Action.ASK_HUMAN: None,
}


def parse(json: Any) -> tuple[Rule, ...]:
    """Return the rules of a decoded JSON list, in its order.

    Raises ``InvalidRules`` at the first thing that is wrong, and names its place, e.g.
    ``rules[0].if[1].op``. An empty list is no rules.
    """
    if not isinstance(json, list):
        raise InvalidRules('rules: write a list of rules, such as [{"collector": "gold", …}].')
    if len(json) > MOST_RULES:
        raise InvalidRules(f"rules: write at most {MOST_RULES} rules, not {len(json)}.")
    return tuple(_rule(rule, f"rules[{index}]") for index, rule in enumerate(json))


def _rule(json: Any, place: str) -> Rule:
    _keys(json, place, required=("collector", "if", "then"), optional=("history", "hours"))
    collector = _one_of(json["collector"], FIELDS, f"{place}.collector")
    action, params = _action(json["then"], f"{place}.then")
    rule = Rule(
        collector=collector,
        history=_history(json, collector, place),
        hours=_hours(json, collector, place),
        conditions=_conditions(json["if"], collector, f"{place}.if"),
        action=action,
        params=params,
    )
    _check_evidence(rule, place)
    return rule


def _history(json: Mapping[str, Any], collector: str, place: str) -> int | None:
    if "history" not in json:
        return None
    if collector not in WITH_HISTORY:
        raise InvalidRules(
            f"{place}.history: {collector} has no history; leave it out, or use one of "
            f"{_list(WITH_HISTORY)}."
        )
    return int(_number(json["history"], 1, LONGEST_HISTORY, f"{place}.history", whole=True))


def _hours(json: Mapping[str, Any], collector: str, place: str) -> int | None:
    if collector == "income":
        hours = json.get("hours", DEFAULT_WINDOW)
        return int(_number(hours, 1, LONGEST_WINDOW, f"{place}.hours", whole=True))
    if "hours" in json:
        raise InvalidRules(f"{place}.hours: only income has a window of hours; leave it out.")
    return None


def _conditions(json: Any, collector: str, place: str) -> tuple[Condition, ...]:
    if not isinstance(json, list) or not 1 <= len(json) <= MOST_CONDITIONS:
        raise InvalidRules(
            f"{place}: write a list of 1 to {MOST_CONDITIONS} conditions, such as "
            '[{"field": "answers", "op": ">=", "value": 10}].'
        )
    return tuple(_condition(one, collector, f"{place}[{at}]") for at, one in enumerate(json))


def _condition(json: Any, collector: str, place: str) -> Condition:
    _keys(json, place, required=("field", "op", "value"))
    field = _one_of(json["field"], FIELDS[collector], f"{place}.field")
    operator = _one_of(json["op"], OPERATORS, f"{place}.op")
    kind = FIELDS[collector][field]
    least = -LARGEST if kind is Kind.LOG_RATIO else 0.0
    most = 1.0 if kind is Kind.SHARE else LARGEST
    whole = kind is Kind.COUNT
    value = _number(json["value"], least, most, f"{place}.value", whole=whole, kind=kind.value)
    return Condition(field, operator, value)


def _action(json: Any, place: str) -> tuple[Action, dict[str, float]]:
    if not isinstance(json, dict) or "action" not in json:
        raise InvalidRules(f'{place}: write an action, such as {{"action": "ask_human"}}.')
    name = json["action"]
    if isinstance(name, str) and name.lower() in REFUSED:
        raise InvalidRules(f"{place}.action: {REFUSED[name.lower()]}.")
    action = Action(_one_of(name, [action.value for action in Action], f"{place}.action"))
    parameter = PARAMETERS[action]
    _keys(json, place, required=("action", *([parameter[0]] if parameter else [])))
    if parameter is None:
        return action, {}
    name, least, most, whole = parameter
    value = _number(json[name], least, most, f"{place}.{name}", whole=whole)
    if not value:
        raise InvalidRules(f"{place}.{name}: a rate of 0 changes nothing; write 0.2, say.")
    return action, {name: value}


def _check_evidence(rule: Rule, place: str) -> None:
    """Refuse a rule that can never hold, or that does too much on too little evidence."""
    evidence = rule.least_evidence
    if rule.history is not None and evidence > rule.history:
        raise InvalidRules(
            f"{place}.history: the conditions ask for {evidence} observations, so a history of "
            f"{rule.history} never meets them; write {evidence} or more."
        )
    if allowed(rule.action, evidence, failed_gold=rule.fails_gold):
        return
    if rule.action is Action.PAUSE:
        needed = (
            f"a pause needs {PAUSE_FROM} observations, or {ASK_FROM} gold answers with an "
            f"accuracy of at most {FAILED}"
        )
    else:
        needed = f"asking a person needs {ASK_FROM} observations"
    raise InvalidRules(
        f"{place}.then.action: {needed}; these conditions can be met by {evidence}. Add a "
        f"condition such as {_counting(rule)}, or write more_gold or limit."
    )


def _counting(rule: Rule) -> str:
    field = next(
        name for name in ("answers", "count", "in_a_row") if name in FIELDS[rule.collector]
    )
    return f"{field} >= {PAUSE_FROM if rule.action is Action.PAUSE else ASK_FROM}"


def _keys(
    json: Any, place: str, *, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> None:
    if not isinstance(json, dict):
        raise InvalidRules(f"{place}: write an object with {_list(required)}.")
    for key in required:
        if key not in json:
            raise InvalidRules(
                f"{place}.{key}: is missing; write an object with {_list(required)}."
            )
    for key in sorted(set(json) - {*required, *optional}, key=str):
        raise InvalidRules(f"{place}.{key}: is not known here; leave it out.")


def _one_of(value: Any, names: Any, place: str) -> str:
    if not isinstance(value, str) or value not in names:
        raise InvalidRules(f"{place}: write one of {_list(names)}, not {value!r}.")
    return value


def _number(
    value: Any, least: float, most: float, place: str, *, whole: bool, kind: str = ""
) -> float:
    expected = kind or f"a {'whole ' * whole}number from {least:g} to {most:g}"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not least <= value <= most:  # nor does NaN lie between
        raise InvalidRules(f"{place}: write {expected}, not {value!r}.")
    if whole and value != int(value):
        raise InvalidRules(f"{place}: write {expected}, not {value!r}.")
    return int(value) if whole else float(value)


def _list(names: Any) -> str:
    ordered = sorted(names) if isinstance(names, frozenset) else list(names)
    return ", ".join(ordered)
