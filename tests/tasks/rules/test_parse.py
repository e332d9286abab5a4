from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.rules.defaults import DEFAULTS, JSON
from tasks.rules.errors import InvalidRules
from tasks.rules.language import FIELDS, Action, Condition, Rule
from tasks.rules.parse import parse

ENOUGH = {"field": "answers", "op": ">=", "value": 20}
LOW = {"field": "accuracy", "op": "<", "value": 0.6}
PAUSE = {"action": "pause", "hours": 24}
ASK = {"action": "ask_human"}


def rule(**fields: Any) -> dict[str, Any]:
    return {"collector": "gold", "if": [LOW], "then": {"action": "limit", "live": 2}, **fields}


def refusal(*rules: Any) -> str:
    with pytest.raises(InvalidRules) as caught:
        parse(list(rules))
    return str(caught.value)


def test_a_rule_is_read_from_json():
    text = """[{"collector": "gold", "history": 10,
                "if": [{"field": "accuracy", "op": "<", "value": 0.6},
                       {"field": "answers", "op": ">=", "value": 5}],
                "then": {"action": "more_gold", "gold_rate": 0.3}}]"""

    assert parse(json.loads(text)) == (
        Rule(
            collector="gold",
            history=10,
            hours=None,
            conditions=(Condition("accuracy", "<", 0.6), Condition("answers", ">=", 5)),
            action=Action.MORE_GOLD,
            params={"gold_rate": 0.3},
        ),
    )


def test_no_rules_are_rules():
    assert parse([]) == ()


def test_the_defaults_are_what_their_json_says():
    assert parse(JSON) == DEFAULTS
    assert {rule.action for rule in DEFAULTS} == set(Action)


@pytest.mark.parametrize("name", ["suspend", "ban", "block", "restriction", "SUSPEND"])
def test_no_rule_suspends_anybody(name):
    message = refusal(rule(then={"action": name}))

    assert message.startswith("rules[0].then.action: ")
    assert "a suspension is a person's decision with a reason" in message


@pytest.mark.parametrize("name", ["reject", "reject_all", "accept_later", "withhold"])
def test_no_rule_touches_pay(name):
    assert "no rule accepts, rejects or withholds pay" in refusal(rule(then={"action": name}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"collector": "mood"}, "rules[0].collector: write one of gold, agreement, speed"),
        ({"if": []}, "rules[0].if: write a list of 1 to 10 conditions"),
        ({"if": [{"field": "speed", "op": "<", "value": 1}]}, "rules[0].if[0].field: write one of"),
        ({"if": [LOW | {"op": "~"}]}, "rules[0].if[0].op: write one of <, <=, >, >=, =="),
        ({"if": [LOW | {"value": 60}]}, "rules[0].if[0].value: write a share from 0 to 1, not 60"),
        ({"if": [LOW | {"value": True}]}, "rules[0].if[0].value: write a share"),
        ({"if": [LOW | {"value": float("nan")}]}, "rules[0].if[0].value: write a share"),
        ({"if": [ENOUGH | {"value": 2.5}]}, "rules[0].if[0].value: write a whole number"),
        ({"if": [{"field": "accuracy"}]}, "rules[0].if[0].op: is missing"),
        ({"history": 0}, "rules[0].history: write a whole number from 1 to 1000, not 0"),
        ({"hours": 24}, "rules[0].hours: only income has a window"),
        ({"who": "all"}, "rules[0].who: is not known here"),
        ({"then": "limit"}, "rules[0].then: write an action"),
        ({"then": {"action": "shout"}}, "rules[0].then.action: write one of more_gold, limit"),
        ({"then": {"action": "limit"}}, "rules[0].then.live: is missing"),
        ({"then": {"action": "limit", "live": 0}}, "rules[0].then.live: write a whole number"),
        ({"then": {"action": "more_gold", "gold_rate": 0}}, "rules[0].then.gold_rate: a rate of 0"),
        ({"then": PAUSE | {"hours": 1_000}}, "rules[0].then.hours: write a whole number from 1 to"),
        ({"then": ASK | {"why": "?"}}, "rules[0].then.why: is not known here"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(changes, message):
    assert refusal(rule(**changes)).startswith(message)


def test_the_place_counts_rules_and_conditions_from_0():
    second = rule(**{"if": [LOW, LOW | {"field": "rate"}]})

    assert refusal(rule(), second).startswith("rules[1].if[1].field: ")


@pytest.mark.parametrize("json", [None, {}, "rules", [3], [None], [[]]])
def test_what_is_no_rule_is_refused(json):
    with pytest.raises(InvalidRules, match=r"^rules"):
        parse(json)


def test_a_collector_without_a_history_refuses_one():
    skips = {"collector": "skips", "if": [{"field": "in_a_row", "op": ">", "value": 4}]}

    assert "skips has no history" in refusal(rule(**skips, history=3))


@pytest.mark.parametrize(
    ("conditions", "action"),
    [
        ([LOW], ASK),
        ([LOW, ENOUGH | {"value": 9}], ASK),
        ([LOW, ENOUGH | {"op": "<="}], ASK),
        ([LOW, ENOUGH | {"value": 19}], PAUSE),  # 0.6 is no failed run
        ([LOW | {"value": 0.5}, ENOUGH | {"value": 9}], PAUSE),
    ],
)
def test_a_rule_that_does_too_much_on_too_little_evidence_is_refused(conditions, action):
    message = refusal(rule(**{"if": conditions, "then": action}))

    assert message.startswith("rules[0].then.action: ")
    assert "or write more_gold or limit" in message


@pytest.mark.parametrize(
    ("conditions", "action"),
    [
        ([LOW, ENOUGH | {"value": 10}], ASK),
        ([LOW, ENOUGH], PAUSE),
        ([LOW, ENOUGH | {"op": ">", "value": 19}], PAUSE),
        ([LOW | {"value": 0.5}, ENOUGH | {"value": 10}], PAUSE),
        ([{"field": "wrong_in_a_row", "op": ">=", "value": 10}], PAUSE),
    ],
)
def test_enough_evidence_carries_the_action(conditions, action):
    assert len(parse([rule(**{"if": conditions, "then": action})])) == 1


def test_a_failed_run_is_one_of_gold_only():
    captcha = {
        "collector": "captcha",
        "if": [{"field": "rate", "op": "<", "value": 0.5}, ENOUGH | {"value": 10}],
        "then": PAUSE,
    }

    assert "a pause needs 20 observations" in refusal(captcha)


def test_a_history_shorter_than_the_evidence_asked_for_is_refused():
    assert "write 20 or more" in refusal(rule(history=10, **{"if": [LOW, ENOUGH]}))


@pytest.mark.parametrize("collector", FIELDS)
def test_every_field_of_every_collector_can_be_asked_for(collector):
    conditions = [{"field": field, "op": ">", "value": 0} for field in FIELDS[collector]]

    (parsed,) = parse([rule(collector=collector, **{"if": conditions})])

    assert [condition.field for condition in parsed.conditions] == list(FIELDS[collector])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["collector", "if", "then", "action", "field", "op", "value"]),
                inner,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused(json):
    try:
        read = len(parse([json])) == 1
    except InvalidRules as error:
        read = str(error).startswith("rules[0]")
    assert read
