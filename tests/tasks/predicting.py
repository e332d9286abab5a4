"""What the tests of models say and look at."""

from __future__ import annotations

from tasks import answer, distribute
from tasks.assist import predict
from tasks.models import Task
from tests.factories import NOON, never_gold


def ids_of(batch):
    """The batch's tasks in the order of their upload."""
    return list(Task.objects.filter(batch=batch).order_by("pk").values_list("pk", flat=True))


def push(batch, rows, *, name="m", version="1", now=NOON):
    return predict.push(
        batch=batch,
        name=name,
        version=version,
        rows=rows,
        actor=batch.project.requester,
        now=now,
    )


def push_all(batch, say, *, score=0.99, **naming):
    """Predict ``say(number)`` of the task with that number, ``score`` sure."""
    rows = [
        {"task": pk, "value": say(number), "score": score(number) if callable(score) else score}
        for number, pk in enumerate(ids_of(batch))
    ]
    pushed = push(batch, rows, **naming)
    assert not pushed.rejected, pushed.rejections
    return pushed.predictor


def use(batch, *, now=NOON, **wanted):
    return predict.use(
        batch=batch, wanted=predict.Use(**wanted), actor=batch.project.requester, now=now
    )


def answer_next(batch, worker, say, *, count=20, now=NOON):
    """Claim up to ``count`` tasks and answer ``say(number)`` to each; return their numbers."""
    handout = distribute.claim(
        batch_id=batch.pk, worker=worker, count=count, now=now, draw=never_gold
    )
    done = []
    for each in handout.assignments:
        number = int(each.input["image"].removesuffix(".png"))
        answer.submit(assignment_id=each.id, worker=worker, answer=say(number), now=now)
        done.append(number)
    return done
