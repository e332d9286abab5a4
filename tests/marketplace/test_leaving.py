"""An account is erased: nothing that names its owner remains in any table, and no cent is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from marketplace import leaving as edge
from marketplace.models import ApiKey, StoredResponse
from payments import accounts
from payments.models import ConnectedAccount, Payout, StripeEvent
from tasks import leaving, settle
from tests.factories import (
    HOUR,
    NOON,
    a_requester,
    a_user,
    accepted,
    claim,
    drafted_batch,
    fresh,
    published_batch,
    rejected,
    submitted,
    usd,
)
from tests.marketplace.clients import api
from workers import forum, people
from workers.errors import NotErasable
from workers.models import Decision, Event, User

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NAMES = ["canaria.serinus", "canary@worker.example", "Canarina", "Serinola"]


def a_named_worker():
    """A worker of whom every name is unmistakable, and stands wherever names can stand."""
    user = people.register(
        username=NAMES[0], email=NAMES[1], password="feathers-77", worker=True, now=NOON
    )
    User.objects.filter(pk=user.pk).update(first_name=NAMES[2], last_name=NAMES[3])
    EmailAddress.objects.create(user=user, email=NAMES[1], primary=True, verified=True)
    api(user).get("standing")
    ApiKey.objects.filter(user=user).update(name=NAMES[2])
    StoredResponse.objects.create(
        user=user, key="k", fingerprint="f", body={"n": NAMES[1]}, created_at=NOON
    )
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session["name"] = NAMES[0]
    session.save()
    forum.post(author=user.worker, text=f"Yours, {NAMES[2]}", now=NOON)
    StripeEvent.objects.create(
        id=f"evt_{user.pk}", type="checkout.session.completed", source="webhook",
        payload={"data": {"object": {"customer_details": {"email": NAMES[1].upper()}}}},
        received_at=NOON, next_try_at=NOON,
    )  # fmt: skip
    LogEntry.objects.create(
        user=a_user(), action_flag=2, object_repr=NAMES[0], change_message="Suspend"
    )
    return fresh(user)


def paid(user, reward=5):
    accepted(published_batch(tasks=1, reward=usd(reward)), worker=user.worker)
    settle.pay_accepted(now=NOON + HOUR)


def can_be_paid(user):
    return ConnectedAccount.objects.create(
        owner=user, stripe_account_id="acct_1", transfers_status="active",
        payouts_status="active", created_at=NOON,
    )  # fmt: skip


def tables_that_hold(*texts):
    """The columns of any table in which any of ``texts`` can be found, whatever its case."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns c"
            " JOIN information_schema.tables t USING (table_schema, table_name)"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
            " AND data_type IN ('text', 'character varying', 'character', 'jsonb', 'json', 'ARRAY')"
        )
        for table, column in cursor.fetchall():
            holds = f'SELECT 1 FROM "{table}" WHERE strpos(lower("{column}"::text), %s) > 0 LIMIT 1'
            for text in texts:
                cursor.execute(holds, [text.lower()])
                if cursor.fetchone():
                    found.append((table, column, text))
    return found


def test_before_an_erasure_the_names_stand_in_many_tables():
    a_named_worker()

    columns = {f"{table}.{column}" for table, column, _ in tables_that_hold(*NAMES)}

    assert columns >= {
        "workers_user.username", "workers_user.email", "workers_user.first_name",
        "account_emailaddress.email", "marketplace_apikey.name", "workers_post.text",
        "marketplace_storedresponse.body", "django_admin_log.object_repr",
        "payments_stripeevent.payload",
    }  # fmt: skip


def test_after_an_erasure_no_table_holds_a_name():
    user = a_named_worker()
    paid(user)
    rejected(published_batch(tasks=1), worker=user.worker)
    public_id = user.worker.public_id

    edge.erase(user=user, now=NOON + HOUR)

    assert tables_that_hold(*NAMES, public_id) == []


def test_a_name_within_somebody_elses_stays_in_the_history_of_the_admin():
    user = a_named_worker()
    other = f"jo{NAMES[0]}ette"
    LogEntry.objects.create(
        user=a_user(), action_flag=2, object_repr=other, change_message="Suspend"
    )

    edge.erase(user=user, now=NOON)

    assert LogEntry.objects.filter(object_repr=other).exists()
    assert not LogEntry.objects.filter(object_repr=NAMES[0]).exists()


def test_nobody_can_log_in_or_call_as_an_erased_account():
    user = a_named_worker()
    client = api(user)

    pseudonym = edge.erase(user=user, now=NOON)

    row = fresh(user)
    assert (row.username, row.is_active, row.has_usable_password()) == (pseudonym, False, False)
    assert client.get("standing").status_code == 401
    assert not Session.objects.exists()
    assert not ApiKey.objects.filter(user=user).exists()


def test_the_account_is_closed_by_its_owners_own_decision():
    user = a_named_worker()

    edge.erase(user=user, now=NOON)
    edge.erase(user=user, now=NOON + DAY)

    decision = Decision.objects.get(concerns=user)
    assert (decision.kind, decision.made_by, decision.subject_kind) == ("close", user, "worker")
    assert fresh(user.worker).status == "closed"
    assert Event.objects.get(kind="user_erased").subject_id == user.pk


def test_earnings_are_asked_to_be_paid_first_however_small():
    user = a_named_worker()
    can_be_paid(user)
    paid(user, reward=1)

    edge.erase(user=user, now=NOON + HOUR)

    payout = Payout.objects.get(owner=user)
    assert (payout.amount_minor, payout.status) == (1, "requested")
    assert accounts.earnings_of(user.pk, "USD").balance_minor == 0


def test_without_an_account_to_pay_to_the_earnings_wait_under_the_pseudonym():
    user = a_named_worker()
    paid(user)

    edge.erase(user=user, now=NOON)

    assert accounts.earnings_of(user.pk, "USD").balance_minor == 5
    assert not Payout.objects.exists()


def test_earnings_that_wait_are_told_of_after_30_90_and_180_days_once_each():
    user = a_named_worker()
    paid(user)
    edge.erase(user=user, now=NOON)

    told = {days: leaving.follow_up(now=NOON + days * DAY) for days in (29, 30, 31, 90, 200, 400)}

    assert told == {29: 0, 30: 1, 31: 0, 90: 1, 200: 1, 400: 0}
    notices = Event.objects.filter(kind="earnings_unclaimed").order_by("pk")
    assert [notice.data for notice in notices] == [
        {"days": days, "amounts": {"USD": 5}} for days in (30, 90, 180)
    ]


def test_what_is_decided_after_the_erasure_is_still_paid():
    user = a_named_worker()
    can_be_paid(user)
    held = claim(published_batch(tasks=1), worker=user.worker)
    done = fresh(submitted(published_batch(tasks=1), worker=user.worker))
    edge.erase(user=user, now=NOON)
    settle.accept(assignment=done, actor=done.batch.project.requester, now=NOON + HOUR)
    settle.pay_accepted(now=NOON + HOUR)

    assert leaving.follow_up(now=NOON + DAY) == 1

    assert Payout.objects.get(owner=user).amount_minor == 5
    assert fresh(held).status == "active"  # it expires as any other does


def test_a_requester_first_settles_their_batches():
    batch = published_batch(tasks=1)
    requester = batch.project.requester

    with pytest.raises(NotErasable, match="batches"):
        edge.erase(user=requester, now=NOON)

    assert fresh(requester).erased_at is None


def test_a_requester_first_has_their_wallet_sent_back():
    with pytest.raises(NotErasable, match="wallet"):
        edge.erase(user=a_requester(usd(5)), now=NOON)


def test_a_requester_with_nothing_open_may_leave_drafts_behind():
    requester = drafted_batch(tasks=1).project.requester

    edge.erase(user=requester, now=NOON)

    decision = Decision.objects.get(concerns=requester)
    assert (decision.kind, decision.subject_kind) == ("close", "user")


def test_staff_first_give_up_that_role():
    root = User.objects.create_superuser("root")

    with pytest.raises(NotErasable, match="role"):
        edge.erase(user=root, now=NOON)


def test_the_command_asks_for_the_name_twice(capsys):
    user = a_named_worker()

    with pytest.raises(CommandError, match="differ"):
        call_command("erase", NAMES[0], confirm=a_user().username)
    assert fresh(user).erased_at is None

    call_command("erase", NAMES[0], confirm=NAMES[0].upper())

    assert fresh(user).erased_at is not None
    assert fresh(user).username in capsys.readouterr().out
