"""Who visits the pages, and what they read."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from workers import people

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"


@pytest.fixture
def ana():
    return people.register(
        username="ana", email="ana@example.org", password=PASSWORD, worker=True, now=NOON
    )


@pytest.fixture
def signed_in(client, ana):
    client.force_login(ana)
    return client


def text_of(response):
    """The page as a reader sees it, in one line."""
    main = re.search("<main.*</main>", response.content.decode(), re.DOTALL)[0]
    return " ".join(re.sub("<[^>]+>", " ", main).split())
