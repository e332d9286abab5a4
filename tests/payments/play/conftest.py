from __future__ import annotations

import pytest

from payments.play.rows import RowStore
from payments.play.store import MemoryStore, Store
from tests.payments.play.bank import Bank, new_bank


@pytest.fixture(params=[MemoryStore, pytest.param(RowStore, marks=pytest.mark.django_db)])
def store(request: pytest.FixtureRequest) -> Store:
    """Each store in turn: they behave alike."""
    return request.param()


@pytest.fixture
def bank(store: Store) -> Bank:
    return new_bank(store)
