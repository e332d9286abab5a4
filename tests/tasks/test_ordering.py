"""Tasks that nobody has been given are put into the order of a model's doubt."""

from __future__ import annotations

import pytest

from tasks.assist import ordering, predict
from tasks.errors import IllegalTransition, InvalidOrder
from tasks.models import Batch, Task
from tasks.models.task import WAVES_FROM
from tests.factories import HOUR, NOON, a_project, a_worker, add_tasks, claim, published_batch, rows
from tests.tasks.asking import ask
from tests.tasks.predicting import ids_of, push, push_all
from tests.tasks.publishing import give
from workers.models import Event

pytestmark = pytest.mark.django_db


def reorder(batch, strategy="entropy"):
    return predict.reorder(batch=batch, strategy=strategy, actor=batch.project.requester, now=NOON)


def served(batch, count=20):
    return [
        int(each.input["image"][:-4]) for each in _in_order(ask(batch, a_worker(), count=count))
    ]


def _in_order(handout):
    positions = dict(Task.objects.values_list("pk", "position"))
    return sorted(handout.assignments, key=lambda each: positions[each.task_id])


@pytest.mark.parametrize("strategy", ordering.STRATEGIES)
def test_the_least_sure_is_served_first(strategy):
    batch = published_batch(tasks=5)
    push_all(batch, lambda _: "cat", score=lambda number: [0.9, 0.6, 0.95, 0.7, 0.99][number])

    assert reorder(batch, strategy) == 5

    assert served(batch) == [1, 3, 0, 2, 4]


def test_probabilities_count_more_than_the_score_and_the_least_sure_question_counts():
    asked = [
        {"type": "choice", "name": name, "options": ["cat", "dog"]} for name in ("label", "other")
    ]
    batch = published_batch(tasks=2, project=a_project(interface=asked))
    sure, unsure = {"cat": 0.99, "dog": 0.01}, {"cat": 0.5, "dog": 0.5}
    for number, second in enumerate([sure, unsure]):
        row = {"external_id": str(number), "value": {"label": "cat"}, "score": 0.99 - number / 100}
        push(batch, [{**row, "probabilities": {"label": sure, "other": second}}])

    reorder(batch)

    assert served(batch) == [1, 0]


@pytest.mark.parametrize("strategy", ordering.STRATEGIES)
def test_a_low_score_is_doubt_and_not_certainty_of_something_else(strategy):
    batch = published_batch(tasks=2)
    push_all(batch, lambda _: "cat", score=lambda number: [0.99, 0.0][number])

    reorder(batch, strategy)

    assert served(batch) == [1, 0]


def test_a_task_that_somebody_was_given_keeps_its_place():
    batch = published_batch(tasks=3, overlap=2)
    push_all(batch, lambda _: "cat", score=lambda number: [0.5, 0.6, 0.9][number])
    taken = claim(batch)

    assert reorder(batch) == 2

    assert Task.objects.get(pk=taken.task_id).position < WAVES_FROM
    assert served(batch) == [0, 1, 2]


def test_tasks_of_which_nothing_is_predicted_come_before_the_others():
    batch = published_batch(tasks=2)
    push(batch, [{"external_id": "0", "value": "cat", "score": 0.6}])

    reorder(batch)

    assert served(batch) == [1, 0]


def test_a_worker_who_has_come_far_meets_the_new_order():
    batch = published_batch(tasks=6)
    push_all(batch, lambda _: "cat", score=lambda number: 0.9 - number / 20)
    worker = a_worker()
    claim(batch, worker)
    claim(batch, worker)

    reorder(batch)
    reorder(batch)

    met = ask(batch, worker, count=1).assignments[0].input["image"]
    assert met == "5.png"
    assert Batch.objects.get().wave == 2


def test_tasks_that_come_later_are_served_before_what_the_model_has_ordered():
    batch = published_batch(tasks=1)
    push_all(batch, lambda _: "cat")
    reorder(batch)
    give(batch, 100)
    add_tasks(batch, rows(8)[7:], now=NOON + HOUR)

    assert served(batch) == [7, 0]


def test_an_unknown_strategy_moves_nothing():
    batch = published_batch(tasks=1)
    push_all(batch, lambda _: "cat")

    with pytest.raises(InvalidOrder, match="Known: entropy, least_confidence, margin"):
        reorder(batch, "luck")

    assert Task.objects.get().position < WAVES_FROM


def test_without_predictions_there_is_no_order():
    batch = published_batch(tasks=1)

    with pytest.raises(InvalidOrder):
        reorder(batch)

    assert Batch.objects.get().wave == 0


def test_a_batch_that_is_closing_hands_nothing_out():
    batch = published_batch(tasks=1)
    push_all(batch, lambda _: "cat")
    Batch.objects.update(status="closing")

    with pytest.raises(IllegalTransition):
        reorder(batch)


def test_an_order_is_an_event():
    batch = published_batch(tasks=2)
    push_all(batch, lambda _: "cat")

    reorder(batch, "margin")

    event = Event.objects.get(kind="batch_reordered")
    assert (event.subject_id, event.data) == (batch.pk, {"strategy": "margin", "tasks": 2})
    assert len(ids_of(batch)) == 2
