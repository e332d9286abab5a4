"""What to ask next: tasks the model is least sure of first, with a share of random ones.

Source: B. Settles, Active Learning Literature Survey, University of Wisconsin-Madison,
Computer Sciences Technical Report 1648 (2009), section 3.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from math import floor, log

from tasks.learning.errors import UnknownStrategy

EXPLORE = 0.1
SLACK = 1e-6  # probabilities may sum to that much more than 1, by rounding
TIE = 12  # decimals: scores that differ beyond differ by rounding only


def least_confidence(probabilities: Mapping[str, float]) -> float:
    """Return 1 - the likeliest class's probability: from 0, sure, to below 1."""
    return 1.0 - _descending(probabilities)[0]


def margin(probabilities: Mapping[str, float]) -> float:
    """Return 1 - the lead of the likeliest class: from 0, sure, to 1, a tie of the first two."""
    first, second, *_ = [*_descending(probabilities), 0.0]
    return 1.0 - (first - second)


def entropy(probabilities: Mapping[str, float]) -> float:
    """Return the entropy in nats: from 0, sure, to the logarithm of the number of classes."""
    return -sum(share * log(share) for share in _descending(probabilities) if share > 0)


STRATEGIES: dict[str, Callable[[Mapping[str, float]], float]] = {
    "least_confidence": least_confidence,
    "margin": margin,
    "entropy": entropy,
}


def order(
    probabilities: Mapping[int, Mapping[str, float]],
    strategy: str = "entropy",
    *,
    seed: int = 0,
    explore: float = EXPLORE,
) -> list[int]:
    """Return the tasks in the order to ask them in, the least sure first.

    Of any first n places, floor(n · ``explore``) go to random tasks, whatever the model says:
    it does not know what it does not know, and a task it is wrongly sure of must not wait for
    ever. Random, there and for ties, is the order of a hash of ``seed`` and the task's id, so
    that the order of the mapping does not matter and a task keeps its place among the others.

    A model that names only some classes is read as giving the rest of 1 to one more class.
    No tasks give an empty list. Raises ``UnknownStrategy``, and ``ValueError`` for
    probabilities that are negative, sum to 0 or to more than 1, or an ``explore`` outside
    0 to 1.
    """
    if strategy not in STRATEGIES:
        raise UnknownStrategy(f"{strategy!r:.60} is not one of {', '.join(sorted(STRATEGIES))}.")
    if not 0 <= explore <= 1:
        raise ValueError(f"explore must be from 0 to 1, not {explore}")
    score = STRATEGIES[strategy]
    drawn = sorted(probabilities, key=lambda task: _draw(seed, task))
    # Sorting is stable: equal scores stay in the order of the draw.
    unsure = sorted(drawn, key=lambda task: -round(score(probabilities[task]), TIE))
    return list(_interleaved(unsure, drawn, explore))


def _interleaved(unsure: list[int], drawn: list[int], explore: float) -> Iterator[int]:
    """Take from ``drawn`` as often as ``explore`` says and from ``unsure`` else; each once."""
    by_score, by_draw = iter(unsure), iter(drawn)
    taken: set[int] = set()
    for place in range(len(unsure)):
        exploring = floor((place + 1) * explore) > floor(place * explore)
        # What a queue has passed is taken, so that either has a next one until the last place.
        task = next(task for task in (by_draw if exploring else by_score) if task not in taken)
        taken.add(task)
        yield task


def _descending(probabilities: Mapping[str, float]) -> list[float]:
    shares = sorted(probabilities.values(), reverse=True)
    total = sum(shares)
    if not shares or shares[-1] < 0 or not 0 < total <= 1 + SLACK:
        raise ValueError(f"{dict(probabilities)!r:.200} are no probabilities")
    return sorted([*shares, max(1 - total, 0.0)], reverse=True)


def _draw(seed: int, task: int) -> bytes:
    return hashlib.blake2b(f"{seed}:{task}".encode(), digest_size=16).digest()
