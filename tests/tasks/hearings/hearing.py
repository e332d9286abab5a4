"""What the tests of hearings start from: refused answers with a floor, juries that may decide."""

from __future__ import annotations

from datetime import timedelta

from payments import accounts
from payments.deposits import deposit
from payments.models import WageFloor
from tasks import answer, settle
from tasks.hearings import appeals, jury, rejections
from tasks.models import Wage
from tests.factories import (
    NOON,
    a_user,
    a_worker,
    claim,
    floor,
    fresh,
    numbers,
    published_batch,
    refuse,
    usd,
)
from workers.models import Ballot, Office, Proposal

DAY = timedelta(days=1)
WEEK = 7 * DAY
LATER = NOON + timedelta(hours=1)
AFTER = LATER + WEEK  # the window of what was refused LATER is over
WORDS = "The ears are a cat's, whatever the light does to its face."


def owner(batch):
    return batch.project.requester


def admin():
    user = a_user()
    user.is_staff = user.is_superuser = True
    user.save()
    return user


def floored_batch(tasks=1, reward=100, reference=None, **fields):
    """A batch under a floor of one cent for three seconds, whose usual time is ``reference``."""
    if not WageFloor.objects.exists():
        floor(per_hour_minor=1200)
    terms = {"estimate_seconds": 60, "assignment_duration": DAY, **fields}
    batch = published_batch(tasks=tasks, reward=usd(reward), **terms)
    Wage.objects.filter(batch=batch).update(reference_seconds=reference)
    return fresh(batch)


def answered(batch, label="cat", *, seconds=60, worker=None, now=NOON):
    """An answer that took ``seconds``, from ``now`` on."""
    held = claim(batch, worker, now=now)
    done = now + timedelta(seconds=seconds)
    answer.submit(assignment_id=held.pk, worker=held.worker, answer={"label": label}, now=done)
    return fresh(held)


def refused(batch, label="cat", *, seconds=60, now=LATER, worker=None, **said):
    """A rejection of an answer that took ``seconds``."""
    waiting = answered(batch, label, seconds=seconds, worker=worker)
    return refuse(assignment=waiting, actor=owner(batch), now=now, **said)


def waiting_for_a_human(batch):
    """A sixth rejection of a batch's first answers; the batch has at least six tasks."""
    for _ in range(5):
        refused(batch)
    made = refused(batch)
    assert made.status == "waiting"
    return made


def appealed(batch, now=LATER, **said):
    return appeals.appeal(rejection=refused(batch), message="It is a cat.", now=now, **said)


def juror():
    """A worker who was elected to juries."""
    worker = a_worker()
    proposal = Proposal.objects.create(
        kind="reviewer", title="t", text="t", candidate=worker, proposed_by=worker.user,
        opened_at=NOON - DAY, closes_at=NOON, yes=1, no=0, outcome="carried", counted_at=NOON,
    )  # fmt: skip
    Ballot.objects.create(
        proposal=proposal, person=worker.user.person, is_yes=True, cast_at=NOON - DAY
    )
    Office.objects.create(
        worker=worker, kind=Office.Kind.REVIEWER, proposal=proposal, since=NOON - DAY,
        until=NOON + 365 * DAY,
    )  # fmt: skip
    return worker


def votes(appeal, *choices, now=LATER):
    """Let as many jurors join and vote."""
    seated = []
    for choice in choices:
        worker = juror()
        jury.join(appeal_id=appeal.pk, worker=worker, now=now)
        seated.append(
            jury.vote(appeal_id=appeal.pk, worker=worker, vote=choice, reason=WORDS, now=now)
        )
    return seated


def rich(batch, cents=100):
    """Give the requester money for replacements."""
    deposit(
        owner_id=owner(batch).pk, amount=usd(cents), reference=f"more {next(numbers)}", now=NOON
    )
    return batch


def earned(worker, currency="USD"):
    return accounts.earnings_of(worker.user_id, currency).balance_minor


def wallet(batch):
    return accounts.wallet_of(owner(batch).pk, batch.currency).balance_minor


def money(batch):
    """Held, free and spent, in minor units."""
    batch = fresh(batch)
    return (batch.reserved, batch.escrow.balance_minor - batch.reserved, batch.spent)


def pay_all(now=AFTER):
    rejections.pay_efforts(now=now)
    settle.pay_accepted(now=now)
    jury.pay_jurors(now=now)
