"""Predictions stand unasked as far as audits prove that few are wrong, and no longer."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from tasks import aggregate, escrow, invariants, settle
from tasks.assist import audits, auto_label
from tasks.learning.conformal import audit_sample, least_audits
from tasks.models import Assignment, Batch, Consensus, Review, Task
from tests.factories import HOUR, MINUTE, NOON, a_project, a_worker, claim, fresh, published_batch
from tests.tasks.predicting import answer_next, ids_of, push_all, use
from workers.models import Event

pytestmark = pytest.mark.django_db
KEY = b"a secret"
ERROR = 0.2


def cat(_):
    return "cat"


def modelled(tasks=80, *, score=0.999, error=ERROR, audit_rate=0.5, **fields):
    """A batch whose model says "cat" of everything."""
    batch = published_batch(
        tasks=tasks, max_live_assignments=1000, aggregation="majority_vote", **fields
    )
    batch = use(batch, auto_label_error=error, audit_rate=audit_rate)
    push_all(batch, cat, score=score)
    return batch


def people(batch, say=cat, *, count=20, at=NOON + MINUTE):
    """One more worker answers the next tasks, and the answers are combined."""
    done = answer_next(batch, a_worker(), say, count=count, now=at)
    aggregate.aggregate(batch=fresh(batch), now=at)
    return done


def look(batch, at=NOON + HOUR):
    return auto_label.auto_label_due(key=KEY, now=at)


def drawn(batch, rate=0.5):
    return audit_sample(ids_of(batch), rate, KEY)


def labelled(batch):
    rows = Consensus.objects.filter(task__batch=batch, source="model")
    return set(rows.values_list("task", flat=True))


def proven(**fields):
    """A batch of which so many were answered, all as predicted, that the rest may stand."""
    batch = modelled(**fields)
    for _ in range(2):
        people(batch)
    return batch


def test_nothing_stands_before_audits_prove_anything():
    batch = modelled()
    people(batch, count=10)

    assert look(batch) == 0

    said = auto_label.auto_label_report(fresh(batch), key=KEY)
    assert (said["threshold"], said["bound"], said["verdict"]) == (None, None, "unknown")
    assert said["audited"] == len(drawn(batch) & set(ids_of(batch)[:10]))
    assert "audits at least" in said["why"]


def test_what_nobody_was_given_and_no_audit_has_drawn_gets_the_prediction_as_its_consensus():
    batch = proven()
    answered = set(ids_of(batch)[:40])

    done = look(batch)

    expected = set(ids_of(batch)) - answered - drawn(batch)
    assert (labelled(batch), done) == (expected, len(expected))
    one = Consensus.objects.filter(source="model").first()
    assert (one.name, one.value, one.answers, one.method) == ("label", "cat", 0, "model:m 1")
    said = auto_label.auto_label_report(fresh(batch), key=KEY)
    assert one.confidence == pytest.approx(1 - said["bound"])
    assert 0 < said["bound"] <= ERROR
    assert (one.is_calibrated, one.raw_confidence) == (True, 0.999)


def test_its_slots_are_withdrawn_and_their_money_is_free():
    batch = proven(overlap=1)
    held = fresh(batch).reserved

    done = look(batch)

    assert fresh(batch).reserved == held - done * batch.unit.minor
    assert set(Task.objects.filter(pk__in=labelled(batch)).values_list("overlap", "is_open")) == {
        (0, False)
    }
    assert invariants.broken(now=NOON + HOUR, late=timedelta(days=9)) == []
    event = Event.objects.get(kind="batch_auto_labelled")
    assert (event.subject_id, event.data["tasks"]) == (batch.pk, done)


def test_another_look_changes_nothing():
    batch = proven()
    look(batch)
    before = list(Consensus.objects.order_by("pk").values())

    assert look(batch, NOON + 2 * HOUR) == 0

    assert list(Consensus.objects.order_by("pk").values()) == before


def test_a_task_that_somebody_was_given_stays_with_people():
    batch = proven()
    taken = claim(batch)

    look(batch)

    assert taken.task_id not in labelled(batch)


def test_a_task_given_back_by_a_worker_stays_with_people():
    batch = proven()
    taken = claim(batch)
    Assignment.objects.filter(pk=taken.pk).update(status="expired", finished_at=NOON)
    Task.objects.filter(pk=taken.task_id).update(remaining_overlap=1, is_open=True)

    look(batch)

    assert taken.task_id not in labelled(batch)


def test_only_what_the_model_is_sure_enough_of_stands():
    batch = modelled(200, error=0.3, score=lambda number: 0.999 if number % 2 else 0.4)
    for _ in range(7):
        people(batch, lambda number: "cat" if number % 2 else "dog")

    look(batch)

    numbers = {ids_of(batch).index(task) for task in labelled(batch)}
    assert numbers
    assert {number % 2 for number in numbers} == {1}


def test_a_model_that_is_often_wrong_labels_nothing():
    batch = modelled()
    for _ in range(3):
        people(batch, lambda number: "cat" if number % 2 else "dog")

    assert look(batch) == 0

    said = auto_label.auto_label_report(fresh(batch), key=KEY)
    assert said["threshold"] is None
    assert said["wrong"] > 0


def test_answers_given_with_a_prediction_in_view_are_no_audits():
    batch = published_batch(tasks=80, max_live_assignments=1000, aggregation="majority_vote")
    use(batch, prelabels=True)
    push_all(batch, cat, score=0.999)
    for _ in range(2):
        people(batch)

    batch = use(batch, auto_label_error=ERROR, audit_rate=0.5)

    assert look(batch) == 0
    assert auto_label.auto_label_report(batch, key=KEY)["audited"] == 0


def test_a_consensus_that_the_model_had_a_voice_in_is_no_audit_until_it_is_combined_again():
    batch = published_batch(tasks=80, max_live_assignments=1000, aggregation="majority_vote")
    use(batch, votes=True)
    push_all(batch, cat, score=0.999)
    people(batch)
    batch = use(batch, auto_label_error=ERROR, audit_rate=0.5, now=NOON + HOUR)
    before = auto_label.auto_label_report(batch, key=KEY)["audited"]

    aggregate.aggregate(batch=fresh(batch), now=NOON + 2 * HOUR)

    after = auto_label.auto_label_report(batch, key=KEY)["audited"]
    assert (before, after) == (0, len(drawn(batch) & set(ids_of(batch)[:20])))


def test_an_incomplete_prediction_never_stands_and_is_not_judged():
    two = [
        {"type": "choice", "name": name, "options": ["cat", "dog"]} for name in ("label", "other")
    ]
    batch = published_batch(
        tasks=60, project=a_project(interface=two), max_live_assignments=1000,
        aggregation="majority_vote",
    )  # fmt: skip
    batch = use(batch, auto_label_error=ERROR, audit_rate=0.5)
    push_all(batch, lambda _: {"label": "cat"}, score=0.999)
    people(batch, lambda _: {"label": "cat", "other": "dog"})

    assert look(batch) == 0
    assert auto_label.auto_label_report(batch, key=KEY)["audited"] == 0


# Broken


def broken():
    """A model that was right until the rest had been labelled, and is wrong ever after."""
    batch = proven(tasks=120)
    look(batch)
    assert labelled(batch)
    for _ in range(4):
        people(batch, lambda _: "dog", at=NOON + 2 * HOUR)
    return batch


def test_a_model_whose_errors_exceed_the_bound_switches_itself_off():
    batch = broken()
    stood = labelled(batch)

    assert auto_label.auto_label_report(fresh(batch), key=KEY)["verdict"] == "broken"
    assert look(batch, NOON + 3 * HOUR) == 0

    assert fresh(batch).auto_label_error is None
    waiting = Review.objects.filter(batch=batch, reason="audit", status="waiting")
    assert set(waiting.values_list("task", flat=True)) == stood
    assert waiting.first().proposal == {"label": "cat"}
    event = Event.objects.get(kind="batch_auto_label_stopped")
    assert (event.data["error"], event.data["reviews"]) == (ERROR, len(stood))
    assert event.data["watched_wrong"] > 0


def test_once_it_is_off_no_look_does_anything_more():
    batch = broken()
    look(batch, NOON + 3 * HOUR)

    assert look(batch, NOON + 4 * HOUR) == 0
    assert Event.objects.filter(kind="batch_auto_label_stopped").count() == 1


def test_allowed_again_it_starts_from_all_audits_so_far():
    batch = broken()
    look(batch, NOON + 3 * HOUR)

    batch = use(batch, auto_label_error=ERROR, audit_rate=0.5, now=NOON + 4 * HOUR)

    said = auto_label.auto_label_report(batch, key=KEY)
    assert (said["threshold"], said["watched"]) == (None, 0)
    assert said["wrong"] > 0
    assert fresh(batch).auto_label_error == ERROR


# The rest of the batch's life


def test_a_batch_whose_other_tasks_are_answered_ends_and_gives_back_what_it_saved():
    batch = proven(auto_accept_delay=timedelta(0))
    done = look(batch)
    while people(batch, at=NOON + 2 * HOUR):
        pass
    settle.accept_due(now=NOON + 3 * HOUR)
    settle.pay_accepted(now=NOON + 3 * HOUR)
    settle.wind_up(now=NOON + 3 * HOUR)

    ended = Batch.objects.get(pk=batch.pk)
    assert ended.status == "closed"
    assert ended.refunded_minor == done * batch.unit.minor
    assert escrow.gold_slots(ended, 1) == 0


def test_the_report_of_a_batch_without_a_bound_has_nothing_to_claim():
    batch = published_batch(tasks=1)

    said = auto_label.report(batch, key=KEY)

    assert said == {
        "prelabels": False,
        "votes": False,
        "auto_label_error": None,
        "audit_rate": 0.05,
        "auto_labelled": 0,
        "report": None,
    }


# When a threshold is chosen


@pytest.mark.parametrize(
    ("count", "earlier", "looks"),
    [
        (13, 0, []),  # 14 right ones prove an error rate below 0.2 with a confidence of 95 %
        (14, 0, [(14, 0.95)]),
        (40, 0, [(14, 0.95), (22, 1 - 0.1 / 6), (34, 1 - 0.1 / 12)]),
        (60, 50, [(50, 0.95)]),
    ],
)
def test_thresholds_are_chosen_at_growing_intervals_each_more_strictly(count, earlier, looks):
    assert least_audits(0.2, 0.95) == 14

    assert audits._looks(count, earlier, 0.2) == [
        (size, pytest.approx(confidence)) for size, confidence in looks
    ]


def audited(*right, score=0.999):
    return [audits.Audit(n, score, is_right, NOON) for n, is_right in enumerate(right)]


def test_audits_are_watched_by_what_was_in_force_when_they_came_in():
    stream = audited(*[True] * 14, *[False] * 3, *[True] * 3)

    chosen, confidence, watched = audits._choose(stream, 0, 0.2)

    assert (chosen.score, confidence) == (0.0, pytest.approx(0.95))
    assert watched == [False, False, False, True, True, True]


def test_what_was_accepted_once_is_watched_when_nothing_more_is_accepted():
    stream = audited(*[True] * 14, *[False] * 9)

    chosen, _, watched = audits._choose(stream, 0, 0.2)

    assert chosen.score is None  # chosen anew on 22
    assert watched == [False] * 9


def test_a_higher_threshold_later_does_not_hide_what_a_lower_one_let_through():
    sure, unsure = audited(*[True] * 14), audited(*[False] * 12, score=0.5)
    mixed = [each for pair in zip(audited(*[True] * 60), unsure * 5, strict=True) for each in pair]

    chosen, _, watched = audits._choose([*sure, *mixed], 0, 0.2)

    assert chosen.score is not None
    assert chosen.score > 0.5
    assert watched.count(False) > 50


def test_a_model_as_bad_as_the_bound_is_hardly_ever_let_through_at_any_look():
    """Nine looks at 600 audits; each at the level of 10 %, they would let 54 of 200 through."""
    let_through = 0
    for seed in range(200):
        draw = random.Random(seed).random
        stream = audited(*[draw() >= 0.2 for _ in range(600)])
        _, _, watched = audits._choose(stream, 0, 0.2)
        let_through += bool(watched)

    assert let_through <= 20
