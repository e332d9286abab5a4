"""How allauth's sign-up and log-in meet the people of this marketplace."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.http import HttpRequest
from django.utils import timezone

from workers import names, people
from workers.errors import InvalidName
from workers.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts are opened by ``people.register`` and found by any spelling of their username."""

    def save_user(
        self, request: HttpRequest, user: User, form: BaseForm, commit: bool = True
    ) -> User:
        """Register whoever filled in the form; the blank ``user`` that allauth made is dropped.

        Raises ``UsernameTaken`` when somebody was faster.
        """
        said = form.cleaned_data
        return people.register(
            username=said["username"],
            email=said["email"],
            password=said["password1"],
            worker=said["purpose"] in {"work", "both"},
            requester=said["purpose"] in {"post", "both"},
            country=said["country"],
            now=timezone.now(),
        )

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """Return the canonical spelling of a username that is free."""
        try:
            canonical = names.valid_username(username)
        except InvalidName as error:
            raise ValidationError("Use letters, digits and . + - _ only.") from error
        cleaned: str = super().clean_username(canonical, shallow)
        return cleaned

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Check a password. Every spelling of a username is one, also to the rate limit."""
        credentials["username"] = names.canonical_username(credentials.get("username", ""))
        user: User | None = super().authenticate(request, **credentials)
        return user
