from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tasks.rules.defaults import DEFAULTS
from tasks.rules.facts import Earned, Facts, Spam
from tasks.rules.judge import Outcome, judge
from tasks.rules.language import Action, Condition, Rule
from tasks.rules.parse import parse

LIMIT = {"action": "limit", "live": 2}
ASK = {"action": "ask_human"}


def outcomes(
    facts: Facts,
    *conditions: tuple[str, str, float],
    collector: str = "gold",
    then: dict[str, Any] = LIMIT,
    evidence: int = 100,
    **fields: int,
) -> list[Outcome]:
    asked = [{"field": field, "op": op, "value": value} for field, op, value in conditions]
    rules = parse([{"collector": collector, "if": asked, "then": then, **fields}])
    return judge(rules, facts, evidence=evidence)


def marks(signs: str) -> tuple[bool, ...]:
    return tuple(sign == "+" for sign in signs)


def test_the_worker_reads_what_was_seen_and_what_follows():
    (outcome,) = outcomes(
        Facts(gold=marks("+++++" + "-+--+--+--")),
        ("accuracy", "<", 0.6),
        ("answers", ">=", 5),
        then={"action": "more_gold", "gold_rate": 0.3},
        history=10,
    )

    assert outcome.action is Action.MORE_GOLD
    assert outcome.params == {"gold_rate": 0.3}
    assert outcome.evidence == {
        "accuracy": 0.3,
        "answers": 10,
        "wrong_in_a_row": 2,
        "observations": 10,
    }
    assert outcome.downgraded_from is None
    assert outcome.sentence == (
        "3 of your last 10 control tasks were right; you will see more of them for a while."
    )


def test_every_condition_must_hold():
    facts = Facts(gold=marks("--+"))

    assert outcomes(facts, ("accuracy", "<", 0.6))
    assert outcomes(facts, ("accuracy", "<", 0.6), ("answers", ">=", 5)) == []


def test_what_is_not_known_meets_no_condition():
    assert outcomes(Facts(), ("accuracy", "<=", 1.0)) == []
    assert outcomes(Facts(seconds=(1.0,)), ("fast_share", ">=", 0), collector="speed") == []
    assert outcomes(Facts(), ("probability", ">=", 0), collector="spam") == []


@pytest.mark.parametrize(
    ("collector", "facts", "holds", "fails", "seen"),
    [
        (
            "gold",
            Facts(gold=marks("+--")),
            ("wrong_in_a_row", ">=", 2),
            ("wrong_in_a_row", ">=", 3),
            "1 of your last 3 control tasks was right",
        ),
        (
            "agreement",
            Facts(agreement=marks("+---")),
            ("rate", "<=", 0.25),
            ("rate", "<", 0.25),
            "1 of your last 4 answers was the same as the other workers'",
        ),
        (
            "speed",
            Facts(seconds=(1.0, 2.0, 30.0), fast_seconds=2.0),
            ("seconds", "==", 2),
            ("fast_share", ">", 0.34),
            "half of your last 3 answers took 2 seconds or less, and 33% were quick",
        ),
        (
            "skips",
            Facts(skips_in_a_row=1),
            ("in_a_row", ">=", 1),
            ("in_a_row", ">", 1),
            "you skipped 1 task in a row",
        ),
        (
            "income",
            Facts(income=(Earned(25, 400), Earned(23, 70), Earned(1, 50))),
            ("minor", ">=", 120),
            ("minor", ">", 120),
            "your 2 paid answers of the last 24 hours come to this batch's limit",
        ),
        (
            "answers",
            Facts(answers=7),
            ("count", ">", 6),
            ("count", ">", 7),
            "you have given 7 answers here",
        ),
        (
            "spam",
            Facts(spam=Spam(0.9, 2.0, -1.0, 0.4, 12)),
            ("habit", "<", 0),
            ("random", "<", 0),
            "your 12 answers look much like answers that do not depend on the task",
        ),
        (
            "captcha",
            Facts(captcha=marks("++-")),
            ("rate", "<", 0.7),
            ("rate", "<", 0.6),
            "2 of your last 3 captchas were solved",
        ),
        (
            "rejections",
            Facts(rejections=marks("+-")),
            ("rate", ">=", 0.5),
            ("rate", ">", 0.5),
            "1 of your last 2 decided answers was rejected",
        ),
    ],
)
def test_each_collector_has_its_figures_and_its_words(collector, facts, holds, fails, seen):
    (outcome,) = outcomes(facts, holds, collector=collector)

    assert outcome.sentence == f"{seen}; for now you can hold 2 tasks at a time."
    assert outcomes(facts, fails, collector=collector) == []


def test_only_the_last_of_a_history_count():
    facts = Facts(gold=marks("----++"))

    assert outcomes(facts, ("accuracy", "<", 0.5), history=2) == []
    assert outcomes(facts, ("accuracy", "<", 0.5), history=6)


def test_a_pause_says_how_long_and_that_a_person_can_be_asked():
    (outcome,) = outcomes(
        Facts(gold=marks("-" * 20)),
        ("accuracy", "<", 0.6),
        ("answers", ">=", 20),
        then={"action": "pause", "hours": 1},
    )

    assert outcome.sentence == (
        "0 of your last 20 control tasks were right; you get no new tasks of this project "
        "for 1 hour. If you think this is wrong, ask for a person to look at it."
    )


def unchecked(action: Action, **params: float) -> Rule:
    """A rule that nobody has parsed, and that asks for no evidence at all."""
    return Rule("agreement", None, None, (Condition("rate", "<", 0.5),), action, params)


@pytest.mark.parametrize(
    ("action", "answers", "becomes", "params"),
    [
        (Action.PAUSE, 20, Action.PAUSE, {"hours": 24}),
        (Action.PAUSE, 19, Action.ASK_HUMAN, {}),
        (Action.PAUSE, 9, Action.LIMIT, {"live": 1}),
        (Action.ASK_HUMAN, 10, Action.ASK_HUMAN, {"hours": 24}),
        (Action.ASK_HUMAN, 9, Action.MORE_GOLD, {"gold_rate": 0.3}),
    ],
)
def test_thin_evidence_downgrades_the_action_and_says_so(action, answers, becomes, params):
    rules = [unchecked(action, hours=24)]

    (outcome,) = judge(rules, Facts(agreement=marks("-" * answers)), evidence=100)

    assert (outcome.action, outcome.params) == (becomes, params)
    assert outcome.downgraded_from == (None if becomes is action else action)
    assert ("too little evidence" in outcome.sentence) == (becomes is not action)


def test_no_rule_rests_on_more_answers_than_were_seen():
    facts = Facts(agreement=marks("-" * 20))

    (outcome,) = judge([unchecked(Action.PAUSE, hours=24)], facts, evidence=12)

    assert (outcome.action, outcome.downgraded_from) == (Action.ASK_HUMAN, Action.PAUSE)
    assert outcome.evidence["observations"] == 12


@pytest.mark.parametrize(("right", "action"), [(5, Action.PAUSE), (6, Action.ASK_HUMAN)])
def test_a_failed_run_of_ten_gold_tasks_carries_a_pause(right, action):
    low = (Condition("accuracy", "<", 0.9),)
    rule = Rule("gold", None, None, low, Action.PAUSE, {"hours": 24})

    (outcome,) = judge([rule], Facts(gold=marks("+" * right + "-" * (10 - right))), evidence=10)

    assert outcome.action is action


def test_the_strictest_of_one_action_wins_and_the_earliest_of_equals():
    conditions = [{"field": "count", "op": ">=", "value": 20}]
    actions = [
        {"action": "limit", "live": 3},
        {"action": "limit", "live": 1},
        {"action": "limit", "live": 1},
        {"action": "pause", "hours": 2},
        {"action": "more_gold", "gold_rate": 0.2},
        {"action": "pause", "hours": 48},
        {"action": "more_gold", "gold_rate": 0.1},
        ASK,
        ASK,
    ]
    rules = parse([{"collector": "answers", "if": conditions, "then": then} for then in actions])

    found = judge(rules, Facts(answers=20), evidence=20)

    assert [outcome.rule_index for outcome in found] == [1, 4, 5, 7]


def seen_by_the_defaults(skill: float, *, workers: int, golds: int) -> list[set[Action]]:
    """What befalls each of many workers while they answer gold, judged after every answer."""
    random = np.random.default_rng(4)
    befell = []
    for right in (random.random((workers, golds)) < skill).tolist():
        judged = (
            judge(DEFAULTS, Facts(gold=tuple(right[:seen])), evidence=10 * seen)
            for seen in range(1, golds + 1)
        )
        befell.append({outcome.action for found in judged for outcome in found})
    return befell


def test_the_defaults_rarely_accuse_honest_workers_and_hardly_ever_pause_them():
    befell = seen_by_the_defaults(0.8, workers=1_000, golds=40)

    shares = {action: sum(action in seen for seen in befell) / 1_000 for action in Action}
    assert shares[Action.PAUSE] < 0.005
    assert shares[Action.ASK_HUMAN] < 0.02
    assert shares[Action.LIMIT] < 0.15
    assert shares[Action.MORE_GOLD] < 0.5


def test_the_defaults_find_workers_who_guess():
    befell = seen_by_the_defaults(0.25, workers=200, golds=20)

    assert sum(Action.ASK_HUMAN in seen for seen in befell) / 200 > 0.95
    assert sum(Action.PAUSE in seen for seen in befell) / 200 > 0.6


def test_the_defaults_leave_a_worker_in_peace_whom_nothing_speaks_against():
    facts = Facts(
        gold=marks("+++-++++++"),
        seconds=(20.0,) * 20,
        fast_seconds=3.0,
        skips_in_a_row=3,
        answers=500,
        spam=Spam(0.02, -9.0, -7.0, 0.8, 100),
        rejections=marks("-" * 19 + "+"),
    )

    assert judge(DEFAULTS, facts, evidence=500) == []
