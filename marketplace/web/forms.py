"""What people fill in: signing up, logging in, naming a token."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth
from django import forms
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.web import countries
from workers.errors import UsernameTaken

PURPOSES = [
    ("work", "I want to work"),
    ("post", "I want to post jobs"),
    ("both", "Both"),
]


class SignupForm(allauth.SignupForm):  # type: ignore[misc]  # allauth has no types
    """Opens an account for a worker, a requester, or both."""

    purpose = forms.ChoiceField(
        label="What brings you here?", choices=PURPOSES, initial="work", widget=forms.RadioSelect
    )
    country = forms.ChoiceField(
        label="Country (optional)",
        required=False,
        choices=lambda: [("", "I'd rather not say"), *countries.choices()],
        help_text="Where you live. Some work is open to certain countries only.",
    )
    field_order = ["purpose", "username", "email", "password1", "country"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].help_text = "Letters, digits and . + - _"
        self.fields["email"].label = "E-mail"
        self.fields["email"].help_text = "For resetting your password. Requesters never see it."
        self.fields["password1"].help_text = "At least 8 characters, and not a common one."

    def try_save(self, request: HttpRequest) -> tuple[AbstractBaseUser | None, HttpResponse | None]:
        """Open the account, or show the form again to who was a moment too late for the name."""
        try:
            saved: tuple[AbstractBaseUser | None, HttpResponse | None] = super().try_save(request)
        except UsernameTaken as error:
            self.add_error("username", str(error))
            return None, render(request, "account/signup.html", {"form": self})
        return saved


class LoginForm(allauth.LoginForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "Username or e-mail"
        self.fields["login"].widget.attrs["autocomplete"] = "username"
        self.fields["remember"].label = "Keep me logged in"


class TokenForm(forms.Form):
    name = forms.CharField(
        label="What is it for?",
        max_length=100,
        help_text="A name to recognise it by, such as the script or machine that will use it.",
    )
