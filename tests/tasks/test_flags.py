"""Questions to humans about workers: asked once, decided once, by somebody, with a reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from tasks.checks import flags, restrict
from tasks.errors import IllegalTransition, ReasonMissing
from tasks.models import Flag, Restriction
from tests.factories import HOUR, NOON, a_requester, a_worker, fresh
from tests.tasks.restricting import ASK_HUMAN, flags_of, limit, restrictions, rule, ruled_batch, say
from workers.models import Event, Worker

pytestmark = pytest.mark.django_db
WRONG = ["dog"]


def asked(batch=None, worker=None, kind="gold"):
    batch, worker = batch or ruled_batch(), worker or a_worker()
    raised = flags.raise_flag(
        worker_id=worker.pk,
        batch_id=batch.pk,
        kind=kind,
        sentence="0 of 10 were right.",
        evidence={"observations": 10},
        now=NOON,
    )
    assert raised
    return Flag.objects.get(worker=worker, batch=batch, kind=kind, status="waiting")


@pytest.mark.parametrize(
    ("verb", "status"), [(flags.dismiss, "dismissed"), (flags.uphold, "upheld")]
)
def test_a_decision_is_kept_with_who_made_it_and_why(verb, status):
    flag, human = asked(), a_requester()

    verb(flag=flag, reason="I looked.", actor=human, now=NOON + HOUR)

    row = fresh(flag)
    assert (row.status, row.decided_by, row.reason, row.decided_at) == (
        status, human, "I looked.", NOON + HOUR,
    )  # fmt: skip
    told = Event.objects.get(kind=f"flag_{status}")
    assert (told.subject_id, told.actor, told.data["reason"]) == (
        flag.worker_id, human, "I looked.",
    )  # fmt: skip


@pytest.mark.parametrize("verb", [flags.dismiss, flags.uphold])
@pytest.mark.parametrize("reason", ["", "  \n"])
def test_no_decision_without_a_reason(verb, reason):
    flag = asked()

    with pytest.raises(ReasonMissing):
        verb(flag=flag, reason=reason, actor=a_requester(), now=NOON)

    assert fresh(flag).status == "waiting"


def test_a_decision_stands():
    flag = asked()
    stale = fresh(flag)
    flags.dismiss(flag=flag, reason="Fine.", actor=a_requester(), now=NOON)

    with pytest.raises(IllegalTransition):
        flags.uphold(flag=stale, reason="Not fine.", actor=a_requester(), now=NOON)

    assert fresh(flag).status == "dismissed"


def test_the_database_demands_a_human_and_a_reason():
    flag = asked()
    for values in (
        {"status": "upheld"},
        {"status": "upheld", "decided_by": a_requester(), "decided_at": NOON},
        {"status": "upheld", "reason": "Spam.", "decided_at": NOON},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Flag.objects.filter(pk=flag.pk).update(**values)


def test_upholding_suspends_nobody_and_restricts_nobody():
    flag = asked()

    flags.uphold(flag=flag, reason="Spam.", actor=a_requester(), now=NOON)

    assert Worker.objects.get(pk=flag.worker_id).is_active
    assert not Restriction.objects.exists()


def test_the_same_question_waits_once_and_another_beside_it():
    flag = asked()
    again = {"sentence": "s", "evidence": {}, "now": NOON}
    who = {"worker_id": flag.worker_id, "batch_id": flag.batch_id}

    assert not flags.raise_flag(kind="gold", **who, **again)
    assert flags.raise_flag(kind="ring", **who, **again)

    assert flags_of(flag.worker) == [("gold", "waiting"), ("ring", "waiting")]


# Asked by rules.

ASKING = rule("gold", ASK_HUMAN, ("accuracy", "<=", 0.5), ("answers", ">=", 10))


def test_a_question_is_asked_once_until_it_is_answered():
    batch, worker = ruled_batch(ASKING, gold=60), a_worker()
    end = say(batch, worker, WRONG * 10, gold=True)

    assert [restrict.apply_due(now=end) for _ in range(2)] == [1, 0]

    flag = Flag.objects.get()
    assert (flag.worker, flag.batch, flag.kind, flag.status) == (worker, batch, "gold", "waiting")
    assert flag.evidence["accuracy"] == 0
    assert flag.evidence["observations"] == 10
    assert "0 of your last 10 control tasks were right" in flag.sentence
    assert restrictions(worker) == []


def test_what_a_human_has_decided_on_is_not_asked_again():
    batch, worker = ruled_batch(ASKING, gold=60), a_worker()
    end = say(batch, worker, WRONG * 10, gold=True)
    restrict.apply_due(now=end)
    flags.dismiss(
        flag=Flag.objects.get(), reason="The gold is wrong.", actor=a_requester(), now=end
    )

    end = say(batch, worker, WRONG * 9, gold=True, now=end)
    assert restrict.apply_due(now=end) == 0
    end = say(batch, worker, WRONG, gold=True, now=end)
    assert restrict.apply_due(now=end) == 1

    assert flags_of(worker) == [("gold", "dismissed"), ("gold", "waiting")]


# Appeals.


def limited():
    batch, worker = ruled_batch(rule("answers", limit(1), ("count", ">=", 1))), a_worker()
    end = say(batch, worker, ["cat"])
    restrict.apply_due(now=end)
    return Restriction.objects.get(worker=worker), end


def test_an_appeal_asks_a_human_and_says_about_what():
    restriction, end = limited()

    flag = flags.appeal(restriction=restriction, message="The pictures were blurred.", now=end)

    assert (flag.kind, flag.status, flag.worker) == ("appeal", "waiting", restriction.worker)
    assert flag.evidence["restriction"] == restriction.pk
    assert flag.evidence["message"] == "The pictures were blurred."
    assert Event.objects.get(kind="flag_raised").actor == restriction.worker.user
    assert restrictions(restriction.worker) == [("limit", 1)]


def test_an_appeal_that_waits_is_not_made_twice():
    restriction, end = limited()
    flags.appeal(restriction=restriction, message="Please.", now=end)

    with pytest.raises(IllegalTransition, match="asked already"):
        flags.appeal(restriction=restriction, message="Please!", now=end)

    assert Flag.objects.get().evidence["message"] == "Please."


def test_what_has_ended_needs_no_appeal():
    restriction, end = limited()
    restrict.lift_ended(now=end + timedelta(days=30))

    with pytest.raises(IllegalTransition, match="ended"):
        flags.appeal(restriction=restriction, message="Please.", now=end)


def test_an_appeal_says_something():
    restriction, end = limited()

    with pytest.raises(ReasonMissing):
        flags.appeal(restriction=restriction, message=" ", now=end)

    assert not Flag.objects.exists()


def test_deciding_an_appeal_lifts_nothing_by_itself():
    restriction, end = limited()
    flag = flags.appeal(restriction=restriction, message="Please.", now=end)

    flags.dismiss(flag=flag, reason="The gold was wrong.", actor=a_requester(), now=end)

    assert restrictions(restriction.worker) == [("limit", 1)]
