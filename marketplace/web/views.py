"""Pages: the front door, and the tokens of an account. Logging in and out is allauth's."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from marketplace.api import keys
from marketplace.models import ApiKey
from marketplace.web.forms import TokenForm
from workers.models import User


class SignedInRequest(HttpRequest):
    """A request that has passed ``login_required``."""

    user: User


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """``GET /``: what Crowdwright is, or a greeting to who is logged in."""
    greeting = greeting_for(request.user) if isinstance(request.user, User) else ""
    return render(request, "home.html", {"greeting": greeting})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: SignedInRequest) -> HttpResponse:
    """``/account/tokens``: list the caller's tokens; a POST makes one and shows it this once."""
    form, token = TokenForm(request.POST or None), ""
    if form.is_valid():
        made = keys.make(user=request.user, name=form.cleaned_data["name"], now=timezone.now())
        form, token = TokenForm(), made[1]
    live = ApiKey.objects.filter(user=request.user, revoked_at=None).order_by("-pk")
    return render(request, "tokens.html", {"form": form, "token": token, "keys": live})


@login_required
@require_POST
def revoke_token(request: SignedInRequest, key_id: int) -> HttpResponse:
    """``POST /account/tokens/{key}/revoke``: refuse the token from now on."""
    key = get_object_or_404(ApiKey, user=request.user, pk=key_id)
    keys.revoke(key=key, now=timezone.now())
    messages.success(request, f"The token “{key.name}” no longer works.")
    return redirect("tokens")


def greeting_for(user: User) -> str:
    """One line that says what this account is for."""
    if user.is_staff:
        return "You look after this marketplace: its people, its money and its disputes."
    if user.worker_or_none and user.is_requester:
        return "You can post jobs and do work here, only never both on the same job."
    if user.is_requester:
        return "Post a job, see what it will cost, and watch the answers come in."
    if user.worker_or_none:
        return "Pick work that suits you. What you earn is yours as soon as it is accepted."
    return "Your account is ready."
