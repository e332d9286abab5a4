"""The register is complete: whatever runs by itself is in it, or named as touching no worker."""

from __future__ import annotations

import json
from datetime import date

import pytest

from marketplace.celery import app
from tasks.checks.restrict import LASTS
from tasks.disclosure.register import EVERY_YEARS, RULES, TOUCHES_NO_WORKER, register

TIMETABLE = {line["task"].rpartition(".")[2] for line in app.conf.beat_schedule.values()}
REGISTERED = {name for rule in RULES for name in rule.jobs}


def test_every_job_of_the_timetable_is_registered_or_touches_no_worker():
    """A new job must be put into the register, or be named with the reason why not."""
    assert TIMETABLE - REGISTERED - set(TOUCHES_NO_WORKER) == set()


def test_no_job_is_both():
    assert REGISTERED & set(TOUCHES_NO_WORKER) == set()


def test_the_register_names_no_job_that_does_not_run():
    assert (REGISTERED | set(TOUCHES_NO_WORKER)) - TIMETABLE == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_says_all_that_is_owed(rule):
    said = [
        rule.name,
        rule.purpose,
        rule.cannot,
        rule.remedy,
        rule.contact,
        *rule.inputs,
        *rule.can,
    ]

    assert all(text.strip() for text in said)
    assert rule.inputs
    assert rule.can
    assert rule.version >= 1


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_rule_can_suspend_close_or_refuse_pay(rule):
    forbidden = ("suspend", "close an account", "reject an answer", "refuse pay", "take back pay")

    assert [each for each in rule.can for word in forbidden if word in each] == []


def test_names_are_unique_and_the_register_is_json():
    names = [rule.name for rule in RULES]

    assert len(set(names)) == len(names)
    assert [each["name"] for each in json.loads(json.dumps(register()))] == names


def test_the_impact_of_every_rule_is_looked_at_within_two_years():
    """Fails when a review is due: look at the impact, then move the date."""
    newest = max(rule.reviewed_on for rule in RULES)
    oldest = min(rule.reviewed_on for rule in RULES)

    assert (newest - oldest).days < EVERY_YEARS * 365
    assert oldest >= date(2026, 11, 25)


def test_what_the_register_says_of_restrictions_is_what_the_code_does():
    [conduct] = [rule for rule in RULES if rule.name == "rules of conduct"]

    assert LASTS.days == 3
    assert sum("three days" in each for each in conduct.can) == 2
