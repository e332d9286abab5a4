"""What rules are told of a worker, collector by collector."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks import aggregate, answer, settle
from tasks.checks import conduct, flags, restrict
from tasks.control import gold
from tasks.hearings import rejections
from tasks.models import Assignment, Flag, Gold, Return
from tasks.rules.facts import Earned, Spam
from tasks.rules.parse import parse
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_project,
    a_worker,
    claim,
    fresh,
    published_batch,
    refuse,
)
from tests.tasks.marketplace import reread
from tests.tasks.restricting import ASK_HUMAN, limit, rule, ruled_batch, say

pytestmark = pytest.mark.django_db
FIELDS = {"skips": "in_a_row", "answers": "count"}


def known(batch, worker, collector, *, now=NOON, spam=None, since=None):
    """The facts of one worker that a rule on one collector is told."""
    rules = parse([rule(collector, limit(), (FIELDS.get(collector, "answers"), ">=", 1))])
    found = conduct.conduct_of(batch, {worker.pk: since}, rules, spam=spam or {}, now=now)
    return found[worker.pk].facts


def test_gold_is_told_oldest_first_and_nothing_else_is():
    batch, worker = ruled_batch(gold=5), a_worker()
    end = say(batch, worker, ["cat", "dog"], gold=True)
    say(batch, worker, ["dog"], now=end)

    facts = known(batch, worker, "gold")

    assert (facts.gold, facts.agreement, facts.seconds) == ([True, False], [], [])
    assert facts.answers == 3


def test_gold_that_was_wrong_says_nothing():
    batch, worker = ruled_batch(gold=5), a_worker()
    say(batch, worker, ["dog", "cat"], gold=True)
    disputed = Assignment.objects.filter(worker=worker).earliest("submitted_at").task_id
    row = Gold.objects.get(pk=disputed)
    gold.retire(gold=row, why=Gold.Retired.DISPUTED, now=NOON, actor=None)

    assert known(batch, worker, "gold").gold == [True]


def test_gold_that_was_only_rotated_still_counts():
    batch, worker = ruled_batch(gold=5), a_worker()
    say(batch, worker, ["dog"], gold=True)
    row = Gold.objects.get(task__assignments__worker=worker)
    gold.retire(gold=row, why=Gold.Retired.ROTATED, now=NOON, actor=None)

    assert known(batch, worker, "gold").gold == [False]


def test_agreement_is_with_the_consensus_of_two_others_or_more():
    batch = published_batch(tasks=2, overlap=3, aggregation="majority_vote")
    one, other, third = a_worker(), a_worker(), a_worker()
    say(batch, one, ["cat", "cat"])
    say(batch, other, ["cat", "cat"])
    say(batch, third, ["dog"])
    aggregate.aggregate_due(now=NOON + HOUR)

    # The first task has three answers, the second two.
    assert known(batch, one, "agreement").agreement == [True]
    assert known(batch, third, "agreement").agreement == [False]


def test_a_rejected_answer_is_compared_with_two_others_and_not_with_itself():
    batch = published_batch(tasks=1, overlap=3, aggregation="majority_vote")
    one, other, wrong = a_worker(), a_worker(), a_worker()
    for worker, label in (one, "cat"), (other, "cat"), (wrong, "dog"):
        say(batch, worker, [label])
    refused = reread(Assignment.objects.get(worker=wrong))
    refuse(assignment=refused, actor=batch.project.requester, now=NOON + HOUR)
    aggregate.aggregate_due(now=NOON + HOUR)

    assert known(batch, wrong, "agreement").agreement == [False]
    assert known(batch, one, "agreement").agreement == []  # one other is left


def test_texts_are_no_disagreement_where_a_choice_was_asked_too():
    interface = [
        {"type": "choice", "name": "label", "options": ["cat", "dog"]},
        {"type": "text", "name": "note"},
    ]
    batch = published_batch(tasks=1, overlap=3, project=a_project(interface=interface))
    workers = [a_worker() for _ in range(3)]
    for number, worker in enumerate(workers):
        answer.submit(
            assignment_id=claim(batch, worker).pk,
            worker=worker,
            answer={"label": "cat", "note": f"{number} whiskers, of all things"},
            now=NOON,
        )
    aggregate.aggregate_due(now=NOON + HOUR)

    assert [known(batch, each, "agreement").agreement for each in workers] == [[True]] * 3


def test_seconds_run_from_the_claim_or_the_answer_before():
    batch, worker = ruled_batch(), a_worker()
    first, second = claim(batch, worker), claim(batch, worker)
    for assignment, seconds in (first, 30), (second, 70):
        answer.submit(
            assignment_id=assignment.pk,
            worker=worker,
            answer={"label": "cat"},
            now=NOON + timedelta(seconds=seconds),
        )

    assert known(batch, worker, "speed").seconds == [30, 40]


def test_what_is_fast_is_not_known_from_few_answers(monkeypatch):
    batch, worker = ruled_batch(), a_worker()
    say(batch, worker, ["cat"] * 9, seconds=40)
    say(batch, worker, ["cat"], seconds=10, now=NOON + HOUR)
    assert known(batch, worker, "speed").fast_seconds is None

    monkeypatch.setattr(conduct, "FAST_FROM", 10)

    # The 5 % quantile of 10 s and nine of 40 s: 10 + 0.45 of the way to 40.
    assert known(batch, worker, "speed").fast_seconds == pytest.approx(23.5)


def test_what_is_handed_back_because_of_what_it_is_counts_against_nobody():
    batch, worker = ruled_batch(), a_worker()
    for code in [*Return.Reason, None]:
        answer.skip(assignment=claim(batch, worker), code=code, now=NOON)

    assert known(batch, worker, "skips").skips_in_a_row == 1  # only the change of mind


def test_skips_in_a_row_end_with_an_answer():
    batch, worker = ruled_batch(), a_worker()
    answer.skip(assignment=claim(batch, worker), now=NOON)
    say(batch, worker, ["cat"])
    for minute in 2, 3:
        answer.skip(assignment=claim(batch, worker), now=NOON + minute * MINUTE)

    assert known(batch, worker, "skips").skips_in_a_row == 2


def test_income_is_what_answers_earn_unless_they_are_rejected():
    batch, worker = ruled_batch(), a_worker()
    say(batch, worker, ["cat"], seconds=3600)
    end = say(batch, worker, ["dog"], now=NOON + HOUR, seconds=3600)
    refused = reread(Assignment.objects.filter(worker=worker).latest("pk"))
    refuse(assignment=refused, actor=batch.project.requester, now=end)

    assert known(batch, worker, "income", now=end).income == [Earned(1.0, 5)]


def test_captchas_are_what_the_operators_code_has_recorded_for_this_batch():
    batch, other, worker = ruled_batch(), ruled_batch(), a_worker()
    for where, passed in (batch, True), (other, True), (batch, False):
        restrict.record_captcha(worker=worker, batch=where, passed=passed, now=NOON)

    assert known(batch, worker, "captcha").captcha == [True, False]


def test_rejections_are_of_answers_decided_for_good():
    batch, worker = ruled_batch(), a_worker()
    say(batch, worker, ["cat"] * 3)
    owner = batch.project.requester
    kept, refused, _ = (reread(each) for each in Assignment.objects.order_by("pk"))
    settle.accept(assignment=kept, actor=owner, now=NOON + HOUR)
    refuse(assignment=refused, actor=owner, now=NOON + 2 * HOUR)
    assert known(batch, worker, "rejections").rejections == [False]

    rejections.finish_due(now=NOON + 8 * 24 * HOUR)

    assert known(batch, worker, "rejections").rejections == [False, True]


def test_only_what_came_after_the_last_look_counts():
    batch, worker = ruled_batch(gold=5), a_worker()
    end = say(batch, worker, ["dog", "dog"], gold=True)
    say(batch, worker, ["cat"], gold=True, now=end)

    facts = known(batch, worker, "gold", since=end)

    assert (facts.gold, facts.answers) == ([True], 1)


def test_spam_counts_again_after_as_many_answers_as_a_human_has_looked_at():
    batch, worker = ruled_batch(), a_worker()
    scores = {worker.pk: Spam(0.9, 5.0, 1.0, 0.5, 4)}
    end = say(batch, worker, ["cat"] * 2)

    later = say(batch, worker, ["cat"], now=end)
    assert known(batch, worker, "spam", spam=scores, since=end).spam is None
    say(batch, worker, ["cat"], now=later)
    assert known(batch, worker, "spam", spam=scores, since=end).spam == scores[worker.pk]
    assert known(batch, worker, "spam", spam=scores).spam == scores[worker.pk]


def test_a_worker_of_whom_nothing_is_known_has_no_facts():
    batch, worker = ruled_batch(), a_worker()

    for collector in conduct.STATEMENTS:
        facts = known(batch, worker, collector)
        assert (facts.answers, facts.gold, facts.income, facts.spam) == (0, [], [], None)


def test_a_human_has_looked_when_a_flag_was_decided():
    batch, worker = ruled_batch(), a_worker()
    say(batch, worker, ["cat"])
    asked = {"sentence": "s", "evidence": {}, "kind": "gold", "now": NOON}
    flags.raise_flag(worker_id=worker.pk, batch_id=batch.pk, **asked)
    assert conduct.looked_at(batch, [worker.pk]) == {}

    flag = Flag.objects.get()
    flags.uphold(flag=flag, reason="Spam.", actor=batch.project.requester, now=NOON + HOUR)

    assert conduct.looked_at(batch, [worker.pk]) == {worker.pk: NOON + HOUR}
    assert conduct.looked_at(ruled_batch(), [worker.pk]) == {}
    assert fresh(flag).status == "upheld"


CAPTCHAS = rule("captcha", ASK_HUMAN, ("rate", "<", 0.5), ("answers", ">=", 10))


def test_failed_captchas_lead_to_a_question():
    batch, worker = ruled_batch(CAPTCHAS), a_worker()
    for _ in range(10):
        restrict.record_captcha(worker=worker, batch=batch, passed=False, now=NOON)
    end = say(batch, worker, ["cat"])

    assert restrict.apply_due(now=end) == 1

    assert Flag.objects.get().kind == "captcha"
