"""Rankings: answers that are orders of items, best first, made one order per task.

Every order says of each pair of its items which is ahead. Pairs are weighed by how often their
worker agrees with the others about pairs, and the consensus is the order that goes against the
least weight: Kemeny's. Up to ``EXACT`` items all orders are tried; beyond that, Borda's order is
improved by swapping neighbours until no swap helps.

Sources: J. Kemeny, Mathematics without Numbers, Daedalus 88 (1959); C. Dwork et al., Rank
Aggregation Methods for the Web, WWW (2001), section 3 on neighbours.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation.canonical import Canonical, canonical, even_out
from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Found, Label, Merged, Reading

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EXACT = 7  # items: 5,040 orders
ROUNDS = 10
USUAL = 0.75  # share of pairs on which a worker agrees with the truth, a priori
STRENGTH = 6.0  # independent pairs that ``USUAL`` counts for
LEAST, MOST = 0.51, 0.98  # of that share: nobody is counted backwards, or decides alone
TIE = 1e-9  # weights this close are a tie: they differ by rounding only


class Question(NamedTuple):
    """One task: its items, and what each of its answers says of every two of them."""

    items: list[str]  # alphabetically
    workers: Ints  # code by answer
    ahead: Floats  # answers x items x items: 1 where the answer puts the row ahead, else 0
    worth: Floats  # by answer: independent pairs that each of its pairs counts for
    length: int  # items in the longest answer


def fit_rankings(readings: Sequence[Reading]) -> Merged:
    """Give each task one order of its items, best first.

    Values are lists of different items, best first. A list may name only the best: items it
    leaves out come after those it names, and it says nothing about their order. The consensus
    is as long as the task's longest answer. The confidence is the mean, over the pairs it puts
    in order, of the probability that this order is the true one. A skill is the probability
    that a worker puts two items in the true order.

    The order of ``readings`` and the workers' ids do not matter; of equally good orders the
    alphabetically first wins. A list of one item or none has no pair: its confidence is the
    share of answers that give it. No readings: nothing found. Raises ``UnsupportedLabels`` for
    a value that is no list of different strings, and when a worker answered a task twice.
    """
    table = canonical([Label(r.task, r.worker, json.dumps(_order(r.value))) for r in readings])
    orders = [json.loads(name) for name in table.classes]
    given: defaultdict[int, list[tuple[int, list[str]]]] = defaultdict(list)
    for task, worker, order in table.rows:
        given[task].append((worker, orders[order]))
    questions = {task: _question(answers) for task, answers in given.items()}
    shares = _shares(list(questions.values()), len(table.workers))
    consensus = {
        table.tasks[task]: _found(question, shares, [order for _, order in given[task]])
        for task, question in questions.items()
    }
    return Merged(consensus, _skills(questions.values(), shares, table))


def _order(value: object) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise UnsupportedLabels(f"{value!r} is not a list of items.")
    if len(set(value)) < len(value):
        raise UnsupportedLabels(f"{value!r} names an item twice.")
    return list(value)


def _question(answers: Sequence[tuple[int, list[str]]]) -> Question:
    items = sorted({item for _, order in answers for item in order})
    places = np.full((len(answers), len(items)), len(items))
    code = {item: number for number, item in enumerate(items)}
    for row, (_, order) in enumerate(answers):
        places[row, [code[item] for item in order]] = np.arange(len(order))
    # All pairs of n items follow from n - 1 of them: they are not independent.
    pairs = max(len(items) * (len(items) - 1) / 2, 1)
    return Question(
        items=items,
        workers=np.array([worker for worker, _ in answers]),
        ahead=(places[:, :, None] < places[:, None, :]).astype(float),
        worth=np.full(len(answers), max(len(items) - 1, 1) / pairs),
        length=max(len(order) for _, order in answers),
    )


def _shares(questions: Sequence[Question], workers: int) -> Floats:
    """Return by worker the share of pairs they order as the truth does, judged by the others."""
    shares = np.full(workers, USUAL)
    for _ in range(ROUNDS):
        right, counted = np.full(workers, STRENGTH * USUAL), np.full(workers, STRENGTH)
        for question in questions:
            if len(question.workers) > 1:
                agreed, pairs = _agreement(question, shares)
                np.add.at(right, question.workers, agreed * question.worth)
                np.add.at(counted, question.workers, pairs * question.worth)
        shares = np.clip(right / counted, LEAST, MOST)
    return shares


def _agreement(question: Question, shares: Floats) -> tuple[Floats, Floats]:
    """Return by answer the expected right pairs, by the other answers, and all its pairs."""
    votes = _weights(question, shares)[:, None, None] * question.ahead
    without_own = votes.sum(axis=0) - votes
    odds = without_own - without_own.transpose(0, 2, 1)
    agreed = (question.ahead / (1 + np.exp(-odds))).sum(axis=(1, 2))
    return agreed, question.ahead.sum(axis=(1, 2))


def _weights(question: Question, shares: Floats) -> Floats:
    right = shares[question.workers]
    return np.asarray(np.log(right / (1 - right)))


def _found(question: Question, shares: Floats, orders: Sequence[list[str]]) -> Found:
    votes = np.tensordot(_weights(question, shares), question.ahead, axes=1)
    order = _best(votes)[: question.length]
    named = [question.items[item] for item in order]
    if len(question.items) < 2:  # noqa: PLR2004 - no pair
        return Found(named, orders.count(named) / len(orders))
    left_out = [item for item in range(len(question.items)) if item not in order]
    pairs = [*combinations(order, 2), *((one, out) for one in order for out in left_out)]
    odds = np.array([votes[one, other] - votes[other, one] for one, other in pairs])
    return Found(named, float(np.mean(1 / (1 + np.exp(-odds)))))


def _best(votes: Floats) -> list[int]:
    return _exact(votes) if len(votes) <= EXACT else _improved(_borda(votes), votes)


def _exact(votes: Floats) -> list[int]:
    orders, pairs = _all_orders(len(votes))
    kept = pairs @ votes.ravel()
    return list(orders[int((kept >= kept.max(initial=0.0) - TIE).argmax())])


@lru_cache(maxsize=EXACT + 1)
def _all_orders(items: int) -> tuple[list[tuple[int, ...]], Floats]:
    """Return all orders, alphabetically, and for each the pairs it puts in order, as 0 and 1."""
    orders = list(permutations(range(items)))
    places = np.argsort(np.array(orders, dtype=np.int64).reshape(len(orders), items), axis=1)
    pairs = (places[:, :, None] < places[:, None, :]).astype(float)
    return orders, pairs.reshape(len(orders), -1)


def _borda(votes: Floats) -> list[int]:
    lead = np.round((votes - votes.T).sum(axis=1), 9)
    return sorted(range(len(votes)), key=lambda item: (-lead[item], item))


def _improved(order: list[int], votes: Floats) -> list[int]:
    """Insert each item in turn as far ahead as its neighbours' votes allow."""
    done: list[int] = []
    for item in order:
        place = len(done)
        while place and votes[item, done[place - 1]] > votes[done[place - 1], item] + TIE:
            place -= 1
        done.insert(place, item)
    return done


def _skills(questions: Iterable[Question], shares: Floats, table: Canonical) -> dict[int, float]:
    known = {
        worker
        for question in questions
        if len(question.workers) > 1 and len(question.items) > 1
        for worker in question.workers.tolist()
    }
    return even_out({worker: float(shares[worker]) for worker in known}, table)
