"""Any sequence of steps by anybody: no slot, no answer and no cent is lost or given twice.

``MACHINE_EXAMPLES=300 MACHINE_STEPS=60 pytest tests/tasks/test_claim_machine.py`` looks longer.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import transaction
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

from payments import accounts, audit
from payments.deposits import deposit
from payments.errors import InsufficientFunds
from tasks import aggregate, answer, distribute, draft, publish, settle
from tasks.errors import EmptyBatch, IllegalTransition, TooManyLiveAssignments
from tasks.hearings import rejections
from tasks.invariants import broken
from tasks.models import Assignment, Batch, Rejection, Task
from tests.factories import (
    NOON,
    a_project,
    a_requester,
    a_worker,
    add_tasks,
    drafted_batch,
    gold_rows,
    link,
    refuse,
    rows,
    usd,
)
from tests.workers.make import a_qualification_type
from workers import qualify
from workers.errors import NotQualified

AGES = timedelta(days=10_000)  # no job is late here: each runs when its rule is drawn
MOMENT = timedelta(minutes=11)  # longer than anybody waits before they look behind their cursor
JOBS = [settle.pay_accepted, settle.accept_due, aggregate.aggregate_due, rejections.finish_due]
LIVE, COUNTED = {"active"}, {"submitted", "accepted"}
STARTS = {"submit": "active", "skip": "active", "accept": "submitted", "reject": "submitted"}

any_batch = any_worker = any_assignment = st.integers(0, 99)
few = st.integers(0, 3)
any_verb = st.sampled_from(list(STARTS))
luck = st.floats(0, 1, exclude_max=True)


class ClaimMachine(RuleBasedStateMachine):
    """Rules do one step; the model is who had which task, and what each batch should be."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.now = NOON
        self.brought = 300
        self.requester = a_requester(funds=usd(self.brought))
        self.project = a_project(requester=self.requester)
        self.french = a_qualification_type()
        self.workers = [a_worker() for _ in range(4)]
        self.person = {worker.pk: worker.pk for worker in self.workers}
        self.had: dict[int, set[int]] = {worker.pk: set() for worker in self.workers}
        self.speaks_french: set[int] = set()
        self.asks_french: dict[int, bool] = {}
        self.status: dict[int, str] = {}

    def teardown(self) -> None:
        try:
            self.everything_comes_to_its_end()
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    @initialize(tasks=st.integers(1, 4), gold=few, overlap=st.integers(1, 3), one=st.booleans())
    def begin(self, tasks, gold, overlap, one):
        self.draft(tasks=tasks, gold=gold, overlap=overlap, cap=3, rate=0.5, french=False)
        self.publish(0)
        for who in range(len(self.workers)):
            self.claim(0, who, count=2, seed=who)
        if one:
            self.two_accounts_turn_out_to_be_one_persons(0, 1)

    # The requester.

    @precondition(lambda self: len(self.status) < 3)
    @rule(
        tasks=few,
        gold=few,
        overlap=st.integers(1, 3),
        cap=st.integers(1, 4),
        rate=st.sampled_from([0.0, 0.3, 0.5]),
        french=st.booleans(),
    )
    def draft(self, *, tasks, gold, overlap, cap, rate, french):
        batch = drafted_batch(
            tasks=tasks,
            gold=gold,
            overlap=overlap,
            gold_rate=rate,
            max_live_assignments=cap,
            aggregation="majority_vote",
            project=self.project,
        )
        self.status[batch.pk] = "draft"
        self.asks_french[batch.pk] = False
        if french:
            self.require(batch)

    @precondition(lambda self: self.status)
    @rule(pick=any_batch, tasks=few, gold=few, priority=st.integers(-2, 2))
    def upload(self, pick, tasks, gold, priority):
        batch = self.batch(pick)
        before = Task.objects.filter(batch=batch).count()
        filling = [*rows(tasks, priority=priority), *gold_rows(gold)]

        with self.refusal(IllegalTransition, when=self.status[batch.pk] in {"closing", "closed"}):
            try:
                add_tasks(batch, filling, now=self.now)
            except InsufficientFunds:
                filling = []
                assert self.status[batch.pk] != "draft"

        added = 0 if self.status[batch.pk] in {"closing", "closed"} else len(filling)
        assert Task.objects.filter(batch=batch).count() == before + added

    @rule(cents=st.integers(1, 200))
    def money_arrives(self, cents):
        self.brought += cents
        deposit(
            owner_id=self.requester.pk,
            amount=usd(cents),
            reference=f"bank {self.brought}",
            now=self.now,
        )

    @precondition(lambda self: self.status)
    @rule(pick=any_batch)
    def publish(self, pick):
        batch = self.batch(pick)
        is_draft, quote = self.status[batch.pk] == "draft", publish.quote(batch, now=NOON)
        refused = None
        if not is_draft:
            refused = IllegalTransition
        elif not quote.tasks:
            refused = EmptyBatch
        elif quote.missing.minor:
            refused = InsufficientFunds

        with self.refusal(refused or Exception, when=refused is not None):
            publish.publish(batch=batch, actor=self.requester, now=self.now)

        if refused is None:
            self.status[batch.pk] = "open"

    @precondition(lambda self: self.status)
    @rule(pick=any_batch, verb=st.sampled_from(["pause", "resume", "close"]))
    def steer(self, pick, verb):
        batch = self.batch(pick)
        legal = {"pause": ["open"], "resume": ["paused"], "close": ["open", "paused"]}[verb]
        fits = self.status[batch.pk] in legal

        with self.refusal(IllegalTransition, when=not fits):
            getattr(publish, verb)(batch=batch, actor=self.requester, now=self.now)

        if fits:
            self.status[batch.pk] = {"pause": "paused", "resume": "open", "close": "closing"}[verb]

    @precondition(lambda self: self.status)
    @rule(pick=any_batch)
    def require_french(self, pick):
        self.require(self.batch(pick))

    @rule(pick=any_worker)
    def grant_or_revoke(self, pick):
        worker = self.worker(pick)
        verb = qualify.revoke if worker.pk in self.speaks_french else qualify.grant
        verb(type=self.french, worker=worker, now=self.now, actor=self.requester)
        self.speaks_french ^= {worker.pk}

    # The workers.

    @precondition(lambda self: self.status)
    @rule(claims=st.lists(st.tuples(any_batch, any_worker, luck), min_size=2, max_size=4))
    def several_claim(self, claims):
        for pick, who, seed in claims:
            self.claim(pick, who, count=1, seed=seed)

    @precondition(lambda self: self.status)
    @rule(pick=any_batch, who=any_worker, count=st.integers(1, 3), seed=luck)
    def claim(self, pick, who, count, seed):
        batch, worker = self.batch(pick), self.worker(who)
        self.now += MOMENT
        status, free = self.status[batch.pk], self.open_to(worker, batch)
        live = Assignment.objects.filter(batch=batch, worker=worker, status="active").count()
        room = min(count, batch.max_live_assignments - live)
        is_barred = self.asks_french[batch.pk] and worker.pk not in self.speaks_french

        try:
            handout = distribute.claim(
                batch_id=batch.pk,
                worker=worker,
                count=count,
                now=self.now,
                draw=random.Random(seed).random,
            )
        except Batch.DoesNotExist:
            assert status == "draft"
        except NotQualified:
            assert is_barred
        except TooManyLiveAssignments:
            assert (status, room, is_barred) == ("open", 0, False)
        else:
            self.check_handout(handout, worker, free if status == "open" else set(), room)
            assert not (handout.assignments and is_barred)

    def check_handout(self, handout, worker, free, room):
        given = {each.task_id for each in handout.assignments}
        gold = set(Task.objects.filter(pk__in=given, lane=2).values_list("pk", flat=True))
        assert given - gold <= free
        assert len(given) == len(handout.assignments) <= room
        assert bool(given) == bool(free)
        for other in self.same_person(worker):
            assert not given & self.had[other]
        self.had[worker.pk] |= given

    @rule(pick=any_assignment, how=any_verb)
    def go_on(self, pick, how):
        if not (assignment := self.assignment(pick)):
            return
        is_twice = how == "reject" and Rejection.objects.filter(pk=assignment.pk).exists()
        with self.refusal(IllegalTransition, when=assignment.status != STARTS[how] or is_twice):
            self.act(assignment, how)

    @rule(picks=st.lists(any_assignment, min_size=2, max_size=4))
    def several_go_on(self, picks):
        for pick in picks:
            self.go_on(pick, "submit" if pick % 2 else "accept")

    def act(self, assignment, how):
        decided = {"assignment": assignment, "actor": self.requester, "now": self.now}
        if how == "submit":
            answer.submit(
                assignment_id=assignment.pk,
                worker=assignment.worker,
                answer={"label": "cat"},
                now=self.now,
            )
        elif how == "skip":
            answer.skip(assignment=assignment, now=self.now)
        elif how == "accept":
            settle.accept(**decided)
        else:
            refuse(**decided)

    @rule(one=any_worker, other=any_worker)
    def two_accounts_turn_out_to_be_one_persons(self, one, other):
        kept, absorbed = self.worker(one), self.worker(other)
        if self.person[kept.pk] == self.person[absorbed.pk]:
            return
        link(kept, absorbed, now=self.now)
        for worker in self.same_person(absorbed):
            self.person[worker] = self.person[kept.pk]

    # The clock.

    @rule(job=st.sampled_from(JOBS))
    def a_job_runs(self, job):
        job(now=self.now)

    @rule(hours=st.sampled_from([1, 1, 7 * 24]))
    def hours_pass(self, hours):
        self.now += timedelta(hours=hours)
        distribute.expire_overdue(now=self.now)
        distribute.collect_stragglers()

    @rule()
    def batches_wind_up(self):
        settle.wind_up(now=self.now)
        for batch in Batch.objects.filter(pk__in=self.status):
            before, self.status[batch.pk] = self.status[batch.pk], batch.status
            assert batch.status == before or batch.status in {"closing", "closed"}

    # What must always hold.

    @invariant()
    def no_invariant_is_broken(self):
        assert broken(now=self.now, late=AGES) == []

    @invariant()
    def every_slot_and_every_cent_is_accounted_for(self):
        taken: Counter[int] = Counter()
        live: Counter[tuple[int, int]] = Counter()
        owed: Counter[int] = Counter()
        found = Assignment.objects.values_list(
            "task", "batch", "worker", "status", "paid_at", "rejection__status"
        )
        for task, batch, worker, status, paid_at, rejection in found:
            taken[task] += status in LIVE | COUNTED
            live[batch, worker] += status in LIVE
            owed[batch] += status in LIVE | COUNTED and paid_at is None
            owed[batch] += rejection == "open"
        for task in Task.objects.all():
            assert taken[task.pk] + task.remaining_overlap == task.overlap
            owed[task.batch_id] += task.remaining_overlap
        for batch in Batch.objects.select_related("escrow"):
            assert batch.status == self.status[batch.pk]
            if batch.status != "draft":
                assert batch.reserved == owed[batch.pk] * 6
                assert batch.spent + batch.reserved <= batch.budget_minor
            for worker in self.workers:
                assert live[batch.pk, worker.pk] <= batch.max_live_assignments

    def everything_comes_to_its_end(self):
        """Close all; whatever was going on, all money is somewhere and nothing is left open."""
        for pk, status in self.status.items():
            if status in {"open", "paused"}:
                publish.close(batch=Batch.objects.get(pk=pk), actor=self.requester, now=self.now)
        self.now += timedelta(days=30)
        distribute.expire_overdue(now=self.now)
        settle.accept_due(now=self.now)
        rejections.finish_due(now=self.now)
        settle.pay_accepted(now=self.now)
        settle.wind_up(now=self.now)

        assert not Batch.objects.live().exists()
        assert broken(now=self.now) == []
        assert audit.imbalances() == []
        paid = Assignment.objects.filter(status="accepted").count()
        wallet = accounts.wallet_of(self.requester.pk, "USD").balance_minor
        assert wallet + paid * 6 == self.brought

    # Picking.

    def batch(self, pick) -> Batch:
        pks = sorted(self.status)
        return Batch.objects.select_related("project").get(pk=pks[pick % len(pks)])

    def worker(self, pick):
        return self.workers[pick % len(self.workers)]

    def assignment(self, pick) -> Assignment | None:
        """Rather one that is still going on."""
        found = Assignment.objects.select_related("batch", "worker")
        going_on = found.filter(status__in=["active", "submitted"])
        chosen = list((going_on if pick % 5 else found).order_by("pk"))
        return chosen[pick % len(chosen)] if chosen else None

    def same_person(self, worker) -> list[int]:
        return [pk for pk, person in self.person.items() if person == self.person[worker.pk]]

    def open_to(self, worker, batch) -> set[int]:
        """The ordinary tasks that this worker may be given."""
        had = set().union(*(self.had[pk] for pk in self.same_person(worker)))
        tasks = Task.objects.filter(batch=batch, is_open=True).exclude(lane=2)
        return set(tasks.values_list("pk", flat=True)) - had

    def require(self, batch):
        asked = [{"qualification": self.french.pk, "comparator": "exists"}]
        is_asked = not self.asks_french[batch.pk]
        draft.require(batch=batch, requirements_json=asked * is_asked, now=self.now)
        self.asks_french[batch.pk] = is_asked

    @staticmethod
    @contextmanager
    def refusal(error, *, when):
        if when:
            with pytest.raises(error), transaction.atomic():
                yield
        else:
            with transaction.atomic():
                yield


@pytest.mark.django_db
def test_whatever_anybody_does_no_slot_and_no_cent_is_lost():
    run(
        ClaimMachine,
        settings=settings(
            max_examples=int(os.environ.get("MACHINE_EXAMPLES", "15")),
            stateful_step_count=int(os.environ.get("MACHINE_STEPS", "30")),
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
