"""What is asked, of whom, and what they answered.

``Project`` (what to ask) → ``Batch`` (price and overlap of one publication) →
``Task`` (one question) → ``Assignment`` (one worker's go at it, with the answer).
"""

from __future__ import annotations

from tasks.models.assignment import Answer, Assignment
from tasks.models.batch import Batch
from tasks.models.cursor import Cursor
from tasks.models.hearing import Appeal, Juror, Rejection
from tasks.models.pay import Return, TopUp, Wage
from tasks.models.prediction import Prediction, Predictor
from tasks.models.project import Project, ProjectVersion
from tasks.models.record import Forecast, Provenance
from tasks.models.reputation import Rating, RequesterRecord
from tasks.models.restriction import Flag, Restriction
from tasks.models.result import Consensus, Progress, Report
from tasks.models.review import Review
from tasks.models.task import Gold, Task, TaskInput

__all__ = [
    "Answer",
    "Appeal",
    "Assignment",
    "Batch",
    "Consensus",
    "Cursor",
    "Flag",
    "Forecast",
    "Gold",
    "Juror",
    "Prediction",
    "Predictor",
    "Progress",
    "Project",
    "ProjectVersion",
    "Provenance",
    "Rating",
    "Rejection",
    "Report",
    "RequesterRecord",
    "Restriction",
    "Return",
    "Review",
    "Task",
    "TaskInput",
    "TopUp",
    "Wage",
]
