"""What a simulated worker writes into the form that the interface describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from marketplace.simulation import drawings
from marketplace.simulation.crowd import SimulatedWorker, likely_truth
from tasks.interface import Choice, Interface, Text

#: Tells what is true of an assignment, by what is asked; empty where nobody knows.
Oracle = Callable[[Mapping[str, Any]], Mapping[str, str]]
Lookalikes = Mapping[str, str | Sequence[str]]

WORDS = ("yes", "no", "perhaps", "unreadable", "nothing to see", "two of them")


def nobody_knows(assignment: Mapping[str, Any]) -> Mapping[str, str]:
    """Stand in for a truth that was not given."""
    return {}


def fill_in(
    interface: Interface,
    *,
    worker: SimulatedWorker,
    task: str,
    truth: Mapping[str, str],
    lookalikes: Lookalikes,
) -> dict[str, Any]:
    """Return the worker's answer to everything ``interface`` asks, in its shape."""
    given: dict[str, Any] = {}
    for question in interface.questions:
        condition = interface.conditions.get(question.name)
        if condition and not condition.holds(given):
            continue  # on a page of the survey that this worker is not shown
        if isinstance(question, Choice | Text):
            known = truth.get(question.name)
            given[question.name] = _answer(question, worker, task, known, lookalikes)
        else:
            key = f"{task}|{question.name}"
            given[question.name] = drawings.respond(question, worker, key, given)
    return given


def _answer(
    question: Choice | Text,
    worker: SimulatedWorker,
    task: str,
    truth: str | None,
    lookalikes: Lookalikes,
) -> str | list[str]:
    key = f"{task}|{question.name}"
    if isinstance(question, Text):
        words = [*WORDS, *([truth] if truth is not None else [])]
        known = truth if truth is not None else likely_truth(key, words, seed=worker.seed)
        return worker.choose(key, known, words, lookalikes)[: question.max_length]
    options = [option.value for option in question.options]
    if not question.multiple:
        known = truth if truth in options else likely_truth(key, options, seed=worker.seed)
        return worker.choose(key, known, options, lookalikes)
    return _ticked(question, options, worker, key, truth)


def _ticked(
    question: Choice, options: Sequence[str], worker: SimulatedWorker, key: str, truth: str | None
) -> list[str]:
    """Decide on each option by itself, then tick more or fewer until the number fits."""
    true_ones = set(truth.split("|")) if truth is not None else None
    ticked = []
    for option in options:
        place = f"{key}|{option}"
        if true_ones is None:
            known = likely_truth(place, ("yes", "no", "no"), seed=worker.seed)
        else:
            known = "yes" if option in true_ones else "no"
        if worker.choose(place, known, ("yes", "no"), {}) == "yes":
            ticked.append(option)
    spare = [option for option in options if option not in ticked]
    return (ticked + spare[: max(0, question.least - len(ticked))])[: question.most]
