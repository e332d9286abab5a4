"""Any sequence of steps on an adaptive batch: spent + reserved ≤ budget, at every instant.

The model is a dict of what each assignment owes, kept by the rules alone: what is spent and what
is reserved follow from it and from the slots that decisions said they opened.
``MACHINE_EXAMPLES=300 MACHINE_STEPS=80 pytest tests/tasks/test_budget_machine.py`` looks longer.
"""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from hypothesis.stateful import run_state_machine_as_test as run

from payments.errors import InsufficientFunds
from tasks import aggregate, answer, distribute, evidence, publish, redundancy, settle
from tasks.errors import BudgetTooSmall, IllegalTransition, InvalidPolicy
from tasks.hearings import rejections
from tasks.invariants import broken
from tasks.models import Assignment, Batch, Rejection, Task
from tests.factories import (
    NOON,
    a_project,
    a_requester,
    a_worker,
    add_tasks,
    published_batch,
    refuse,
    rows,
    usd,
)

UNIT = 6  # five cents of reward, one of fee
LATE = timedelta(days=10_000)
who = which = st.integers(0, 99)


class BudgetMachine(RuleBasedStateMachine):
    """Workers disagree a lot, so that money is always the limit."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        evidence._remembered.clear()
        self.now = NOON
        self.requester = a_requester(funds=usd(3000))
        self.workers = [a_worker() for _ in range(6)]
        self.owed: dict[int, str] = {}  # by assignment: held, paid or free

    def teardown(self) -> None:
        try:
            self.everything_comes_to_its_end()
        finally:
            evidence._remembered.clear()
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    @initialize(
        tasks=st.integers(1, 6),
        gold=st.integers(0, 2),
        least=st.integers(1, 3),
        most=st.integers(3, 6),
        spare=st.integers(0, 40),
        rule_=st.sampled_from(["gain", "target", "spend"]),
        capped=st.booleans(),
    )
    def publish_a_batch(self, *, tasks, gold, least, most, spare, rule_, capped):
        cap = UNIT * (tasks * least + 2 * (tasks * least + gold) + gold + spare) if capped else None
        self.batch = published_batch(
            tasks=tasks,
            gold=gold,
            gold_rate=0.3,
            redundancy="adaptive",
            rule=rule_,
            overlap=4,
            overlap_min=least,
            overlap_max=most,
            cap_minor=cap,
            project=a_project(requester=self.requester),
        )
        self.budget = cap or Batch.objects.get(pk=self.batch.pk).budget_minor

    @rule(worker=who, count=st.integers(1, 3), gold=st.floats(0, 1, exclude_max=True))
    def claim(self, worker, count, gold):
        worker = self.workers[worker % len(self.workers)]
        handout = distribute.claim(
            batch_id=self.batch.pk, worker=worker, count=count, now=self.now, draw=lambda: gold
        )
        for given in handout.assignments:
            self.owed[given.id] = "held"

    @rule(assignment=which, label=st.sampled_from(["cat", "dog"]))
    def submit(self, assignment, label):
        if chosen := self.one_that_is("active", assignment):
            answer.submit(assignment_id=chosen.pk, worker=chosen.worker, answer=label, now=self.now)

    @rule(labels=st.lists(st.sampled_from(["cat", "dog"]), min_size=6, max_size=6))
    def everybody_answers_all_there_is(self, labels):
        """Else hardly a decision would find a task that has its answers."""
        for worker, label in enumerate(labels):
            self.claim(worker, 3, 0.9)
            for chosen in self.all_that_are("active"):
                answer.submit(
                    assignment_id=chosen.pk, worker=chosen.worker, answer=label, now=self.now
                )

    @rule(assignment=which)
    def skip(self, assignment):
        if chosen := self.one_that_is("active", assignment):
            answer.skip(assignment=chosen, now=self.now)
            self.owed[chosen.pk] = "free"

    @rule(minutes=st.integers(1, 90))
    def wait(self, minutes):
        self.now += timedelta(minutes=minutes)
        distribute.expire_overdue(now=self.now)
        expired = Assignment.objects.filter(batch=self.batch, status="expired")
        self.owed |= dict.fromkeys(expired.values_list("pk", flat=True), "free")

    @rule(assignment=which, good=st.booleans())
    def review(self, assignment, good):
        if chosen := self.one_that_is("submitted", assignment):
            if good or Rejection.objects.filter(pk=chosen.pk).exists():
                settle.accept(assignment=chosen, actor=self.requester, now=self.now)
            else:
                refuse(assignment=chosen, actor=self.requester, now=self.now)

    @rule()
    def pay(self):
        settle.pay_accepted(now=self.now)
        paid = Assignment.objects.filter(batch=self.batch, paid_at__isnull=False)
        self.owed |= dict.fromkeys(paid.values_list("pk", flat=True), "paid")

    @rule()
    def finish(self):
        self.now += timedelta(days=7)
        rejections.finish_due(now=self.now)
        final = Assignment.objects.filter(batch=self.batch, rejection__status="final")
        self.owed |= dict.fromkeys(final.values_list("pk", flat=True), "free")

    @rule()
    def decide(self):
        before = self.wanted()
        opened = redundancy.decide_batch(batch=self.reread(), now=self.now)
        assert self.wanted() >= before or not opened

    @rule()
    def forget(self):
        evidence._remembered.clear()

    @rule()
    def aggregate(self):
        aggregate.aggregate(batch=self.reread(), now=self.now)

    @rule(count=st.integers(1, 3))
    def add(self, count):
        try:
            with transaction.atomic():
                add_tasks(self.reread(), rows(count), now=self.now)
        except (BudgetTooSmall, IllegalTransition, InsufficientFunds):
            return
        self.budget = max(self.budget, self.reread().budget_minor)

    @rule(more=st.integers(0, 60))
    def raise_budget(self, more):
        try:
            with transaction.atomic():
                publish.raise_budget(
                    batch=self.reread(),
                    budget=usd(self.budget + more),
                    actor=self.requester,
                    now=self.now,
                )
        except (IllegalTransition, InsufficientFunds, InvalidPolicy):
            return
        self.budget += more

    @rule(move=st.sampled_from([publish.pause, publish.resume]))
    def turn(self, move):
        try:
            with transaction.atomic():
                move(batch=self.reread(), actor=self.requester, now=self.now)
        except IllegalTransition:
            return

    @precondition(lambda self: len(self.owed) > 12)
    @rule()
    def close(self):
        try:
            with transaction.atomic():
                publish.close(batch=self.reread(), actor=self.requester, now=self.now)
        except IllegalTransition:
            return

    @rule()
    def wind_up(self):
        settle.wind_up(now=self.now)

    @invariant()
    def spent_and_reserved_are_what_the_model_says_and_within_the_budget(self):
        if not hasattr(self, "batch"):
            return
        batch = self.reread()
        states = list(self.owed.values())
        spent = UNIT * states.count("paid")
        reserved = UNIT * (states.count("held") + self.open_slots())
        assert (batch.spent, batch.reserved) == (spent, reserved)
        assert spent + reserved <= batch.budget_minor <= self.budget
        assert broken(now=self.now, late=LATE) == []

    def everything_comes_to_its_end(self):
        """Whatever was begun can be finished, and every cent is accounted for."""
        if not hasattr(self, "batch"):
            return
        for chosen in self.all_that_are("active"):
            answer.skip(assignment=chosen, now=self.now)
        for chosen in self.all_that_are("submitted"):
            settle.accept(assignment=chosen, actor=self.requester, now=self.now)
        settle.pay_accepted(now=self.now)
        self.finish()
        if self.reread().status not in {"closing", "closed"}:
            publish.close(batch=self.reread(), actor=self.requester, now=self.now)
        settle.wind_up(now=self.now)
        batch = self.reread()
        assert batch.status == Batch.Status.CLOSED
        assert batch.spent + batch.refunded_minor == batch.budget_minor
        assert broken(now=self.now, late=LATE) == []

    def reread(self) -> Batch:
        return Batch.objects.select_related("project", "escrow").get(pk=self.batch.pk)

    def open_slots(self) -> int:
        tasks = Task.objects.filter(batch=self.batch)
        return tasks.aggregate(n=Sum("remaining_overlap"))["n"] or 0

    def wanted(self) -> int:
        return Task.objects.filter(batch=self.batch).aggregate(n=Sum("overlap"))["n"] or 0

    def all_that_are(self, status):
        found = Assignment.objects.filter(batch=self.batch, status=status).order_by("pk")
        return list(found.select_related("batch__project", "worker"))

    def one_that_is(self, status, pick):
        found = self.all_that_are(status)
        return found[pick % len(found)] if found else None


@pytest.mark.django_db
def test_whatever_happens_spent_and_reserved_stay_within_the_budget():
    run(
        BudgetMachine,
        settings=settings(
            max_examples=int(os.environ.get("MACHINE_EXAMPLES", "15")),
            stateful_step_count=int(os.environ.get("MACHINE_STEPS", "40")),
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
