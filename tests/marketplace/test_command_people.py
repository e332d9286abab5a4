"""``token``, ``link_people`` and ``demo_logins``: commands about who is here."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from marketplace.api import keys
from marketplace.models import ApiKey
from payments import accounts
from tasks.models import Assignment
from tests.factories import a_user, a_worker, claim, published_batch, usd
from workers.models import User

pytestmark = pytest.mark.django_db


def run(*arguments):
    """Return what the command printed."""
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_token_prints_a_token_that_works_and_nothing_else():
    user = a_user()

    token = run("token", user.username.upper(), "--name", "my script").removesuffix("\n")

    assert keys.find(token, now=timezone.now()).user == user
    assert ApiKey.objects.get().name == "my script"


@pytest.mark.parametrize("name", ["", "x" * 101])
def test_a_token_needs_a_name_that_fits(name):
    with pytest.raises(CommandError, match="1 to 100 characters"):
        run("token", a_user().username, "--name", name)

    assert not ApiKey.objects.exists()


def test_nobody_gets_a_token_for_a_user_who_is_not_there():
    with pytest.raises(CommandError, match="There is no user called 'nobody'"):
        run("token", "nobody")


def test_linked_people_are_one_person_with_their_assignments():
    kept, absorbed = a_worker(), a_worker()
    assignment = claim(published_batch(), absorbed)

    said = run("link_people", kept.user.username, absorbed.user.username)

    assert said.endswith("are one person; 1 assignments moved.\n")
    assert User.objects.get(pk=absorbed.user.pk).person == kept.user.person
    assert Assignment.objects.get(pk=assignment.pk).person == kept.user.person


def test_nobody_is_linked_to_themselves():
    user = a_user()

    with pytest.raises(CommandError, match="already belong to one person"):
        run("link_people", user.username, user.username)


@pytest.fixture
def var(tmp_path, monkeypatch):
    monkeypatch.setenv("CROWDWRIGHT_VAR", str(tmp_path / "var"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return tmp_path / "var"


def logins(printed):
    return {name: password for name, password, *_ in map(str.split, printed.splitlines())}


def test_the_demo_logins_are_three_people_with_their_roles_and_play_money(var):
    found = logins(run("demo_logins"))

    users = {name: User.objects.get(username=name) for name in found}
    assert all(user.check_password(found[name]) for name, user in users.items())
    assert users["requester"].is_requester
    assert accounts.wallet_of(users["requester"].pk, "USD").balance == usd(100_00)
    assert users["worker"].worker.is_active
    assert users["admin"].is_staff


def test_the_demo_logins_stay_the_same_and_the_money_comes_once(var):
    first = run("demo_logins")

    assert run("demo_logins") == first
    requester = User.objects.get(username="requester")
    assert accounts.wallet_of(requester.pk, "USD").balance == usd(100_00)


def test_the_passwords_are_kept_where_only_their_owner_can_read_them(var):
    printed = run("demo_logins")

    path = var / "demo-logins.json"
    assert json.loads(path.read_text()) == logins(printed)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in var.iterdir()] == [path.name]


def test_a_fresh_database_gets_the_passwords_that_were_kept(var):
    first = run("demo_logins")
    User.objects.filter(username="admin").update(username="gone")

    assert run("demo_logins") == first
    assert User.objects.get(username="admin").check_password(logins(first)["admin"])


def test_somebody_who_is_called_so_already_keeps_their_password_and_gets_nothing(var):
    somebody = a_user(requester=True)
    User.objects.filter(pk=somebody.pk).update(username="requester")

    assert "requester  (its own)" in run("demo_logins")
    assert accounts.wallet_of(somebody.pk, "USD").balance == usd(0)


def test_a_database_of_ones_own_gets_no_demo_logins_unless_forced(var, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/production")
    errors = StringIO()

    call_command("demo_logins", stdout=(out := StringIO()), stderr=errors)

    assert out.getvalue() == ""
    assert "--force" in errors.getvalue()
    assert not User.objects.exists()
    assert len(logins(run("demo_logins", "--force"))) == 3
