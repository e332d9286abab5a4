"""Money as its owner sees it: wallet, earnings, payouts."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from marketplace.api.auth import requester_of, user_of, worker_of
from marketplace.api.fields import Text, WholeNumber
from marketplace.api.idempotency import once_per_key
from marketplace.api.projects import MINOR_MAX
from marketplace.api.shapes import PayoutOut, TransferOut
from payments import accounts, payouts, provider
from payments.models import Account, Payout, Transfer
from payments.money import Money
from tasks.compensation import topups

PAGE = [
    OpenApiParameter("currency", str, description="ISO 4217; USD if left out."),
    OpenApiParameter("limit", int, description="1 to 200."),
    OpenApiParameter("cursor", int, description="As the page before said in `next`."),
]


class StatementOut(serializers.Serializer[Any]):
    currency = serializers.CharField()
    balance = serializers.IntegerField()
    available = serializers.IntegerField()
    play_money = serializers.BooleanField(help_text="Whether this is no real money.")
    entries = TransferOut(many=True)
    next = serializers.URLField(allow_null=True, help_text="Older entries.")


class PageQuery(serializers.Serializer[Any]):
    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    cursor = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)


class PayoutIn(serializers.Serializer[Any]):
    amount = WholeNumber(min_value=1, max_value=MINOR_MAX)
    currency = Text(max_length=3, default="USD")


class Wallet(APIView):
    """What you have deposited and not yet given to a batch, with every movement."""

    @extend_schema(operation_id="wallet", parameters=PAGE, responses=StatementOut)
    def get(self, request: Request) -> Response:
        return _statement(request, accounts.wallet_of(requester_of(request).pk, _code(request)))


class Earnings(APIView):
    """What you have earned and not yet been paid out, with every movement."""

    @extend_schema(operation_id="earnings", parameters=PAGE, responses=StatementOut)
    def get(self, request: Request) -> Response:
        worker = worker_of(request)
        return _statement(request, accounts.earnings_of(worker.user_id, _code(request)))


class Payouts(ListAPIView[Payout]):
    """Your payouts, newest first."""

    serializer_class = PayoutOut

    def get_queryset(self) -> QuerySet[Payout]:
        return Payout.objects.filter(owner=user_of(self.request))

    @extend_schema(operation_id="request_payout", request=PayoutIn, responses={201: PayoutOut})
    @once_per_key
    def post(self, request: Request) -> Response:
        """Ask to be paid. It is sent at once if your account is ready, else once it is."""
        worker = worker_of(request)
        form = PayoutIn(data=request.data)
        form.is_valid(raise_exception=True)
        amount = Money(form.validated_data["amount"], form.validated_data["currency"])
        now = timezone.now()
        topups.top_up_worker(worker=worker, now=now)
        payout = payouts.request(owner_id=worker.user_id, amount=amount, now=now)
        if payouts.send(payout.pk, now=now):
            payout.refresh_from_db()
        return Response(PayoutOut(payout).data, status=201)


def _code(request: Request) -> str:
    return request.query_params.get("currency", "USD")


def _statement(request: Request, account: Account) -> Response:
    """One account's balance and a page of its movements, newest first.

    Paged by the ledger's own query: it reads both sides' indexes from the newest on, where a
    filter on either side would sort an old account's whole history.
    """
    form = PageQuery(data=request.query_params)
    form.is_valid(raise_exception=True)
    limit = form.validated_data["limit"]
    rows = list(
        Transfer.objects.page_of(
            account.pk, before=form.validated_data.get("cursor"), limit=limit + 1
        )
    )
    entries, more = rows[:limit], len(rows) > limit
    older = request.build_absolute_uri()
    return Response(
        {
            "currency": account.currency,
            "balance": account.balance.minor,
            "available": account.available.minor,
            "play_money": provider.is_play(),
            "entries": TransferOut(entries, many=True, context={"account_id": account.pk}).data,
            "next": replace_query_param(older, "cursor", entries[-1].pk) if more else None,
        }
    )
