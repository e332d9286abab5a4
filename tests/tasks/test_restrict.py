"""Rules of a batch, applied to who works on it: graded, felt by claims, ended, never a verdict."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks import answer, distribute, draft, invariants
from tasks.checks import restrict
from tasks.errors import IllegalTransition, Paused, TooManyLiveAssignments
from tasks.models import Assignment, Restriction
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_project,
    a_requester,
    a_worker,
    claim,
    fresh,
    may_claim,
    published_batch,
)
from tests.tasks.restricting import (
    flags_of,
    limit,
    more_gold,
    overrides_of,
    pause,
    restrictions,
    rule,
    ruled_batch,
    say,
)
from workers.models import Event, Worker

pytestmark = pytest.mark.django_db
WRONG, RIGHT = ["dog"], ["cat"]


@pytest.fixture(autouse=True)
def what_always_holds():
    yield
    names = {"cursors say what restrictions say", "flags are decided by humans"}
    for each in invariants.INVARIANTS:
        if each.name in names:
            assert invariants.check(each, now=NOON) is None


def paused_batch(**fields):
    """A worker who failed ten golds in a row, and was paused for a day."""
    batch, worker = ruled_batch("default", gold=30, **fields), a_worker()
    end = say(batch, worker, WRONG * 10, gold=True)
    restrict.apply_due(now=end)
    return batch, worker, end


# Graded by the evidence.


def test_five_bad_golds_mean_more_gold_and_nothing_else():
    batch, worker = ruled_batch("default", gold=30), a_worker()
    end = say(batch, worker, WRONG * 3 + RIGHT * 2, gold=True)

    assert restrict.apply_due(now=end) == 1

    assert restrictions(worker) == [("more_gold", 0.3)]
    assert overrides_of(batch, worker) == (0.3, None, None)
    assert flags_of(worker) == []


@pytest.mark.parametrize("bad", range(10))
def test_fewer_than_ten_bad_golds_never_pause_or_flag(bad):
    batch, worker = ruled_batch("default", gold=30), a_worker()
    end = say(batch, worker, WRONG * bad, gold=True) if bad else NOON

    restrict.apply_due(now=end)

    kinds = {kind for kind, _ in restrictions(worker)}
    assert kinds == set() if bad < 5 else {"more_gold"} if bad < 8 else {"limit", "more_gold"}
    assert overrides_of(batch, worker)[2] is None if bad else True
    assert flags_of(worker) == []


def test_ten_half_bad_golds_mean_more_gold_and_never_a_pause():
    batch, worker = ruled_batch("default", gold=30), a_worker()
    end = say(batch, worker, (WRONG + RIGHT) * 5, gold=True)

    restrict.apply_due(now=end)

    assert restrictions(worker) == [("more_gold", 0.3)]


def test_a_failed_run_of_ten_golds_pauses_for_a_day_and_suspends_nobody():
    batch, worker, end = paused_batch()

    assert restrictions(worker) == [("limit", 2), ("more_gold", 0.3), ("pause", 24)]
    assert overrides_of(batch, worker) == (0.3, 2, end + timedelta(days=1))
    assert Worker.objects.get(pk=worker.pk).is_active
    assert set(Assignment.objects.values_list("status", flat=True)) == {"submitted"}
    with pytest.raises(Paused):
        claim(batch, worker, now=end)


def test_good_work_has_no_consequence():
    batch, worker = ruled_batch("default", gold=30), a_worker()
    end = say(batch, worker, RIGHT * 20, gold=True)

    assert restrict.apply_due(now=end) == 0

    assert restrictions(worker) == []
    assert overrides_of(batch, worker) == (None, None, None)


# Running again.


def test_a_second_run_changes_nothing():
    _, _, end = paused_batch()
    before = list(Restriction.objects.values()), Event.objects.count()

    assert restrict.apply_due(now=end + MINUTE) == 0

    assert (list(Restriction.objects.values()), Event.objects.count()) == before


def test_each_restriction_is_an_event_of_its_worker():
    _, worker, _ = paused_batch()

    made = Event.objects.filter(kind="restriction_made", subject_id=worker.pk)

    assert {each.data["action"] for each in made} == {"more_gold", "limit", "pause"}
    assert {each.actor for each in made} == {None}


def test_a_stricter_outcome_replaces_a_milder_one_and_not_the_reverse():
    few = rule("gold", more_gold(0.2), ("accuracy", "<", 1), ("answers", ">=", 1))
    many = rule("gold", more_gold(0.4), ("accuracy", "<", 1), ("answers", ">=", 2))
    batch, worker = ruled_batch(few, many, gold=30), a_worker()
    end = say(batch, worker, WRONG, gold=True)
    restrict.apply_due(now=end)
    assert restrictions(worker) == [("more_gold", 0.2)]
    end = say(batch, worker, WRONG, gold=True, now=end)

    restrict.apply_due(now=end)

    assert restrictions(worker) == [("more_gold", 0.4)]
    assert overrides_of(batch, worker)[0] == 0.4
    draft.set_rules(batch=batch, rules=[few], actor=batch.project.requester, now=end)
    assert restrict.apply_due(now=end) == 0
    assert restrictions(worker) == [("more_gold", 0.4)]


def test_who_has_done_nothing_of_late_is_left_alone():
    batch, worker = ruled_batch("default", gold=30), a_worker()
    end = say(batch, worker, WRONG * 10, gold=True)

    assert restrict.apply_due(now=end + restrict.NEWS + MINUTE) == 0


def test_a_batch_without_rules_restricts_nobody():
    batch, worker = ruled_batch(gold=30), a_worker()
    end = say(batch, worker, WRONG * 10, gold=True)

    assert restrict.apply_due(now=end) == 0


def test_what_a_worker_would_not_feel_is_not_said():
    mild = rule("answers", more_gold(0.1), ("count", ">=", 1))
    wide = rule("answers", limit(20), ("count", ">=", 1))
    batch, worker = ruled_batch(mild, wide, gold=30), a_worker()
    end = say(batch, worker, RIGHT)

    assert restrict.apply_due(now=end) == 0


def test_more_gold_is_not_promised_where_there_is_none():
    batch, worker = ruled_batch(rule("answers", more_gold(), ("count", ">=", 1))), a_worker()
    end = say(batch, worker, RIGHT)

    assert restrict.apply_due(now=end) == 0


# What claims feel.


def test_a_limited_worker_holds_fewer_assignments():
    batch = ruled_batch(rule("answers", limit(1), ("count", ">=", 1)))
    worker = a_worker()
    end = say(batch, worker, RIGHT)
    restrict.apply_due(now=end)
    claim(batch, worker, now=end)

    with pytest.raises(TooManyLiveAssignments):
        claim(batch, worker, now=end)


def test_a_pause_is_of_all_batches_of_the_project_old_new_and_later():
    project = a_project(requester=a_requester())
    known = published_batch(tasks=3, project=project)
    other_project = published_batch(tasks=3)
    batch, worker = ruled_batch("default", gold=30, project=project), a_worker()
    claim(known, worker)
    end = say(batch, worker, WRONG * 10, gold=True)

    restrict.apply_due(now=end)

    later = published_batch(tasks=3, project=project)
    for each in batch, known, later:
        with pytest.raises(Paused):
            claim(each, worker, now=end)
    assert may_claim(other_project, worker, now=end)
    assert may_claim(later, a_worker(), now=end)


def test_a_paused_worker_may_submit_what_they_hold():
    batch, worker = ruled_batch("default", gold=30), a_worker()
    held = claim(batch, worker)
    end = say(batch, worker, WRONG * 10, gold=True)
    restrict.apply_due(now=end)

    answer.submit(assignment_id=held.pk, worker=worker, answer={"label": "cat"}, now=end)

    assert fresh(held).status == "submitted"


# Ends.


def test_a_restriction_ends_by_itself_and_the_cursor_is_as_before():
    batch, worker, end = paused_batch()

    assert restrict.lift_ended(now=end + timedelta(hours=23)) == 0
    assert restrict.lift_ended(now=end + timedelta(days=1)) == 1

    assert restrictions(worker) == [("limit", 2), ("more_gold", 0.3)]
    assert overrides_of(batch, worker) == (0.3, 2, None)
    assert restrict.lift_ended(now=end + restrict.LASTS) == 2
    assert overrides_of(batch, worker) == (None, None, None)
    assert restrict.lift_ended(now=end + restrict.LASTS) == 0


def test_the_longest_of_several_pauses_of_a_project_remains():
    project = a_project(requester=a_requester())
    short, long = (
        ruled_batch(
            rule("gold", pause(hours), ("accuracy", "<=", 0.2), ("answers", ">=", 10)),
            gold=30,
            project=project,
        )
        for hours in (1, 48)
    )
    worker = a_worker()
    say(short, worker, WRONG * 10, gold=True)
    end = say(long, worker, WRONG * 10, gold=True)
    restrict.apply_due(now=end)
    assert overrides_of(short, worker)[2] == end + timedelta(hours=48)

    restrict.apply_rules(batch=short, now=NOON + 10 * MINUTE)
    restrict.lift_ended(now=end + timedelta(hours=1))

    assert overrides_of(short, worker)[2] == end + timedelta(hours=48)


def test_one_failed_run_pauses_once():
    batch, worker, end = paused_batch()
    back = end + timedelta(days=1)
    restrict.lift_ended(now=back)
    end = say(batch, worker, WRONG, now=back)

    restrict.apply_due(now=end)

    assert "pause" not in dict(restrictions(worker))
    end = say(batch, worker, WRONG * 10, gold=True, now=end)
    restrict.apply_due(now=end)
    assert dict(restrictions(worker))["pause"] == 24


def test_a_human_may_lift_a_restriction_and_the_same_answers_make_no_other():
    batch, worker, end = paused_batch()
    owner = batch.project.requester
    for each in Restriction.objects.filter(worker=worker):
        restrict.lift(restriction=each, actor=owner, now=end)

    assert overrides_of(batch, worker) == (None, None, None)
    assert may_claim(batch, worker, now=end)
    assert restrict.apply_due(now=end) == 0
    told = Event.objects.filter(kind="restriction_lifted", subject_id=worker.pk)
    assert [each.actor for each in told] == [owner] * 3


def test_what_has_ended_cannot_be_lifted():
    batch, worker, end = paused_batch()
    ended = Restriction.objects.get(worker=worker, kind="pause")
    restrict.lift_ended(now=end + timedelta(days=1))

    with pytest.raises(IllegalTransition):
        restrict.lift(restriction=ended, actor=batch.project.requester, now=end + HOUR)

    assert fresh(ended).lifted_by is None


def test_answers_held_during_a_pause_may_make_it_longer():
    def pausing(hours):
        return rule("gold", pause(hours), ("accuracy", "<=", 0.2), ("answers", ">=", 10))

    batch, worker = ruled_batch(pausing(1), gold=30, gold_rate=0.5), a_worker()
    held = distribute.claim(
        batch_id=batch.pk, worker=worker, count=20, now=NOON, draw=lambda: 0.0
    ).assignments
    for number, each in enumerate(held):
        answer.submit(assignment_id=each.id, worker=worker, answer={"label": "dog"}, now=NOON)
        if number == 9:
            restrict.apply_due(now=NOON)
            hours = [pausing(48)]
            draft.set_rules(batch=batch, rules=hours, actor=batch.project.requester, now=NOON)
            assert restrict.apply_due(now=NOON + MINUTE) == 0  # the same answers
    Assignment.objects.filter(pk__in=[each.id for each in held[10:]]).update(
        submitted_at=NOON + MINUTE
    )

    assert restrict.apply_due(now=NOON + MINUTE) == 1

    assert restrictions(worker) == [("pause", 48)]
    assert overrides_of(batch, worker)[2] == NOON + MINUTE + timedelta(hours=48)


def test_a_restriction_that_was_lifted_while_rules_were_applied_is_not_made_again(monkeypatch):
    """The decision comes between the look at the rows and the change."""
    batch, worker, end = paused_batch()
    restriction = Restriction.objects.get(worker=worker, kind="pause")
    hold = restrict.overrides.hold
    say_more = rule("answers", limit(1), ("count", ">=", 0))
    draft.set_rules(batch=batch, rules=[say_more], actor=batch.project.requester, now=end)
    lifting = [restriction]

    def decide_first(worker_id):
        while lifting:
            restrict.lift(
                restriction=lifting.pop(), actor=batch.project.requester, now=end + MINUTE
            )
        return hold(worker_id)

    monkeypatch.setattr(restrict.overrides, "hold", decide_first)

    assert restrict.apply_due(now=end) == 0
    assert dict(restrictions(worker)) == {"limit": 2, "more_gold": 0.3}


def test_a_change_of_mind_has_no_consequence_however_often_unless_a_batch_says_so():
    lenient, worker = ruled_batch("default"), a_worker()
    strict = ruled_batch(rule("skips", limit(1), ("in_a_row", ">=", 10)))
    for batch in (lenient, strict):
        for _ in range(10):
            answer.skip(assignment=claim(batch, worker), now=NOON)

    restrict.apply_due(now=NOON + MINUTE)

    found = Restriction.objects.filter(worker=worker).values_list("batch_id", "kind")
    assert list(found) == [(strict.pk, "limit")]


def test_rules_are_applied_to_those_first_whose_answer_is_about_to_be_no_news():
    batch = ruled_batch(rule("answers", limit(1), ("count", ">=", 1)))
    late, early = a_worker(), a_worker()
    say(batch, early, RIGHT)
    end = say(batch, late, RIGHT, now=NOON + MINUTE)

    assert restrict.apply_due(now=end, limit=1) == 1

    assert restrictions(early) == [("limit", 1)]
    assert restrictions(late) == []
