"""Settings: what may be set (`schema`), where it comes from (`loading`), what fits (`validation`)."""

from chromadrill.core.settings.loading import load
from chromadrill.core.settings.schema import (
    BackupPlan,
    BackupTable,
    Betterstack,
    Compat,
    Contacts,
    Container,
    DrillTable,
    Embedding,
    Environment,
    Evidence,
    Forecast,
    Monitoring,
    Notify,
    Objectives,
    Questions,
    Remediation,
    Settings,
    TargetTable,
)
from chromadrill.core.settings.source_table import Source, SourceTable

__all__ = [
    "BackupPlan",
    "BackupTable",
    "Betterstack",
    "Compat",
    "Contacts",
    "Container",
    "DrillTable",
    "Embedding",
    "Environment",
    "Evidence",
    "Forecast",
    "Monitoring",
    "Notify",
    "Objectives",
    "Questions",
    "Remediation",
    "Settings",
    "Source",
    "SourceTable",
    "TargetTable",
    "load",
]
