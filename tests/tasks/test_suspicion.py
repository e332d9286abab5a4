"""Spam, rings and copies are found in the answers and put to a human; nobody is restricted."""

from __future__ import annotations

import pytest

from tasks import answer, distribute
from tasks.checks import flags, restrict, suspicion
from tasks.models import Cursor, Flag, Restriction
from tests.factories import (
    HOUR,
    NOON,
    a_project,
    a_requester,
    a_worker,
    never_gold,
    published_batch,
    rows,
    seeded,
)
from tests.tasks.restricting import more_gold, rule, ruled_batch, say
from workers.models import Worker

pytestmark = pytest.mark.django_db
OPTIONS = ["cat", "dog", "bird", "fish"]
FOUR = [{"type": "choice", "name": "label", "options": OPTIONS}]
TEXT = [{"type": "text", "name": "said"}]
TASKS = 30


@pytest.fixture(autouse=True)
def nothing_remembered():
    suspicion._remembered.clear()


def a_batch(interface=FOUR, **fields):
    return published_batch(
        tasks=rows(TASKS),
        overlap=12,
        project=a_project(interface=interface),
        max_live_assignments=100,
        **fields,
    )


def work(batch, worker, name, values, *, tasks=TASKS):
    """Answer the first ``tasks`` tasks, ``values[number]`` to the task with that number."""
    left = tasks
    while left:
        given = distribute.claim(
            batch_id=batch.pk, worker=worker, count=min(left, 20), now=NOON, draw=never_gold
        ).assignments
        for each in given:
            number = int(each.input["image"].removesuffix(".png"))
            said = {name: values[number]}
            answer.submit(assignment_id=each.id, worker=worker, answer=said, now=NOON)
        left -= len(given)


def honest(truth, random, skill=0.85):
    return [right if random.random() < skill else random.choice(OPTIONS) for right in truth]


def crowd(batch, *others, count=7, seed=3):
    """Seven honest workers, and what others say; return all of them."""
    random = seeded(seed)
    truth = [random.choice(OPTIONS) for _ in range(TASKS)]
    said = [honest(truth, random) for _ in range(count)]
    workers = [a_worker() for _ in range(count + len(others))]
    for worker, values in zip(
        workers, [*said, *(make(truth, random) for make in others)], strict=True
    ):
        work(batch, worker, "label", values)
    return workers


def one_button(truth, random):
    return ["cat"] * len(truth)


def at_random(truth, random):
    return [random.choice(OPTIONS) for _ in truth]


def found(kind):
    return set(Flag.objects.filter(kind=kind).values_list("worker", flat=True))


def test_an_honest_crowd_is_not_asked_about():
    batch = a_batch()
    crowd(batch)

    assert suspicion.flag_suspects(now=NOON) == 0

    assert not Flag.objects.exists()


@pytest.mark.parametrize("spam", [one_button, at_random])
def test_a_spammer_is_put_to_a_human_with_the_figures(spam):
    batch = a_batch()
    *_, spammer = crowd(batch, spam)

    assert suspicion.flag_suspects(now=NOON) == 1

    flag = Flag.objects.get()
    assert (flag.worker, flag.kind, flag.status) == (spammer, "spam", "waiting")
    assert set(flag.evidence) == {
        "probability", "random", "habit", "reliability", "answers", "observations",
    }  # fmt: skip
    assert flag.evidence["probability"] > 0.95
    assert flag.evidence["observations"] == TASKS
    assert "a person will look at it" in flag.sentence
    assert not Restriction.objects.exists()
    assert all(worker.is_active for worker in Worker.objects.all())


def test_fewer_than_ten_answers_are_no_question():
    batch = a_batch()
    crowd(batch)
    work(batch, a_worker(), "label", ["cat"] * TASKS, tasks=9)

    assert suspicion.flag_suspects(now=NOON) == 0


def test_a_ring_is_put_to_a_human_member_by_member_under_pseudonyms():
    batch = a_batch()
    copied = honest(["cat"] * TASKS, seeded(9), 0.4)
    *_, one, two, three = crowd(batch, *[lambda truth, random: copied] * 3)

    suspicion.flag_suspects(now=NOON)

    assert found("ring") == {one.pk, two.pk, three.pk}
    names = dict(Cursor.objects.filter(batch=batch).values_list("worker", "pseudonym"))
    flag = Flag.objects.get(worker=one, kind="ring")
    assert flag.evidence["members"] == sorted(names[each.pk] for each in (one, two, three))
    assert {pair["worker"] for pair in flag.evidence["pairs"]} == {names[two.pk], names[three.pk]}
    for pair in flag.evidence["pairs"]:
        assert (pair["shared"], pair["agreed"]) == (TASKS, TASKS)
        assert pair["expected"] < TASKS
    assert "a person must look at each member" in flag.sentence


def test_texts_that_two_workers_share_word_for_word_are_put_to_a_human():
    batch = a_batch(TEXT)
    workers = [a_worker() for _ in range(6)]
    for number, worker in enumerate(workers):
        author = min(number, 4)  # the last copies the one before
        texts = [f"What worker {author} saw in picture {task} of many" for task in range(TASKS)]
        work(batch, worker, "said", texts)

    assert suspicion.flag_suspects(now=NOON) == 2

    assert found("duplicates") == {workers[4].pk, workers[5].pk}
    flag = Flag.objects.get(worker=workers[4])
    assert (flag.evidence["element"], flag.evidence["observations"]) == ("said", TASKS)
    assert flag.evidence["pairs"][0]["same"] == TASKS


def test_running_again_asks_nothing_twice():
    batch = a_batch()
    crowd(batch, one_button)
    suspicion.flag_suspects(now=NOON)

    assert suspicion.flag_suspects(now=NOON) == 0
    suspicion._remembered.clear()
    assert suspicion.flag_suspects(now=NOON) == 0

    assert Flag.objects.count() == 1


def test_what_a_human_has_decided_on_is_asked_again_on_twice_the_evidence_only():
    batch = a_batch()
    *_, spammer = crowd(batch, lambda truth, random: ["cat"] * TASKS)
    suspicion.flag_suspects(now=NOON)
    flags.dismiss(flag=Flag.objects.get(), reason="All cats.", actor=a_requester(), now=NOON)

    assert suspicion.flag_suspects(now=NOON) == 0
    half = Flag.objects.get()
    Flag.objects.update(evidence={**half.evidence, "observations": TASKS // 2})
    assert suspicion.flag_suspects(now=NOON) == 1

    waiting = Flag.objects.get(status="waiting")
    assert (waiting.worker, waiting.kind) == (spammer, "spam")


def test_a_batch_without_recent_answers_is_left_alone():
    crowd(a_batch(), one_button)

    assert suspicion.flag_suspects(now=NOON + 2 * HOUR) == 0


def test_a_large_batch_is_computed_again_only_when_it_has_grown(monkeypatch):
    batch = a_batch()
    crowd(batch, count=3)
    monkeypatch.setattr(suspicion, "SMALL", 10)
    before = suspicion.examined(batch)

    work(batch, a_worker(), "label", ["cat"] * TASKS, tasks=10)  # 90 → 100
    assert suspicion.examined(batch) is before
    work(batch, a_worker(), "label", ["cat"] * TASKS, tasks=8)  # 108 is 1.2 times as many
    assert suspicion.examined(batch).answers == 108


def test_a_small_batch_is_computed_at_every_answer():
    batch = a_batch()
    crowd(batch, count=2)
    before = suspicion.examined(batch)
    assert suspicion.examined(batch) is before

    work(batch, a_worker(), "label", ["cat"] * TASKS, tasks=1)

    assert suspicion.examined(batch).answers == before.answers + 1


def test_the_batch_longest_unused_is_forgotten_first(monkeypatch):
    monkeypatch.setattr(suspicion, "REMEMBERED", 2)
    first, second, third = (a_batch() for _ in range(3))

    for batch in first, second, first, third:
        suspicion.examined(batch)

    assert [pk for pk, _ in suspicion._remembered] == [first.pk, third.pk]


def test_gold_counts_with_its_known_answer():
    """All others agree with each other, and gold says that the one who does not is right."""
    batch, workers = ruled_batch(gold=40, gold_rate=0.5, overlap=12), [a_worker() for _ in range(4)]
    careful, *others = workers
    for worker in workers:
        say(batch, worker, ["cat" if worker == careful else "dog"] * 12, gold=True)

    scores = suspicion.examine(batch).spam

    assert scores[careful.pk].answers == 12
    assert scores[careful.pk].reliability > 2 * max(scores[each.pk].reliability for each in others)


def test_a_batch_with_no_answers_has_nothing_to_examine():
    for interface in FOUR, TEXT:
        assert suspicion.examine(a_batch(interface)) == (0, {}, [])


def test_rules_on_spam_ask_for_more_checking_and_read_the_same_scores():
    asking = rule("spam", more_gold(0.4), ("probability", ">", 0.5), ("answers", ">=", 5))
    batch = published_batch(
        tasks=[*rows(TASKS), *rows(2, gold='{"label": "cat"}')],
        overlap=12,
        gold_rate=0.1,
        project=a_project(interface=FOUR),
        max_live_assignments=100,
        rules=[asking],
    )
    *_, spammer = crowd(batch, at_random)

    assert restrict.apply_due(now=NOON) == 1

    row = Restriction.objects.get()
    assert (row.worker, row.kind, row.value) == (spammer, "more_gold", 0.4)
    assert row.evidence["probability"] > 0.5
