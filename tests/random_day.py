"""A marketplace for weeks, at random but seeded: everybody does what they may, and the jobs run.

Used by ``test_random_day``. All money comes from one bank, a stand-in for Stripe, and what is left
there at the end is compared with the books.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from payments import debts, payouts, refunds
from payments.errors import PaymentsError
from payments.models import Account, Dispute, Funding, Payout, Refund
from payments.money import Money
from payments.play import world
from tasks import aggregate, answer, distribute, draft, provenance, publish, settle
from tasks.compensation import pilot, returns, topups, wage
from tasks.errors import TasksError
from tasks.hearings import appeals, jury, rejections
from tasks.models import Appeal, Assignment, Batch, Rejection, Return
from tests import factories
from tests.factories import NOON
from tests.payments import stripe_world
from tests.payments.stripe_world import Bank
from workers import erasure
from workers.errors import WorkersError
from workers.models import User, Worker

REFUSED = (PaymentsError, TasksError, WorkersError)
WORDS = "The label is that of another animal than the picture shows."
REWARDS = {"USD": 40, "JPY": 50}
FLOORS = {"USD": 1200, "JPY": 1300}
DEPOSITS = {"USD": 50_000, "JPY": 60_000}


class Day:
    """The cast, the clock and the dice. ``done`` counts what was done, by name."""

    def __init__(self, seed: int, workers: int = 12, requesters: int = 3) -> None:
        self.dice = random.Random(seed)
        self.bank = Bank(now=NOON)
        self.done: Counter[str] = Counter()
        for currency, per_hour in FLOORS.items():
            factories.floor(per_hour, currency=currency)
        self.admin = factories.a_user()
        self.workers = [factories.a_worker(country="US") for _ in range(workers)]
        for worker in self.workers[: workers * 3 // 4]:
            stripe_world.connected(self.bank, worker.user)
        self.requesters = [factories.a_requester() for _ in range(requesters)]
        for requester in self.requesters:
            for currency, minor in DEPOSITS.items():
                stripe_world.funded(self.bank, minor, owner=requester, currency=currency)
                self.publish(requester, currency)

    @property
    def now(self) -> datetime:
        return self.bank.now

    def publish(self, requester: User, currency: str) -> Batch:
        """A batch of some tasks, whose reward pays the floor for its estimate."""
        batch = draft.create_batch(
            project=factories.a_project(requester=requester),
            reward=Money(REWARDS[currency], currency),
            fee_basis_points=1500,
            policy=draft.Policy(
                overlap=3, gold_rate=0, estimate_seconds=100, aggregation="majority"
            ),
            now=self.now,
        )
        tasks = self.dice.randint(6, 14)
        publish.add_tasks(
            batch=batch, rows=factories.rows(tasks), draw=self.dice.getrandbits, now=self.now
        )
        batch.refresh_from_db()
        self.done["published"] += 1
        return publish.publish(batch=batch, actor=requester, now=self.now)

    # What people do

    def step(self) -> None:
        """Some minutes pass; somebody does something, and the jobs run."""
        self.bank.later(seconds=self.dice.randint(20, 200))
        acts, weights = zip(*self.acts(), strict=True)
        act: Callable[[], bool] = self.dice.choices(acts, weights)[0]
        try:
            if act():
                self.done[act.__name__] += 1
        except REFUSED as error:
            self.done[f"refused: {type(error).__name__}"] += 1
        if self.dice.random() < 0.1:
            self.jobs()

    def acts(self) -> list[tuple[Callable[[], bool], int]]:
        return [
            (self.claim, 30),
            (self.submit, 30),
            (self.give_back, 3),
            (self.accept, 10),
            (self.reject, 6),
            (self.appeal, 5),
            (self.sit, 8),
            (self.judge, 3),
            (self.bonus, 2),
            (self.ask_for_pay, 4),
            (self.withdraw, 1),
            (self.deposit, 1),
            (self.contest, 1),
            (self.end_contest, 1),
            (self.leave, 1),
        ]

    def someone(self) -> Worker:
        return self.dice.choice(self.workers)

    def pick(self, rows):
        found = list(rows)
        return self.dice.choice(found) if found else None

    def claim(self) -> bool:
        batch = self.pick(Batch.objects.filter(status="open").order_by("pk"))
        return batch is not None and bool(
            distribute.claim(
                batch_id=batch.pk,
                worker=self.someone(),
                count=self.dice.randint(1, 3),
                now=self.now,
                draw=self.dice.random,
            ).assignments
        )

    def held(self) -> Assignment | None:
        return self.pick(Assignment.objects.filter(status="active").order_by("pk"))

    def submit(self) -> bool:
        assignment = self.held()
        if assignment is None:
            return False
        who = {"assignment_id": assignment.pk, "worker": assignment.worker}
        for _ in range(self.dice.randint(0, 3)):
            answer.beat(**who, visible=True, now=self.now)
            self.bank.later(seconds=self.dice.randint(5, 60))
        label = self.dice.choice(["cat", "dog"])
        answer.submit(**who, answer={"label": label}, now=self.now)
        return True

    def give_back(self) -> bool:
        assignment = self.held()
        if assignment is None:
            return False
        code = self.dice.choice([None, *Return.Reason])
        answer.skip(assignment=assignment, reason="So it is.", code=code, now=self.now)
        return True

    def waiting(self) -> Assignment | None:
        rows = Assignment.objects.filter(status="submitted").order_by("pk")
        return self.pick(rows.select_related("batch__project__requester"))

    def accept(self) -> bool:
        found = self.waiting()
        if found is None:
            return False
        settle.accept(assignment=found, actor=found.batch.project.requester, now=self.now)
        return True

    def reject(self) -> bool:
        found = self.waiting()
        if found is None:
            return False
        rejections.reject(
            assignment=found,
            code=self.dice.choice(Rejection.Code.values),
            reason=WORDS,
            instruction="Say which animal you see.",
            actor=found.batch.project.requester,
            now=self.now,
        )
        return True

    def appeal(self) -> bool:
        rejection = self.pick(Rejection.objects.filter(status="open").order_by("pk"))
        if rejection is None:
            return False
        appeals.appeal(
            rejection=rejection,
            message="Look again, please.",
            wants_human=self.dice.random() < 0.3,
            now=self.now,
        )
        return True

    def sit(self) -> bool:
        """A worker takes a seat on a jury, or votes in the one they have."""
        worker = self.someone()
        seats = jury.seats_of(worker, now=self.now)
        if seats:
            vote = self.dice.choice(["overturn", "uphold"])
            name = self.pick(seats).id
            jury.vote(appeal_id=name, worker=worker, vote=vote, reason=WORDS, now=self.now)
            return True
        case = self.pick(jury.cases_for(worker, now=self.now))
        if case is None:
            return False
        jury.join(appeal_id=case.id, worker=worker, now=self.now)
        return True

    def judge(self) -> bool:
        """An admin looks at what waits for a human."""
        unusual = self.pick(Rejection.objects.filter(status="waiting").order_by("pk"))
        if unusual is not None:
            act = self.dice.choice([rejections.confirm, rejections.decline])
            act(rejection=unusual, words=WORDS, actor=self.admin, now=self.now)
            return True
        case = self.pick(Appeal.objects.filter(status="human").order_by("pk"))
        if case is None:
            return False
        outcome = self.dice.choice(list(Appeal.Outcome))
        appeals.decide_by_human(
            appeal=case, outcome=outcome, answer=WORDS, actor=self.admin, now=self.now
        )
        return True

    def bonus(self) -> bool:
        rows = Assignment.objects.filter(status="accepted").order_by("pk")
        found = self.pick(rows.select_related("batch__project__requester", "worker"))
        if found is None:
            return False
        settle.bonus(
            assignment=found,
            amount=Money(self.dice.randint(1, 30), found.batch.currency),
            reason="Well seen.",
            key=str(self.dice.random()),
            actor=found.batch.project.requester,
            now=self.now,
        )
        return True

    def ask_for_pay(self) -> bool:
        account = self.pick(
            Account.objects.filter(purpose="earnings", balance_minor__gt=0).order_by("pk")
        )
        if account is None:
            return False
        part = Money(self.dice.randint(1, account.balance_minor), account.currency)
        payouts.request(owner_id=account.owner_id, amount=part, now=self.now)
        return True

    def withdraw(self) -> bool:
        wallet = self.pick(
            Account.objects.filter(purpose="wallet", balance_minor__gt=100).order_by("pk")
        )
        if wallet is None:
            return False
        part = Money(self.dice.randint(1, wallet.balance_minor // 4), wallet.currency)
        refunds.withdraw(owner_id=wallet.owner_id, amount=part, now=self.now)
        return True

    def deposit(self) -> bool:
        currency = self.dice.choice(list(DEPOSITS))
        owner = self.dice.choice(self.requesters)
        stripe_world.funded(
            self.bank, self.dice.randint(500, 20_000), owner=owner, currency=currency
        )
        self.publish(owner, currency)
        return True

    def contest(self) -> bool:
        contested = Dispute.objects.values("funding")
        paid = Funding.objects.filter(status="paid", refundable_minor__gt=0)
        funding = self.pick(paid.exclude(pk__in=contested).order_by("pk"))
        if funding is None:
            return False
        charge = self.bank.state.get("charge", funding.charge_id)
        if charge["amount_refunded"]:
            return False
        world.open_dispute(self.bank.server, funding.charge_id)
        return True

    def end_contest(self) -> bool:
        dispute = self.pick(Dispute.objects.filter(status="open").order_by("pk"))
        if dispute is None:
            return False
        won = self.dice.random() < 0.5
        world.close_dispute(self.bank.server, dispute.dispute_id, won=won)
        return True

    def leave(self) -> bool:
        if len(self.workers) < 8:
            return False
        worker = self.workers.pop(self.dice.randrange(len(self.workers)))
        erasure.erase(user=worker.user, now=self.now, actor=None)
        return True

    # What the jobs and the bank do

    def jobs(self) -> None:
        """Everything in the timetable that decides or moves money, once."""
        now = self.now
        for job in JOBS:
            job(now=now)
        debts.collect_due(now=now)
        payouts.send_due(now=now)
        self.bank.work()
        for payout in Payout.objects.filter(status="paying").order_by("pk"):
            if self.dice.random() < 0.5:
                ok = self.dice.random() < 0.9
                world.settle_payout(self.bank.server, payout.reference, ok=ok)
        self.bank.work()

    def end(self) -> None:
        """Close everything, and wait until nothing waits any more."""
        for batch in Batch.objects.filter(status__in=["open", "paused"]):
            publish.close(batch=batch, actor=self.requesters[0], now=self.now)
        for _ in range(40):
            self.bank.later(days=1)
            while self.judge():
                pass
            while self.end_contest():
                self.bank.work()
            self.pay_everybody()
            self.jobs()
            if self.is_quiet():
                return
        raise AssertionError("something still waits after 40 days")

    def pay_everybody(self) -> None:
        """Whoever has an account to be paid to asks for all they have earned."""
        ready = Account.objects.filter(
            purpose="earnings", balance_minor__gt=0, owner__connected_account__isnull=False
        )
        for account in ready.order_by("pk"):
            payouts.request(owner_id=account.owner_id, amount=account.available, now=self.now)

    def is_quiet(self) -> bool:
        on_the_way = Payout.objects.exclude(status__in=["paid", "failed", "requested"])
        return not (
            Batch.objects.exclude(status__in=["closed", "draft"]).exists()
            or on_the_way.exists()
            or Refund.objects.filter(status="requested").exists()
            or Dispute.objects.filter(status="open").exists()
            or Return.objects.filter(status__in=["waiting", "granted"]).exists()
        )


JOBS: list[Callable[..., object]] = [
    distribute.expire_overdue,
    aggregate.aggregate_due,
    settle.accept_due,
    rejections.finish_due,
    appeals.escalate_due,
    settle.pay_accepted,
    rejections.pay_efforts,
    jury.pay_jurors,
    returns.settle_due,
    pilot.look_due,
    wage.look_due,
    topups.top_up_due,
    settle.wind_up,
    provenance.record_due,
]
