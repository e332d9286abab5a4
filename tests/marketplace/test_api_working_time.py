"""Working over the REST API: beats, the worker's own word, and tasks that are handed back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks import answer
from tasks.compensation import returns
from tasks.models import Assignment, Return
from tests.factories import NOON, a_requester, a_worker, claim, fresh, published_batch, submitted
from tests.marketplace.clients import A_NUMBER, A_PSEUDONYM, AN_INSTANT, api, pages_of, problem_of
from workers.models import Event, Worker

pytestmark = pytest.mark.django_db


def claimed(batch=None, worker=None, *, seconds=30):
    """An assignment claimed so many seconds ago by the wall clock."""
    begun = timezone.now() - timedelta(seconds=seconds)
    return claim(batch or published_batch(tasks=1), worker, now=begun)


def beat(held, body):
    return api(held.worker).post(f"assignments/{held.pk}/beat", body)


def waiting(batch, code=Return.Reason.BROKEN):
    """A return that waits, as it would where a floor is in force."""
    held = claim(batch)
    answer.skip(assignment=held, reason="No image.", code=code, now=NOON)
    Return.objects.filter(pk=held.pk).update(status="waiting", amount_minor=7)
    return Return.objects.get(pk=held.pk)


# Beats.


def test_a_beat_is_answered_with_the_seconds_so_far():
    held = claimed(seconds=30)

    said = beat(held, {"visible": True, "inputs": 12})

    assert said.status_code == 200
    assert said.json() == {"id": held.pk, "active_seconds": A_NUMBER}
    assert 30 <= said.json()["active_seconds"] < 60
    assert fresh(held).beats == 1


def test_media_that_plays_is_as_good_as_something_visible():
    held = claimed()

    beat(held, {"visible": False, "media": True})

    assert fresh(held).beats == 1


def test_a_beat_that_does_not_count_is_no_error():
    held = claimed()

    unseen = beat(held, {"visible": False})
    beat(held, {"visible": True})
    again = beat(held, {"visible": True})

    assert (unseen.status_code, unseen.json()["active_seconds"]) == (200, 0)
    assert again.status_code == 200
    assert fresh(held).beats == 1


@pytest.mark.parametrize("field", ["keys", "text", "screenshot", "contents"])
def test_nothing_of_what_a_worker_types_or_sees_is_taken(field):
    held = claimed()

    refused = beat(held, {"visible": True, field: "dear diary"})

    assert problem_of(refused) == (400, "invalid_request")
    assert refused.json()["errors"][0]["pointer"] == f"/{field}"
    assert "nothing but visible, media, inputs" in refused.json()["detail"]
    assert fresh(held).beats == 0


@pytest.mark.parametrize("body", [{}, {"visible": "yes"}, {"visible": True, "inputs": "abc"}, []])
def test_a_beat_says_whether_the_task_is_visible(body):
    assert problem_of(beat(claimed(), body)) == (400, "invalid_request")


def test_the_beat_of_somebody_elses_assignment_is_not_found():
    held = claimed()

    refused = api(a_worker()).post(f"assignments/{held.pk}/beat", {"visible": True})

    assert problem_of(refused) == (404, "not_found")


def test_what_was_submitted_takes_no_beat():
    assert problem_of(beat(submitted(published_batch(tasks=1)), {"visible": True})) == (
        409, "illegal_transition",
    )  # fmt: skip


# The worker's own word.


def test_a_worker_may_say_how_long_it_took():
    held = claimed(seconds=600)
    Assignment.objects.filter(pk=held.pk).update(
        beats=1, beat_at=timezone.now() - timedelta(seconds=10), active_seconds=90,
        covered_seconds=90,
    )  # fmt: skip

    api(held.worker).post(f"assignments/{held.pk}/submit", {"answer": "cat", "seconds": 120})

    assert (fresh(held).worked_seconds, fresh(held).reported_seconds) == (120, 120)


@pytest.mark.parametrize("seconds", [-1, 2**31, 1.5, "60", True])
def test_seconds_are_a_whole_number(seconds):
    held = claimed()

    refused = api(held.worker).post(
        f"assignments/{held.pk}/submit", {"answer": "cat", "seconds": seconds}
    )

    assert problem_of(refused) == (400, "invalid_request")
    assert fresh(held).status == Assignment.Status.ACTIVE


# Handing back.


def test_a_skip_with_a_code_is_a_return():
    held = claimed(published_batch(tasks=1), seconds=60)

    said = api(held.worker).post(
        f"assignments/{held.pk}/skip", {"code": "broken", "reason": "The image is missing."}
    )

    assert said.json() == {
        "id": held.pk,
        "status": "skipped",
        "returned": {
            "code": "broken", "status": "nothing", "seconds": A_NUMBER, "amount": 0,
            "due_at": AN_INSTANT,
        },
    }  # fmt: skip
    assert Return.objects.get().text == "The image is missing."


def test_a_skip_without_a_code_says_nothing_of_a_return():
    held = claimed()

    said = api(held.worker).post(f"assignments/{held.pk}/skip")

    assert said.json() == {"id": held.pk, "status": "skipped"}


def test_a_code_is_one_of_four():
    held = claimed()

    refused = api(held.worker).post(f"assignments/{held.pk}/skip", {"code": "boring"})

    assert problem_of(refused) == (400, "invalid_request")
    assert fresh(held).status == Assignment.Status.ACTIVE


def test_the_requester_reads_what_was_handed_back_newest_first():
    batch = published_batch(tasks=3)
    first, second = waiting(batch), waiting(batch, Return.Reason.UNCLEAR)
    client = api(batch.project.requester)

    [[newest], [oldest]] = pages_of(client, f"batches/{batch.pk}/returns?limit=1")

    assert (newest["assignment"], oldest["assignment"]) == (second.pk, first.pk)
    assert newest == {
        "assignment": second.pk,
        "batch": batch.pk,
        "task": A_NUMBER,
        "worker": A_PSEUDONYM,
        "code": "unclear",
        "reason": "No image.",
        "seconds": 0,
        "amount": 7,
        "currency": "USD",
        "status": "waiting",
        "made_at": AN_INSTANT,
        "due_at": AN_INSTANT,
        "decided_reason": "",
        "decided_at": None,
    }


def test_the_requester_refuses_in_words():
    batch = published_batch(tasks=2)
    made = waiting(batch)
    client = api(batch.project.requester)

    assert problem_of(client.post(f"returns/{made.pk}/refuse", {"reason": " "}))[0] == 400
    refused = client.post(f"returns/{made.pk}/refuse", {"reason": "The image is there."})
    again = client.post(f"returns/{made.pk}/refuse", {"reason": "Once more."})

    assert (refused.status_code, refused.json()["status"]) == (200, "refused")
    assert refused.json()["decided_reason"] == "The image is there."
    assert problem_of(again) == (409, "illegal_transition")
    assert fresh(made).decided_by == batch.project.requester


def test_another_requester_finds_no_return():
    made = waiting(published_batch(tasks=1))
    client = api(a_requester())

    assert problem_of(client.post(f"returns/{made.pk}/refuse", {"reason": "No."}))[0] == 404
    assert problem_of(client.get(f"batches/{made.batch_id}/returns"))[0] == 404


# Claims that are not handed out.


def test_after_a_long_day_nothing_new_is_claimed_and_what_is_held_may_be_submitted():
    batch, worker = published_batch(tasks=2), a_worker()
    held = claimed(batch, worker)
    until = timezone.now() + timedelta(hours=4)
    Worker.objects.filter(pk=worker.pk).update(rest_until=until)
    client = api(worker)

    refused = client.post(f"batches/{batch.pk}/claim")
    done = client.post(f"assignments/{held.pk}/submit", {"answer": "cat"})

    assert problem_of(refused) == (403, "rest_due")
    assert refused.json()["until"] == until.isoformat()
    assert done.status_code == 200


def test_whoever_did_not_agree_to_what_is_shown_claims_nothing():
    batch = published_batch(tasks=1)
    type(batch).objects.filter(pk=batch.pk).update(content_warnings=["gore"])

    refused = api(a_worker()).post(f"batches/{batch.pk}/claim")

    assert problem_of(refused) == (403, "content_not_agreed")
    assert refused.json()["warnings"] == ["gore"]


def test_nobody_but_the_job_pays_a_return():
    made = waiting(published_batch(tasks=1))

    returns.refuse(
        returned=made, reason="No.", actor=made.batch.project.requester, now=made.made_at
    )

    assert returns.settle_due(now=made.due_at) == 0
    assert Event.objects.filter(kind="return_refused").count() == 1
