"""The terms over HTTP: open to everybody, and asked for at every claim and publication."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from marketplace.api import consent
from tests.factories import a_requester, a_worker, drafted_batch, published_batch
from tests.marketplace.clients import AN_INSTANT, api, problem_of
from workers import terms
from workers.models import Terms

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(days=100)
NOTICE = timedelta(days=30)


def publish(text, at):
    return terms.publish(
        text=text, summary="Clearer.", effective_at=at + NOTICE, published_by=None, now=at
    )


@pytest.fixture
def newer():
    """Two versions in force, one after the other; nobody has agreed to the second."""
    terms.load_shipped(LONG_AGO)
    made = publish("# New\n", LONG_AGO)
    consent.forget()
    return made


def test_all_versions_can_be_read_without_an_account(newer):
    everybody = api(None)

    listed = everybody.get("public/terms").json()["results"]

    assert [each["version"] for each in listed] == [2, 1]
    assert everybody.get("public/terms/1").json()["terms"]["text"].startswith("# Terms")
    assert everybody.get("public/terms/2").json() == {
        "terms": {
            "version": 2,
            "summary": "Clearer.",
            "published_at": AN_INSTANT,
            "effective_at": AN_INSTANT,
            "text": "# New\n",
        },
        "since": 1,
        "difference": terms.difference(before=Terms.objects.get(version=1), after=newer),
    }


def test_any_two_versions_can_be_compared(newer):
    everybody = api(None)

    assert everybody.get("public/terms/1").json()["since"] == 0
    assert everybody.get("public/terms/2?since=2").json()["difference"] == ""
    for bad in "3", "x", "-1", "1" * 30:
        assert everybody.get(f"public/terms/2?since={bad}").status_code == 400
    assert everybody.get("public/terms/3").status_code == 404


def test_a_claim_needs_consent_to_the_terms_in_force(newer):
    client, batch = api(a_worker()), published_batch(tasks=1)

    refusal = client.post(f"batches/{batch.pk}/claim")

    assert problem_of(refusal) == (409, "consent_missing")
    assert refusal.json()["version"] == 2
    agreed = client.post("terms/2/consent")
    assert (agreed.status_code, agreed.json()) == (201, {"version": 2, "given_at": AN_INSTANT})
    assert client.post(f"batches/{batch.pk}/claim").status_code == 201


def test_publishing_needs_consent_too_and_pausing_does_not(newer):
    batch = drafted_batch(tasks=1)
    requester = batch.project.requester
    client, other = api(requester), api(a_requester())

    assert problem_of(client.post(f"batches/{batch.pk}/publish")) == (409, "consent_missing")
    assert problem_of(other.post(f"batches/{batch.pk}/publish")) == (404, "not_found")
    assert problem_of(client.post(f"batches/{batch.pk}/pause")) == (409, "illegal_transition")


def test_terms_yet_to_come_stop_nobody():
    terms.load_shipped(LONG_AGO)
    publish("# Later\n", timezone.now())
    consent.forget()
    batch = published_batch(tasks=1)

    assert api(a_worker()).post(f"batches/{batch.pk}/claim").status_code == 409  # as of noon, none
    worker = a_worker()
    terms.consent(user=worker.user, version=1, now=LONG_AGO)
    assert api(worker).post(f"batches/{batch.pk}/claim").status_code == 201


def test_the_version_in_force_is_read_once_a_minute(newer, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert consent.in_force(now=timezone.now()) == 2
    with django_assert_num_queries(0):
        assert consent.in_force(now=timezone.now()) == 2


def test_the_command_loads_lists_and_publishes(tmp_path, capsys):
    text = tmp_path / "terms.md"
    text.write_text("# Ours\n")
    day = f"{timezone.now() + timedelta(days=40):%Y-%m-%d}"

    call_command("terms", "load")
    publisher = a_requester().username
    call_command("terms", "publish", file=text, effective=day, summary="Ours.", by=publisher)

    shown = capsys.readouterr().out.splitlines()[-2:]
    assert [line.split("\t")[0] for line in shown] == ["1", "2"]
    assert shown[1].endswith(f"{day}\tOurs.")


@pytest.mark.parametrize("said", [{"effective": "tomorrow"}, {"effective": None}])
def test_the_command_says_what_it_could_not_read(said, tmp_path):
    text = tmp_path / "terms.md"
    text.write_text("# Ours\n")

    with pytest.raises(CommandError, match="--effective"):
        call_command("terms", "publish", file=text, summary="Ours.", **said)
