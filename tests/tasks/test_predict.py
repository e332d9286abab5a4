"""Models registered, predictions sent, and what a row of them must be."""

from __future__ import annotations

import pytest

from tasks.assist import predict
from tasks.errors import IllegalTransition, InvalidPredictor
from tasks.models import Batch, Prediction, Predictor, Task
from tests.factories import (
    HOUR,
    NOON,
    a_project,
    claim,
    drafted_batch,
    published_batch,
    rows,
    submitted,
)
from tests.tasks.predicting import ids_of, push
from workers.models import Event

pytestmark = pytest.mark.django_db
TWO_QUESTIONS = [
    {"type": "choice", "name": "label", "options": ["cat", "dog"]},
    {
        "type": "choice",
        "name": "seen",
        "options": ["ear", "paw", "tail"],
        "multiple": True,
        "min": 2,
    },
]


def stored(batch):
    found = Prediction.objects.filter(task__batch=batch).order_by("task")
    return list(found.values_list("value", "score", "has_seen_labels"))


def register(project, **fields):
    return predict.register(
        project=project, actor=project.requester, now=NOON, **{"name": "m", **fields}
    )


# Rows


def test_predictions_are_stored_by_task_or_by_external_id():
    batch = published_batch(tasks=3)
    first, *_ = ids_of(batch)

    pushed = push(
        batch,
        [
            {"task": first, "value": {"label": "cat"}, "score": 0.9},
            {"external_id": "2", "value": "dog"},
        ],
    )

    assert (pushed.predictions, pushed.unchanged, pushed.rejected) == (2, 0, 0)
    assert stored(batch) == [({"label": "cat"}, 0.9, False), ({"label": "dog"}, None, False)]
    assert Predictor.objects.get().kind == "pushed"
    event = Event.objects.get(kind="predictions_pushed")
    assert (event.subject_id, event.data["count"]) == (batch.pk, 2)


def test_a_prediction_may_answer_some_of_the_questions_in_canonical_form():
    batch = published_batch(project=a_project(interface=TWO_QUESTIONS))

    pushed = push(batch, [{"external_id": "0", "value": {"seen": ["tail", "ear"]}}])

    assert pushed.predictions == 1
    assert stored(batch)[0][0] == {"seen": ["ear", "tail"]}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (7, "must be an object"),
        ({"external_id": "0", "value": "cat", "colour": 1}, "no other fields than external_id"),
        ({"value": "cat"}, "either the task or the external_id"),
        ({"external_id": "0", "task": 1, "value": "cat"}, "either the task or the external_id"),
        ({"external_id": "9", "value": "cat"}, "No task has the external_id '9'"),
        ({"external_id": [], "value": "cat"}, "No task has the external_id"),
        ({"external_id": "twin", "value": "cat"}, "Several tasks have"),
        ({"task": 2**70, "value": "cat"}, "There is no task"),
        ({"task": True, "value": "cat"}, "There is no task True"),
        ({"external_id": "0"}, "must be one of"),
        ({"external_id": "0", "value": {}}, "some of the fields 'label'"),
        ({"external_id": "0", "value": "cow"}, "must be one of 'cat', 'dog'"),
        ({"external_id": "0", "value": {"label": "cat", "x": 1}}, "some of the fields 'label'"),
        ({"external_id": "0", "value": "cat", "score": 1.5}, "score must be a number"),
        ({"external_id": "0", "value": "cat", "score": True}, "score must be a number"),
        ({"external_id": "0", "value": "cat", "trained_on": 1}, "true or false"),
        ({"external_id": "0", "value": "cat", "probabilities": []}, "must be an object"),
        ({"external_id": "0", "value": "cat", "probabilities": {"x": {}}}, "must be an object"),
        (
            {"external_id": "0", "value": "cat", "probabilities": {"label": {"cow": 1}}},
            "name what cannot be answered",
        ),
        (
            {
                "external_id": "0",
                "value": "cat",
                "probabilities": {"label": {"cat": 0.9, "dog": 0.2}},
            },
            "and so their sum",
        ),
        (ValueError("The line is not acceptable JSON."), "The line is not acceptable JSON."),
    ],
)
def test_a_bad_row_is_named_and_good_ones_are_taken(row, reason):
    twins = [*rows(2), *rows(1), *rows(1)]
    batch = published_batch(tasks=[twins[1], *twinned(twins[2:]), twins[0]])

    pushed = push(batch, [row, {"external_id": "1", "value": "dog"}])

    assert (pushed.predictions, pushed.rejected) == (1, 1)
    assert pushed.rejections[0].row == 1
    assert reason in pushed.rejections[0].reason
    assert stored(batch) == [({"label": "dog"}, None, False)]


def twinned(some):
    return [type(row)(input=row.input, external_id="twin") for row in some]


def test_a_task_of_another_batch_is_not_there():
    other, batch = published_batch(tasks=1), published_batch(tasks=1)

    pushed = push(batch, [{"task": ids_of(other)[0], "value": "cat"}])

    assert pushed.rejected == 1
    assert not Prediction.objects.exists()


def test_a_second_row_about_a_task_is_refused():
    batch = published_batch(tasks=1)
    row = {"external_id": "0", "value": "cat"}

    pushed = push(batch, [row, {**row, "value": "dog"}])

    assert pushed.rejections == [(2, "An earlier row is about the same task.")]
    assert stored(batch) == [({"label": "cat"}, None, False)]


def test_without_a_score_it_is_the_probability_of_what_is_said():
    batch = published_batch(tasks=1)
    said = {"label": {"cat": 0.7, "dog": 0.3}}

    push(batch, [{"external_id": "0", "value": "dog", "probabilities": said}])

    assert Prediction.objects.get().score == 0.3
    assert Prediction.objects.get().probabilities == said


# Said again


def test_a_later_word_of_the_same_version_replaces_the_first():
    batch = published_batch(tasks=2)
    push(batch, [{"external_id": "0", "value": "cat"}, {"external_id": "1", "value": "cat"}])

    again = push(
        batch, [{"external_id": "0", "value": "dog"}, {"external_id": "1", "value": "cat"}]
    )

    assert (again.predictions, again.unchanged) == (1, 1)
    assert [value["label"] for value, *_ in stored(batch)] == ["dog", "cat"]


def test_another_version_speaks_beside_the_first():
    batch = published_batch(tasks=1)

    for version in "1", "2":
        push(batch, [{"external_id": "0", "value": "cat"}], version=version)

    assert Prediction.objects.count() == 2


def test_what_a_worker_was_shown_stays_as_it_was_shown():
    batch = published_batch(tasks=1)
    Batch.objects.update(prelabels=True)
    push(batch, [{"external_id": "0", "value": "cat"}])
    claim(batch)

    again = push(batch, [{"external_id": "0", "value": "dog"}])

    assert (again.predictions, again.unchanged) == (0, 1)
    assert stored(batch)[0][0] == {"label": "cat"}


def test_a_prediction_made_after_an_answer_may_have_learnt_it_unless_its_owner_says_not():
    batch = published_batch(tasks=3)
    for _ in range(2):
        submitted(batch)

    push(
        batch,
        [
            {"external_id": "0", "value": "cat"},
            {"external_id": "1", "value": "cat", "trained_on": False},
            {"external_id": "2", "value": "cat"},
        ],
    )

    assert [seen for *_, seen in stored(batch)] == [True, False, False]


def test_a_prediction_repeated_after_an_answer_is_still_the_one_made_before():
    batch = published_batch(tasks=1)
    push(batch, [{"external_id": "0", "value": "cat"}])
    submitted(batch)

    push(batch, [{"external_id": "0", "value": "cat"}], now=NOON + HOUR)

    assert stored(batch) == [({"label": "cat"}, None, False)]


def test_a_closed_batch_takes_no_predictions():
    batch = published_batch(tasks=1)
    batch.status = Batch.Status.CLOSED

    with pytest.raises(IllegalTransition):
        push(batch, [{"external_id": "0", "value": "cat"}])

    assert not Predictor.objects.exists()


# Models


def test_registering_a_version_again_gives_the_one_there_is():
    project = a_project()

    first = register(project, kind="backend", url="http://model.example", version="a")
    second = register(project, kind="backend", url="http://model.example", version="a")

    assert first.pk == second.pk
    assert Event.objects.filter(kind="predictor_registered").count() == 1


def test_a_version_is_not_moved_to_another_address():
    project = a_project()
    register(project, kind="backend", url="http://model.example")

    with pytest.raises(InvalidPredictor, match="another address"):
        register(project, kind="backend", url="http://other.example")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"kind": "backend"}, "needs its url"),
        ({"kind": "pushed", "url": "http://model.example"}, "needs its url"),
    ],
)
def test_only_a_backend_has_an_address(fields, why):
    with pytest.raises(InvalidPredictor, match=why):
        register(a_project(), **fields)


def test_a_name_belongs_to_one_kind_of_model():
    batch = drafted_batch()
    register(batch.project, kind="baseline")

    with pytest.raises(InvalidPredictor, match="kind baseline"):
        push(batch, [])


def test_a_baseline_needs_a_single_choice_to_learn():
    texts = a_project(interface=[{"type": "text", "name": "caption"}])

    with pytest.raises(InvalidPredictor, match="none is asked"):
        register(texts, kind="baseline")


# What they are for


def test_what_predictions_are_for_is_noted_and_told():
    batch = published_batch(tasks=1)
    wanted = predict.Use(prelabels=True, auto_label_error=0.1, audit_rate=0.2)

    predict.use(batch=batch, wanted=wanted, actor=batch.project.requester, now=NOON)

    fresh = Batch.objects.get(pk=batch.pk)
    assert (fresh.prelabels, fresh.model_votes) == (True, False)
    assert (fresh.auto_label_error, fresh.audit_rate) == (0.1, 0.2)
    assert Event.objects.get(kind="batch_model_set").data["audit_rate"] == 0.2


@pytest.mark.parametrize("votes", [(True,), (True, False)])
def test_answers_are_combined_again_once_the_model_votes_or_no_longer_does(votes):
    batch = published_batch(tasks=2)
    answers = [submitted(batch), submitted(batch)]

    for each in votes:
        for answer in answers:
            type(answer).objects.filter(pk=answer.pk).update(aggregated_at=NOON)
        predict.use(
            batch=batch, wanted=predict.Use(votes=each), actor=batch.project.requester, now=NOON
        )

        assert type(answers[0]).objects.filter(aggregated_at=None).count() == 1


def test_a_closing_batch_is_past_predictions():
    batch = published_batch(tasks=1)
    Batch.objects.update(status="closing")

    with pytest.raises(IllegalTransition):
        predict.use(
            batch=batch, wanted=predict.Use(votes=True), actor=batch.project.requester, now=NOON
        )

    assert not Batch.objects.get().model_votes
    assert Task.objects.filter(batch=batch).count() == 1
