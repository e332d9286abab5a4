from __future__ import annotations

from django.urls import path, register_converter

from marketplace.api import (
    assignments,
    batches,
    people,
    predictions,
    projects,
    results,
    reviews,
    wallet,
    work,
)
from marketplace.converters import IdConverter

register_converter(IdConverter, "id")

urlpatterns = [
    # What is asked, by requesters
    path("projects", projects.Projects.as_view()),
    path("projects/<id:project_id>", projects.OneProject.as_view()),
    path("projects/<id:project_id>/versions", projects.Versions.as_view()),
    path("projects/<id:project_id>/batches", projects.ProjectBatches.as_view()),
    # Filling, pricing and running a batch
    path("batches", batches.Batches.as_view()),
    path("batches/<id:batch_id>", batches.OneBatch.as_view()),
    path("batches/<id:batch_id>/tasks", batches.Tasks.as_view()),
    path("batches/<id:batch_id>/quote", batches.Quote.as_view()),
    path("batches/<id:batch_id>/publish", batches.Publish.as_view()),
    path("batches/<id:batch_id>/pause", batches.Pause.as_view()),
    path("batches/<id:batch_id>/resume", batches.Resume.as_view()),
    path("batches/<id:batch_id>/close", batches.Close.as_view()),
    path("batches/<id:batch_id>/budget", batches.Budget.as_view()),
    path("batches/<id:batch_id>/qualifications", batches.Qualifications.as_view()),
    # Models
    path("projects/<id:project_id>/predictors", predictions.Predictors.as_view()),
    path("batches/<id:batch_id>/predictions", predictions.Predictions.as_view()),
    path("batches/<id:batch_id>/order", predictions.Order.as_view()),
    path("batches/<id:batch_id>/model", predictions.Model.as_view()),
    # What came of it
    path("batches/<id:batch_id>/results", results.Results.as_view()),
    path("batches/<id:batch_id>/report", results.Report.as_view()),
    path("batches/<id:batch_id>/answers", results.Answers.as_view()),
    path("batches/<id:batch_id>/workers", results.Workers.as_view()),
    # Decisions on answers
    path("batches/<id:batch_id>/accept", reviews.AcceptBatch.as_view()),
    path("assignments/<id:assignment_id>/accept", reviews.Accept.as_view()),
    path("assignments/<id:assignment_id>/reject", reviews.Reject.as_view()),
    path("assignments/<id:assignment_id>/bonus", reviews.Bonus.as_view()),
    # Who may work for a requester
    path("qualifications", people.QualificationTypes.as_view()),
    path("qualifications/<id:type_id>/grant", people.Grant.as_view()),
    path("qualifications/<id:type_id>/revoke", people.Revoke.as_view()),
    path("blocks", people.Blocks.as_view()),
    path("blocks/lift", people.LiftBlock.as_view()),
    # Working
    path("work", work.Work.as_view()),
    path("batches/<id:batch_id>/claim", assignments.Claim.as_view()),
    path("assignments", work.Held.as_view()),
    path("assignments/<id:assignment_id>/submit", assignments.Submit.as_view()),
    path("assignments/<id:assignment_id>/skip", assignments.SkipAssignment.as_view()),
    # Money
    path("wallet", wallet.Wallet.as_view()),
    path("earnings", wallet.Earnings.as_view()),
    path("payouts", wallet.Payouts.as_view()),
]
