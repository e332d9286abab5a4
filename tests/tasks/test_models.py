"""The rows: how they are called, and which moves they know."""

from __future__ import annotations

import pytest

from tasks import aggregate, progress
from tasks.errors import IllegalTransition
from tasks.models import Answer, Assignment, Batch, Consensus, Cursor, Gold, Progress, TaskInput
from tests.factories import NOON, fresh, published_batch, submitted, usd

pytestmark = pytest.mark.django_db


def test_rows_say_what_they_are():
    batch = published_batch(tasks=1, gold=1, gold_rate=0.5, aggregation="majority_vote")
    waiting = fresh(submitted(batch))
    aggregate.aggregate_due(now=NOON)
    progress.count_due(now=NOON)
    task, gold = waiting.task, Gold.objects.get()

    assert {
        str(row)
        for row in [
            batch.project,
            batch.version,
            batch,
            task,
            TaskInput.objects.get(task=task),
            gold,
            waiting,
            Answer.objects.get(),
            Consensus.objects.get(),
            Progress.objects.get(),
        ]
    } == {
        "Cats or dogs",
        "Cats or dogs v1",
        f"Cats or dogs #{batch.pk}",
        f"task {task.pk}",
        f"input of {task.pk}",
        f"gold {gold.pk}",
        f"assignment {waiting.pk}: submitted",
        f"answer of {waiting.pk}",
        f"label of {task.pk}: cat",
        f"progress of {batch.pk}",
    }
    cursor = Cursor.objects.get()
    assert str(cursor) == cursor.pseudonym
    assert waiting.reward == batch.reward == usd(5)


@pytest.mark.parametrize("model", [Assignment, Batch])
def test_no_status_that_is_final_knows_a_move_and_every_other_is_reached(model):
    reached = set().union(*model.MOVES.values())

    assert all(model.MOVES.values())
    assert reached | {next(iter(model.Status))} == set(model.Status)


@pytest.mark.parametrize("status", Batch.Status)
def test_a_batch_makes_exactly_the_moves_it_knows(status):
    legal = Batch.MOVES.get(status, set())

    for wanted in set(Batch.Status) - legal:
        with pytest.raises(IllegalTransition, match=f"A batch that is {status} cannot become"):
            Batch(pk=1, status=status).move_to(wanted)


@pytest.mark.parametrize("status", Assignment.Status)
def test_an_assignment_makes_exactly_the_moves_it_knows(status):
    legal = Assignment.MOVES.get(status, set())

    for wanted in set(Assignment.Status) - legal:
        with pytest.raises(IllegalTransition, match=f"An assignment that is {status} cannot be"):
            Assignment(pk=1, status=status).move_to(wanted)
