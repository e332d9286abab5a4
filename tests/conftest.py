from __future__ import annotations

import pgtrigger
import pytest
from django.db import connection

from marketplace.api import consent


@pytest.fixture(autouse=True)
def _no_terms_are_remembered():
    """As in a process that has read that no terms are in force; tests of consent forget it."""
    consent.remember(0, seconds=1e9)


@pytest.fixture(scope="session", autouse=True)
def _tables_can_be_emptied_between_tests():
    """Tests that commit end with a TRUNCATE, which append-only tables refuse to anybody else."""
    triggers = ",".join(trigger.get_pgid(model) for model, trigger in pgtrigger.registered())

    def let_truncate_pass(execute, sql, params, many, context):
        if str(sql).startswith("TRUNCATE"):
            sql = f"SET LOCAL pgtrigger.ignore = '{{{triggers}}}'; {sql}"
        return execute(sql, params, many, context)

    with connection.execute_wrapper(let_truncate_pass):
        yield
