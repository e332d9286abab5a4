"""Which predictions are shown to workers, and which count as a voice of their own."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from tasks import distribute
from tasks.assist import predictions
from tasks.learning import annotator
from tasks.models import Assignment, Batch, Prediction
from tests.factories import (
    NOON,
    a_worker,
    always_gold,
    claim,
    published_batch,
    rows,
    submitted,
)
from tests.tasks.asking import ask
from tests.tasks.predicting import ids_of, push, push_all, use

pytestmark = pytest.mark.django_db
CAT, DOG = {"label": "cat"}, {"label": "dog"}


def suggestions(handout):
    return [each.suggestion for each in handout.assignments]


# Shown to workers


def test_a_worker_is_shown_the_newest_version_s_prediction_and_it_is_noted():
    batch = published_batch(tasks=1)
    use(batch, prelabels=True)
    push_all(batch, lambda _: "cat", version="1")
    newest = push_all(batch, lambda _: "dog", version="2")
    push(batch, [{"external_id": "0", "value": "cat", "score": 0.1}], version="1")

    handout = ask(batch, a_worker())

    assert suggestions(handout) == [DOG]
    assert Assignment.objects.get().suggestion.predictor == newest


def test_a_task_of_which_the_newest_says_nothing_shows_what_an_older_one_said():
    batch = published_batch(tasks=1)
    use(batch, prelabels=True)
    push_all(batch, lambda _: "cat", version="1")
    silent = push(batch, [], version="2").predictor
    predictions.store(silent, [predictions.Said(ids_of(batch)[0], {})], now=NOON)

    assert suggestions(ask(batch, a_worker())) == [CAT]


def test_without_prelabels_nothing_is_shown_or_noted():
    batch = published_batch(tasks=1)
    push_all(batch, lambda _: "cat")

    assert suggestions(ask(batch, a_worker())) == [None]
    assert Assignment.objects.get().suggestion is None


def test_where_audits_vouch_for_the_model_everybody_works_blind():
    batch = published_batch(tasks=1)
    use(batch, prelabels=True, auto_label_error=0.1)
    push_all(batch, lambda _: "cat")

    assert suggestions(ask(batch, a_worker())) == [None]
    assert Assignment.objects.get().suggestion is None


def test_gold_has_its_suggestion_like_any_other_task():
    batch = published_batch(tasks=2, gold=1, gold_rate=0.3)
    use(batch, prelabels=True)
    push_all(batch, lambda _: "dog")

    handout = distribute.claim(
        batch_id=batch.pk, worker=a_worker(), count=2, now=NOON, draw=always_gold
    )

    assert Assignment.objects.filter(is_gold=True).exists()
    assert suggestions(handout) == [DOG] * len(handout.assignments)


@pytest.mark.parametrize("prelabels", [True, False])
def test_suggestions_cost_a_claim_no_query(prelabels, django_assert_num_queries):
    batch, worker = published_batch(tasks=30, max_live_assignments=50), a_worker()
    use(batch, prelabels=prelabels)
    push_all(batch, lambda _: "cat")
    claim(batch, worker)

    with django_assert_num_queries(4):  # savepoint, lock the cursor, take, release
        assert len(ask(batch, worker, count=20).assignments) == 20


def test_predictions_are_not_looked_for_unless_the_batch_shows_them():
    batch, worker = published_batch(tasks=30, max_live_assignments=50), a_worker()
    push_all(batch, lambda _: "cat")
    claim(batch, worker)
    reads = "SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_stat_xact_user_tables"
    reads += " WHERE relname = 'tasks_prediction'"

    def looked():
        with connection.cursor() as cursor:
            cursor.execute(reads)
            return cursor.fetchone()[0]

    before = looked()
    ask(batch, worker, count=20)
    blind = looked()
    use(batch, prelabels=True)
    ask(batch, worker, count=1)

    assert blind == before
    assert looked() > blind


# As one more annotator


def voting(**fields):
    return use(published_batch(**fields), votes=True)


def test_the_model_says_its_word_on_tasks_that_somebody_has_answered():
    batch = voting(tasks=3)
    push_all(batch, lambda number: ["cat", "dog", "cat"][number])
    submitted(batch)
    submitted(batch)
    first, second, _ = ids_of(batch)

    assert predictions.votes(batch) == [(first, -1, CAT), (second, -1, DOG)]


def test_it_says_nothing_where_it_has_not_been_asked_to():
    batch = published_batch(tasks=1)
    push_all(batch, lambda _: "cat")
    submitted(batch)

    assert predictions.votes(batch) == []


def test_it_has_no_say_where_it_may_have_learnt_the_answer():
    batch = voting(tasks=3)
    trained_on = {0: True, 1: False, 2: None}
    for _ in range(3):
        submitted(batch)
    ids = ids_of(batch)

    push(
        batch,
        [
            {"task": pk, "value": "cat", "trained_on": trained_on[number]}
            for number, pk in enumerate(ids)
        ],
    )

    said = dict.fromkeys(ids, "cat")
    independent = annotator.evidence(said, trained_on=[ids[0], ids[2]])
    assert [task for task, *_ in predictions.votes(batch)] == sorted(independent) == [ids[1]]


def test_it_does_not_second_an_answer_that_was_given_with_its_own_in_view():
    batch = use(published_batch(tasks=2, overlap=2), prelabels=True, votes=True)
    push(batch, [{"external_id": "0", "value": "cat"}])
    submitted(batch)
    other = a_worker()
    submitted(batch, worker=other)
    submitted(batch, worker=other)
    push(batch, [{"external_id": "1", "value": "dog", "trained_on": False}])

    assert predictions.votes(batch) == [(ids_of(batch)[1], -1, DOG)]


def test_only_the_newest_version_speaks():
    batch = voting(tasks=2)
    push_all(batch, lambda _: "cat", version="1")
    push(batch, [{"external_id": "1", "value": "dog"}], version="2")
    submitted(batch)
    submitted(batch)

    assert predictions.votes(batch) == [(ids_of(batch)[1], -1, DOG)]


def test_it_is_silent_where_audits_must_stay_independent_of_it():
    batch = published_batch(tasks=1)
    batch = use(batch, votes=True, auto_label_error=0.1)
    push_all(batch, lambda _: "cat")
    submitted(batch)

    assert predictions.votes(batch) == []


def test_a_rejected_answer_is_no_answer():
    batch = voting(tasks=1)
    push_all(batch, lambda _: "cat")
    submitted(batch)
    Assignment.objects.update(
        status="rejected", finished_at=NOON, reason="No.", decided_by=batch.project.requester
    )

    assert predictions.votes(batch) == []


def test_the_model_of_a_batch_is_the_newest_that_has_said_something_there():
    one = published_batch(tasks=1)
    other = published_batch(tasks=rows(1), project=one.project)
    first = push_all(one, lambda _: "cat", name="first")
    push_all(other, lambda _: "cat", name="second")

    assert predictions.model_of(one) == first
    assert predictions.model_of(Batch.objects.get(pk=other.pk)).name == "second"


def test_storing_many_at_once_keeps_each():
    batch = published_batch(tasks=predictions.CHUNK + 1)
    predictor = push(batch, []).predictor

    count = predictions.store(
        predictor, [predictions.Said(pk, CAT, 0.5) for pk in ids_of(batch)], now=NOON
    )

    assert count == Prediction.objects.count() == predictions.CHUNK + 1
    assert json.dumps(Prediction.objects.last().value) == '{"label": "cat"}'
