"""The index by which redundancy finds the answers since its last look; built beside running claims."""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tasks", "0003_quality")]
    operations = [
        AddIndexConcurrently(
            model_name="assignment",
            index=models.Index(
                condition=models.Q(("submitted_at__isnull", False)),
                fields=["batch", "submitted_at"],
                name="assignment_submitted",
            ),
        ),
    ]
