"""The bank of play money that a site of a test speaks to, and its clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone

from payments import provider
from tests.payments.stripe_world import Bank


@pytest.fixture
def bank() -> Iterator[Bank]:
    """Every call and page of the test speaks to it; its rules are those of a play site."""
    rules = provider.play_server().state.rules
    made = Bank(rules=rules, now=timezone.now())
    with provider.standing_in(made.server):
        yield made
