"""Step 2: who is given which task, when, and how many at once."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.db import connection

from payments.deposits import deposit
from tasks import answer, claim_sql, distribute, draft, publish, settle
from tasks.errors import IllegalTransition, OwnBatch, TooManyLiveAssignments
from tasks.invariants import broken
from tasks.models import Assignment, Batch, Cursor, Task
from tasks.models.cursor import START
from tasks.models.task import Lane
from tests.factories import (
    HOUR,
    MINUTE,
    NOON,
    a_project,
    a_requester,
    a_worker,
    add_tasks,
    claim,
    drafted_batch,
    fresh,
    may_claim,
    never_gold,
    published_batch,
    rejected,
    rows,
    slots,
    submitted,
    usd,
)
from tests.tasks.sessions import locked
from tests.workers.make import a_qualification_type
from workers import blocks, people, qualify, standing
from workers.errors import Blocked, NotQualified, WorkerNotActive
from workers.models import Block

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
DEADLINE = NOON + 30 * MINUTE
SWEPT = DEADLINE + distribute.GRACE + SECOND


def ask(batch, worker, *, count=1, now=NOON):
    return distribute.claim(batch_id=batch.pk, worker=worker, count=count, now=now, draw=never_gold)


def names(handout):
    """The images of the tasks handed out, in the order of the handout."""
    return [each.input["image"] for each in handout.assignments]


def skip(assignment, now=NOON):
    answer.skip(assignment=assignment, now=now)


def lanes(batch):
    return list(Task.objects.filter(batch=batch).order_by("pk").values_list("lane", flat=True))


def nothing_was_given(batch, worker):
    return not Assignment.objects.filter(batch=batch, worker=worker).exists()


# What a claim gives.


def test_a_claim_gives_all_that_is_needed_to_work():
    batch, worker = published_batch(tasks=1, reward=usd(7)), a_worker()

    handout = ask(batch, worker)

    assignment = Assignment.objects.get()
    assert handout == distribute.Handout(
        assignments=[
            distribute.Claimed(
                id=assignment.pk,
                batch_id=batch.pk,
                task_id=assignment.task_id,
                input={"image": "0.png"},
                version_id=batch.version_id,
                deadline_at=DEADLINE,
                reward_minor=7,
                currency="USD",
            )
        ],
        retry_after_seconds=0,
    )


def test_a_claim_is_a_live_assignment_with_its_price_and_its_deadline():
    batch, worker = published_batch(tasks=1, assignment_duration=timedelta(minutes=9)), a_worker()

    ask(batch, worker)

    made = Assignment.objects.get()
    assert (made.batch_id, made.worker, made.person_id) == (
        batch.pk,
        worker,
        worker.user.person_id,
    )
    assert (made.status, made.is_gold) == (Assignment.Status.ACTIVE, False)
    assert (made.reward_minor, made.fee_minor) == (5, 1)
    assert (made.claimed_at, made.deadline_at) == (NOON, NOON + 9 * MINUTE)
    assert slots(batch) == [0]


def test_claiming_moves_no_money():
    batch = published_batch(tasks=2)

    ask(batch, a_worker(), count=2)

    assert (fresh(batch).reserved, fresh(batch).spent) == (12, 0)
    assert broken(now=NOON) == []


def test_a_handful_is_claimed_at_once():
    batch = published_batch(tasks=30, overlap=2, max_live_assignments=40)

    handout = ask(batch, a_worker(), count=7)

    assert sorted(names(handout)) == [f"{number}.png" for number in range(7)]
    assert slots(batch) == [1] * 7 + [2] * 23
    assert len({each.id for each in handout.assignments}) == 7


def test_a_claim_gives_at_most_twenty():
    batch = published_batch(tasks=25, max_live_assignments=40)

    assert len(ask(batch, a_worker(), count=21).assignments) == 20


def test_a_claim_gives_what_there_is_when_that_is_less_than_was_asked_for():
    batch, worker = published_batch(tasks=3), a_worker()

    assert len(ask(batch, worker, count=5).assignments) == 3


def test_a_worker_has_a_pseudonym_of_their_own_in_each_batch():
    worker = a_worker()
    for batch in published_batch(tasks=1), published_batch(tasks=1):
        ask(batch, worker)

    one, other = Cursor.objects.filter(worker=worker)
    assert re.fullmatch("W[0-9A-F]{10}", one.pseudonym)
    assert one.pseudonym != other.pseudonym


# R1: never more than the overlap.


def test_a_task_is_given_to_as_many_workers_as_its_overlap():
    batch = published_batch(tasks=2, overlap=3)
    workers = [a_worker() for _ in range(4)]

    given = [len(ask(batch, worker, count=2).assignments) for worker in workers]

    assert given == [2, 2, 2, 0]
    assert slots(batch) == [0, 0]


def test_a_batch_may_mix_overlaps():
    batch = published_batch(tasks=[*rows(1, overlap=1), *rows(1, overlap=2)])

    given = [len(ask(batch, a_worker(), count=2).assignments) for _ in range(3)]

    assert given == [2, 1, 0]


# R2: never twice to the same worker.


def test_a_worker_gets_each_task_once():
    batch, worker = published_batch(tasks=2, overlap=5), a_worker()

    assert names(ask(batch, worker, count=5)) != []
    assert names(ask(batch, worker, now=NOON + HOUR)) == []


@pytest.mark.parametrize("ending", ["submit", "skip", "expire", "reject"])
def test_a_worker_does_not_get_a_task_again_after(ending):
    batch, worker = published_batch(tasks=1, overlap=2), a_worker()
    if ending == "submit":
        submitted(batch, worker=worker)
    elif ending == "skip":
        skip(claim(batch, worker))
    elif ending == "expire":
        claim(batch, worker)
        distribute.expire_overdue(now=SWEPT)
    else:
        rejected(batch, worker=worker)

    for later in NOON, NOON + HOUR, NOON + 10 * HOUR:
        assert not may_claim(batch, worker, now=later)
    assert may_claim(batch, a_worker(), now=NOON + HOUR)
    assert Assignment.objects.filter(batch=batch, worker=worker).count() == 1


# R3: not one's own.


def test_requesters_cannot_work_on_their_own_batch():
    requester = a_requester()
    worker = people.become_worker(user=requester, now=NOON)
    batch = published_batch(tasks=1, project=a_project(requester=requester))

    with pytest.raises(OwnBatch):
        ask(batch, worker)

    assert nothing_was_given(batch, worker)
    assert not Cursor.objects.filter(worker=worker).exists()


def test_nobody_is_given_a_task_they_wrote():
    author = a_worker()
    batch = published_batch(tasks=[*rows(1, author=author.public_id), *rows(1)], overlap=2)

    assert names(ask(batch, author, count=2)) == ["0.png"]
    assert Assignment.objects.get(worker=author).task.author_id is None
    assert not may_claim(batch, author, now=NOON + HOUR)
    assert len(ask(batch, a_worker(), count=2).assignments) == 2


# R4: qualifications, blocks and standing are those of the moment.


def requiring(qualification_type):
    return [{"qualification": qualification_type.pk, "comparator": "exists"}]


def test_without_the_qualification_a_claim_is_refused_and_leaves_nothing():
    french = a_qualification_type()
    batch, worker = published_batch(tasks=1, requirements=requiring(french)), a_worker()

    with pytest.raises(NotQualified):
        ask(batch, worker)

    assert nothing_was_given(batch, worker)
    assert not Cursor.objects.exists()


def test_a_qualification_that_is_granted_counts_at_once():
    french = a_qualification_type()
    batch, worker = published_batch(tasks=1, requirements=requiring(french)), a_worker()
    with pytest.raises(NotQualified):
        ask(batch, worker)

    qualify.grant(type=french, worker=worker, now=NOON, actor=None)

    assert may_claim(batch, worker)


def test_a_qualification_that_is_revoked_counts_no_more_from_the_next_claim_on():
    french = a_qualification_type()
    batch, worker = published_batch(tasks=3, requirements=requiring(french)), a_worker()
    qualify.grant(type=french, worker=worker, now=NOON, actor=None)
    mine = claim(batch, worker)

    qualify.revoke(type=french, worker=worker, now=NOON, actor=None)

    for _ in range(2):
        with pytest.raises(NotQualified):
            ask(batch, worker)
    answer.submit(assignment_id=mine.pk, worker=worker, answer="cat", now=NOON)
    assert Assignment.objects.filter(worker=worker).count() == 1


def test_a_requirement_that_is_added_applies_at_the_next_claim():
    french = a_qualification_type()
    batch, worker = published_batch(tasks=2), a_worker()
    claim(batch, worker)

    draft.require(batch=batch, requirements_json=requiring(french), now=NOON)

    with pytest.raises(NotQualified):
        ask(batch, worker)
    assert Assignment.objects.filter(worker=worker).count() == 1


def test_a_requirement_that_is_dropped_applies_at_the_next_claim():
    french = a_qualification_type()
    batch, worker = published_batch(tasks=1, requirements=requiring(french)), a_worker()
    with pytest.raises(NotQualified):
        ask(batch, worker)

    draft.require(batch=batch, requirements_json=[], now=NOON)

    assert may_claim(batch, worker)


def test_moving_house_counts_at_the_next_claim():
    only_us = [{"qualification": "country", "comparator": "eq", "values": ["US"]}]
    batch, worker = published_batch(tasks=2, requirements=only_us), a_worker(country="US")
    claim(batch, worker)

    standing.relocate(worker=worker, country="FR", now=NOON, actor=None)

    with pytest.raises(NotQualified):
        ask(batch, worker)


@pytest.mark.parametrize("direction", Block.Direction)
def test_who_blocked_whom_does_not_matter_and_a_lifted_block_is_none(direction):
    batch, worker = published_batch(tasks=2), a_worker()
    claim(batch, worker)
    between = {
        "requester": batch.project.requester,
        "worker": worker,
        "direction": direction,
        "now": NOON,
        "actor": None,
    }

    blocks.block(**between)
    with pytest.raises(Blocked):
        ask(batch, worker)
    assert Assignment.objects.filter(worker=worker).count() == 1

    blocks.lift(**between)
    assert may_claim(batch, worker)


def test_a_block_is_between_two_and_nobody_else():
    batch, other, worker = published_batch(tasks=1), published_batch(tasks=1), a_worker()
    blocks.block(
        requester=batch.project.requester,
        worker=worker,
        direction=Block.Direction.REQUESTER,
        now=NOON,
        actor=None,
    )

    assert may_claim(other, worker)
    assert may_claim(batch, a_worker())


def test_a_suspended_worker_claims_nothing_until_they_are_reinstated():
    batch, worker = published_batch(tasks=2), a_worker()
    claim(batch, worker)

    standing.suspend(worker=worker, reason="Copied.", now=NOON, actor=None)
    with pytest.raises(WorkerNotActive):
        ask(batch, worker)
    assert Assignment.objects.filter(worker=worker).count() == 1

    standing.reinstate(worker=worker, reason="A mistake.", now=NOON, actor=None)
    assert may_claim(batch, worker)


def test_a_batch_of_nobody_known_has_no_eligible_workers():
    with pytest.raises(Batch.DoesNotExist):
        distribute.check_eligible(batch_id=-1, worker=a_worker())


# R5: no more live assignments than the cap.


def test_a_worker_holds_no_more_than_the_cap_however_many_are_asked_for():
    batch, worker = published_batch(tasks=30, max_live_assignments=5), a_worker()

    assert len(ask(batch, worker, count=20).assignments) == 5
    with pytest.raises(TooManyLiveAssignments):
        ask(batch, worker)

    assert Assignment.objects.filter(worker=worker).count() == 5


def test_the_room_that_is_left_under_the_cap_is_filled():
    batch, worker = published_batch(tasks=30, max_live_assignments=5), a_worker()
    ask(batch, worker, count=3)

    assert len(ask(batch, worker, count=20).assignments) == 2


@pytest.mark.parametrize("ending", ["submit", "skip", "expire"])
def test_what_is_no_longer_live_makes_room_under_the_cap(ending):
    batch, worker = published_batch(tasks=2, max_live_assignments=1), a_worker()
    held = claim(batch, worker)

    if ending == "submit":
        answer.submit(assignment_id=held.pk, worker=worker, answer="cat", now=NOON)
    elif ending == "skip":
        skip(held)
    else:
        distribute.expire_overdue(now=SWEPT)

    assert may_claim(batch, worker)


def test_the_cap_is_for_one_batch_and_one_worker():
    batch, other = (published_batch(tasks=2, max_live_assignments=1) for _ in range(2))
    worker = a_worker()
    claim(batch, worker)

    assert may_claim(other, worker)
    assert may_claim(batch, a_worker())


# R6: what comes first.


def test_tasks_are_served_by_priority_and_then_in_their_order():
    batch = published_batch(
        tasks=[
            row
            for number, priority in enumerate([0, -7, 3, 1000, 3, -1000])
            for row in [rows(number + 1, priority=priority)[-1]]
        ]
    )
    worker = a_worker()

    served = [names(ask(batch, worker))[0] for _ in range(6)]

    assert served == ["3.png", "2.png", "4.png", "0.png", "1.png", "5.png"]


def test_each_worker_walks_the_batch_from_its_beginning():
    batch = published_batch(tasks=2, overlap=2)
    first, second = a_worker(), a_worker()

    assert names(ask(batch, first)) == names(ask(batch, second)) == ["0.png"]
    assert names(ask(batch, first)) == names(ask(batch, second)) == ["1.png"]


@pytest.mark.parametrize("ending", ["skip", "expire", "reject"])
def test_a_task_that_is_given_back_is_served_before_all_others_by(ending):
    batch = published_batch(tasks=[*rows(1, priority=-1000), *rows(2)[1:]])
    taken = a_worker()
    ask(batch, taken, count=2)
    last = Assignment.objects.get(task__input__external_id="0")
    deposit(owner_id=batch.project.requester_id, amount=usd(60), reference="later", now=NOON)
    add_tasks(batch, rows(10, priority=1000))

    if ending == "skip":
        skip(last)
    elif ending == "expire":
        distribute.expire_overdue(now=SWEPT)
    else:
        answer.submit(assignment_id=last.pk, worker=taken, answer="cat", now=NOON)
        actor = batch.project.requester
        settle.reject(assignment=fresh(last), reason="No.", actor=actor, now=NOON)

    first = claim(batch, now=SWEPT)
    assert Task.objects.get(pk=last.task_id).lane == Lane.URGENT
    assert first.task.lane == Lane.URGENT


def test_urgent_tasks_are_served_in_their_own_order():
    batch = published_batch(tasks=3)
    held = [claim(batch) for _ in range(3)]
    for assignment in reversed(held):
        skip(assignment)

    assert [claim(batch).task_id for _ in range(3)] == [each.task_id for each in held]


def test_one_handful_mixes_urgent_and_normal_tasks():
    batch = published_batch(tasks=4)
    skip(claim(batch))

    assert sorted(names(ask(batch, a_worker(), count=3))) == ["0.png", "1.png", "2.png"]


def test_what_a_worker_gave_back_themselves_does_not_keep_them_from_the_rest():
    window = distribute.URGENT_WINDOW
    batch = published_batch(
        tasks=window + 4, max_live_assignments=window + 2, assignment_duration=MINUTE
    )
    hoarder, other = a_worker(), a_worker()
    while Assignment.objects.filter(worker=hoarder).count() < window + 2:
        ask(batch, hoarder, count=20)
    skipped = claim(batch, other)
    skip(skipped)
    distribute.expire_overdue(now=NOON + HOUR)
    assert lanes(batch).count(Lane.URGENT) == window + 3

    # The whole front of the urgent lane is what the hoarder has had already. The normal lane comes
    # next; what lies deeper in the urgent lane is found when there is nothing else.
    normal = claim(batch, hoarder, now=NOON + HOUR)
    deep = claim(batch, hoarder, now=NOON + HOUR)

    assert normal.task_id > skipped.task_id
    assert deep.task_id == skipped.task_id
    assert not may_claim(batch, hoarder, now=NOON + 2 * HOUR)


# Nothing to give.


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("status", ["paused", "closing", "closed"])
def test_a_batch_that_is_not_open_gives_nothing_for_a_minute(status, known):
    batch, worker = published_batch(tasks=1), a_worker()
    if known:
        skip(claim(batch, worker))
    verb = publish.pause if status == "paused" else publish.close
    verb(batch=batch, actor=batch.project.requester, now=NOON)
    if status == "closed":
        settle.wind_up(now=NOON)
    assert fresh(batch).status == status

    assert ask(batch, worker) == distribute.Handout([], 60)


def test_drafts_do_not_exist_for_workers():
    with pytest.raises(Batch.DoesNotExist):
        ask(drafted_batch(tasks=1), a_worker())

    assert not Cursor.objects.exists()


def test_a_worker_who_has_seen_everything_is_told_to_come_back_ever_later():
    batch, worker = published_batch(tasks=1, overlap=2), a_worker()
    claim(batch, worker)
    now, waits = NOON, []

    for _ in range(12):
        handout = ask(batch, worker, now=now)
        assert handout.assignments == []
        waits.append(handout.retry_after_seconds)
        now += timedelta(seconds=handout.retry_after_seconds)

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]


def test_asking_too_early_costs_no_second_look_and_does_not_prolong_the_wait():
    batch, worker = published_batch(tasks=1, overlap=2), a_worker()
    claim(batch, worker)
    for _ in range(5):
        ask(batch, worker, now=NOON + HOUR)
        Cursor.objects.filter(worker=worker).update(rescan_at=NOON + HOUR)
    ask(batch, worker, now=NOON + HOUR)
    wait = timedelta(seconds=Cursor.objects.get(worker=worker).rescan_seconds)

    early = NOON + HOUR + wait - 10 * SECOND
    assert wait == 32 * SECOND
    assert [ask(batch, worker, now=early).retry_after_seconds for _ in range(2)] == [10, 10]


def test_a_moment_before_the_second_look_is_still_a_second():
    batch, worker = published_batch(tasks=1, overlap=2), a_worker()
    claim(batch, worker)
    ask(batch, worker)

    almost = NOON + SECOND - timedelta(microseconds=1)

    assert ask(batch, worker, now=almost) == distribute.Handout([], 1)


def test_a_task_that_came_later_with_a_higher_priority_is_found_by_looking_behind():
    batch, worker = published_batch(tasks=1, overlap=2), a_worker()
    claim(batch, worker)
    deposit(owner_id=batch.project.requester_id, amount=usd(24), reference="later", now=NOON)
    add_tasks(batch, rows(2, priority=5))

    found = [names(ask(batch, worker, now=NOON + MINUTE)) for _ in range(3)]

    # The look behind takes the cursor back, so the second one needs no other look.
    assert found == [["0.png"], ["1.png"], []]


def test_a_task_that_was_locked_in_passing_is_found_by_looking_behind(behind_a_lock):
    batch, worker, task = behind_a_lock

    assert names(ask(batch, worker, now=NOON + MINUTE)) == ["0.png"]
    assert Assignment.objects.filter(worker=worker, task=task).exists()


@pytest.fixture
def behind_a_lock(transactional_db):
    """A worker who went past a task while another session had it locked."""
    batch, worker = published_batch(tasks=2, overlap=2), a_worker()
    task = Task.objects.filter(batch=batch).order_by("pk")[0]
    with locked("SELECT 1 FROM tasks_task WHERE id = %s FOR UPDATE", task.pk):
        assert names(ask(batch, worker)) == ["1.png"]
        assert ask(batch, worker) == distribute.Handout([], 1)
    return batch, worker, task


# What a claim costs.


def test_the_first_claim_makes_a_cursor_and_checks_the_worker(django_assert_num_queries):
    batch, worker = published_batch(tasks=1), a_worker()

    # Savepoint; cursor: none; batch is published; may the worker? (2: own batch, standing and
    # blocks); insert cursor; lock cursor; may the worker, now that nobody can change it? (2);
    # take; release.
    with django_assert_num_queries(11):
        ask(batch, worker)


def test_a_custom_qualification_costs_one_query_per_check(django_assert_num_queries):
    french = a_qualification_type()
    batch, worker = published_batch(tasks=1, requirements=requiring(french)), a_worker()
    qualify.grant(type=french, worker=worker, now=NOON, actor=None)

    with django_assert_num_queries(13):
        ask(batch, worker)


@pytest.mark.parametrize("count", [1, 20])
def test_every_later_claim_is_two_statements_however_many_tasks(count, django_assert_num_queries):
    batch, worker = published_batch(tasks=50, max_live_assignments=50), a_worker()
    claim(batch, worker)

    with django_assert_num_queries(4):  # savepoint, lock the cursor, take, release
        assert len(ask(batch, worker, count=count).assignments) == count


def test_a_changed_qualification_costs_one_check(django_assert_num_queries):
    batch, worker = published_batch(tasks=3), a_worker()
    claim(batch, worker)
    qualify.grant(type=a_qualification_type(), worker=worker, now=NOON, actor=None)

    with django_assert_num_queries(6):  # the four, own batch, standing and blocks
        ask(batch, worker)
    with django_assert_num_queries(4):
        ask(batch, worker)


def test_looking_behind_costs_one_more_statement_and_waiting_none(django_assert_num_queries):
    batch, worker = published_batch(tasks=1), a_worker()
    claim(batch, worker)

    with django_assert_num_queries(5):  # the four, and take once more
        ask(batch, worker)
    with django_assert_num_queries(4):
        ask(batch, worker)


def test_a_batch_that_is_not_open_costs_one_statement(django_assert_num_queries):
    batch, worker = published_batch(tasks=1), a_worker()
    claim(batch, worker)
    publish.pause(batch=batch, actor=batch.project.requester, now=NOON)

    with django_assert_num_queries(3):  # savepoint, lock the cursor, release
        ask(batch, worker)


def take_asked(batch, worker):
    cursor = Cursor.objects.get(batch=batch, worker=worker)
    return {
        "batch": batch.pk,
        "worker": worker.pk,
        "cursor": cursor.pk,
        "position": cursor.position,
        "gold_position": cursor.gold_position,
        "gold_rest_until": None,
        "gold": 1,
        "count": 1,
        "cap": 20,
        "urgent_window": distribute.URGENT_WINDOW,
        "reward": 5,
        "fee": 1,
        "now": NOON,
        "deadline": DEADLINE,
        "rescan_at": None,
        "rescan_seconds": 0,
        "requirements_version": 0,
        "qualifications_version": 0,
    }


def nodes(plan):
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def explain(sql, asked):
    """The nodes of a statement's plan."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", asked)
        [[found]] = cursor.fetchall()
    return list(nodes((json.loads(found) if isinstance(found, str) else found)[0]["Plan"]))


def explain_generic(sql, asked):
    """The nodes of the plan that a prepared statement gets after a few executions."""
    names = sorted(asked)
    for number, name in enumerate(names, start=1):
        sql = sql.replace(f"%({name})s", f"${number}")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE take AS {sql}")
        marks = ", ".join(literal(asked[name]) for name in names)
        cursor.execute(f"EXPLAIN (FORMAT JSON) EXECUTE take ({marks})")
        [[found]] = cursor.fetchall()
        cursor.execute("DEALLOCATE take")
    return list(nodes((json.loads(found) if isinstance(found, str) else found)[0]["Plan"]))


def literal(value):
    return "NULL" if value is None else f"'{value}'"


@pytest.mark.parametrize("plan", [explain, explain_generic])
def test_a_claim_walks_its_indexes_even_while_statistics_say_that_nothing_was_assigned(plan):
    batch = published_batch(tasks=5_000, gold=200, gold_rate=0.05, max_live_assignments=1_000)
    publish.analyze()
    worker = a_worker()
    for _ in range(20):
        ask(batch, worker, count=20)

    found = plan(claim_sql.TAKE, take_asked(batch, worker))

    scanned = {node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"}
    assert not scanned & {"tasks_task", "tasks_assignment", "tasks_taskinput"}
    walked = [node.get("Index Name") for node in found]
    assert walked.count("task_open") == 8  # gold twice, urgent and normal twice, its window twice
    assert walked.count("assignment_once_per_person") == 6  # is a task unseen, in each of them?


# Deadlines.


def test_an_overdue_assignment_expires_and_gives_its_slot_back():
    batch = published_batch(tasks=1)
    overdue = claim(batch)

    assert distribute.expire_overdue(now=SWEPT) == 1

    overdue = fresh(overdue)
    assert (overdue.status, overdue.finished_at) == (Assignment.Status.EXPIRED, SWEPT)
    assert (slots(batch), lanes(batch)) == ([1], [Lane.URGENT])
    assert (fresh(batch).reserved, broken(now=SWEPT)) == (6, [])


def test_an_assignment_is_given_half_a_minute_of_grace():
    batch = published_batch(tasks=1)
    claim(batch)

    assert distribute.expire_overdue(now=DEADLINE + timedelta(seconds=30)) == 0
    assert distribute.expire_overdue(now=DEADLINE + timedelta(seconds=30, microseconds=1)) == 1


def test_an_answer_that_comes_late_but_before_the_sweep_counts():
    batch, worker = published_batch(tasks=1), a_worker()
    late = claim(batch, worker)

    answer.submit(assignment_id=late.pk, worker=worker, answer="cat", now=NOON + 5 * HOUR)

    assert distribute.expire_overdue(now=NOON + 6 * HOUR) == 0
    assert fresh(late).status == Assignment.Status.SUBMITTED
    assert slots(batch) == [0]


def test_an_answer_that_comes_after_the_sweep_is_refused():
    batch, worker = published_batch(tasks=1), a_worker()
    late = claim(batch, worker)
    distribute.expire_overdue(now=SWEPT)

    with pytest.raises(IllegalTransition):
        answer.submit(assignment_id=late.pk, worker=worker, answer="cat", now=SWEPT)

    assert fresh(late).status == Assignment.Status.EXPIRED
    assert not hasattr(fresh(late), "answer")
    assert slots(batch) == [1]


def test_a_sweep_takes_as_many_as_its_limit_longest_overdue_first():
    batch = published_batch(tasks=3)
    held = [claim(batch, now=NOON - number * MINUTE) for number in range(3)]

    assert distribute.expire_overdue(now=SWEPT, limit=2) == 2

    assert [fresh(each).status for each in held] == ["active", "expired", "expired"]
    assert distribute.expire_overdue(now=SWEPT, limit=2) == 1
    assert distribute.expire_overdue(now=SWEPT, limit=2) == 0


def test_a_sweep_reaches_all_batches_and_tasks_with_several_slots():
    batches = [published_batch(tasks=2, overlap=2) for _ in range(2)]
    for batch in batches:
        for _ in range(2):
            ask(batch, a_worker(), count=2)

    assert distribute.expire_overdue(now=SWEPT) == 8

    assert [slots(batch) for batch in batches] == [[2, 2], [2, 2]]
    assert broken(now=SWEPT) == []


def test_what_expires_in_a_closing_batch_is_withdrawn_and_its_money_released():
    batch = published_batch(tasks=2, overlap=2)
    claim(batch)
    publish.close(batch=batch, actor=batch.project.requester, now=NOON)
    settle.wind_up(now=NOON)
    assert fresh(batch).reserved == 6

    distribute.expire_overdue(now=SWEPT)

    assert list(Task.objects.filter(batch=batch).values_list("overlap", flat=True)) == [0, 0]
    assert fresh(batch).reserved == 0
    assert broken(now=SWEPT) == []


# Tasks whose own time is up.


def test_a_task_whose_time_is_up_is_given_to_nobody_even_before_it_is_withdrawn():
    batch = published_batch(tasks=rows(1, expires_at=NOON + HOUR), overlap=2)
    claim(batch, now=NOON + HOUR - SECOND)

    assert not may_claim(batch, a_worker(), now=NOON + HOUR)


def test_a_task_whose_time_is_up_is_withdrawn_and_its_money_released():
    batch = published_batch(tasks=[*rows(1, expires_at=NOON + HOUR), *rows(1)], overlap=3)
    held = claim(batch)

    assert distribute.expire_tasks(now=NOON + HOUR - SECOND) == 0
    assert distribute.expire_tasks(now=NOON + HOUR) == 1

    assert slots(batch) == [0, 3]
    assert Task.objects.get(pk=held.task_id).overlap == 1
    assert fresh(batch).reserved == 4 * 6
    assert broken(now=NOON + HOUR - 31 * MINUTE) == []


def test_who_holds_a_task_whose_time_is_up_may_still_answer():
    batch, worker = published_batch(tasks=rows(1, expires_at=NOON + MINUTE)), a_worker()
    held = claim(batch, worker)
    distribute.expire_tasks(now=NOON + 2 * MINUTE)

    answer.submit(assignment_id=held.pk, worker=worker, answer="cat", now=NOON + 3 * MINUTE)

    assert fresh(held).status == Assignment.Status.SUBMITTED


def test_a_slot_given_back_after_the_tasks_time_is_withdrawn_by_the_next_sweep():
    batch = published_batch(tasks=rows(1, expires_at=NOON + MINUTE))
    held = claim(batch)
    distribute.expire_tasks(now=NOON + MINUTE)

    skip(held, now=NOON + 2 * MINUTE)

    assert not may_claim(batch, a_worker(), now=NOON + 2 * MINUTE)
    assert distribute.expire_tasks(now=NOON + 2 * MINUTE) == 1
    assert (slots(batch), fresh(batch).reserved) == ([0], 0)


def test_expired_tasks_are_withdrawn_from_paused_batches_and_not_from_drafts():
    paused = published_batch(tasks=rows(1, expires_at=NOON))
    publish.pause(batch=paused, actor=paused.project.requester, now=NOON)
    drafted = drafted_batch(tasks=rows(1, expires_at=NOON))

    assert distribute.expire_tasks(now=NOON) == 1

    assert (slots(paused), slots(drafted)) == ([0], [1])


def test_expired_tasks_are_withdrawn_a_few_at_a_time():
    batch = published_batch(tasks=rows(3, expires_at=NOON))

    assert [distribute.expire_tasks(now=NOON, limit=2) for _ in range(3)] == [2, 1, 0]
    assert fresh(batch).reserved == 0


# Stragglers.


def test_a_task_that_most_workers_have_passed_comes_to_the_front():
    batch = published_batch(tasks=3, overlap=3)
    workers = [a_worker() for _ in range(3)]
    for worker in workers:
        ask(batch, worker, count=2)
    deposit(owner_id=batch.project.requester_id, amount=usd(18), reference="later", now=NOON)
    add_tasks(batch, rows(1, priority=1000))

    assert distribute.collect_stragglers() == 1

    assert lanes(batch) == [1, 1, 1, Lane.URGENT]
    assert claim(batch, workers[0]).task_id == Task.objects.filter(batch=batch).last().pk
    assert distribute.collect_stragglers() == 0


def test_a_task_close_behind_the_median_worker_stays_where_it_is():
    batch = published_batch(tasks=3, overlap=3)
    ask(batch, a_worker(), count=2)

    assert distribute.collect_stragglers() == 0

    assert lanes(batch) == [1, 1, 1]


def test_where_nobody_has_been_there_are_no_stragglers():
    published_batch(tasks=rows(2, priority=1000))

    assert distribute.collect_stragglers() == 0


def test_stragglers_are_collected_a_few_at_a_time():
    batch = published_batch(tasks=3)
    claim(batch)
    deposit(owner_id=batch.project.requester_id, amount=usd(18), reference="later", now=NOON)
    add_tasks(batch, rows(3, priority=1000))

    assert [distribute.collect_stragglers(limit=2) for _ in range(3)] == [2, 1, 0]


def test_the_low_water_mark_is_just_below_the_first_open_task():
    batch = published_batch(tasks=3)
    assert fresh(batch).low_water == START
    claim(batch)

    distribute.collect_stragglers()

    first_open = Task.objects.filter(batch=batch, is_open=True).order_by("position")[0]
    assert fresh(batch).low_water == first_open.position - 1


def test_the_low_water_mark_stays_when_nothing_is_open():
    batch = published_batch(tasks=1)
    distribute.collect_stragglers()
    before = fresh(batch).low_water
    claim(batch)

    distribute.collect_stragglers()

    assert fresh(batch).low_water == before > START


def test_looking_behind_starts_at_the_low_water_mark():
    batch, worker = published_batch(tasks=2, overlap=2), a_worker()
    ask(batch, worker, count=2)
    distribute.collect_stragglers()
    mark = fresh(batch).low_water
    assert mark > START

    ask(batch, worker)

    assert Cursor.objects.get(worker=worker).position == mark


def test_given_back_tasks_below_the_low_water_mark_are_served():
    batch = published_batch(tasks=2)
    first = claim(batch)
    distribute.collect_stragglers()

    skip(first)

    assert claim(batch).task_id == first.task_id
