"""What a server's log says: known patterns, each with its step of the runbook."""
