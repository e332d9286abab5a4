"""The pages of play money: what a bank's pages would ask, with nothing real behind them."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from payments import coins, operations, provider, webhooks
from payments.money import Money
from payments.play import world
from payments.play.store import Json

NEWS_MAX = 20  # in one request; the jobs take the rest


def _object(name: str, kind: str) -> Json:
    """An object of play money; 404 where real money is used."""
    if not provider.is_play():
        raise Http404
    row = provider.play_server().state.store.get(name)
    if row is None or row.kind != kind:
        raise Http404
    return row.data


def bring_news() -> None:
    """Take in at once what the bank of play money has to tell, as nobody waits gladly."""
    now = timezone.now()
    webhooks.deliver_play(now=now, limit=NEWS_MAX)
    webhooks.look_into_due(provider.client(), now=now, limit=NEWS_MAX)
    operations.make_due(provider.client(), now=now, limit=NEWS_MAX)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def checkout(request: HttpRequest, name: str) -> HttpResponse:
    """``/play/checkout/{session}``: pay a deposit with play money, or do not."""
    session = _object(name, "checkout.session")
    if request.method == "POST" and session["status"] == "open":
        act = world.pay_session if request.POST.get("pay") else world.expire_session
        act(provider.play_server(), name)
        bring_news()
        return redirect(session["success_url"])
    currency = session["currency"].upper()
    amount = Money(coins.from_stripe(session["amount_total"], currency), currency)
    return render(request, "money/play_checkout.html", {"session": session, "amount": amount})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def onboarding(request: HttpRequest, name: str) -> HttpResponse:
    """``/play/onboarding/{account}``: say yes, and be ready to be paid in play money."""
    _object(name, "v2.core.account")
    if request.method == "POST":
        world.onboard(provider.play_server(), name)
        bring_news()
        return redirect("paid")
    return render(request, "money/play_onboarding.html", {})
