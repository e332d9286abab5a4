"""Every way of tampering is found, and named by its link and what was changed."""

from __future__ import annotations

import pytest

from tasks.provenance import RECORDED, link, verify, write
from tasks.provenance.records import source_of
from tests.tasks.recording import (
    LATER,
    answered_batch,
    closed_batch,
    links,
    recorded_batch,
    tamper,
)
from workers import events

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch():
    return recorded_batch(["cat", "cat"], ["dog", "cat"], ["cat", "cat"], ["dog", "dog"])


def found(batch, **how):
    """Each difference as ``(link, what)``; all of them are counted."""
    verdict = verify(batch, **how)
    assert verdict.broken == len(verdict.differences)
    return [(each.link, each.what) for each in verdict.differences]


def test_a_chain_that_nobody_touched_is_verified_label_by_label(batch):
    verdict = verify(batch)

    assert (verdict.links, verdict.verified, verdict.broken) == (4, 4, 0)
    assert verdict.head == bytes(links(batch)[-1].sha256)
    assert verdict.is_complete


def test_verifying_goes_chunk_by_chunk(batch, monkeypatch):
    monkeypatch.setattr("tasks.provenance.check.CHUNK", 3)

    assert verify(batch).verified == 4


def test_a_batch_that_is_not_closed_has_nothing_to_verify():
    verdict = verify(answered_batch(["cat"]))

    assert (verdict.links, verdict.broken, verdict.is_complete) == (0, 0, False)


def test_a_chain_under_way_is_verified_as_far_as_it_goes(monkeypatch):
    batch = closed_batch(["cat"], ["dog"])
    monkeypatch.setattr(write, "CHUNK", 1)
    with write._worked(batch):
        write._extend(source_of(batch), LATER)

    verdict = verify(batch)

    assert (verdict.verified, verdict.broken, verdict.is_complete) == (1, 0, False)


# The chain.


def test_a_changed_record_is_found(batch):
    tamper(
        """UPDATE tasks_provenance SET number = number,
           record = jsonb_set(record, '{labels,label,value}', '"eel"') WHERE number = 2"""
    )

    assert found(batch) == [(2, "its record does not have its hash")]
    assert verify(batch).verified == 3


def test_a_dropped_link_is_found(batch):
    tamper("DELETE FROM tasks_provenance WHERE number = 2")

    differences = found(batch)

    assert differences[:2] == [
        (2, "missing from the chain: 2"),
        (3, "it does not follow the link before it"),
    ]
    assert differences[2:] == [(None, "1 labelled tasks are not in the chain")]


def test_several_dropped_links_are_named_together(batch):
    tamper("DELETE FROM tasks_provenance WHERE number IN (1, 2, 3)")

    assert found(batch)[0] == (1, "missing from the chain: 1 to 3")


def test_a_chain_cut_off_at_the_end_is_found(batch):
    head = bytes(links(batch)[-1].sha256).hex()[:16]
    tamper("DELETE FROM tasks_provenance WHERE number = 4")
    now = bytes(links(batch)[-1].sha256).hex()[:16]

    assert found(batch) == [
        (None, f"the chain ended with link 4, {head}…; it ends with link 3, {now}…"),
        (None, "1 labelled tasks are not in the chain"),
    ]


def test_two_swapped_links_are_found(batch):
    tamper("UPDATE tasks_provenance SET number = number + 10 WHERE number IN (2, 3)")
    tamper("UPDATE tasks_provenance SET number = 15 - number WHERE number IN (12, 13)")

    assert found(batch) == [
        (number, "it does not follow the link before it") for number in (2, 3, 4)
    ]


def test_a_chain_that_was_written_anew_no_longer_ends_as_it_was_told(batch):
    """Whoever can rewrite all later links leaves only the rows, the event and a published head."""
    row = links(batch)[-1]
    row.record["external_id"] = "another"
    made = link(bytes(row.previous), row.record)
    tamper(
        """UPDATE tasks_provenance SET sha256 = %s,
           record = jsonb_set(record, '{external_id}', '"another"') WHERE id = %s""",
        made,
        row.pk,
    )

    differences = found(batch)

    assert differences[0] == (4, 'external_id: was "another", is "3"')
    assert differences[1][1].startswith("the chain ended with link 4")


def test_an_event_added_later_does_not_excuse_a_shorter_chain(batch):
    tamper("DELETE FROM tasks_provenance WHERE number = 4")
    end = {"labels": 3, "head": bytes(links(batch)[-1].sha256).hex()}
    events.record(
        kind=RECORDED, subject_kind="batch", subject_id=batch.pk, actor=None, at=LATER, data=end
    )

    assert found(batch)[0][1].startswith("the chain ended with link 4")


# The rows.


def test_an_answer_changed_behind_its_trigger_is_found(batch):
    given = links(batch)[1].record["answers"][0]
    changed = given["assignment"]
    tamper(
        """UPDATE tasks_answer SET value = '{"label": "eel"}' WHERE assignment_id = %s""", changed
    )

    differences = dict(found(batch))

    assert set(differences) == {2}
    first = found(batch)[0][1]
    assert first.startswith(f'answers.{changed}.sha256: was "{given["sha256"][:50]}')


def test_an_answer_that_is_gone_is_found(batch):
    gone = links(batch)[0].record["answers"][1]["assignment"]
    tamper("DELETE FROM tasks_answer WHERE assignment_id = %s", gone)

    assert (1, f"answers.{gone}: is gone") in found(batch)


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        (
            """UPDATE tasks_consensus SET value = '"dog"'""",
            'labels.label.value: was "cat", is "dog"',
        ),
        ("UPDATE tasks_consensus SET confidence = 0.75", "labels.label.confidence: was 1.0, is "),
        ("DELETE FROM tasks_consensus", "the task, its input or its labels are gone"),
        ("UPDATE tasks_taskinput SET data = '{}'", "input_sha256: was "),
        ("UPDATE tasks_projectversion SET instructions = 'x'", "version.instructions_sha256: was"),
        (
            "UPDATE tasks_projectversion SET interface = interface || '[]'",
            None,
        ),
        (
            "UPDATE tasks_assignment SET status = 'rejected', paid_at = NULL, reason = 'No.'",
            'status: was "accepted", is "rejected"',
        ),
        ("UPDATE tasks_assignment SET reward_minor = 4", "reward.minor: was 5, is 4"),
        ("UPDATE tasks_assignment SET submitted_at = submitted_at + '1 s'", "submitted_at: was"),
        ("UPDATE tasks_cursor SET pseudonym = 'W1'", "worker: was "),
    ],
)
def test_a_row_that_no_longer_says_what_was_recorded_is_named(sql, what):
    batch = recorded_batch(["cat"])
    tamper(sql)

    differences = [text for _, text in found(batch)]

    if what is None:  # it says the same as before
        assert differences == []
    else:
        assert any(what in each for each in differences), differences


def test_all_differences_are_counted_and_the_first_are_kept(batch):
    tamper("UPDATE tasks_consensus SET confidence = 0.123")

    verdict = verify(batch, most=2)

    assert (verdict.broken, len(verdict.differences), verdict.verified) == (4, 2, 0)


def test_a_record_of_a_later_format_is_not_compared(batch):
    [first, *_] = links(batch)
    record = first.record | {"format": 2}
    tamper(
        "UPDATE tasks_provenance SET record = jsonb_set(record, '{format}', '2'), sha256 = %s"
        " WHERE id = %s",
        link(bytes(first.previous), record),
        first.pk,
    )

    assert found(batch)[0] == (
        1,
        "its record has a format that this version cannot compare with the rows",
    )


def test_a_link_that_was_moved_to_another_task_is_found(batch):
    first = links(batch)[0]
    other = recorded_batch(["cat"]).tasks.get().pk
    tamper("DELETE FROM tasks_provenance WHERE task_id = %s", other)
    tamper("UPDATE tasks_provenance SET task_id = %s WHERE id = %s", other, first.pk)

    assert found(batch)[0] == (1, "its record is of another task")
