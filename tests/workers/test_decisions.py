"""What people decide about people is written down, with reasons, and looked at again on request."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from tests.factories import NOON, a_user, a_worker
from tests.payments.books import at_once
from workers import decisions, standing
from workers.errors import AppealRefused, HumanDecisionMissing
from workers.models import Decision, Event, StandingAppeal, Worker

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
Kind = Decision.Kind


def suspended():
    worker, admin = a_worker(), a_user()
    standing.suspend(worker=worker, reason="Copied answers.", now=NOON, actor=admin)
    return Decision.objects.get(subject_kind="worker", subject_id=worker.pk)


def status_of(decision):
    return Worker.objects.get(pk=decision.subject_id).status


def put(**fields):
    """A row past every verb."""
    user = a_user()
    row = {
        "kind": "suspend", "subject_kind": "worker", "subject_id": 1, "concerns": user,
        "made_by": user, "reasons": "Because.", "made_at": NOON, "effective_at": NOON, **fields,
    }  # fmt: skip
    with transaction.atomic():
        return Decision.objects.create(**row)


# What the database itself refuses.


@pytest.mark.parametrize("kind", Decision.AGAINST)
def test_the_database_refuses_a_decision_against_a_worker_that_is_nobodys(kind):
    with pytest.raises(IntegrityError, match="decision_against_a_worker_by_a_human"):
        put(kind=kind, made_by=None)

    assert put(kind=kind).pk


@pytest.mark.parametrize("reasons", ["", " ", "\n\t"])
@pytest.mark.parametrize("kind", Kind.values)
def test_the_database_refuses_a_decision_without_reasons(kind, reasons):
    with pytest.raises(IntegrityError, match="decision_with_reasons"):
        put(kind=kind, reasons=reasons)


def test_the_database_refuses_a_kind_nobody_knows():
    with pytest.raises(IntegrityError, match="decision_kind_is_known"):
        put(kind="shadowban")


def test_the_database_refuses_to_change_or_delete_a_decision():
    made = put()

    for change in (
        lambda: Decision.objects.filter(pk=made.pk).update(reasons="Other."),
        made.delete,
    ):
        with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
            change()


@pytest.mark.parametrize("field", ["made_by", "reasons"])
def test_no_verb_writes_down_a_decision_without_a_human_or_reasons(field):
    said = {"made_by": a_user(), "reasons": "Because.", field: None if field == "made_by" else " "}

    with pytest.raises(HumanDecisionMissing):
        decisions.record(
            kind=Kind.LIMIT, subject_kind="worker", subject_id=1, concerns=a_user(), now=NOON,
            **said,
        )  # fmt: skip

    assert not Decision.objects.exists()


# What standing writes down.


def test_each_change_of_an_account_is_a_decision_with_its_reasons():
    worker, admin = a_worker(), a_user()

    standing.suspend(worker=worker, reason="Copied.", now=NOON, actor=admin)
    standing.reinstate(worker=worker, reason="A mistake.", now=NOON + DAY, actor=admin)
    standing.close(worker=worker, reason="They asked.", now=NOON + 2 * DAY, actor=worker.user)

    made = Decision.objects.order_by("pk").values_list("kind", "reasons", "made_by", "concerns")
    assert list(made) == [
        ("suspend", "Copied.", admin.pk, worker.user_id),
        ("reinstate", "A mistake.", admin.pk, worker.user_id),
        ("close", "They asked.", worker.user_id, worker.user_id),
    ]


@pytest.mark.parametrize("verb", [standing.suspend, standing.close])
@pytest.mark.parametrize("said", [{"reason": " "}, {"actor": None}], ids=str)
def test_no_code_suspends_or_closes_without_a_human_who_says_why(verb, said):
    worker = a_worker()

    with pytest.raises(HumanDecisionMissing):
        verb(worker=worker, now=NOON, **{"reason": "So.", "actor": a_user(), **said})

    assert Worker.objects.get(pk=worker.pk).status == "active"
    assert not Decision.objects.exists()
    assert not Event.objects.filter(kind__startswith="worker_").exists()


# Appeals.


def test_an_appeal_is_owed_an_answer_within_fourteen_days():
    decision = suspended()

    made = decisions.appeal(decision=decision, message="It was not me.", now=NOON + DAY)

    assert made.due_at == NOON + 15 * DAY
    told = Event.objects.get(kind="decision_appealed")
    assert (told.subject_id, told.actor) == (decision.pk, decision.concerns)
    with pytest.raises(AppealRefused, match="already"):
        decisions.appeal(decision=decision, message="Again.", now=NOON + DAY)


@pytest.mark.parametrize("kind", ["refuse_pay", "reinstate", "uphold", "overturn", "reverse"])
def test_only_suspensions_closures_and_limits_are_appealed_here(kind):
    with pytest.raises(AppealRefused):
        decisions.appeal(decision=put(kind=kind), message="No.", now=NOON)

    assert not StandingAppeal.objects.exists()


def test_after_its_last_day_a_decision_is_not_appealed():
    decision = put(appeal_until=NOON + DAY)

    with pytest.raises(AppealRefused, match="time to appeal"):
        decisions.appeal(decision=decision, message="No.", now=NOON + DAY)


@pytest.mark.parametrize(("reverse", "status"), [(True, "active"), (False, "suspended")])
def test_an_answer_undoes_the_suspension_or_lets_it_stand(reverse, status):
    decision, other = suspended(), a_user()
    appeal = decisions.appeal(decision=decision, message="No.", now=NOON)

    made = decisions.answer(
        appeal=appeal, reverse=reverse, reasons="We looked.", actor=other, now=NOON + DAY
    )

    assert (made.kind, made.answers) == ("reverse" if reverse else "uphold", decision)
    assert status_of(decision) == status
    assert (appeal.answered_by, appeal.answered_at) == (other, NOON + DAY)
    with pytest.raises(AppealRefused, match="answered this already"):
        decisions.answer(appeal=appeal, reverse=True, reasons="No.", actor=other, now=NOON)


def test_a_closed_account_is_given_back_on_appeal_and_only_then():
    worker = a_worker()
    standing.close(worker=worker, reason="Spam.", now=NOON, actor=a_user())
    decision = Decision.objects.get()
    appeal = decisions.appeal(decision=decision, message="No.", now=NOON)

    decisions.answer(appeal=appeal, reverse=True, reasons="Not spam.", actor=a_user(), now=NOON)

    assert status_of(decision) == "active"


def test_what_was_decided_since_is_not_undone():
    decision = suspended()
    worker = Worker.objects.get(pk=decision.subject_id)
    appeal = decisions.appeal(decision=decision, message="No.", now=NOON)
    standing.close(worker=worker, reason="Fraud.", now=NOON, actor=a_user())

    decisions.answer(appeal=appeal, reverse=True, reasons="Not copied.", actor=a_user(), now=NOON)

    assert status_of(decision) == "closed"


def test_neither_who_decided_nor_who_is_concerned_answers():
    decision = suspended()
    appeal = decisions.appeal(decision=decision, message="No.", now=NOON)

    for party in (decision.made_by, decision.concerns):
        with pytest.raises(AppealRefused, match="Somebody else"):
            decisions.answer(appeal=appeal, reverse=True, reasons="So.", actor=party, now=NOON)
    with pytest.raises(HumanDecisionMissing):
        decisions.answer(appeal=appeal, reverse=True, reasons=" ", actor=a_user(), now=NOON)

    assert status_of(decision) == "suspended"


def test_an_erased_account_is_not_given_back():
    decision = suspended()
    appeal = decisions.appeal(decision=decision, message="No.", now=NOON)
    type(decision.concerns).objects.filter(pk=decision.concerns_id).update(erased_at=NOON)

    with pytest.raises(AppealRefused, match="erased"), transaction.atomic():
        decisions.answer(appeal=appeal, reverse=True, reasons="So.", actor=a_user(), now=NOON)

    assert StandingAppeal.objects.get().answered_at is None


@pytest.mark.django_db(transaction=True)
def test_of_eight_answers_at_once_one_counts():
    decision, other = suspended(), a_user()
    appeal = decisions.appeal(decision=decision, message="No.", now=NOON)
    answer = partial(decisions.answer, reasons="So.", actor=other, now=NOON)

    outcomes = at_once(
        [
            partial(answer, appeal=StandingAppeal.objects.get(pk=appeal.pk), reverse=turn)
            for turn in [True, False] * 4
        ]
    )

    assert sum(isinstance(each, AppealRefused) for each in outcomes) == 7
    assert Decision.objects.filter(answers=decision).count() == 1
