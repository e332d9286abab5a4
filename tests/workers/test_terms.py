"""Terms: published with notice, compared, agreed to, never changed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from tests.factories import NOON, a_user, fresh
from workers import terms
from workers.errors import InvalidTerms, NoticeTooShort
from workers.models import Consent, Event, Terms

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LATER = NOON + 30 * DAY


def publish(text="Be fair.\n", effective_at=NOON, now=NOON):
    return terms.publish(
        text=text, summary="What changed.", effective_at=effective_at, published_by=None, now=now
    )


def test_the_shipped_terms_are_loaded_once():
    first = terms.load_shipped(NOON)

    assert terms.load_shipped(NOON + DAY) == first
    assert (first.version, first.effective_at) == (1, NOON)
    assert Event.objects.filter(kind="terms_published").count() == 1


@pytest.mark.parametrize(
    "clause",
    [
        "There is no exclusivity",
        "no ban on competing",
        "at least 30 days before it comes into force",
        "rights in work that is not paid in full stay with the worker",
        "No program suspends an account",
    ],
)
def test_the_shipped_terms_say_what_they_have_to(clause):
    assert clause in terms.load_shipped(NOON).text.replace("\n", " ")


def test_a_new_version_needs_thirty_days_of_notice():
    publish()

    with pytest.raises(NoticeTooShort):
        publish(effective_at=LATER - timedelta(seconds=1))
    assert publish(effective_at=LATER).version == 2


def test_the_database_refuses_a_shorter_notice_itself():
    publish()

    with pytest.raises(IntegrityError, match="terms_with_notice"), transaction.atomic():
        Terms.objects.create(
            version=2, text="t", summary="s", published_at=NOON, effective_at=NOON + DAY
        )


def test_a_version_never_changes():
    made = publish()

    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        Terms.objects.filter(pk=made.pk).update(text="Something else.")


@pytest.mark.parametrize("lacking", ["text", "summary"])
def test_terms_without_words_are_refused(lacking):
    said = {"text": "t", "summary": "s", lacking: " "}

    with pytest.raises(InvalidTerms):
        terms.publish(**said, effective_at=NOON, published_by=None, now=NOON)


def test_a_version_is_in_force_from_its_first_day_on():
    publish()
    publish(effective_at=LATER)

    assert terms.current(NOON - DAY) is None
    assert terms.current(LATER - timedelta(microseconds=1)).version == 1
    assert terms.current(LATER).version == 2


def test_whoever_registers_agrees_to_what_is_in_force():
    before = a_user()
    publish()
    publish(effective_at=LATER)

    user = a_user()

    assert (before.terms_version, user.terms_version, fresh(user).terms_version) == (0, 1, 1)
    assert Consent.objects.get(user=user).terms.version == 1


def test_consent_is_noted_once_and_an_older_one_takes_nothing_back():
    user = a_user()
    publish()
    publish(effective_at=LATER)

    terms.consent(user=user, version=2, now=NOON)
    terms.consent(user=user, version=2, now=NOON + DAY)
    terms.consent(user=user, version=1, now=NOON + DAY)

    assert fresh(user).terms_version == 2
    given = Consent.objects.filter(user=user).values_list("terms__version", "given_at")
    assert sorted(given) == [(1, NOON + DAY), (2, NOON)]


def test_the_difference_shows_lines_that_went_and_came():
    before, after = publish("Same.\nOld.\n"), publish("Same.\nNew.\n", effective_at=LATER)

    assert terms.difference(before=before, after=after).splitlines() == [
        "--- terms, version 1",
        "+++ terms, version 2",
        "@@ -1,2 +1,2 @@",
        " Same.",
        "-Old.",
        "+New.",
    ]
    assert terms.difference(before=before, after=before) == ""
