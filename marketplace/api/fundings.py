"""A requester's money in and out: deposits through the provider, and what goes back."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.auth import requester_of
from marketplace.api.fields import Text, WholeNumber
from marketplace.api.idempotency import once_per_key
from marketplace.api.projects import MINOR_MAX
from payments import fundings, provider, refunds
from payments.models import Funding, Refund
from payments.money import Money

CHECKOUT = signing.TimestampSigner(salt="checkout")


class FundingIn(serializers.Serializer[Any]):
    amount = WholeNumber(min_value=1, max_value=MINOR_MAX)
    currency = Text(max_length=3, default="USD")


class FundingOut(serializers.ModelSerializer[Funding]):
    amount = serializers.IntegerField(source="amount_minor")
    fee = serializers.IntegerField(
        source="fee_minor", help_text="What the provider took; the wallet gets the whole amount."
    )
    checkout_url = serializers.SerializerMethodField(
        help_text="Where to pay; null once it is over."
    )
    play_money = serializers.SerializerMethodField(help_text="Whether this is no real money.")

    class Meta:
        model = Funding
        fields = (
            "id",
            "status",
            "amount",
            "currency",
            "fee",
            "checkout_url",
            "play_money",
            "failure",
            "created_at",
            "paid_at",
        )

    def get_checkout_url(self, funding: Funding) -> str | None:
        if funding.status != Funding.Status.CREATED:
            return None
        path = reverse("checkout", args=[CHECKOUT.sign(str(funding.pk))])
        url: str = self.context["request"].build_absolute_uri(path)
        return url

    def get_play_money(self, funding: Funding) -> bool:
        return provider.is_play()


class RefundOut(serializers.ModelSerializer[Refund]):
    amount = serializers.IntegerField(source="amount_minor")
    currency = serializers.CharField(source="funding.currency")

    class Meta:
        model = Refund
        fields = (
            "id",
            "funding",
            "status",
            "amount",
            "currency",
            "failure",
            "requested_at",
            "settled_at",
        )


class Fundings(ListAPIView[Funding]):
    """Your deposits through the provider, newest first."""

    serializer_class = FundingOut

    def get_queryset(self) -> QuerySet[Funding]:
        return Funding.objects.filter(owner=requester_of(self.request))

    @extend_schema(operation_id="fund", request=FundingIn, responses={201: FundingOut})
    @once_per_key
    def post(self, request: Request) -> Response:
        """Start a deposit; pay it at ``checkout_url``. The key keeps a repeat from being two."""
        owner = requester_of(request)
        if "Idempotency-Key" not in request.headers:
            raise ValidationError(
                {"Idempotency-Key": "Name this deposit, so that it is made once."}
            )
        form = FundingIn(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        funding = fundings.start(
            owner_id=owner.pk,
            amount=Money(asked["amount"], asked["currency"]),
            return_url=request.build_absolute_uri(reverse("paid")),
            now=timezone.now(),
        )
        return Response(FundingOut(funding, context={"request": request}).data, status=201)


class OneFunding(APIView):
    """One deposit."""

    @extend_schema(operation_id="funding", responses=FundingOut)
    def get(self, request: Request, funding_id: int) -> Response:
        own = Funding.objects.filter(owner=requester_of(request))
        funding = get_object_or_404(own, pk=funding_id)
        return Response(FundingOut(funding, context={"request": request}).data)


class Withdrawals(ListAPIView[Refund]):
    """What went back from your wallet, newest first."""

    serializer_class = RefundOut

    def get_queryset(self) -> QuerySet[Refund]:
        own = Refund.objects.filter(funding__owner=requester_of(self.request))
        return own.select_related("funding")

    @extend_schema(
        operation_id="withdraw", request=FundingIn, responses={201: RefundOut(many=True)}
    )
    @once_per_key
    def post(self, request: Request) -> Response:
        """Send money of your wallet back to the payments it came from, the oldest first."""
        form = FundingIn(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        made = refunds.withdraw(
            owner_id=requester_of(request).pk,
            amount=Money(asked["amount"], asked["currency"]),
            now=timezone.now(),
        )
        return Response(RefundOut(made, many=True).data, status=201)
