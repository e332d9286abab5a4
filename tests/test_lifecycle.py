"""One batch from publication to payment: the whole system in one page."""

from __future__ import annotations

import pytest

from payments import accounts
from tasks import aggregate, answer, distribute, settle
from tasks.hearings import rejections
from tasks.models import Assignment, Batch, Consensus
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_worker,
    never_gold,
    published_batch,
    refuse,
    submitted,
    usd,
)

pytestmark = pytest.mark.django_db


def test_three_workers_answer_one_task_and_are_paid():
    # Publish: one task, three answers at 5 cents and a fee of 1 cent each.
    batch = published_batch(tasks=1, overlap=3, reward=usd(5), aggregation="majority_vote")
    requester = batch.project.requester
    assert accounts.wallet_of(requester.pk, "USD").balance == usd(0)
    assert batch.escrow.balance == usd(18)

    # Distribute and answer: each worker claims the task and says what they see.
    workers = [a_worker(), a_worker(), a_worker()]
    for worker, label in zip(workers, ["cat", "cat", "dog"], strict=True):
        handout = distribute.claim(batch_id=batch.pk, worker=worker, now=NOON, draw=never_gold)
        assignment_id = handout.assignments[0].id
        answer.submit(
            assignment_id=assignment_id, worker=worker, answer={"label": label}, now=NOON + MINUTE
        )

    # Aggregate: two of three say cat.
    assert aggregate.aggregate_due(now=NOON + HOUR) == 1
    consensus = Consensus.objects.get()
    assert (consensus.value, consensus.confidence) == ("cat", pytest.approx(2 / 3))

    # Settle: the requester accepts all but the last answer, and says why.
    refused = Assignment.objects.get(worker=workers[2])
    refuse(assignment=refused, actor=requester, now=NOON + HOUR)
    settle.accept_all(batch=batch, assignment_ids=None, actor=requester, now=NOON + HOUR)
    assert settle.pay_accepted(now=NOON + HOUR) == 2
    earned = [accounts.earnings_of(worker.user_id, "USD").balance for worker in workers]
    assert earned == [usd(5), usd(5), usd(0)]

    # Nobody appeals within a week, so it is final, and the slot is open again: somebody else is
    # asked, and paid.
    assert rejections.finish_due(now=NOON + 8 * 24 * HOUR) == 1
    last = submitted(batch, "cat", now=NOON + HOUR)
    last.refresh_from_db()
    settle.accept(assignment=last, actor=requester, now=NOON + HOUR)
    settle.pay_accepted(now=NOON + 2 * HOUR)

    # Nothing is open or owed any more and all is combined, so the batch closes by itself.
    aggregate.aggregate(batch=batch, now=NOON + 2 * HOUR)
    assert settle.wind_up(now=NOON + 2 * HOUR) == 1
    batch.refresh_from_db()
    assert batch.status == Batch.Status.CLOSED
    assert batch.escrow.balance == usd(0)
    assert batch.spent == 18
