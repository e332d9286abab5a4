"""Whose answers look like spam, copies or a ring? Found by a job, put to a human as flags.

Nothing here restricts anybody. Rules on the collector ``spam`` read the same scores, and may ask
for more checking; whatever is more than that, a human decides.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.db.models import Exists, OuterRef

from tasks.aggregation import rings, spam
from tasks.aggregation.labels import Reading
from tasks.aggregation.online import Answers, Floats, OnlineModel
from tasks.aggregation.same_text import same_text
from tasks.alone import SUSPECT, alone
from tasks.checks import flags
from tasks.coding import Coding, coding
from tasks.models import Assignment, Batch, Cursor, Flag, Gold
from tasks.rules.facts import Spam
from tasks.rules.language import ASK_FROM
from tasks.versions import asked

MOST = 200_000  # answers looked at: the latest
PAIRS_MOST = 5_000  # pairs of workers compared: those who share most tasks
SMALL = 2_000  # answers up to which everything is computed whenever there is a new one
GROWN = 1.2  # times as many answers since the last time: then it is computed again
SURE = 0.95  # probability of spam from which a human is asked
NEWS = timedelta(hours=1)  # batches without an answer for longer are as they were
AGAIN = 2  # times the evidence a human has decided on, before the same is asked again
REMEMBERED = 64  # batches; the one longest unused is forgotten first


class Given(NamedTuple):
    """One answer, whatever became of it: a rejected one also says something about its worker."""

    task: int
    worker: int
    value: dict[str, Any]


class Finding(NamedTuple):
    """A reason for a human to look at one worker."""

    worker: int
    kind: str  # "spam", "ring" or "duplicates"
    sentence: str
    evidence: dict[str, Any]  # ``observations`` says how many answers it rests on


class Examined(NamedTuple):
    """What the answers of one batch came to."""

    answers: int  # that there were
    spam: dict[int, Spam]  # by worker
    findings: list[Finding]  # by kind, then by worker


def flag_suspects(*, now: datetime, limit: int = 50) -> int:
    """Look at up to ``limit`` batches with recent answers; return how many flags were raised.

    A question that waits already is not asked again, so runs that die, repeat or overlap raise
    nothing twice.
    """
    recent = Assignment.objects.filter(batch=OuterRef("pk"), submitted_at__gt=now - NEWS)
    due = Batch.objects.live().filter(Exists(recent), purpose=Batch.Purpose.WORK)
    return sum(_flag(batch, now) for batch in due.order_by("aggregated_at", "pk")[:limit])


def _flag(batch: Batch, now: datetime) -> int:
    with alone(SUSPECT, batch.pk) as mine:
        if not mine:
            return 0
        found = examined(batch).findings
        decided = _decided(batch) if found else {}
        return sum(
            flags.raise_flag(
                worker_id=each.worker,
                batch_id=batch.pk,
                kind=each.kind,
                sentence=each.sentence,
                evidence=each.evidence,
                now=now,
            )
            for each in found
            if each.evidence["observations"] >= AGAIN * decided.get((each.worker, each.kind), 0)
        )


def _decided(batch: Batch) -> dict[tuple[int, str], float]:
    """How much evidence humans have already decided on, by worker and kind."""
    rows = Flag.objects.filter(batch=batch).exclude(status=Flag.Status.WAITING)
    most: defaultdict[tuple[int, str], float] = defaultdict(float)
    for worker, kind, evidence in rows.values_list("worker_id", "kind", "evidence"):
        most[worker, kind] = max(most[worker, kind], evidence.get("observations", 0))
    return most


def examined(batch: Batch) -> Examined:
    """Return what this process last made of the batch, or anew when there is enough news.

    Nothing remembered is a truth of its own: it is a function of the answers.
    """
    answers = Assignment.objects.filter(batch=batch, submitted_at__isnull=False).count()
    stamp = (batch.pk, batch.created_at)
    known = _remembered.pop(stamp, None)
    enough = max(GROWN * known.answers, SMALL) if known else 0
    if known is None or (answers != known.answers and answers <= SMALL) or answers >= enough:
        known = examine(batch)._replace(answers=answers)
    _remembered[stamp] = known
    if len(_remembered) > REMEMBERED:
        _remembered.popitem(last=False)
    return known


def examine(batch: Batch) -> Examined:
    """Score every worker of the batch, and compare every pair of them.

    Spam and rings are read off the first question that has one class per answer; copies off the
    questions that have none, such as texts. Gold counts with its known answer.
    """
    given = list(_answers(batch))
    questions = asked(batch.version_id).checker.interface.questions
    coded = [code for code in map(coding, questions) if code and code.units == 1]
    known = _gold(batch)
    names = dict(Cursor.objects.filter(batch=batch).values_list("worker_id", "pseudonym"))
    scores: dict[int, Spam] = {}
    findings: list[Finding] = []
    if coded:
        heard = _heard(given, coded[0], known)
        if heard.workers:
            scores = _spam(heard)
            findings += [*_spammers(scores), *_rings(heard, names)]
    for question in questions:
        if coding(question) is None:
            findings += _copies(given, question.name, known, names)
    once = {(each.worker, each.kind): each for each in reversed(findings)}
    ordered = sorted(once.values(), key=lambda each: (each.kind, each.worker))
    return Examined(len(given), scores, ordered)


def _answers(batch: Batch) -> Iterator[Given]:
    rows = Assignment.objects.filter(batch=batch, submitted_at__isnull=False).order_by("-pk")
    fields = rows.values_list("task_id", "worker_id", "answer__value")[:MOST]
    yield from (Given(*row) for row in fields.iterator(chunk_size=2_000))


def _gold(batch: Batch) -> dict[int, Any]:
    live = Gold.objects.filter(task__batch=batch).exclude(retired_for__in=Gold.VOID)
    return dict(live.values_list("task_id", "answer"))


class Heard(NamedTuple):
    """The answers to one question as numbers, and what the others make of each task."""

    answers: Answers
    workers: list[int]  # ids, by number
    beliefs: Floats  # answer x class: without the answer's own voice; gold is known


def _heard(given: Sequence[Given], question: Coding, known: Mapping[int, Any]) -> Heard:
    said = [
        (each.task, each.worker, label)
        for each in given
        if question.name in each.value
        for _, label in question.code(each.value[question.name])
    ]
    tasks = {task: number for number, task in enumerate(sorted({each[0] for each in said}))}
    workers = sorted({each[1] for each in said})
    number_of = {worker: number for number, worker in enumerate(workers)}
    answers = Answers(
        np.array([tasks[each[0]] for each in said], np.int64),
        np.array([number_of[each[1]] for each in said], np.int64),
        np.array([each[2] for each in said], np.int64),
    )
    gold = {
        tasks[task]: question.code(answer[question.name])[0][1]
        for task, answer in known.items()
        if task in tasks and question.name in answer
    }
    return Heard(answers, workers, _beliefs(answers, len(tasks), len(workers), question, gold))


def _beliefs(
    answers: Answers, tasks: int, workers: int, question: Coding, gold: Mapping[int, int]
) -> Floats:
    if not workers:
        return np.zeros((0, question.classes))
    model = OnlineModel(answers, tasks=tasks, workers=workers, classes=question.classes, gold=gold)
    beliefs = model.refit().without_own_answer()
    for task, label in gold.items():
        beliefs[answers.tasks == task] = np.eye(question.classes)[label]
    return beliefs


def _spam(heard: Heard) -> dict[int, Spam]:
    found = spam.suspicion(heard.answers, heard.beliefs, len(heard.workers))
    counts = np.bincount(heard.answers.workers, minlength=len(heard.workers))
    return {
        worker: Spam(
            probability=float(found.spam[number]),
            random=float(found.random[number]),
            habit=float(found.habit[number]),
            reliability=float(found.reliability[number]),
            answers=int(counts[number]),
        )
        for number, worker in enumerate(heard.workers)
    }


def _spammers(scores: Mapping[int, Spam]) -> Iterator[Finding]:
    for worker, found in scores.items():
        if found.probability >= SURE and found.answers >= ASK_FROM:
            figures = {name: round(value, 4) for name, value in found._asdict().items()}
            yield Finding(
                worker,
                "spam",
                f"your {found.answers} answers look much like answers that do not depend on the"
                " task; a person will look at it before anything else happens.",
                {**figures, "observations": found.answers},
            )


def _rings(heard: Heard, names: Mapping[int, str]) -> Iterator[Finding]:
    pairs = [
        pair
        for pair in rings.pairs_above_chance(
            heard.answers, heard.beliefs, len(heard.workers), limit=PAIRS_MOST
        )
        if pair.shared >= ASK_FROM
    ]
    ids = heard.workers
    for ring in rings.rings(pairs):
        for member in sorted(ring):
            own = [
                _pair(names[ids[pair.b if pair.a == member else pair.a]], pair)
                for pair in pairs
                if member in {pair.a, pair.b} and {pair.a, pair.b} <= ring
            ]
            yield Finding(
                ids[member],
                "ring",
                f"your answers and those of {_others(len(ring) - 1)} agree more often than chance"
                " and skill explain; a person must look at each member before anything else"
                " happens.",
                {
                    "members": sorted(names[ids[each]] for each in ring),
                    "pairs": own,
                    "observations": max(pair["shared"] for pair in own),
                },
            )


def _copies(
    given: Sequence[Given], name: str, known: Mapping[int, Any], names: Mapping[int, str]
) -> Iterator[Finding]:
    """Find identical answers; not to gold, to which whoever is right says the same."""
    readings = [
        Reading(each.task, each.worker, each.value[name])
        for each in given
        if name in each.value and each.task not in known
    ]
    copies: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for pair in same_text(readings):
        if pair.shared >= ASK_FROM:
            copies[pair.a].append(_pair(names[pair.b], pair))
            copies[pair.b].append(_pair(names[pair.a], pair))
    for worker, pairs in sorted(copies.items()):
        yield Finding(
            worker,
            "duplicates",
            f"your answers are word for word those of {_others(len(pairs))} more often than"
            " chance explains; a person must look at each of you before anything else happens.",
            {
                "element": name,
                "pairs": pairs,
                "observations": max(pair["shared"] for pair in pairs),
            },
        )


def _pair(other: str, pair: Any) -> dict[str, Any]:
    figures = {
        key: float(f"{value:.4g}") if isinstance(value, float) else value
        for key, value in pair._asdict().items()
        if key not in {"a", "b"}
    }
    return {"worker": other, **figures}


def _others(count: int) -> str:
    return "another worker" if count == 1 else f"{count} other workers"


_remembered: OrderedDict[tuple[int, datetime], Examined] = OrderedDict()
