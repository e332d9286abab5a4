"""Is a gold task still fit to judge workers by, and which tasks should become gold next?

A gold task dies in one of three ways. Its known answer was wrong, or may be disputed: then good
workers miss it. Its answer was passed around: then everybody knows it, and fast. Or it never
told anybody apart. Whoever missed a disputed gold task was measured wrongly: leave it out of
their skill.

All tests are exact. A test's level is strict because every gold task is tested, again and again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from scipy.stats import hypergeom

from tasks.aggregation.significance import chance_of_at_least

GOOD = 0.7  # skill from which a worker's dissent is heard
SUREST = 0.95  # no skill counts for more: everybody slips
LEAST_GOOD = 5  # answers of good workers before a dispute is believed
MOSTLY = 0.5  # share of good workers who are wrong
LEVEL = 0.001
AGREEING = 0.8  # share of the dissenters who give one and the same answer
LEVEL_AGREEING = 0.01  # where they do: wrong alone is a slip, wrong together is an argument
MOSTLY_AGREEING = 0.4
LEAST_LEAKED = 10  # answers
LEVEL_LEAKED = 0.005  # of each of the two tests that must both fail
FAST = 0.5  # of the worker's usual time
FAST_BY_CHANCE = 0.25  # share of answers that are this fast anyway
LEAST_WEAK = 5  # answers of weak or suspected workers, all right, that show a task too easy
LEAST_EXPOSED = 5  # workers who have met it, before a task is rotated


class GoldAnswer(NamedTuple):
    """One worker's answer to the gold task."""

    worker: int
    right: bool
    # Probability that this worker is right, from their *other* gold and the online model.
    skill: float
    label: str = ""  # what they answered; "" where answers cannot be compared
    seconds: float | None = None
    usual_seconds: float | None = None  # median of this worker's other answers in the batch
    suspected: bool = False  # of spamming: ``spam.CHECK``


class GoldRecord(NamedTuple):
    """All answers to one gold task, in order of time, and how many workers the batch has."""

    answers: Sequence[GoldAnswer]
    active_workers: int


class Health(StrEnum):
    KEEP = "keep"
    ROTATE = "rotate"
    UNINFORMATIVE = "uninformative"
    RETIRE_DISPUTED = "retire_disputed"
    RETIRE_LEAKED = "retire_leaked"


class Verdict(NamedTuple):
    health: Health
    why: str  # a sentence for the requester
    figures: dict[str, float]  # what the sentence rests on


class Candidate(NamedTuple):
    """A task whose consensus a person has reviewed."""

    task: int
    label: str
    answers: int  # workers who have answered it, and cannot be asked again


def health(record: GoldRecord, *, exposed: float = 0.25) -> Verdict:
    """Judge a gold task by its answers; the first of these that holds is returned.

    Disputed, leaked, uninformative, rotate (more than the share ``exposed`` of the active
    workers has met it), keep. A task without answers is kept.
    """
    return (
        _disputed(record.answers)
        or _leaked(record.answers)
        or _uninformative(record.answers)
        or _exposed(record, exposed)
        or Verdict(Health.KEEP, "Nothing speaks against this gold task.", _counts(record.answers))
    )


def draw_gold(
    candidates: Iterable[Candidate], count: int, *, present: Mapping[str, int] | None = None
) -> list[int]:
    """Choose up to ``count`` tasks to promote so that labels are as equally frequent as can be.

    Rare labels are thereby over-sampled: in the mix of the batch, whoever always gives the
    commonest label would pass. ``present`` is the number of gold tasks in use by label. The
    next task is of the label with least gold; ties go to the label rarer among the candidates,
    then to the alphabetically first. Within a label, those that fewest workers have met come
    first, then lower ids.
    """
    waiting: dict[str, list[Candidate]] = {}
    for candidate in sorted(candidates, key=lambda one: (-one.answers, -one.task)):
        waiting.setdefault(candidate.label, []).append(candidate)
    rarity = {label: len(tasks) for label, tasks in waiting.items()}
    gold = Counter(present or {})
    chosen: list[int] = []
    while waiting and len(chosen) < count:
        label = min(waiting, key=lambda name: (gold[name], rarity[name], name))
        chosen.append(waiting[label].pop().task)
        gold[label] += 1
        if not waiting[label]:
            del waiting[label]
    return chosen


def _counts(answers: Sequence[GoldAnswer]) -> dict[str, float]:
    right = sum(answer.right for answer in answers)
    return {"answers": len(answers), "right": right}


def _skill(answer: GoldAnswer) -> float:
    return min(max(answer.skill, 0.0), SUREST)


def _disputed(answers: Sequence[GoldAnswer]) -> Verdict | None:
    good = [answer for answer in answers if answer.skill >= GOOD and not answer.suspected]
    wrong = [answer for answer in good if not answer.right]
    if len(good) < LEAST_GOOD or not wrong:
        return None
    others = Counter(answer.label for answer in wrong if answer.label)
    rival, votes = min(others.items(), key=lambda item: (-item[1], item[0]), default=("", 0))
    agreeing = votes > 1 and votes >= AGREEING * len(wrong)
    level, mostly = (LEVEL_AGREEING, MOSTLY_AGREEING) if agreeing else (LEVEL, MOSTLY)
    p_value = chance_of_at_least(len(wrong), (1 - _skill(answer) for answer in good))
    if p_value >= level or len(wrong) < mostly * len(good):
        return None
    why = f"{len(wrong)} of {len(good)} good workers miss it"
    why += f", and {votes} of them answer {rival!r}." if agreeing else "."
    figures = {"good": len(good), "wrong": len(wrong), "agreeing": votes, "p_value": p_value}
    return Verdict(Health.RETIRE_DISPUTED, why, figures)


def _leaked(answers: Sequence[GoldAnswer]) -> Verdict | None:
    return _known_and_fast(answers) or _suddenly_known(answers)


def _excess(answers: Sequence[GoldAnswer]) -> float:
    """Return the chance that workers of these skills are right so often."""
    right = sum(answer.right for answer in answers)
    return chance_of_at_least(right, (_skill(answer) for answer in answers))


def _known_and_fast(answers: Sequence[GoldAnswer]) -> Verdict | None:
    timed = [one for one in answers if one.seconds is not None and one.usual_seconds]
    known = [one for one in timed if one.right]
    fast = sum((one.seconds or 0.0) < FAST * (one.usual_seconds or 0.0) for one in known)
    if len(timed) < LEAST_LEAKED:
        return None
    by_skill, by_time = _excess(timed), chance_of_at_least(fast, [FAST_BY_CHANCE] * len(known))
    if max(by_skill, by_time) >= LEVEL_LEAKED:
        return None
    why = (
        f"{len(known)} of {len(timed)} workers know it, more than their skills explain, and "
        f"{fast} of them in less than half their usual time."
    )
    figures = {"timed": len(timed), "right": len(known), "fast": fast}
    return Verdict(Health.RETIRE_LEAKED, why, {**figures, "p_skill": by_skill, "p_time": by_time})


def _suddenly_known(answers: Sequence[GoldAnswer]) -> Verdict | None:
    """Compare the later half with its skills and with the earlier half (Fisher's exact test)."""
    if len(answers) < 2 * LEAST_LEAKED:
        return None
    early, late = answers[: len(answers) // 2], answers[len(answers) // 2 :]
    before, after = (sum(answer.right for answer in half) for half in (early, late))
    by_skill = _excess(late)
    by_jump = float(hypergeom.sf(after - 1, len(answers), before + after, len(late)))
    if max(by_skill, by_jump) >= LEVEL_LEAKED:
        return None
    why = (
        f"{after} of its last {len(late)} answers are right, more than these workers' skills "
        f"explain; of the {len(early)} before, {before} were."
    )
    figures = {"early": len(early), "early_right": before, "late": len(late), "late_right": after}
    return Verdict(Health.RETIRE_LEAKED, why, {**figures, "p_skill": by_skill, "p_jump": by_jump})


def _uninformative(answers: Sequence[GoldAnswer]) -> Verdict | None:
    weak = [answer for answer in answers if answer.suspected or answer.skill < GOOD]
    if len(weak) < LEAST_WEAK or not all(answer.right for answer in answers):
        return None
    why = f"All {len(answers)} answers are right, {len(weak)} of them by weak or suspected workers."
    return Verdict(Health.UNINFORMATIVE, why, {**_counts(answers), "weak": len(weak)})


def _exposed(record: GoldRecord, exposed: float) -> Verdict | None:
    met = len({answer.worker for answer in record.answers})
    if met < LEAST_EXPOSED or met <= exposed * record.active_workers:
        return None
    why = f"{met} of {record.active_workers} active workers have met it."
    figures = {"met": met, "active_workers": record.active_workers}
    return Verdict(Health.ROTATE, why, {**_counts(record.answers), **figures})
