"""A model as one more annotator: its predictions beside people's labels, if independent.

Aggregation learns a confusion matrix for whoever answers; a model gets its own like anybody.
That is right only where the model has not learnt the labels it stands beside: a model that
repeats what it was taught looks infallible, and counts the same answers twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from tasks.aggregation.labels import Label
from tasks.learning.errors import NotIndependent

SHOWN = 5  # tasks named in a message


def independent(
    predictions: Mapping[int, str],
    *,
    trained_on: Collection[int] | None,
    held_out: Collection[int] = (),
) -> dict[int, str]:
    """Return ``predictions`` if they may count as evidence for their tasks.

    ``trained_on`` are the tasks whose labels the model has learnt, as its owner declares;
    ``held_out`` those of them that were predicted out of fold, by a model that has not
    (``baseline.Trained.folds``). Raises ``NotIndependent`` when any task is in the first and
    not in the second, or when nobody declared anything (None).
    """
    if trained_on is None:
        raise NotIndependent(
            "It is not known which tasks the model was trained on: declare trained_on, "
            "as an empty list if it has seen none of these tasks' labels."
        )
    seen = _seen(predictions, trained_on, held_out)
    if seen:
        named = ", ".join(str(task) for task in sorted(seen)[:SHOWN])
        raise NotIndependent(
            f"The model was trained on the labels of {len(seen)} of these tasks ({named}"
            f"{', …' if len(seen) > SHOWN else ''}): leave them out, or predict them out of fold."
        )
    return dict(predictions)


def evidence(
    predictions: Mapping[int, str],
    *,
    trained_on: Collection[int] | None,
    held_out: Collection[int] = (),
) -> dict[int, str]:
    """Return those of ``predictions`` that may count as evidence, by the same rule.

    With nothing declared that is none.
    """
    if trained_on is None:
        return {}
    seen = _seen(predictions, trained_on, held_out)
    return {task: label for task, label in predictions.items() if task not in seen}


def with_model(
    labels: Sequence[Label], predictions: Mapping[int, str], model_worker: int
) -> list[Label]:
    """Return ``labels`` and after them, by task, the model's as those of ``model_worker``.

    Tasks that nobody has answered get none: alone, the model would be its own consensus, and
    that is for ``conformal`` to allow. Pass only what ``independent`` or ``evidence`` gave.
    Raises ``ValueError`` when ``model_worker`` is among the workers already.
    """
    if any(label.worker == model_worker for label in labels):
        raise ValueError(f"worker {model_worker} has answers of their own")
    answered = {label.task for label in labels}
    said = [
        Label(task, model_worker, predictions[task])
        for task in sorted(predictions)
        if task in answered
    ]
    return [*labels, *said]


def _seen(
    predictions: Mapping[int, str], trained_on: Collection[int], held_out: Collection[int]
) -> set[int]:
    return predictions.keys() & (set(trained_on) - set(held_out))
