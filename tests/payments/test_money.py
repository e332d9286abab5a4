from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.errors import CurrencyMismatch, InvalidAmount, UnknownCurrency
from payments.money import MAX_MINOR, MINOR_DIGITS, Money, fee_on, format_money, parse_money
from tests.factories import usd

currencies = st.sampled_from(sorted(MINOR_DIGITS))
weights = st.lists(st.integers(0, 1000), min_size=1).filter(any)


def test_amounts_of_one_currency_are_added_subtracted_and_multiplied():
    assert usd(7) + usd(5) == usd(12)
    assert usd(7) - usd(9) == usd(-2)
    assert usd(7) * 3 == usd(21)


@pytest.mark.parametrize("mix", [lambda a, b: a + b, lambda a, b: a - b])
def test_amounts_of_two_currencies_do_not_mix(mix):
    with pytest.raises(CurrencyMismatch):
        mix(usd(1), Money(1, "EUR"))


@pytest.mark.parametrize("currency", ["XXX", "usd", "", "US", "$"])
def test_there_is_no_money_of_an_unknown_currency(currency):
    with pytest.raises(UnknownCurrency):
        Money(1, currency)


@given(st.integers(0, MAX_MINOR), weights)
def test_shares_sum_to_the_whole_and_none_is_a_unit_off(minor, weights):
    shares = Money(minor, "USD").split(weights)

    assert sum(share.minor for share in shares) == minor
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share.minor * sum(weights) - minor * weight) < sum(weights)


@given(st.integers(0, 10**9), weights)
def test_who_has_no_weight_gets_no_share(minor, weights):
    shares = Money(minor, "USD").split([*weights, 0])

    assert shares[-1] == usd(0)


def test_the_leftover_cent_goes_to_the_earlier_of_equal_shares():
    assert usd(100).split([1, 1, 1]) == [usd(34), usd(33), usd(33)]
    assert usd(5).split([80, 20]) == [usd(4), usd(1)]


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_a_split_needs_weights(weights):
    with pytest.raises(ValueError, match="a split needs a positive weight and no negative one"):
        usd(1).split(weights)


@pytest.mark.parametrize(
    ("reward", "basis_points", "fee"),
    [(1, 2000, 0), (3, 2000, 1), (10, 2000, 2), (5, 1000, 1), (125, 2000, 25), (99, 0, 0)],
)
def test_a_fee_is_rounded_half_up(reward, basis_points, fee):
    assert fee_on(reward, basis_points) == fee


@given(st.integers(0, 10**12), st.integers(0, 10_000))
def test_a_fee_is_within_half_a_minor_unit_of_its_exact_part(reward, basis_points):
    assert abs(fee_on(reward, basis_points) * 10_000 - reward * basis_points) <= 5_000


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1234, "USD"), "12.34 USD"),
        (Money(5, "EUR"), "0.05 EUR"),
        (Money(500, "JPY"), "500 JPY"),
        (Money(1, "KWD"), "0.001 KWD"),
        (Money(-1205, "USD"), "-12.05 USD"),
        (Money(0, "USD"), "0.00 USD"),
    ],
)
def test_an_amount_is_written_with_all_decimals_of_its_currency(money, text):
    assert format_money(money) == str(money) == text


@given(st.integers(0, MAX_MINOR), currencies)
def test_what_is_written_reads_back_as_the_same_amount(minor, currency):
    text, code = format_money(Money(minor, currency)).split(" ")

    assert parse_money(text, code) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "cents"), [("12", 1200), ("12.3", 1230), ("12.34", 1234), ("0.05", 5), ("0", 0)]
)
def test_decimals_may_be_left_out(text, cents):
    assert parse_money(text, "USD") == usd(cents)


@pytest.mark.parametrize("text", ["1.234", "0.001", "5.000"])
def test_more_decimals_than_the_currency_has_are_refused(text):
    with pytest.raises(InvalidAmount):
        parse_money(text, "USD")


def test_a_currency_without_decimals_takes_none():
    with pytest.raises(InvalidAmount):
        parse_money("500.0", "JPY")


ARABIC_INDIC_12, FULLWIDTH_12 = "\u0661\u0662", "\uff11\uff12"
not_amounts = ["", " ", "1 ", "1\n", "-1", "+1", "1.", ".5", "1,5", "1.2.3", "$1", "1_0", "1e3"]
not_amounts += ["0x1", "NaN", "Infinity", ARABIC_INDIC_12, FULLWIDTH_12, f"1.{ARABIC_INDIC_12}"]
too_large = ["9" * 14, "9" * 16, "9" * 17]


@pytest.mark.parametrize("text", not_amounts + too_large)
def test_only_plain_ascii_decimals_within_bounds_are_an_amount(text):
    with pytest.raises(InvalidAmount):
        parse_money(text, "USD")


def test_no_amount_is_read_in_an_unknown_currency():
    with pytest.raises(UnknownCurrency):
        parse_money("1.00", "XXX")
