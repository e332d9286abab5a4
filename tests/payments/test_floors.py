"""Wage floors: what holds where and when, and who may change it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from payments import floors, wage_floors
from payments.errors import (
    FloorDecided,
    FloorMissing,
    FloorOverlaps,
    FloorTooLow,
    InvalidAmount,
    InvalidFloor,
    SecondPersonMissing,
    VoteMissing,
)
from payments.models import WageFloor
from payments.money import MINOR_DIGITS, Money
from tests.factories import NOON, a_user, floor, fresh, usd

pytestmark = pytest.mark.django_db
TODAY = NOON.date()
TOMORROW = TODAY + timedelta(days=1)


def proposed(**terms):
    given = {
        "jurisdiction": "platform",
        "rate": usd(1300),
        "valid_from": TOMORROW,
        "source": "the operators' meeting",
        "actor_id": a_user().pk,
        "now": NOON,
        **terms,
    }
    return floors.propose(**given)


def approve(row, **how):
    return floors.approve(floor_id=row.pk, **{"actor_id": a_user().pk, "now": NOON, **how})


def in_dollars(on, *places):
    return floors.in_force(currency="USD", on=on, jurisdictions=places)


def test_the_highest_of_the_platform_and_the_named_places_holds():
    floor(1200)
    floor(1690, jurisdiction="US-CA")
    floor(725, jurisdiction="US")
    floor(1390, currency="EUR", jurisdiction="DE")

    assert in_dollars(TODAY) == 1200
    assert in_dollars(TODAY, "US-CA") == 1690
    assert in_dollars(TODAY, "US", "DE") == 1200
    assert floors.in_force(currency="EUR", on=TODAY, jurisdictions=["DE"]) == 1390
    assert floors.in_force(currency="EUR", on=TODAY) is None


def test_a_part_of_a_country_has_the_floor_of_the_country_too():
    floor(1800, jurisdiction="US")
    floor(1690, jurisdiction="US-CA")

    assert in_dollars(TODAY, "US-CA") == 1800


def test_a_floor_holds_from_its_first_day_to_the_day_before_its_end():
    floor(1200, valid_from=TODAY, valid_to=TOMORROW)

    days = [TODAY - timedelta(days=1), TODAY, TOMORROW]
    assert [in_dollars(day) for day in days] == [None, 1200, None]


def test_a_currency_without_a_floor_is_refused_unless_floors_are_optional(settings):
    assert floors.required(currency="USD", on=TODAY) is None

    settings.WAGE_FLOOR_OPTIONAL = False

    with pytest.raises(FloorMissing):
        floors.required(currency="USD", on=TODAY)
    floor(1200)
    assert floors.required(currency="USD", on=TODAY) == 1200


def test_a_floor_holds_once_another_person_has_approved_it_and_ends_the_one_before():
    old = floor(1200)
    new = proposed()
    assert in_dollars(TOMORROW) == 1200

    approve(new)

    assert [in_dollars(day) for day in (TODAY, TOMORROW)] == [1200, 1300]
    assert fresh(old).valid_to == TOMORROW


def test_nobody_approves_what_they_proposed():
    new = proposed()

    with pytest.raises(SecondPersonMissing):
        approve(new, actor_id=new.proposed_by_id)

    assert fresh(new).approved_at is None


def test_a_lower_platform_floor_needs_a_vote_that_was_carried():
    floor(1200)
    without, with_vote = proposed(rate=usd(1100)), proposed(rate=usd(1100), proposal_id=7)

    for row, carried in [(without, False), (without, True), (with_vote, False)]:
        with pytest.raises(VoteMissing):
            approve(row, vote_carried=carried)
    approve(with_vote, vote_carried=True)

    assert in_dollars(TOMORROW) == 1100


def test_a_legal_minimum_may_be_corrected_downwards_without_a_vote():
    floor(1690, jurisdiction="US-CA")

    approve(proposed(jurisdiction="US-CA", rate=usd(700)))

    assert in_dollars(TOMORROW, "US-CA") == 700


@pytest.mark.parametrize(
    ("rate", "least"), [(usd(799), usd(800)), (Money(1239, "JPY"), Money(1240, "JPY"))]
)
def test_no_platform_floor_is_worth_less_than_eight_dollars(rate, least):
    with pytest.raises(FloorTooLow) as refusal:
        proposed(rate=rate)

    assert refusal.value.minimum == least
    assert proposed(rate=least).per_hour_minor == least.minor


@pytest.mark.parametrize(
    "terms",
    [
        {"jurisdiction": "Germany"},
        {"jurisdiction": "us-ca"},
        {"source": "  "},
        {"source": "x" * 501},
        {"valid_to": TOMORROW + timedelta(days=9)},
        {"jurisdiction": "DE", "valid_to": TOMORROW},
    ],
)
def test_terms_that_cannot_be_are_refused(terms):
    with pytest.raises(InvalidFloor):
        proposed(**terms)


def test_a_rate_of_nothing_is_refused():
    with pytest.raises(InvalidAmount):
        proposed(jurisdiction="DE", rate=usd(0))


def test_a_floor_cannot_begin_before_it_is_approved():
    late = proposed()

    with pytest.raises(InvalidFloor, match="today or later"):
        approve(late, now=NOON + timedelta(days=2))


def test_two_floors_of_a_place_cannot_begin_on_the_same_day_or_in_the_wrong_order():
    approve(proposed(valid_from=TOMORROW + timedelta(days=5)))

    for first_day in [TOMORROW, TOMORROW + timedelta(days=5)]:
        with pytest.raises(FloorOverlaps):
            approve(proposed(rate=usd(1400), valid_from=first_day))


def test_what_is_decided_stays_decided():
    approved, withdrawn = approve(proposed()), proposed(rate=usd(1400))
    floors.withdraw(floor_id=withdrawn.pk, now=NOON)

    for row in approved, withdrawn:
        with pytest.raises(FloorDecided):
            approve(row)
        with pytest.raises(FloorDecided):
            floors.withdraw(floor_id=row.pk, now=NOON)
    assert in_dollars(TOMORROW) == 1300


def test_a_release_brings_a_platform_floor_in_every_currency_and_the_law_of_places():
    added = floors.load_shipped(NOON)

    assert added == len(wage_floors.shipped()) == WageFloor.objects.count()
    for currency in MINOR_DIGITS:
        rate = floors.required(currency=currency, on=TODAY)
        assert rate is not None
        assert rate >= wage_floors.bound(currency), currency
    for currency, rate in [("USD", 1200), ("EUR", 1200), ("GBP", 1271), ("JPY", 1240)]:
        assert floors.required(currency=currency, on=TODAY) == rate
    assert floors.in_force(currency="EUR", on=TODAY, jurisdictions=["DE"]) == 1390
    assert floors.in_force(currency="EUR", on=date(2027, 1, 1), jurisdictions=["DE"]) == 1460


def test_loading_a_release_again_adds_nothing():
    floors.load_shipped(NOON)

    assert floors.load_shipped(NOON) == 0


def test_a_release_does_not_undo_what_people_have_agreed_on():
    floors.load_shipped(NOON)
    approve(proposed(rate=usd(1500), valid_from=TODAY + timedelta(days=30)))

    assert floors.load_shipped(NOON + timedelta(days=60)) == 0
    assert in_dollars(TODAY + timedelta(days=29)) == 1200
    assert in_dollars(TODAY + timedelta(days=60)) == 1500


def test_a_later_release_ends_the_rate_of_the_earlier_one():
    old = floor(1390, currency="EUR", jurisdiction="DE", valid_from=date(2026, 1, 1))

    floors.load_shipped(NOON)

    assert fresh(old).valid_to == date(2027, 1, 1)
    assert floors.in_force(currency="EUR", on=date(2027, 1, 1), jurisdictions=["DE"]) == 1460


def test_every_supported_currency_has_a_rate_for_its_bound():
    assert set(wage_floors.PER_DOLLAR) == set(MINOR_DIGITS)
    assert wage_floors.bound("KWD") == 2456  # 8 times 0.307, in thousandths
    assert wage_floors.bound("EUR") == 688


def test_floors_whose_source_was_not_read_for_a_year_are_told():
    old = floor(1200, checked_on=TODAY - timedelta(days=366))
    floor(1390, currency="EUR", checked_on=TODAY - timedelta(days=365))

    assert list(floors.stale(on=TODAY)) == [old]
    floors.confirm(floor_id=old.pk, on=TODAY)
    assert not floors.stale(on=TODAY)
