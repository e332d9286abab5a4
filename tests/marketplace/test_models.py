"""The edge's own rows say what they are, and numbers in addresses are rows' numbers."""

from __future__ import annotations

import pytest

from marketplace.converters import IdConverter
from marketplace.models import ApiKey, Heartbeat, StoredResponse


def test_rows_name_themselves_without_telling_a_secret():
    assert str(ApiKey(prefix="cw_1234567", name="laptop", digest=b"x" * 32)) == (
        "cw_1234567… (laptop)"
    )
    assert str(StoredResponse(key="k")) == "k"
    assert str(Heartbeat(job="pay_accepted")) == "pay_accepted"


@pytest.mark.parametrize("number", [0, 1, 2**63 - 1])
def test_a_number_that_a_row_can_have_goes_both_ways(number):
    assert IdConverter().to_python(IdConverter().to_url(number)) == number


@pytest.mark.parametrize("text", [str(2**63), "9" * 19])
def test_a_number_that_no_row_can_have_leads_nowhere(text):
    with pytest.raises(ValueError, match=r"^$"):
        IdConverter().to_python(text)
