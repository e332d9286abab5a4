from __future__ import annotations

from django.urls import path, register_converter

from marketplace.api import (
    assignments,
    batches,
    cards,
    forecasts,
    fundings,
    gold,
    payout_account,
    people,
    predictions,
    projects,
    provenance,
    ratings,
    results,
    review_queue,
    reviews,
    standing,
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
    path("batches/<id:batch_id>/forecast", forecasts.MakeForecast.as_view()),
    path("batches/<id:batch_id>/forecasts", forecasts.Forecasts.as_view()),
    path("forecasts/record", forecasts.ForecastRecord.as_view()),
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
    path("batches/<id:batch_id>/provenance", provenance.Provenance.as_view()),
    path("batches/<id:batch_id>/card", cards.Card.as_view()),
    # Decisions on answers
    path("batches/<id:batch_id>/accept", reviews.AcceptBatch.as_view()),
    path("assignments/<id:assignment_id>/accept", reviews.Accept.as_view()),
    path("assignments/<id:assignment_id>/reject", reviews.Reject.as_view()),
    path("assignments/<id:assignment_id>/bonus", reviews.Bonus.as_view()),
    # Doubtful tasks, and gold
    path("batches/<id:batch_id>/reviews", review_queue.Reviews.as_view()),
    path("batches/<id:batch_id>/experts", review_queue.Experts.as_view()),
    path("reviews/<id:review_id>/accept", review_queue.Accept.as_view()),
    path("reviews/<id:review_id>/fix", review_queue.Fix.as_view()),
    path("reviews/<id:review_id>/send_back", review_queue.SendBack.as_view()),
    path("tasks/<id:task_id>/reviews", review_queue.TaskReviews.as_view()),
    path("batches/<id:batch_id>/gold", gold.GoldOfBatch.as_view()),
    path("batches/<id:batch_id>/gold/promote", gold.Promote.as_view()),
    path("gold/<id:task_id>/retire", gold.Retire.as_view()),
    # What follows from a worker's record
    path("standing", standing.Standing.as_view()),
    path("batches/<id:batch_id>/rules", standing.Rules.as_view()),
    path("batches/<id:batch_id>/restrictions", standing.Restrictions.as_view()),
    path("restrictions/<id:restriction_id>/lift", standing.Lift.as_view()),
    path("restrictions/<id:restriction_id>/appeal", standing.Appeal.as_view()),
    path("flags", standing.Flags.as_view()),
    path("flags/<id:flag_id>/dismiss", standing.Dismiss.as_view()),
    path("flags/<id:flag_id>/uphold", standing.Uphold.as_view()),
    # Who may work for a requester
    path("qualifications", people.QualificationTypes.as_view()),
    path("qualifications/<id:type_id>/grant", people.Grant.as_view()),
    path("qualifications/<id:type_id>/revoke", people.Revoke.as_view()),
    path("blocks", people.Blocks.as_view()),
    path("blocks/lift", people.LiftBlock.as_view()),
    # Working
    path("work", work.Work.as_view()),
    path("batches/<id:batch_id>/offer", work.Offer.as_view()),
    path("batches/<id:batch_id>/claim", assignments.Claim.as_view()),
    path("assignments", work.Held.as_view()),
    path("assignments/<id:assignment_id>/submit", assignments.Submit.as_view()),
    path("assignments/<id:assignment_id>/skip", assignments.SkipAssignment.as_view()),
    # What workers say of requesters
    path("batches/<id:batch_id>/rating", ratings.Rate.as_view()),
    path("requesters/<id:requester_id>/ratings", ratings.Ratings.as_view()),
    path("ratings/<id:rating_id>/reply", ratings.Reply.as_view()),
    # Money
    path("wallet", wallet.Wallet.as_view()),
    path("earnings", wallet.Earnings.as_view()),
    path("payouts", wallet.Payouts.as_view()),
    path("payout-account", payout_account.PayoutAccount.as_view()),
    path("payout-account/link", payout_account.PayoutAccountLink.as_view()),
    path("fundings", fundings.Fundings.as_view()),
    path("fundings/<id:funding_id>", fundings.OneFunding.as_view()),
    path("wallet/withdrawals", fundings.Withdrawals.as_view()),
]
