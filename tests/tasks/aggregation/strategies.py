"""Small random crowds: up to five tasks and five workers, a worker answering a task once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tasks.aggregation.labels import Label


def labels(classes: str = "abc", min_size: int = 1) -> st.SearchStrategy[list[Label]]:
    pairs = st.tuples(st.integers(0, 4), st.integers(0, 4))
    answers = st.dictionaries(pairs, st.sampled_from(classes), min_size=min_size, max_size=20)
    return answers.map(lambda given: [Label(*pair, label) for pair, label in given.items()])


def shuffles(values: Any) -> st.SearchStrategy[list[Any]]:
    return st.permutations(list(values))


def renamed(given: Sequence[Label], names: Sequence[int]) -> list[Label]:
    return [label._replace(worker=names[label.worker]) for label in given]
