"""What operators do about the books: floors in four eyes, incidents, the check of the seals."""

from __future__ import annotations

from datetime import date, timedelta
from io import StringIO

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from marketplace import jobs, metrics
from payments import accounts, floors, incidents, ledger, seals
from payments.models import Incident, WageFloor
from tests.factories import NOON, a_requester, a_user, floor, fresh, usd
from tests.marketplace.operators import log_in_operator, page
from tests.payments.books import posting, wallet_with
from workers.models import Proposal, Terms, User

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def operator(client):
    return log_in_operator(client)


def act(client, row, name, text=""):
    """Choose an action for a row, answer its question, and return what was said about it."""
    chosen = {"action": name, ACTION_CHECKBOX_NAME: [row.pk], "confirmed": "on", "text": text}
    answer = client.post(page(type(row), "changelist"), chosen, follow=True)
    return [str(each) for each in answer.context["messages"]]


def run(*arguments):
    """Return what the command printed."""
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


def tomorrow() -> date:
    return timezone.now().date() + DAY


def test_one_operator_proposes_a_rate_and_another_approves_it(client, operator):
    row = floor(1200)
    said = act(client, row, "propose", f"12.50 {tomorrow()} https://law.example/floor")
    new = WageFloor.objects.latest("pk")

    own = act(client, new, "approve")
    log_in_operator(client)
    others = act(client, new, "approve")

    assert said == [f"{row}: done."]
    assert (new.per_hour_minor, new.source) == (1250, "https://law.example/floor")
    assert "somebody other than who proposed it" in own[0]
    assert others == [f"{new}: done."]
    assert floors.in_force(currency="USD", on=tomorrow()) == 1250
    assert fresh(row).valid_to == tomorrow()


@pytest.mark.parametrize(
    ("kind", "outcome", "approved"),
    [("floor", "carried", True), ("floor", "lost", False), ("rule", "carried", False)],
)
def test_a_lower_floor_is_approved_after_the_workers_vote(
    client, operator, kind, outcome, approved
):
    vote = Proposal.objects.create(
        kind=kind, title="Lower", text="", proposed_by=operator, opened_at=NOON,
        closes_at=NOON + DAY, yes=2, no=1, outcome=outcome, counted_at=NOON + DAY,
    )  # fmt: skip
    act(client, floor(1200), "propose", f"11.00 {tomorrow()} #{vote.pk} the workers' vote")
    new = WageFloor.objects.latest("pk")
    log_in_operator(client)

    said = act(client, new, "approve")

    assert new.proposal_id == vote.pk
    assert bool(fresh(new).approved_at) is approved
    assert ("workers have carried" in said[0]) is not approved


@pytest.mark.parametrize("words", ["", "12.50", "12.50 2027-13-01 law", "12.501 2027-01-01 law"])
def test_words_that_are_no_floor_are_refused(client, operator, words):
    act(client, floor(1200), "propose", words)

    assert WageFloor.objects.count() == 1


def test_what_was_proposed_can_be_refused_and_a_source_confirmed(client, operator):
    row = floor(1200, checked_on=NOON.date() - 400 * DAY)
    act(client, row, "propose", f"12.50 {tomorrow()} the law")
    new = WageFloor.objects.latest("pk")

    act(client, new, "withdraw")
    act(client, row, "confirm")

    assert fresh(new).withdrawn_at is not None
    assert fresh(row).checked_on == timezone.now().date()


def test_an_incident_is_ended_with_words(client, operator):
    incidents.raise_incident("lost", "transfer 7", {}, NOON)
    incident = Incident.objects.get()

    act(client, incident, "resolve", "  ")
    assert fresh(incident).resolved_at is None
    act(client, incident, "resolve", "The bank was slow.")

    ended = fresh(incident)
    assert (ended.resolved_by, ended.resolution) == (operator, "The bank was slow.")


def test_the_floors_of_the_release_are_loaded_once_and_listed():
    first, again = run("floors", "load"), run("floors", "load")

    assert first.endswith(" wage floors added.\n")
    assert again == "0 wage floors added.\n"
    listed = run("floors")
    assert "platform\t12.00 USD an hour\tfrom 2026-01-01\tplatform policy" in listed
    assert "DE\t13.90 EUR an hour" in listed


def test_a_source_that_nobody_read_for_a_year_is_told():
    floor(1200, checked_on=date(2020, 1, 1))

    assert "Read the source again, last read 2020-01-01: platform\t12.00 USD" in run("floors")
    assert "crowdwright_stale_wage_floors 1.0" in metrics.render().decode()


def test_a_places_first_floor_is_proposed_on_the_command_line():
    operator = a_user()
    User.objects.filter(pk=operator.pk).update(is_staff=True)
    terms = f"14.60 {tomorrow()} MiLoV5"

    said = run("floors", "propose", "DE", "EUR", terms, "--by", operator.username)

    new = WageFloor.objects.get()
    assert said == f"Floor {new.pk} is proposed; another operator approves it.\n"
    assert (new.jurisdiction, new.per_hour_minor, new.approved_at) == ("DE", 1460, None)
    assert new.proposed_by == operator
    for name, terms_, why in [
        (a_requester().username, terms, "is no operator"),
        (operator.username, "much", "Write the rate"),
    ]:
        with pytest.raises(CommandError, match=why):
            run("floors", "propose", "DE", "EUR", terms_, "--by", name)


def test_check_ledger_names_the_last_seal_and_the_first_that_does_not_hold():
    wallet_with(10)
    jobs.seal_ledger()
    last = seals.head()

    assert f"seal 1 holds, through transfer {last.last_id}: " in run("check_ledger")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_transfer DISABLE TRIGGER USER")
        cursor.execute("UPDATE payments_transfer SET key = 'another'")
        cursor.execute("ALTER TABLE payments_transfer ENABLE TRIGGER USER")
    with pytest.raises(CommandError, match="Seal 1 does not hold: a transfer from"):
        run("check_ledger")


def test_the_night_rolls_up_seals_and_tells_of_money_that_sits_too_long():
    earnings = wallet_with(10)
    transit = accounts.payouts_in_transit(a_user().pk, "USD")
    ledger.post(posting(earnings, transit, 10), now=NOON)

    assert (jobs.roll_up(), jobs.seal_ledger(), jobs.look_at_clearing()) == (1, 2, 1)

    assert Incident.objects.get().details["amount_minor"] == usd(10).minor
    assert "crowdwright_open_incidents 1.0" in metrics.render().decode()


def test_a_release_prepares_the_database_as_often_as_it_is_asked():
    run("prepare")
    run("prepare", "-v0")

    assert floors.required(currency="USD", on=timezone.now().date()) == 1200
    assert Terms.objects.get().version == 1
