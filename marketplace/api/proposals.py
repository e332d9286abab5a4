"""Votes of the workers: opened and cast by workers, read by everybody; and who was elected."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.auth import user_of, worker_of
from marketplace.api.fields import Flag, Text, WholeNumber
from marketplace.api.idempotency import once_per_key
from tasks.disclosure import figures
from workers import offices, proposals
from workers.errors import NotInOffice
from workers.membership import name_among_workers
from workers.models import Ballot, Office, Proposal, Worker


class ProposalIn(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=Proposal.Kind.choices)
    title = Text(max_length=200)
    text = Text(max_length=20_000)
    days = WholeNumber(min_value=7, max_value=60, default=14, help_text="Until the count.")


class BallotIn(serializers.Serializer[Any]):
    yes = Flag()


@extend_schema_field({"type": "string", "nullable": True})
class NameAmongWorkers(serializers.Field[Worker, Any, str, Any]):
    """A worker, under the name that workers know them by."""

    def to_representation(self, value: Worker) -> str:
        return name_among_workers(value)


class ProposalOut(serializers.ModelSerializer[Proposal]):
    text = serializers.CharField()
    candidate = NameAmongWorkers(read_only=True)

    class Meta:
        model = Proposal
        fields = [
            "id", "kind", "title", "text", "candidate", "opened_at", "closes_at", "yes", "no",
            "outcome", "counted_at",
        ]  # fmt: skip


class BallotOut(serializers.ModelSerializer[Ballot]):
    proposal = serializers.IntegerField(source="proposal_id")
    yes = serializers.BooleanField(source="is_yes")

    class Meta:
        model = Ballot
        fields = ["proposal", "yes", "cast_at"]


class OfficeOut(serializers.ModelSerializer[Office]):
    holder = NameAmongWorkers(source="worker", read_only=True)
    proposal = serializers.IntegerField(source="proposal_id")

    class Meta:
        model = Office
        fields = ["kind", "holder", "proposal", "since", "until"]


class PublicProposals(ListAPIView[Proposal]):
    """All proposals and what came of them, newest first; without an account."""

    permission_classes = [AllowAny]
    serializer_class = ProposalOut
    queryset = Proposal.objects.select_related("candidate")


class PublicProposal(RetrieveAPIView[Proposal]):
    """One proposal; without an account."""

    permission_classes = [AllowAny]
    serializer_class = ProposalOut
    lookup_url_kwarg = "proposal_id"
    queryset = Proposal.objects.select_related("candidate")


class Propose(APIView):
    """Open a vote. An election is your own candidacy."""

    @extend_schema(operation_id="propose", request=ProposalIn, responses={201: ProposalOut})
    @once_per_key
    def post(self, request: Request) -> Response:
        user = user_of(request)
        if not user.is_staff:
            worker_of(request)
        form = ProposalIn(data=request.data)
        form.is_valid(raise_exception=True)
        asked = dict(form.validated_data)
        days = asked.pop("days")
        made = proposals.propose(
            proposed_by=user, open_for=timedelta(days=days), now=timezone.now(), **asked
        )
        return Response(ProposalOut(made).data, status=201)


class Vote(APIView):
    """Cast your ballot. It is your only one, and cannot be changed."""

    @extend_schema(operation_id="vote_on_proposal", request=BallotIn, responses={201: BallotOut})
    @once_per_key
    def post(self, request: Request, proposal_id: int) -> Response:
        voter = worker_of(request)
        meant = get_object_or_404(Proposal, pk=proposal_id)
        form = BallotIn(data=request.data)
        form.is_valid(raise_exception=True)
        ballot = proposals.vote(
            proposal=meant,
            voter=voter,
            is_yes=form.validated_data["yes"],
            now=timezone.now(),
        )
        return Response(BallotOut(ballot).data, status=201)


class PublicOffices(ListAPIView[Office]):
    """Who was elected to what, and until when; without an account."""

    permission_classes = [AllowAny]
    serializer_class = OfficeOut

    def get_queryset(self) -> QuerySet[Office]:
        return offices.current(now=timezone.now())


class RegionOut(serializers.Serializer[Any]):
    country = serializers.CharField(help_text="Empty: all others together.")
    workers = serializers.IntegerField()
    hours = serializers.FloatField(help_text="Worked, as measured.")
    answers = serializers.IntegerField()
    rejected = serializers.IntegerField(help_text="Refused for good.")
    appeals = serializers.IntegerField()
    overturned = serializers.IntegerField()


class FiguresOut(serializers.Serializer[Any]):
    days = serializers.IntegerField()
    least_workers = serializers.IntegerField(help_text="Smaller groups are not shown.")
    regions = RegionOut(many=True)


class Figures(APIView):
    """What representatives see of all workers: sums, and none over fewer than ten of them."""

    @extend_schema(operation_id="figures_for_representatives", responses={200: FiguresOut})
    def get(self, request: Request) -> Response:
        worker, now = user_of(request).worker_or_none, timezone.now()
        # Whoever is not in office is told the same, worker or not.
        if worker is None:
            raise NotInOffice
        offices.check_holds(worker, Office.Kind.REPRESENTATIVE, now=now)
        told = {
            "days": figures.WINDOW.days,
            "least_workers": figures.LEAST,
            "regions": figures.by_region(now=now),
        }
        return Response(FiguresOut(told).data)
