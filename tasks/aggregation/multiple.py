"""Multiple choice: each option of a task is its own yes/no question.

This is binary relevance (Tsoumakas and Katakis, Multi-Label Classification, 2007): options
are aggregated one by one, so that any single-choice method serves, and what is lost is only
the knowledge that some options go together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from statistics import fmean
from typing import NamedTuple

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Consensus, Fit, Label

NO, YES = "no", "yes"  # a tie goes to the alphabetically first: an option needs a real majority


class Chosen(NamedTuple):
    options: tuple[str, ...]  # sorted; empty when no option won
    confidence: float  # in [0, 1]: that of the least certain option, chosen or not


class MultipleFit(NamedTuple):
    consensus: dict[int, Chosen]  # by task
    skills: dict[int, float]  # by worker: mean over the options; may be empty


def fit_multiple(
    answers: Sequence[tuple[int, int, frozenset[str]]],
    options: Collection[str],
    fit_one: Callable[[str, Sequence[Label]], Fit],
) -> MultipleFit:
    """Aggregate ``answers``, rows of (task, worker, options ticked), option by option.

    ``fit_one`` is given an option, and one label "yes" or "no" per answer. The
    confidence of a task is the lowest over its options. That bounds the probability of the
    whole set from above; the product would be that probability if options were independent,
    but they are not, and with many options it falls to nothing. An option that nobody ever
    ticked is left out with confidence 1, without asking ``fit_one``.

    Raises ``UnsupportedLabels`` when an answer has an option that is not in ``options``, and
    what ``fit_one`` raises.
    """
    ticked = frozenset[str]().union(*(options_ticked for _, _, options_ticked in answers))
    if unknown := sorted(ticked.difference(options)):
        raise UnsupportedLabels(f"{unknown[0]!r} is not one of the options.")
    fits = {option: fit_one(option, _yes_or_no(answers, option)) for option in sorted(ticked)}
    skills: defaultdict[int, list[float]] = defaultdict(list)
    for fit in fits.values():
        for worker, skill in fit.skills.items():
            skills[worker].append(skill)
    return MultipleFit(
        consensus={
            task: _chosen({option: fit.consensus[task] for option, fit in fits.items()})
            for task in {task for task, _, _ in answers}
        },
        skills={worker: fmean(of_options) for worker, of_options in skills.items()},
    )


def _yes_or_no(answers: Sequence[tuple[int, int, frozenset[str]]], option: str) -> list[Label]:
    return [
        Label(task, worker, YES if option in options_ticked else NO)
        for task, worker, options_ticked in answers
    ]


def _chosen(consensus: dict[str, Consensus]) -> Chosen:
    return Chosen(
        options=tuple(sorted(o for o, c in consensus.items() if c.label == YES)),
        confidence=min((c.confidence for c in consensus.values()), default=1.0),
    )
