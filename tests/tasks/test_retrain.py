"""The built-in text model: trained as labels arrive, never judged on what it has learnt."""

from __future__ import annotations

import json

import pytest

from tasks import aggregate, answer, distribute, draft
from tasks.assist import predict, predictions, retrain
from tasks.learning import baseline
from tasks.models import Batch, Consensus, Prediction, Predictor, Task
from tasks.models.task import WAVES_FROM
from tasks.rows import Row
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_project,
    a_requester,
    a_worker,
    never_gold,
    published_batch,
    rows,
)
from tests.tasks.predicting import ids_of, use
from workers.models import Event

pytestmark = pytest.mark.django_db
CHOICE = {"type": "choice", "name": "label", "options": ["cat", "dog"]}
INTERFACE = [{"type": "text", "value": "${text}"}, CHOICE]
SOUNDS = {"cat": "it purrs and meows", "dog": "it barks and wags"}


def texts(count):
    """Rows that say alternately what cats and what dogs do."""
    said = [f"{SOUNDS[label_of(number)]}, number {number}" for number in range(count)]
    return [
        Row(input=json.dumps({"text": text, "url": "zzz"}), external_id=str(number))
        for number, text in enumerate(said)
    ]


def label_of(number):
    return "cat" if number % 2 == 0 else "dog"


def registered(tasks=80, *, interface=None, requester=None, **fields):
    project = a_project(requester=requester, interface=interface or INTERFACE)
    batch = published_batch(
        tasks=texts(tasks),
        project=project,
        max_live_assignments=1000,
        aggregation="majority_vote",
        **fields,
    )
    predict.register(
        project=project, name="words", kind="baseline", actor=project.requester, now=NOON
    )
    return batch


def label(batch, count, *, at=NOON + MINUTE):
    """One more worker answers rightly, and the answers are combined."""
    worker = a_worker()
    while count > 0:
        handout = distribute.claim(
            batch_id=batch.pk, worker=worker, count=min(20, count), now=at, draw=never_gold
        )
        for each in handout.assignments:
            said = "cat" if "purrs" in each.input["text"] else "dog"
            answer.submit(assignment_id=each.id, worker=worker, answer=said, now=at)
        count -= len(handout.assignments)
    aggregate.aggregate(batch=Batch.objects.get(pk=batch.pk), now=at)


def test_a_baseline_learns_from_the_labels_and_predicts_every_task():
    batch = registered()
    label(batch, 50)

    assert retrain.retrain_due(now=NOON + HOUR) == 1

    newest = Predictor.objects.latest("pk")
    assert (newest.name, newest.version, newest.kind) == ("words", "1", "baseline")
    said = list(Prediction.objects.filter(predictor=newest).order_by("task"))
    assert [each.task_id for each in said] == ids_of(batch)
    assert [each.value["label"] for each in said] == [label_of(number) for number in range(80)]
    assert all(each.score == each.probabilities["label"][each.value["label"]] for each in said)
    event = Event.objects.get(kind="baseline_trained")
    assert (event.subject_id, event.data["version"], event.data["accuracy"]) == (
        batch.project_id,
        "1",
        1.0,
    )


def test_labelled_tasks_are_predicted_out_of_fold_so_that_its_word_on_them_counts():
    batch = use(registered(), votes=True)
    label(batch, 50)

    retrain.retrain_due(now=NOON + HOUR)

    assert not Prediction.objects.filter(has_seen_labels=True).exists()
    assert len(predictions.votes(batch)) == 50
    shown = dict(Task.objects.values_list("pk", "input__data__text"))
    known = {pk: label_of(number) for number, pk in enumerate(ids_of(batch)) if number < 50}
    alone = baseline.train(shown, known)
    told = {each.task_id: each.score for each in Prediction.objects.all()}
    assert told == pytest.approx(
        {task: each.probabilities[each.label] for task, each in alone.predictions.items()}
    )


def test_open_tasks_are_put_into_the_order_of_its_doubt():
    batch = registered()
    label(batch, 50)

    retrain.retrain_due(now=NOON + HOUR)

    untouched = Task.objects.filter(batch=batch, is_open=True)
    assert untouched.count() == untouched.filter(position__gte=WAVES_FROM).count() == 30
    assert Batch.objects.get().wave == 1


def test_it_waits_until_enough_answers_are_new():
    batch = registered(160)
    label(batch, 49)
    assert retrain.retrain_due(now=NOON + HOUR) == 0
    label(batch, 1)
    assert retrain.retrain_due(now=NOON + HOUR) == 1

    label(batch, 49, at=NOON + 2 * HOUR)
    assert retrain.retrain_due(now=NOON + 3 * HOUR) == 0
    label(batch, 1, at=NOON + 2 * HOUR)
    assert retrain.retrain_due(now=NOON + 3 * HOUR) == 1

    assert sorted(Predictor.objects.values_list("version", flat=True)) == ["0", "1", "2"]
    assert retrain.retrain_due(now=NOON + 3 * HOUR) == 0


def test_labels_that_teach_nothing_leave_nothing_behind():
    batch = registered(interface=[CHOICE, {"type": "text", "value": "${text}"}])
    label(batch, 50)
    Consensus.objects.update(value="cat")

    assert retrain.retrain_due(now=NOON + HOUR) == 0

    assert Predictor.objects.get().version == "0"
    assert Batch.objects.get().wave == 0


def test_a_model_s_own_labels_teach_it_nothing():
    batch = registered()
    label(batch, 50)
    Consensus.objects.update(source="model", answers=0)

    assert retrain.retrain_due(now=NOON + HOUR) == 0


def test_batches_that_ask_the_same_learn_together_and_others_apart():
    first = registered(30)
    same = published_batch(
        tasks=texts(30),
        project=first.project,
        max_live_assignments=1000,
        aggregation="majority_vote",
    )
    label(first, 30)
    label(same, 20)

    assert retrain.retrain_due(now=NOON + HOUR) == 1

    assert Prediction.objects.count() == 60
    assert {batch.pk for batch in retrain.alike(first.project_id)} == {first.pk, same.pk}


def test_a_batch_of_a_version_that_asks_otherwise_is_no_material():
    batch = registered(30)
    other = [{"type": "choice", "name": "label", "options": ["cat", "cow"]}]
    draft.revise_project(project=batch.project, instructions="", interface=other, now=NOON)
    newer = published_batch(tasks=rows(1), project=batch.project)

    assert [each.pk for each in retrain.alike(batch.project_id)] == [newer.pk]


def test_one_run_trains_one_model_so_that_other_jobs_get_their_turn():
    for _ in range(2):
        label(registered(requester=a_requester()), 50)

    assert [retrain.retrain_due(now=NOON + HOUR) for _ in range(3)] == [1, 1, 0]


def test_no_more_texts_are_read_than_one_run_can_bear(monkeypatch):
    batch = registered()
    label(batch, 50)
    monkeypatch.setattr(retrain, "TEXTS_MAX", 60)

    retrain.retrain_due(now=NOON + HOUR)

    ids = ids_of(batch)
    told = set(Prediction.objects.values_list("task", flat=True))
    assert told == {*ids[20:50], *ids[50:]}  # the 30 newest with a label, and all 30 without


def test_no_more_characters_are_read_than_one_run_can_bear(monkeypatch):
    batch = registered()
    label(batch, 50)
    monkeypatch.setattr(retrain, "CHARACTERS_MAX", 1_000)

    assert retrain.retrain_due(now=NOON + HOUR) == 1
    # The newest first: texts of 28 and 29 characters in turn.
    assert Prediction.objects.count() == 35


def test_only_what_is_shown_as_text_is_read():
    batch = registered(1)
    interface = retrain.asked(batch.version_id).checker.interface
    paged = {
        "type": "survey",
        "pages": [{"title": "p", "elements": [{"type": "html", "value": "<b>${b}</b>"}, CHOICE]}],
    }
    survey = a_project(interface=[{"type": "image", "value": "${url}"}, paged])

    assert retrain._shown(interface) == ["text"]
    assert retrain._shown(retrain.asked(survey.latest.pk).checker.interface) == ["b"]
    assert retrain._shown(retrain.asked(a_project().latest.pk).checker.interface) is None


def test_many_classes_are_learnt_from_fewer_labels_so_that_a_run_stays_short(monkeypatch):
    batch = registered()
    label(batch, 50)
    monkeypatch.setattr(retrain, "CELLS_MAX", 60)

    [question] = retrain.asked(batch.version_id).checker.interface.questions
    found = retrain._material([batch], question)

    ids = ids_of(batch)
    assert set(found.labels) == set(ids[20:50])
    assert set(found.texts) == set(ids)  # the others as if they had none
