"""How the hot tables are stored: room on each page for updates in place, and eager vacuuming."""

from __future__ import annotations

from django.db import migrations

EAGER = "autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0"


def storage(table: str, fillfactor: int) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"ALTER TABLE {table} SET (fillfactor = {fillfactor}, {EAGER})",
        f"ALTER TABLE {table} RESET (fillfactor, autovacuum_vacuum_scale_factor,"
        " autovacuum_vacuum_cost_delay)",
    )


class Migration(migrations.Migration):
    dependencies = [("tasks", "0001_initial")]
    operations = [
        storage("tasks_task", 80),
        storage("tasks_assignment", 85),
        storage("tasks_cursor", 30),
    ]
