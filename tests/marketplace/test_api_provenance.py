"""The chain and the dataset card over the REST API, and as files from the command line."""

from __future__ import annotations

import json
from hashlib import sha256
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from marketplace.api import cards
from tasks import provenance
from tasks.models import Provenance
from tests.factories import published_batch
from tests.marketplace.clients import A_NUMBER, Like, api, problem_of, rows_of, text_of
from tests.tasks.recording import LATER, answered_batch, closed_batch, recorded_batch, tamper

pytestmark = pytest.mark.django_db
HASH = Like("[0-9a-f]{64}")
FORGED = """UPDATE tasks_provenance SET record = jsonb_set(record, '{labels,label,value}', '"eel"')
            WHERE number = 2"""


def run(*arguments):
    """Return what the command printed, and how it failed."""
    out = StringIO()
    try:
        call_command(*map(str, arguments), stdout=out)
    except CommandError as error:
        return out.getvalue(), f"{error} ({error.returncode})"
    return out.getvalue(), None


@pytest.fixture
def batch():
    return recorded_batch(["cat", "cat"], ["dog", "cat"])


# The chain.


def test_the_chain_comes_link_by_link_and_anybody_can_compute_its_hashes(batch):
    response = api(batch.project.requester).get(f"batches/{batch.pk}/provenance")

    links = rows_of(response)
    assert response.headers["Content-Type"] == "application/x-ndjson"
    assert [each["number"] for each in links] == [1, 2]
    assert links[0] == {
        "number": 1,
        "task": A_NUMBER,
        "record": Provenance.objects.get(number=1).record,
        "previous": "00" * 32,
        "sha256": HASH,
        "recorded_at": "2026-01-01T14:00:00+00:00",
    }
    # With nothing but what docs/provenance.md says.
    previous = bytes(32)
    for each in links:
        text = json.dumps(each["record"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert each["previous"] == previous.hex()
        previous = sha256(previous + text.encode()).digest()
        assert each["sha256"] == previous.hex()


def test_before_the_batch_is_closed_its_chain_is_empty():
    batch = answered_batch(["cat"])

    assert text_of(api(batch.project.requester).get(f"batches/{batch.pk}/provenance")) == ""


def test_the_chain_is_a_json_list_for_who_asks_for_one(batch):
    response = api(batch.project.requester).get(f"batches/{batch.pk}/provenance?format=json")

    assert [each["number"] for each in json.loads(text_of(response))] == [1, 2]


def test_the_chain_is_not_to_be_had_as_csv(batch):
    response = api(batch.project.requester).get(f"batches/{batch.pk}/provenance", accept="text/csv")

    assert problem_of(response) == (406, "not_acceptable")


def test_no_record_names_a_worker_but_by_pseudonym(batch):
    worker = batch.cursors.first().worker

    said = text_of(api(batch.project.requester).get(f"batches/{batch.pk}/provenance"))

    assert worker.public_id not in said
    assert worker.user.username not in said
    assert f'"{batch.cursors.first().pseudonym}"' in said


# The card.


def test_the_card_names_the_files_with_the_hashes_they_have(batch):
    client = api(batch.project.requester)

    response = client.get(f"batches/{batch.pk}/card")

    card = response.json()
    assert response.headers["Content-Type"].startswith("application/ld+json")
    assert card["url"] == f"http://testserver/api/v1/batches/{batch.pk}"
    assert [each["@id"] for each in card["distribution"]] == ["results", "answers", "provenance"]
    for each in card["distribution"]:
        body = text_of(client.get(each["contentUrl"].removeprefix("http://testserver")))
        assert sha256(body.encode()).hexdigest() == each["sha256"]


def test_the_card_of_a_running_batch_hashes_nothing_and_has_no_chain_yet():
    batch = published_batch()

    card = api(batch.project.requester).get(f"batches/{batch.pk}/card").json()

    assert card["isLiveDataset"] is True
    assert [each["@id"] for each in card["distribution"]] == ["results", "answers"]
    assert not any("sha256" in each for each in card["distribution"])


def test_files_of_a_large_batch_are_hashed_on_the_command_line_only(batch, monkeypatch):
    monkeypatch.setattr(cards, "HASHED_TASKS_MAX", 1)

    card = api(batch.project.requester).get(f"batches/{batch.pk}/card").json()

    assert not any("sha256" in each for each in card["distribution"])
    assert len(json.loads(run("export", batch.pk, "--what", "card")[0])["distribution"]) == 3


def test_an_exported_card_speaks_of_the_files_beside_it(batch, tmp_path):
    card = json.loads(run("export", batch.pk, "--what", "card")[0])

    for each in card["distribution"]:
        path = tmp_path / each["contentUrl"]
        form = path.suffix.removeprefix(".")
        run("export", batch.pk, "--what", each["@id"], "--format", form, "--output", path)
        assert sha256(path.read_bytes()).hexdigest() == each["sha256"]
    assert "url" not in card


def test_the_chain_is_exported_as_the_api_gives_it(batch):
    given = api(batch.project.requester).get(f"batches/{batch.pk}/provenance")

    assert run("export", batch.pk, "--what", "provenance")[0] == text_of(given)
    assert run("export", batch.pk, "--what", "provenance", "--format", "csv")[1] == (
        "Provenance comes as ndjson or json: its records have no columns. (1)"
    )


# The command that verifies.


def test_verifying_says_how_many_labels_are_as_they_were(batch):
    other = recorded_batch(["cat"])

    assert run("verify_provenance") == (
        (
            f"ok      batch {batch.pk}: 2 labels verified\n"
            f"ok      batch {other.pk}: 1 labels verified\n"
        ),
        None,
    )
    assert run("verify_provenance", other.pk)[0] == f"ok      batch {other.pk}: 1 labels verified\n"


def test_verifying_prints_the_head_to_be_published(batch):
    head = bytes(Provenance.objects.get(number=2).sha256).hex()

    said, _ = run("verify_provenance", batch.pk, "--head")

    assert said == f"ok      batch {batch.pk}: 2 labels verified, head {head}\n"


def test_tampering_fails_and_is_named(batch):
    task = Provenance.objects.get(number=2).task_id
    tamper(FORGED)

    assert run("verify_provenance") == (
        (
            f"CHANGED batch {batch.pk}: 1 differences, 1 of 2 labels verified\n"
            f"        link 2, task {task}: its record does not have its hash\n"
        ),
        "1 batches are not as they were recorded. (1)",
    )


def test_only_the_first_differences_are_shown(batch):
    tamper("UPDATE tasks_consensus SET confidence = 0.123")

    said, failure = run("verify_provenance", batch.pk, "--limit", 1)

    assert said.count("confidence") == 1
    assert said.endswith("        and 1 more\n")
    assert failure


def test_a_chain_that_was_deleted_as_a_whole_is_missed():
    batch = recorded_batch(["cat"])
    tamper("DELETE FROM tasks_provenance")

    said, failure = run("verify_provenance")

    assert "the chain ended with link 1" in said
    assert f"CHANGED batch {batch.pk}" in said
    assert failure


def test_a_batch_that_is_not_recorded_yet_is_no_failure():
    batch = closed_batch(["cat"])

    assert run("verify_provenance", batch.pk, "--head") == (
        f"so far  batch {batch.pk}: 0 labels verified, not all recorded yet\n",
        None,
    )
    assert provenance.record_due(now=LATER) == 1
    assert run("verify_provenance", 0)[1] == "There is no batch 0. (1)"
