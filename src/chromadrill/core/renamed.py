"""Names of earlier versions: typed ones are refused with the new name, those in files are read."""

from __future__ import annotations

# ---- typed: refused -----------------------------------------------------------------------------
OPTIONS = {"--incident": "--break-glass", "--proven": "--drill-run", "--sweep": "--clean-up"}
OPS_ACTIONS = {"sweep": "ops clean-up", "posture": "chromadrill posture"}
# table -> old key -> new key
SETTINGS = {
    "drill": {
        "expected_min": "min_records",
        "trend_fails": "fail_on_trend",
        "tries": "hot_copy_attempts",
    },
    "monitoring": {"failures": "failures_to_alert", "records_min": "min_records"},
}

# ---- in files: read -----------------------------------------------------------------------------
BACKUP_METHODS = {"volume copy": "volume-copy"}
LEDGER_EVENTS = {"strike": "fault injected", "sights": "probe results"}
