from __future__ import annotations

import pgtrigger
import pytest
from django.test import TransactionTestCase


@pytest.fixture(scope="session", autouse=True)
def _tables_are_emptied_between_tests():
    """Let the tests that commit be cleaned up, which truncates what is append-only."""
    empty = TransactionTestCase._fixture_teardown

    def empty_without_triggers(test_case: TransactionTestCase) -> None:
        with pgtrigger.ignore():
            empty(test_case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_without_triggers)
        yield
