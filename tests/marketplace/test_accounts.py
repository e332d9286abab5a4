"""Signing up, logging in and out, passwords, tokens: the pages of an account."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from marketplace.api import keys
from marketplace.models import ApiKey
from workers import people
from workers.models import Person, User, Worker

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"
FORM = {
    "purpose": "work",
    "username": "Ana",
    "email": "ana@example.org",
    "password1": PASSWORD,
    "country": "DE",
}


@pytest.fixture(autouse=True)
def _fresh_rate_limits(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


@pytest.fixture
def ana():
    return people.register(
        username="ana", email="ana@example.org", password=PASSWORD, worker=True, now=NOON
    )


@pytest.fixture
def signed_in(client, ana):
    client.force_login(ana)
    return client


def log_in(client, login="ana", password=PASSWORD, **extra):
    return client.post("/account/login/", {"login": login, "password": password, **extra})


def text_of(response):
    """The page as a reader sees it, in one line."""
    main = re.search("<main.*</main>", response.content.decode(), re.DOTALL)[0]
    return " ".join(re.sub("<[^>]+>", " ", main).split())


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/account/login/",
        "/account/signup/",
        "/account/password/reset/",
        "/account/password/reset/done/",
        "/account/password/reset/key/done/",
        "/account/password/reset/key/1-nonsense/",
        "/account/confirm-email/",
        "/account/confirm-email/nonsense/",
        "/account/inactive/",
    ],
)
def test_these_pages_are_open_to_everybody(client, path):
    response = client.get(path)

    assert response.status_code == 200
    page = response.content.decode()
    assert '<html lang="en">' in page
    assert page.count("<main") == page.count("<h1") == 1
    assert '<a class="skip" href="#main">' in page


@pytest.mark.parametrize(
    "path",
    [
        "/account/tokens",
        "/account/email/",
        "/account/password/change/",
        "/account/reauthenticate/",
        "/account/logout/",
    ],
)
def test_these_pages_are_for_who_is_logged_in(client, signed_in, path):
    assert signed_in.get(path).status_code == 200
    client.logout()

    assert client.get(path).status_code == 302


@pytest.mark.parametrize("path", ["/", "/account/login/", "/account/signup/", "/account/tokens"])
def test_pages_carry_no_inline_style_or_script(signed_in, path):
    for visitor in (signed_in, Client()):
        page = visitor.get(path, follow=True).content.decode()

        assert "<style" not in page
        assert "<script" not in page
        assert not re.search(r"\s(style|on[a-z]+)=", page)


@pytest.mark.parametrize(
    ("purpose", "works", "posts"),
    [("work", True, False), ("post", False, True), ("both", True, True)],
)
def test_signing_up_makes_a_person_with_the_roles_chosen(client, purpose, works, posts):
    response = client.post("/account/signup/", {**FORM, "purpose": purpose})

    assert response.status_code == 302
    user = User.objects.get()
    assert user.username == "ana"
    assert user.email == "ana@example.org"
    assert user.check_password(PASSWORD)
    assert user.person == Person.objects.get()
    assert bool(user.worker_or_none) is works
    assert user.is_requester is posts
    assert not user.is_staff
    assert client.get("/").wsgi_request.user == user


def test_a_worker_says_where_they_live_or_does_not(client):
    client.post("/account/signup/", FORM)
    Client().post(
        "/account/signup/",
        {**FORM, "username": "bo", "email": "bo@example.org", "country": ""},
    )

    assert Worker.objects.get(user__username="ana").country == "DE"
    assert Worker.objects.get(user__username="bo").country == ""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"username": "a b"}, "Use letters, digits and . + - _ only."),
        ({"username": "ana\u202e"}, "Use letters, digits and . + - _ only."),
        ({"username": ""}, "This field is required."),
        ({"username": "x" * 151}, "at most 150 characters"),
        ({"email": "ana"}, "Enter a valid email address."),
        ({"password1": "short"}, "This password is too short."),
        ({"password1": "password"}, "This password is too common."),
        ({"purpose": "rule"}, "Select a valid choice."),
        ({"country": "XX"}, "Select a valid choice."),
    ],
)
def test_a_form_that_is_wrong_comes_back_with_what_to_change(client, wrong, said):
    response = client.post("/account/signup/", {**FORM, **wrong})

    assert response.status_code == 200
    assert said in text_of(response)
    assert 'aria-invalid="true"' in response.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize("username", ["ana", "ANA", "\uff41na"])
def test_a_username_that_looks_like_somebodys_is_taken(client, ana, username):
    response = client.post(
        "/account/signup/", {**FORM, "username": username, "email": "other@example.org"}
    )

    assert "already exists" in text_of(response)
    assert User.objects.get() == ana


def test_signing_up_cannot_make_an_admin(client):
    client.post("/account/signup/", {**FORM, "is_staff": "1", "is_superuser": "1"})

    user = User.objects.get()
    assert not user.is_staff
    assert not user.is_superuser


@pytest.mark.django_db(transaction=True)
def test_who_loses_the_race_for_a_username_sees_the_form_again(client):
    pages = []

    def sign_up():
        try:
            pages.append(client.post("/account/signup/", FORM))
        finally:
            connection.close()

    with transaction.atomic():
        people.register(username="ana", now=NOON)
        losing = threading.Thread(target=sign_up)
        losing.start()
        wait_until_somebody_waits_for_a_lock()
    losing.join()

    assert "Somebody already has this username" in text_of(pages[0])
    assert User.objects.count() == 1


def wait_until_somebody_waits_for_a_lock():
    with connection.cursor() as cursor:
        for _ in range(500):
            cursor.execute(
                "SELECT pg_stat_clear_snapshot(), count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[1]:
                return
            cursor.execute("SELECT pg_sleep(0.02)")
    pytest.fail("nobody waited")


@pytest.mark.parametrize(
    "login", ["ana", "ANA", "\u24d0na", " ana ", "ana@example.org", "Ana@Example.org"]
)
def test_one_logs_in_with_any_spelling_of_username_or_email(client, ana, login):
    response = log_in(client, login)

    assert (response.status_code, response.url) == (302, "/")
    assert client.get("/").wsgi_request.user == ana


@pytest.mark.parametrize(
    ("known", "unknown"), [("ana", "eve"), ("ana@example.org", "eve@example.org")]
)
def test_a_wrong_password_says_the_same_for_known_and_unknown_users(client, ana, known, unknown):
    said = [text_of(log_in(client, login, "wrong")) for login in (known, unknown)]

    assert said[0] == said[1]
    assert "not correct" in said[0]
    assert not client.get("/").wsgi_request.user.is_authenticated


def test_after_five_wrong_passwords_the_right_one_waits_in_every_spelling(client, ana):
    for login in ["ana", "ANA", "\u24d0na", "Ana", "anA"]:
        log_in(client, login, "wrong")

    assert "Too many failed login attempts" in text_of(log_in(client, "ana"))


def test_an_inactive_user_is_turned_away(client, ana):
    User.objects.update(is_active=False)

    assert log_in(client).url == "/account/inactive/"


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "https:evil.example",
    ],
)
def test_logging_in_never_leads_elsewhere(client, ana, target):
    assert log_in(client, next=target).url == "/"


def test_logging_in_leads_back_to_the_page_that_asked_for_it(client, ana):
    asked = client.get("/account/tokens")
    page = client.get(asked.url).content.decode()

    assert '<input type="hidden" name="next" value="/account/tokens">' in page
    assert log_in(client, next="/account/tokens").url == "/account/tokens"


def test_the_session_is_another_after_logging_in(client, ana):
    client.get("/account/login/")
    before = client.session.session_key

    log_in(client)

    assert client.session.session_key != before


@pytest.mark.parametrize(
    "path",
    [
        "/account/login/",
        "/account/signup/",
        "/account/logout/",
        "/account/password/change/",
        "/account/password/reset/",
        "/account/email/",
        "/account/tokens",
        "/account/tokens/1/revoke",
    ],
)
def test_a_form_from_another_site_is_refused(ana, path):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ana)

    response = strict.post(path, FORM)

    assert response.status_code == 403
    assert "This is not allowed" in text_of(response)


def test_logging_out_ends_the_session(signed_in):
    response = signed_in.post("/account/logout/", follow=True)

    assert "You are logged out." in text_of(response)
    assert not response.wsgi_request.user.is_authenticated


def test_looking_at_the_log_out_page_does_not_log_out(signed_in, ana):
    signed_in.get("/account/logout/")

    assert signed_in.get("/").wsgi_request.user == ana


def test_changing_the_password_ends_every_other_session(signed_in, ana):
    elsewhere = Client()
    elsewhere.force_login(ana)

    response = signed_in.post(
        "/account/password/change/",
        {
            "oldpassword": PASSWORD,
            "password1": "another long phrase",
            "password2": "another long phrase",
        },
        follow=True,
    )

    assert "Your password is changed." in text_of(response)
    assert User.objects.get().check_password("another long phrase")
    assert signed_in.get("/account/tokens").status_code == 200
    assert elsewhere.get("/account/tokens").status_code == 302


def test_a_forgotten_password_is_reset_by_a_link_that_works_once(client, ana):
    client.post("/account/password/reset/", {"email": "ANA@example.org"})
    link = re.search(r"https?://[^/]+(/\S+)", mail.outbox[0].body)[1]

    form = client.get(link, follow=True)
    new = {"password1": "another long phrase", "password2": "another long phrase"}
    client.post(form.redirect_chain[-1][0], new)

    assert log_in(client, password="another long phrase").status_code == 302
    assert "This link no longer works" in text_of(Client().get(link))


def test_a_password_reset_says_the_same_for_known_and_unknown_addresses(client, ana):
    said = [
        text_of(client.post("/account/password/reset/", {"email": address}, follow=True))
        for address in ("ana@example.org", "eve@example.org")
    ]

    assert said[0] == said[1]
    assert "If an account has this address" in said[0]


def test_an_address_is_confirmed_by_the_link_that_was_mailed(client):
    client.post("/account/signup/", FORM)
    link = re.search(r"https?://[^/]+(/account/confirm-email/\S+)", mail.outbox[0].body)[1]
    assert client.get(link).status_code == 200

    client.post(link)

    assert User.objects.get().emailaddress_set.get().verified


def test_the_front_page_says_what_this_is_and_where_to_start(client):
    response = client.get("/")

    assert "a marketplace for small tasks that need a human eye" in text_of(response)
    page = response.content.decode()
    for link in ("/account/login/", "/account/signup/", "/api/docs"):
        assert f'href="{link}"' in page


@pytest.mark.parametrize(
    ("roles", "admin", "said"),
    [
        ({"worker": True}, False, "Pick work that suits you."),
        ({"requester": True}, False, "Post a job"),
        ({"worker": True, "requester": True}, False, "never both on the same job"),
        ({}, False, "Your account is ready."),
        ({"requester": True}, True, "You look after this marketplace"),
    ],
)
def test_everybody_is_greeted_by_their_role(client, roles, admin, said):
    user = people.register(username="ana", now=NOON, **roles)
    user.is_staff = admin
    user.save()
    client.force_login(user)

    page = text_of(client.get("/"))

    assert "Hello, ana." in page
    assert said in page


def test_a_new_token_is_shown_once_and_works(signed_in, ana):
    response = signed_in.post("/account/tokens", {"name": "laptop"})

    token = re.search("<code>(cw_[^<]+)</code>", response.content.decode())[1]
    assert keys.find(token, now=NOON).user == ana
    assert ApiKey.objects.get().name == "laptop"
    assert "no-store" in response["Cache-Control"]
    again = signed_in.get("/account/tokens")
    assert token not in again.content.decode()
    assert "laptop" in text_of(again)


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\0b"])
def test_a_token_needs_a_name_one_can_read(signed_in, name):
    response = signed_in.post("/account/tokens", {"name": name})

    assert response.status_code == 200
    assert 'aria-invalid="true"' in response.content.decode()
    assert not ApiKey.objects.exists()


def test_a_revoked_token_stops_working_and_leaves_the_list(signed_in, ana):
    key, token = keys.make(user=ana, name="laptop", now=NOON)

    response = signed_in.post(f"/account/tokens/{key.pk}/revoke", follow=True)

    assert keys.find(token, now=NOON) is None
    assert "The token “laptop” no longer works. " in text_of(response)
    assert "None yet." in text_of(response)


def test_somebody_elses_token_does_not_exist(signed_in):
    other = people.register(username="bo", now=NOON)
    key, token = keys.make(user=other, name="theirs", now=NOON)

    assert "theirs" not in text_of(signed_in.get("/account/tokens"))
    assert signed_in.post(f"/account/tokens/{key.pk}/revoke").status_code == 404
    assert signed_in.post(f"/account/tokens/{key.pk + 1}/revoke").status_code == 404
    assert signed_in.post(f"/account/tokens/{'9' * 30}/revoke").status_code == 404
    assert keys.find(token, now=NOON)


def test_a_token_is_not_revoked_by_looking(signed_in, ana):
    key, token = keys.make(user=ana, name="laptop", now=NOON)

    assert signed_in.get(f"/account/tokens/{key.pk}/revoke").status_code == 405
    assert keys.find(token, now=NOON)


def test_a_name_is_shown_as_text_whatever_it_contains(signed_in, ana):
    keys.make(user=ana, name="<img src=x onerror=alert(1)>", now=NOON)

    page = signed_in.get("/account/tokens").content.decode()

    assert "<img" not in page
    assert "&lt;img src=x" in page


def test_a_page_that_does_not_exist_says_so_and_leads_back(client):
    response = client.get("/no/such/page")

    assert response.status_code == 404
    assert "There is nothing here" in text_of(response)
    assert f'href="{reverse("home")}"' in response.content.decode()
