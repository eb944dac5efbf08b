"""The append-only ledger of a run, and the record distilled from it."""
