"""The environments of the runbook, as they are where `drill.toml` says nothing of them."""

from __future__ import annotations

from typing import Any

ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "scratch": {"role": "scratch"},
    "staging": {
        "role": "staging",
        "memory_mb": 512,
        "disk_mb": 5 * 1024,
        "backups": [{"every": "weekly", "keep_days": 7}],
        "objectives": {"data_loss_s": 7 * 86_400},
    },
    "production": {
        "role": "production",
        "memory_mb": 1024,
        "disk_mb": 10 * 1024,
        "backups": [
            {"every": "daily", "at": "02:00", "keep_days": 7},
            {"every": "weekly", "keep_days": 28},
        ],
    },
}
