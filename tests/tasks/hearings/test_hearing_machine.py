"""Any sequence of answers, refusals, looks, appeals and votes: no cent and no slot goes astray.

The model keeps what each answer has come to, by the rules alone; what workers and the platform
have follows from it. All invariants are asked after each step.
``MACHINE_EXAMPLES=300 MACHINE_STEPS=60 pytest tests/tasks/hearings/test_hearing_machine.py`` looks
longer.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run

from payments import accounts, audit
from payments.balances import balance_of
from tasks import aggregate, answer, distribute, publish, settle
from tasks.errors import IllegalTransition, VoteTooLate
from tasks.hearings import appeals, jury, rejections
from tasks.invariants import broken
from tasks.models import Appeal, Assignment, Juror, Rejection
from tests.factories import NOON, a_worker, fresh, refuse
from tests.tasks.hearings.hearing import WORDS, admin, floored_batch, juror, rich

AGES = timedelta(days=10_000)  # no job is late here: each runs when its rule is drawn
REWARD, FEE = 100, 20
pick = st.integers(0, 99)
CODES = ["wrong_or_empty", "fraud"]


class HearingMachine(RuleBasedStateMachine):
    """One batch under a floor, whose requester refuses a lot and has some money besides."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.now = NOON
        self.paid: dict[int, int] = {}  # by assignment: what its worker has of it
        self.votes = 0

    def teardown(self) -> None:
        try:
            if hasattr(self, "batch"):
                self.everything_comes_to_its_end()
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    @initialize(tasks=st.integers(2, 8), money=st.integers(0, 400))
    def publish_a_batch(self, tasks, money):
        self.batch = floored_batch(tasks=tasks, reference=120, auto_accept_delay=AGES)
        if money:
            rich(self.batch, money)
        self.owner, self.admin = self.batch.project.requester, admin()
        self.workers = [a_worker() for _ in range(6)]
        self.jurors = [juror() for _ in range(4)]
        for number in range(2):
            self.answer(number, 90)

    # What people do.

    @rule(who=pick, seconds=st.integers(0, 300))
    def answer(self, who, seconds):
        worker = self.workers[who % len(self.workers)]
        given = distribute.claim(
            batch_id=self.batch.pk, worker=worker, now=self.now, draw=lambda: 0.9
        ).assignments
        if given:
            self.now += timedelta(seconds=seconds)
            answer.submit(
                assignment_id=given[0].id, worker=worker, answer={"label": "cat"}, now=self.now
            )
            self.paid[given[0].id] = 0

    @rule(which=pick)
    def accept(self, which):
        if chosen := self.one(Assignment.objects.filter(status="submitted"), which):
            settle.accept(assignment=chosen, actor=self.owner, now=self.now)

    @rule(which=pick, code=st.sampled_from(CODES))
    def reject(self, which, code):
        undecided = Assignment.objects.filter(status="submitted", rejection=None)
        if chosen := self.one(undecided.select_related("batch__project"), which):
            before = Rejection.objects.exclude(status__in=["waiting", "declined", "overturned"])
            many = before.count() > 5
            made = refuse(assignment=chosen, actor=self.owner, now=self.now, code=code)
            assert made.status in {"open", "waiting"}
            assert made.status == "waiting" or not many

    @rule(which=pick, agrees=st.booleans())
    def look(self, which, agrees):
        if chosen := self.one(Rejection.objects.filter(status="waiting"), which):
            verb = rejections.confirm if agrees else rejections.decline
            verb(rejection=chosen, words="I looked.", actor=self.admin, now=self.now)

    @rule(which=pick, wants_human=st.booleans())
    def appeal(self, which, wants_human):
        if chosen := self.one(Rejection.objects.filter(status="open"), which):
            is_late = self.now >= chosen.appeal_until
            try:
                with transaction.atomic():
                    appeals.appeal(
                        rejection=chosen, message="", wants_human=wants_human, now=self.now
                    )
            except IllegalTransition:
                assert is_late
            else:
                assert not is_late

    @rule(which=pick, who=pick)
    def join(self, which, who):
        worker = self.jurors[who % len(self.jurors)]
        if cases := jury.cases_for(worker, now=self.now):
            jury.join(appeal_id=cases[which % len(cases)].id, worker=worker, now=self.now)

    @rule(who=pick, choice=st.sampled_from(Juror.Vote.values))
    def vote(self, who, choice):
        worker = self.jurors[who % len(self.jurors)]
        for seat in Juror.objects.filter(worker=worker, vote="").order_by("pk")[:1]:
            try:
                with transaction.atomic():
                    jury.vote(
                        appeal_id=seat.appeal_id, worker=worker, vote=Juror.Vote(choice),
                        reason=WORDS, now=self.now,
                    )  # fmt: skip
            except VoteTooLate:
                assert seat.leave_at <= self.now
            else:
                self.votes += 1

    @rule(which=pick, outcome=st.sampled_from(Appeal.Outcome.values))
    def decide(self, which, outcome):
        if chosen := self.one(Appeal.objects.filter(status="human"), which):
            appeals.decide_by_human(
                appeal=chosen, outcome=Appeal.Outcome(outcome), answer=WORDS, actor=self.admin,
                now=self.now,
            )  # fmt: skip

    @rule()
    def close(self):
        if len(self.paid) > 6 and fresh(self.batch).status == "open":
            publish.close(batch=fresh(self.batch), actor=self.owner, now=self.now)

    # What jobs do.

    @rule(hours=st.sampled_from([1, 24, 24 * 7, 24 * 14]))
    def wait(self, hours):
        self.now += timedelta(hours=hours)
        distribute.expire_overdue(now=self.now)

    @rule()
    def finish(self):
        rejections.finish_due(now=self.now)

    @rule()
    def escalate(self):
        appeals.escalate_due(now=self.now)

    @rule()
    def accept_due(self):
        settle.accept_due(now=self.now)

    @rule()
    def pay(self):
        owed_for_time = Rejection.objects.filter(effort_paid_at=None, effort_minor__gt=0)
        efforts = dict(owed_for_time.values_list("pk", "effort_minor"))
        rewards = list(Assignment.objects.unpaid().values_list("pk", flat=True))
        rejections.pay_efforts(now=self.now)
        settle.pay_accepted(now=self.now)
        jury.pay_jurors(now=self.now)
        self.paid |= efforts
        self.paid |= dict.fromkeys(rewards, REWARD)

    @rule()
    def aggregate(self):
        aggregate.aggregate_due(now=self.now)

    @rule()
    def wind_up(self):
        settle.wind_up(now=self.now)

    # What is always so.

    @invariant()
    def everybody_has_what_the_model_says(self):
        if not hasattr(self, "batch"):
            return
        assert broken(now=self.now, late=AGES) == []
        earned: Counter[int] = Counter()
        for pk, worker in Assignment.objects.values_list("pk", "worker__user"):
            earned[worker] += self.paid.get(pk, 0)
        for worker in self.workers:
            account = accounts.earnings_of(worker.user_id, "USD")
            assert account.balance_minor == earned[worker.user_id]
        in_full = [pk for pk, minor in self.paid.items() if self.is_in_full(pk, minor)]
        assert balance_of(accounts.fees("USD")).minor == FEE * len(in_full)
        assert all(0 <= minor <= REWARD for minor in self.paid.values())

    def is_in_full(self, pk, minor):
        return minor == REWARD and Assignment.objects.get(pk=pk).status == "accepted"

    def everything_comes_to_its_end(self):
        """Whatever was begun ends in time, without anybody but a human and the jobs."""
        for chosen in Assignment.objects.filter(status="active").select_related("batch"):
            answer.skip(assignment=chosen, now=self.now)
        for made in Rejection.objects.filter(status="waiting"):
            rejections.decline(rejection=made, words="Late.", actor=self.admin, now=self.now)
        if fresh(self.batch).status in {"open", "paused"}:
            publish.close(batch=fresh(self.batch), actor=self.owner, now=self.now)
        settle.accept_all(batch=self.batch, assignment_ids=None, actor=self.owner, now=self.now)
        self.now += timedelta(days=7)
        appeals.escalate_due(now=self.now)
        for waiting in Appeal.objects.filter(status="human"):
            appeals.decide_by_human(
                appeal=waiting, outcome=Appeal.Outcome.OVERTURNED, answer=WORDS, actor=self.admin,
                now=self.now,
            )  # fmt: skip
        rejections.finish_due(now=self.now)
        self.pay()
        settle.wind_up(now=self.now)
        batch = fresh(self.batch)
        assert batch.status == "closed"
        assert batch.spent == sum(self.paid.values()) + FEE * sum(
            self.is_in_full(*each) for each in self.paid.items()
        )
        assert Juror.objects.filter(paid_at__isnull=False).count() == self.votes
        assert not Rejection.objects.filter(status__in=Rejection.PENDING).exists()
        self.everybody_has_what_the_model_says()
        assert audit.imbalances() == []

    def one(self, rows, which):
        found = list(rows.order_by("pk"))
        return found[which % len(found)] if found else None


@pytest.mark.django_db
def test_whatever_is_refused_and_heard_no_cent_and_no_slot_goes_astray():
    run(
        HearingMachine,
        settings=settings(
            max_examples=int(os.environ.get("MACHINE_EXAMPLES", "12")),
            stateful_step_count=int(os.environ.get("MACHINE_STEPS", "30")),
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
