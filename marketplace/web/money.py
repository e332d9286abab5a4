"""Doors to the provider: its checkout, its onboarding, and its webhooks.

The addresses that people are given are ours and signed, so that they can be given out at once:
the call that makes the provider's own page is made when somebody comes.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from marketplace.api.fundings import CHECKOUT
from marketplace.api.payout_account import ONBOARDING
from payments import fundings, operations, payout_accounts, provider, webhooks
from payments.errors import InvalidWebhook
from payments.models import ConnectedAccount, Funding

LINK_LIVES = timedelta(days=1)
BODY_MAX = 1 << 20


def _named(signer: signing.TimestampSigner, signed: str) -> int:
    try:
        return int(signer.unsign(signed, max_age=LINK_LIVES))
    except (signing.BadSignature, ValueError) as error:
        raise Http404 from error


@require_safe
@never_cache
def checkout(request: HttpRequest, signed: str) -> HttpResponse:
    """``GET /checkout/{signed}``: on to the provider's checkout, or what became of it."""
    funding = get_object_or_404(Funding, pk=_named(CHECKOUT, signed))
    if not funding.checkout_url and funding.status == Funding.Status.CREATED:
        operations.make(fundings.CHECKOUT, funding.pk, provider.client(), now=timezone.now())
        funding.refresh_from_db()
    if funding.status == Funding.Status.CREATED and funding.checkout_url:
        return redirect(funding.checkout_url)
    return render(request, "money/funding.html", {"funding": funding})


@require_safe
@never_cache
def paid(request: HttpRequest) -> HttpResponse:
    """``GET /paid``: where the checkout sends people back to; the wallet is credited elsewhere."""
    return render(request, "money/paid.html", {"play": provider.is_play()})


@require_safe
@never_cache
def onboarding(request: HttpRequest, signed: str) -> HttpResponse:
    """``GET /onboarding/{signed}``: on to the provider's page about the worker's account."""
    account = get_object_or_404(ConnectedAccount, pk=_named(ONBOARDING, signed))
    client = provider.client()
    if not account.stripe_account_id:
        operations.make(payout_accounts.OPEN, account.pk, client, now=timezone.now())
        account.refresh_from_db()
    if not account.stripe_account_id:
        return render(request, "money/account.html", {"account": account}, status=503)
    here = request.build_absolute_uri()
    back = request.build_absolute_uri(reverse("paid"))
    try:
        url = payout_accounts.onboarding_url(account, client, return_url=back, refresh_url=here)
    except Exception as error:  # noqa: BLE001  (``trouble`` raises what is not the provider's)
        provider.trouble(error)
        return render(request, "money/account.html", {"account": account}, status=503)
    return redirect(url)


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, endpoint: str) -> HttpResponse:
    """``POST /stripe/webhook/{endpoint}``: keep what Stripe says; a job looks into it."""
    secret = settings.STRIPE_WEBHOOK_SECRETS.get(endpoint)
    if not secret:
        raise Http404
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal() or int(length) > BODY_MAX:
        return HttpResponse("Send at most a mebibyte, and say how much.", status=413)
    signature = request.headers.get("Stripe-Signature", "")
    try:
        webhooks.receive(request.body, signature, secret, now=timezone.now())
    except InvalidWebhook as error:
        return HttpResponse(str(error), status=400, content_type="text/plain")
    return HttpResponse(status=200)
