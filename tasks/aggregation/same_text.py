"""Did two workers hand in the same text more often than common answers explain?

A short or an obvious text is written by many. So a match counts by its rarity: the chance of
it is the share of the task's other workers who wrote the same, and no less than the share of
matches among all pairs of workers who wrote texts about as long.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

from tasks.aggregation.labels import Reading
from tasks.aggregation.significance import chance_of_at_least, discoveries
from tasks.aggregation.text import normalise

LEAST_SAME = 3  # identical answers before a pair is looked at: one may be a quotation
LEVEL = 0.01  # share of the findings that may be false


class SameText(NamedTuple):
    """Two workers, ``a`` < ``b``, whose answers are identical more often than chance has it."""

    a: int
    b: int
    shared: int  # tasks to which both gave a text long enough
    same: int
    expected: float  # identical answers, were they independent
    p_value: float


class _Meeting(NamedTuple):
    """Two workers' answers to one task."""

    length: int  # bits of the longer text's length
    same: bool
    share: float  # of the task's other workers who gave the text of either


def same_text(readings: Sequence[Reading], *, least: int = 20) -> list[SameText]:
    """Return pairs of workers with suspiciously many identical answers, surest first.

    Texts are compared as ``text.normalise`` leaves them, other values (boxes, spans, numbers)
    by their JSON; either counts if one of the two is at least ``least`` characters long.
    Corrected for the number of pairs by Benjamini and Hochberg's rule; ties go by ``a``, ``b``.
    """
    meetings = _meetings(readings, least)
    usual = _usual_matches(meetings)
    tested = [_tested(pair, met, usual) for pair, met in sorted(meetings.items())]
    believed = discoveries([pair.p_value for pair in tested], level=LEVEL)
    found = [pair for pair, sure in zip(tested, believed, strict=True) if sure]
    likely = [pair for pair in found if pair.same >= LEAST_SAME]
    return sorted(likely, key=lambda pair: (pair.p_value, pair.a, pair.b))


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return normalise(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _meetings(readings: Sequence[Reading], least: int) -> dict[tuple[int, int], list[_Meeting]]:
    by_task: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for task, worker, value in readings:
        by_task[task].append((worker, _plain(value)))
    meetings: defaultdict[tuple[int, int], list[_Meeting]] = defaultdict(list)
    for _, given in sorted(by_task.items()):
        counts = Counter(text for _, text in given)
        for (a, text_a), (b, text_b) in combinations(sorted(given), 2):
            length = max(len(text_a), len(text_b))
            if length < least:
                continue
            others = max(counts[text_a], counts[text_b]) - (2 if text_a == text_b else 1)
            share = others / max(len(given) - 2, 1)
            meetings[a, b].append(_Meeting(length.bit_length(), text_a == text_b, share))
    return meetings


def _usual_matches(meetings: dict[tuple[int, int], list[_Meeting]]) -> dict[int, float]:
    """Return by length how often texts match; half a pair more of each kind, so never 0 or 1."""
    same: Counter[int] = Counter()
    total: Counter[int] = Counter()
    for met in meetings.values():
        for meeting in met:
            total[meeting.length] += 1
            same[meeting.length] += meeting.same
    return {length: (same[length] + 0.5) / (count + 1) for length, count in total.items()}


def _tested(pair: tuple[int, int], met: Sequence[_Meeting], usual: dict[int, float]) -> SameText:
    chances = [min(max(usual[one.length], one.share), 1.0) for one in met]
    same = sum(one.same for one in met)
    p_value = chance_of_at_least(same, chances)
    return SameText(*pair, len(met), same, sum(chances), p_value)
