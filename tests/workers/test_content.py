"""Content warnings: agreed to sort by sort, and never assumed."""

from __future__ import annotations

import pytest

from tests.factories import NOON, a_worker, fresh
from workers import content
from workers.errors import InvalidWarning
from workers.models import Event

pytestmark = pytest.mark.django_db


def test_every_warning_has_a_plain_sentence():
    assert {"violence", "gore", "sexual", "abuse", "hate", "self_harm", "medical"} <= set(
        content.WARNINGS
    )
    assert all(said[0].isupper() and said[-1] == "." for said in content.WARNINGS.values())


def test_warnings_come_in_one_order_and_once():
    assert content.check(["medical", "gore", "medical"]) == ["gore", "medical"]


def test_a_warning_that_nobody_knows_is_named():
    with pytest.raises(InvalidWarning, match="spiders"):
        content.check(["gore", "spiders"])


def test_nobody_has_agreed_to_anything_at_first():
    worker = a_worker()

    assert content.covers(worker.pk, [])
    assert not content.covers(worker.pk, ["gore"])


def test_a_batch_is_covered_by_all_of_its_warnings_only():
    worker = a_worker()
    content.agree(worker=worker, warnings=["gore", "hate"], now=NOON)

    assert content.covers(worker.pk, ["hate"])
    assert not content.covers(worker.pk, ["hate", "sexual"])


def test_what_was_agreed_to_can_be_taken_back():
    worker = a_worker()
    content.agree(worker=worker, warnings=["gore"], now=NOON)

    content.agree(worker=worker, warnings=[], now=NOON)

    assert not content.covers(worker.pk, ["gore"])


def test_every_batch_looks_again_when_and_only_when_something_changed():
    worker = a_worker()
    content.agree(worker=worker, warnings=["gore"], now=NOON)
    content.agree(worker=worker, warnings=["gore"], now=NOON)

    assert fresh(worker).qualifications_version == 1
    (event,) = Event.objects.filter(kind="worker_content_agreed")
    assert (event.subject_id, event.data) == (worker.pk, {"warnings": ["gore"]})
