"""The account a worker is paid to: opened here, completed at the provider."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.auth import worker_of
from marketplace.api.fields import Text
from marketplace.api.idempotency import once_per_key
from payments import payout_accounts, provider
from payments.models import ConnectedAccount

ONBOARDING = signing.TimestampSigner(salt="onboarding")


class PayoutAccountOut(serializers.Serializer[Any]):
    ready = serializers.BooleanField(help_text="Whether money can be sent there.")
    transfers_status = serializers.CharField()
    payouts_status = serializers.CharField()
    requirements = serializers.ListField(
        child=serializers.CharField(), help_text="What the provider still asks for."
    )
    play_money = serializers.BooleanField(help_text="Whether this is no real money.")


class LinkIn(serializers.Serializer[Any]):
    country = Text(
        max_length=2, default="", help_text="ISO 3166; the one of your profile if left out."
    )


class LinkOut(serializers.Serializer[Any]):
    url = serializers.URLField(help_text="Open it in a browser; it works for a day.")


class PayoutAccount(APIView):
    """Where you are paid to, and what is missing."""

    @extend_schema(operation_id="payout_account", responses=PayoutAccountOut)
    def get(self, request: Request) -> Response:
        worker = worker_of(request)
        account = ConnectedAccount.objects.filter(owner=worker.user_id).first()
        return Response(
            {
                "ready": bool(account and account.is_ready),
                "transfers_status": account.transfers_status if account else "none",
                "payouts_status": account.payouts_status if account else "none",
                "requirements": account.requirements if account else [],
                "play_money": provider.is_play(),
            }
        )


class PayoutAccountLink(APIView):
    """Get a page on which you give the provider what it needs to pay you. It stays there."""

    @extend_schema(operation_id="payout_account_link", request=LinkIn, responses={201: LinkOut})
    @once_per_key
    def post(self, request: Request) -> Response:
        worker = worker_of(request)
        form = LinkIn(data=request.data)
        form.is_valid(raise_exception=True)
        country = form.validated_data["country"] or worker.country
        if len(country) != 2 or not country.isupper():  # noqa: PLR2004  (ISO 3166)
            raise ValidationError({"country": 'Give two capitals, such as "US".'})
        account = payout_accounts.open_account(
            owner_id=worker.user_id, country=country, now=timezone.now()
        )
        path = reverse("onboarding", args=[ONBOARDING.sign(str(account.pk))])
        return Response({"url": request.build_absolute_uri(path)}, status=201)
