"""What is asked, of whom, and what they answered.

``Project`` (what to ask) → ``Batch`` (price and overlap of one publication) →
``Task`` (one question) → ``Assignment`` (one worker's go at it, with the answer).
"""

from __future__ import annotations

from tasks.models.assignment import Answer, Assignment
from tasks.models.batch import Batch
from tasks.models.cursor import Cursor
from tasks.models.prediction import Prediction, Predictor
from tasks.models.project import Project, ProjectVersion
from tasks.models.record import Forecast, Provenance
from tasks.models.restriction import Flag, Restriction
from tasks.models.result import Consensus, Progress, Report
from tasks.models.review import Review
from tasks.models.task import Gold, Task, TaskInput

__all__ = [
    "Answer",
    "Assignment",
    "Batch",
    "Consensus",
    "Cursor",
    "Flag",
    "Forecast",
    "Gold",
    "Prediction",
    "Predictor",
    "Progress",
    "Project",
    "ProjectVersion",
    "Provenance",
    "Report",
    "Restriction",
    "Review",
    "Task",
    "TaskInput",
]
