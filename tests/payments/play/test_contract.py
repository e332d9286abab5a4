from __future__ import annotations

import pytest

from tests.payments.play.contract import operations, violations

TRANSFER = {"amount": "500", "currency": "usd", "destination": "acct_1"}


def test_the_sdk_has_hundreds_of_operations():
    assert len(operations()) > 600


def test_a_transfer_conforms():
    assert violations("post", "/v1/transfers", TRANSFER) == []


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        ({**TRANSFER, "bogus": "1"}, "bogus: unknown"),
        ({"amount": "500", "currency": "usd"}, "destination: missing"),
        ({**TRANSFER, "amount": "much"}, "amount: 'much' is not int"),
        ({**TRANSFER, "currency": ["usd"]}, "currency: ['usd'] is not str"),
        ({**TRANSFER, "expand": "destination"}, "expand: a list is needed, not 'destination'"),
    ],
)
def test_what_is_unknown_missing_or_of_another_type_is_found(params, wrong):
    assert violations("post", "/v1/transfers", params) == [wrong]


def test_a_value_an_enumeration_does_not_list_is_found():
    (wrong,) = violations("post", "/v1/transfers", {**TRANSFER, "source_type": "gold"})

    assert wrong.startswith("source_type: 'gold' is none of")


def test_a_parameter_of_old_versions_is_found():
    old = {"mode": "payment", "payment_method_types": ["card"]}

    assert violations("post", "/v1/checkout/sessions", old) == ["payment_method_types: unknown"]


def test_a_nested_parameter_is_found_by_its_place():
    body = {"identity": {"country": "us", "entity_type": "ghost"}}

    (wrong,) = violations("post", "/v2/core/accounts", body)

    assert wrong.startswith("identity.entity_type: 'ghost' is none of")


def test_json_numbers_and_booleans_are_not_text():
    requested = {"stripe_balance": {"stripe_transfers": {"requested": "true"}}}
    body = {"configuration": {"recipient": {"capabilities": requested}}}

    (wrong,) = violations("post", "/v2/core/accounts", body)

    assert wrong.endswith("requested: 'true' is not bool")


def test_a_path_that_is_not_stripes_is_found():
    assert violations("post", "/v1/rewards", {}) == ["post /v1/rewards: no such operation"]
