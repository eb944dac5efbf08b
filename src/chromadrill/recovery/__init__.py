"""The runbook's procedures that bring a target back."""
